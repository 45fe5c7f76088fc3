"""Vectors for texts: chooses the model, retries and waits.

`endpoint` makes the request; `gate` holds what all workers share.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from documents.embeddings import gate
from documents.exceptions import (
    EmbeddingDown,
    EmbeddingRateLimited,
    EmbeddingUnavailable,
    EmbeddingUnreadable,
    EmbeddingWait,
)
from documents.extraction.tokens import estimate_tokens
from documents.models import EmbeddingSpace
from documents.spaces import of_settings
from tasks.exceptions import Fenced, StepError

Vector = NDArray[np.float32]
Vectors = NDArray[np.float32]  # a row for each text
TRIES = 4
BACKOFF_SECONDS = 0.5  # doubles, with full jitter
PATIENCE_SECONDS = 6  # after so long the caller has to retry
QUERY_SECONDS = 20  # a person waits
LOOK_SECONDS = 0.25  # how often `should_stop` is asked while waiting
ANY_DIMENSIONS = 0  # of a space: whatever its endpoint returns


def embed_passages(
    texts: Sequence[str],
    *,
    space: EmbeddingSpace | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    spent: Callable[[int], object] = lambda tokens: None,
) -> Vectors:
    """One row of finite floats per text, in order: (texts, dimensions). Retries transient errors.

    The default `space` is that of the settings. `spent` is called with the tokens of each answer.
    Raises an `Embedding…` error of documents.exceptions, an `EmbeddingWait` if the endpoint must
    not be asked now; Fenced soon after `should_stop` returns True.
    """
    space = space or of_settings()
    return _Call(
        space,
        space.passage_model,
        [space.passage_prefix + text for text in texts],
        tries=TRIES,
        seconds=settings.EMBEDDING_TIMEOUT_SECONDS,
        should_stop=should_stop,
        spent=spent,
    ).run()


def embed_query(
    text: str,
    *,
    space: EmbeddingSpace | None = None,
    spent: Callable[[int], object] = lambda tokens: None,
) -> Vector:
    """The vector of a question. Tried only twice, because a person waits."""
    space = space or of_settings()
    texts = [space.query_prefix + text]
    seconds = min(QUERY_SECONDS, settings.EMBEDDING_TIMEOUT_SECONDS)
    call = _Call(
        space, space.query_model, texts, tries=2, seconds=seconds, urgent=True, spent=spent
    )
    return call.run()[0]  # type: ignore[no-any-return] # a row


def may_be_asked(space: EmbeddingSpace) -> bool:
    """Whether passages may be sent to the space's endpoint now. If it was down, it is asked, at
    most as often as `gate` allows; that takes up to PROBE_SECONDS."""
    entry = gate.look(endpoint=space.url)
    if entry.verdict == "probe":
        return _Call(space, space.passage_model, [], tries=1, seconds=0).is_back(entry.began)
    return entry.verdict == "go"


def warm_up() -> None:
    """Import the client now rather than for the first text."""
    _endpoint()


def _endpoint() -> ModuleType:
    return import_module("documents.embeddings.endpoint")


@dataclass
class _Call:
    space: EmbeddingSpace
    model: str
    texts: Sequence[str]
    tries: int
    seconds: float  # for one request
    urgent: bool = False
    should_stop: Callable[[], bool] = lambda: False
    spent: Callable[[int], object] = lambda tokens: None
    _patient_until: float = field(init=False)

    def __post_init__(self) -> None:
        self._patient_until = time.monotonic() + PATIENCE_SECONDS

    def run(self) -> Vectors:
        failures = 0
        while True:
            try:
                return self._ask()
            except EmbeddingRateLimited as error:
                together = random.uniform(0, LOOK_SECONDS)  # noqa: S311 - not all at once
                self._wait_or_raise((error.retry_after or 0) + together, error)
            except EmbeddingUnavailable as error:
                failures += 1
                if failures == self.tries or error.retry_after:
                    raise
                longest = min(gate.SHORT_SECONDS, BACKOFF_SECONDS * 2**failures)
                self._wait_or_raise(random.uniform(0, longest), error)  # noqa: S311

    def is_back(self, began: int) -> bool:
        """Whether a probe is answered."""
        try:
            self._probe(began)
        except (EmbeddingWait, EmbeddingUnreadable):
            return False
        return True

    def _ask(self) -> Vectors:
        began = self._enter()
        try:
            vectors = self._request(self.model, self.texts, self.seconds, self.spent)
        except (EmbeddingUnavailable, EmbeddingUnreadable) as error:
            self._failed(error)
            raise
        except EmbeddingRateLimited:
            raise
        except StepError:  # an error, but the endpoint has answered
            gate.answered(began, endpoint=self.space.url)
            raise
        gate.answered(began, endpoint=self.space.url)
        return vectors

    def _enter(self) -> int:
        """Wait until the gate lets us in; returns when that was, by Valkey's clock."""
        tokens = self._tokens()
        paid = False
        while True:
            entry = gate.enter(
                tokens=tokens, paid=paid, urgent=self.urgent, endpoint=self.space.url
            )
            match entry.verdict:
                case "go" if entry.seconds <= 0:
                    return entry.began
                case "go":
                    paid = True
                    self._wait(entry.seconds)
                case "probe":
                    self._probe(entry.began)
                case "wait":
                    raise EmbeddingRateLimited(retry_after=entry.seconds)
                case "down":
                    raise EmbeddingDown(retry_after=entry.seconds)

    def _tokens(self) -> int:
        if not settings.EMBEDDING_TOKENS_PER_MINUTE:
            return 0
        return sum(map(estimate_tokens, self.texts))

    def _request(
        self,
        model: str,
        texts: Sequence[str],
        seconds: float,
        spent: Callable[[int], object] = lambda tokens: None,
    ) -> Vectors:
        ask, stop = _endpoint().request, self.should_stop
        try:
            vectors: Vectors = ask(
                self.space, model, texts, seconds=seconds, should_stop=stop, spent=spent
            )
        except EmbeddingRateLimited as error:
            hold = gate.limited(error.retry_after, endpoint=self.space.url)
            raise EmbeddingRateLimited(retry_after=hold) from error
        return vectors

    def _failed(self, error: EmbeddingUnavailable | EmbeddingUnreadable) -> None:
        """Report it to the gate. Raises EmbeddingDown if not only this request failed."""
        verdict = gate.failed(endpoint=self.space.url)
        if verdict == "probe":
            self._probe(0)
        elif verdict != "closed" and isinstance(error, EmbeddingUnavailable):
            raise EmbeddingDown(retry_after=verdict) from error

    def _probe(self, began: int) -> None:
        """Probe with a text of our own, so that no document's text can keep the breaker open.

        Raises EmbeddingDown if there is no answer.
        """
        try:
            self._request(self.space.passage_model, [gate.PROBE], gate.PROBE_SECONDS)
        except EmbeddingUnavailable as error:
            raise EmbeddingDown(retry_after=gate.probe_failed(endpoint=self.space.url)) from error
        except EmbeddingUnreadable:
            gate.probe_failed(endpoint=self.space.url)
            raise
        except EmbeddingRateLimited:
            raise
        except StepError:
            gate.answered(began, endpoint=self.space.url)
        else:
            gate.answered(began, endpoint=self.space.url)

    def _wait_or_raise(self, seconds: float, error: StepError) -> None:
        if seconds > gate.SHORT_SECONDS or time.monotonic() + seconds > self._patient_until:
            raise error
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        """Wait, asking `should_stop` now and then."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            if self.should_stop():
                raise Fenced
            time.sleep(min(left, LOOK_SECONDS))
