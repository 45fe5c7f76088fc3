"""What paused steps wait for here: an embedding endpoint, or tokens of an owner's day."""

from documents import usage
from documents.embeddings import client as embeddings
from documents.models import EmbeddingSpace
from tasks import waits

# Then each looks for itself: only if no sweeper has run for so long. A 429 may ask for an hour.
LONGEST_SECONDS = 7200
_ENDPOINT, _TOKENS = "endpoint", "tokens"


def for_endpoint(space: EmbeddingSpace) -> str:
    """What a step waits for while this space's endpoint must not be asked."""
    return f"{_ENDPOINT}:{space.pk}"


def for_tokens(owner_id: int) -> str:
    """What a step waits for while this owner has no tokens left today."""
    return f"{_TOKENS}:{owner_id}"


def register() -> None:
    waits.register(_ENDPOINT, _may_be_asked)
    waits.register(_TOKENS, lambda owner_id: usage.has_tokens(int(owner_id)))


def _may_be_asked(space_id: str) -> bool:
    space = EmbeddingSpace.objects.filter(pk=space_id).first()
    return space is None or embeddings.may_be_asked(space)
