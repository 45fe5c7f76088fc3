"""Documents, their text and their chunks, and what is kept so that nothing is paid for twice."""

from documents.models.chunk import (
    Chunk,
    ChunkVector,
    Draft,
    Passage,
    no_words,
)
from documents.models.document import (
    Document,
    DocumentStatus,
    Extraction,
    ScannedPage,
    storage_path,
)
from documents.models.space import (
    EmbeddingSpace,
    KeptVector,
)
from documents.models.usage import (
    Usage,
)

__all__ = [
    "Chunk",
    "ChunkVector",
    "Document",
    "DocumentStatus",
    "Draft",
    "EmbeddingSpace",
    "Extraction",
    "KeptVector",
    "Passage",
    "ScannedPage",
    "Usage",
    "no_words",
    "storage_path",
]
