"""How many chunks a search covers, which decides how it looks for them."""

from dataclasses import dataclass

from django.db import connection

from documents.graphs import EXACT_UP_TO
from documents.models import Chunk, Document, EmbeddingSpace
from documents.search.scope import Scope

WORDS_EXACT_UP_TO = 2_000  # chunks are compared one by one with words
# The index of words holds everybody's chunks, so what it reads grows with them: so many chunks of
# others cost as much as one of the owner's.
OTHERS_SHARE = 10
# Raw SQL, since every search runs it: Django takes longer to compile it than Postgres to answer.
_ASKED = f"""
    SELECT space.*, searched.chunks, searched.languages, searched.everybodys
    FROM {EmbeddingSpace._meta.db_table} space, (
        SELECT sum(chunks)::bigint AS chunks, array_agg(language) AS languages, (
            SELECT reltuples FROM pg_class WHERE oid = '{Chunk._meta.db_table}'::regclass
        ) AS everybodys FROM (
            SELECT language, sum(chunk_count) AS chunks FROM {Document._meta.db_table}
            WHERE {{among}} GROUP BY language
        ) of_language
    ) searched
    WHERE state = 'ACTIVE' AND searched.chunks > 0
"""  # noqa: S608 - names and conditions of our own


@dataclass(frozen=True)
class Extent:
    space: EmbeddingSpace
    chunks: int  # of the documents that are searched
    languages: frozenset[str]  # of theirs
    everybodys: float  # of all owners, as Postgres estimates

    @property
    def compares_vectors(self) -> bool:
        """Whether to compare all vectors; otherwise the graph is used."""
        return self.chunks <= EXACT_UP_TO

    @property
    def compares_words(self) -> bool:
        """Whether to compare all weights; otherwise the index of words is used."""
        return self.chunks <= WORDS_EXACT_UP_TO

    @property
    def read_by_words(self) -> int:
        """What reading the index of words costs, in chunks of the owner's."""
        return max(self.chunks, int(self.everybodys / OTHERS_SHARE))


def measure(scope: Scope) -> Extent | None:
    """The scope's extent now; None if it covers no chunk."""
    with connection.cursor() as cursor:
        cursor.execute(_ASKED.format(among=scope.of_documents), scope.parameters)
        if (row := cursor.fetchone()) is None:
            return None
        names = [column.name for column in cursor.description[:-3]]
    *values, chunks, languages, everybodys = row
    space = EmbeddingSpace.from_db(connection.alias, names, values)
    return Extent(space, chunks, frozenset(languages), everybodys)
