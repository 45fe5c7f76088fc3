"""Switches from one embedding space to another: a pipeline over all chunks at once."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy

from documents import graphs, spaces
from documents.embeddings import client as embeddings
from documents.embeddings.client import ANY_DIMENSIONS
from documents.exceptions import SpaceInUse, SwitchRunning
from documents.models import ChunkVector, EmbeddingSpace
from documents.spaces import State
from documents.steps import reembed
from tasks import services as task_services
from tasks.exceptions import SubjectGone
from tasks.models import Lane, Status, Task
from tasks.pipelines import Pipeline, Step, StepResult, StepRun

PROBE = "Is anybody there?"


def embed_again(run: StepRun) -> StepResult:
    return StepResult(details={"processed_chunks": _embed(run)})


def switch(run: StepRun) -> StepResult:
    _embed(run)  # what was stored since
    return StepResult(save=partial(reembed.switch, _space(run)))


def remove(run: StepRun) -> StepResult:
    removed = reembed.remove_retired(report=run.report, seconds_left=run.seconds_left)
    return StepResult(details={"removed_vectors": removed})


def _embed(run: StepRun) -> int:
    def report(done: int, total: int) -> None:
        run.report(done, total, processed_chunks=done, total_chunks=total)

    return reembed.embed_chunks(
        _space(run), run.options["payer"], report=report, seconds_left=run.seconds_left,
        should_stop=run.stopped,
    )  # fmt: skip


def _space(run: StepRun) -> EmbeddingSpace:
    space = EmbeddingSpace.objects.filter(pk=run.options["space"]).first()
    if space is None:
        raise SubjectGone  # the switch was given up, and its task retried afterwards
    return space


def _settle(_subject: UUID, _status: str, _code: str | None, _message: str | None) -> None:
    """Nothing to do: the task has no document."""


EMBEDDINGS = Pipeline(
    name="embeddings",
    celery_name="switch_embeddings",
    steps=(
        Step("REEMBEDDING", gettext_lazy("Embedding again"), "embed_again", embed_again, 90),
        Step("SPACE_SWITCH", gettext_lazy("Switch of search"), "switch_space", switch, 5),
        Step("VECTOR_REMOVAL", gettext_lazy("Removal of old vectors"), "remove_vectors", remove, 5),
    ),
    settle=_settle,
)


def start(wanted: EmbeddingSpace, *, owner_id: int) -> Task:
    """Start or continue to fill the space `wanted`, as a task of that user.

    The endpoint is tried first. Raises an `Embedding…` error if it does not return such vectors,
    SpaceInUse or SwitchRunning.
    """
    if _same(spaces.active(), wanted):
        raise SpaceInUse
    _try(wanted)
    begun = spaces.building()
    if begun and not _same(begun, wanted):
        _give_up(begun)
    with transaction.atomic():
        spaces.lock()
        begun = spaces.building()
        if begun and (_is_live(begun) or not _same(begun, wanted)):
            raise SwitchRunning(model=begun.passage_model)
        return _go_on(begun or _begun(wanted), owner_id)


def _begun(wanted: EmbeddingSpace) -> EmbeddingSpace:
    wanted.state = State.BUILDING
    wanted.save()
    return wanted


def measured(wanted: EmbeddingSpace) -> int:
    """The number of dimensions its endpoint returns. Raises an `Embedding…` error."""
    wanted.dimensions = ANY_DIMENSIONS
    return len(embeddings.embed_query(PROBE, space=wanted))


def cancel() -> bool:
    """Cancel a switch that has not happened yet and delete its vectors; False if there is none.

    Raises WrongState if it happens at this moment.
    """
    begun = spaces.building()
    if begun is None:
        return False
    if begun.task and begun.task.is_live:
        task_services.cancel(begun.task.pk)
    _give_up(begun)
    return True


def _give_up(space: EmbeddingSpace) -> None:
    """Delete a space that is being filled. Raises SwitchRunning while its task is live."""
    with transaction.atomic():
        spaces.lock()
        space = EmbeddingSpace.objects.select_related("task").get(pk=space.pk)
        if space.state != State.BUILDING or _is_live(space):
            raise SwitchRunning(model=space.passage_model)
        EmbeddingSpace.objects.filter(pk=space.pk).delete()  # so that nothing is added any more
    graphs.drop(space)
    ChunkVector.objects.filter(space_id=space.pk).delete()


def _go_on(space: EmbeddingSpace, owner_id: int) -> Task:
    if space.task and space.task.status in (Status.FAILED, Status.CANCELLED):
        return task_services.retry(space.task.pk, by_id=owner_id)
    space.task = task_services.start(
        pipeline=EMBEDDINGS.name, owner_id=owner_id, document_id=None, lane=Lane.BULK,
        options={"space": space.pk, "payer": owner_id}, by_id=owner_id,
    )  # fmt: skip
    space.save(update_fields=["task"])
    return space.task


def _is_live(space: EmbeddingSpace) -> bool:
    return space.task is not None and space.task.is_live


def _same(one: EmbeddingSpace, other: EmbeddingSpace) -> bool:
    return spaces.are_alike(one, other) and one.base_url == other.base_url


def _try(wanted: EmbeddingSpace) -> None:
    """Try both models, so that a mistake is found before anything changes."""
    embeddings.embed_passages([PROBE], space=wanted)
    embeddings.embed_query(PROBE, space=wanted)
