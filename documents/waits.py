"""What paused steps wait for, by name, and whether it is there again."""

from documents import usage
from documents.embeddings import client as embeddings
from documents.models import EmbeddingSpace

LONGEST_SECONDS = 3600  # then each looks for itself: only if no sweeper has run for so long


def for_endpoint(space: EmbeddingSpace) -> str:
    """The name of this space's endpoint."""
    return f"endpoint:{space.pk}"


def for_tokens(owner_id: int) -> str:
    """The name of this owner's daily tokens."""
    return f"tokens:{owner_id}"


def is_there(name: str) -> bool:
    """Whether the steps that wait for it can go on. Asks an endpoint that was down."""
    kind, _, key = name.partition(":")
    match kind:
        case "endpoint":
            return _answers(int(key))
        case "tokens":
            return usage.has_tokens(int(key))
    return False  # of a newer version


def _answers(space_id: int) -> bool:
    space = EmbeddingSpace.objects.filter(pk=space_id).first()
    return space is None or embeddings.answers(space)
