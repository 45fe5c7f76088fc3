"""The document frequency of words among all chunks, from the statistics that Postgres keeps."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db import connection

from documents.models import Chunk

KEPT_SECONDS = 30
RAREST = 1e-6  # share of the chunks
COMMON = 0.3  # share of the chunks; few words but stop words are in more
# Of all owners together: it influences ranking, but reveals nothing to anybody.
_STATISTICS = f"""
    SELECT most_common_elems::text::text[], most_common_elem_freqs FROM pg_stats
    WHERE schemaname = current_schema() AND tablename = '{Chunk._meta.db_table}'
        AND attname = 'words'
"""  # noqa: S608 - a name of our own
# Postgres has lists of stop words for some fifteen languages.
_STOP_WORDS = """
    SELECT word FROM unnest(%s::text[]) word WHERE EXISTS (
        SELECT FROM pg_ts_dict dictionary JOIN pg_ts_template template
            ON template.oid = dictionary.dicttemplate AND template.tmplname = 'snowball'
        WHERE ts_lexize(dictionary.oid::regdictionary, word) = '{}'
    )
"""


@dataclass(frozen=True)
class Rarity:
    common: Mapping[str, float]  # a word -> the share of chunks that have it
    uncommon: float  # an estimate for any other word
    stop_words: frozenset[str] = frozenset()  # of those in more than COMMON

    def share(self, forms: Iterable[str]) -> float:
        """The share of the chunks that have a word, over 0 and under 1.

        That of its commonest form: some of the other forms are no words.
        """
        return min(0.999, max(self.common.get(form, self.uncommon) for form in forms))


def how_rare() -> Rarity:
    """What Postgres knew within the last KEPT_SECONDS; until it knows anything, all are rare."""
    return _read(int(time.monotonic() / KEPT_SECONDS))


def forget() -> None:
    """Forget what Postgres said."""
    _read.cache_clear()


@lru_cache(maxsize=1)
def _read(_period: int) -> Rarity:
    with connection.cursor() as cursor:
        cursor.execute(_STATISTICS)
        row = cursor.fetchone()
        if not row or not row[0]:
            return Rarity({}, RAREST)
        # Not strict: behind the words' frequencies come their minimum and maximum.
        common: dict[str, float] = dict(zip(*row, strict=False))
        cursor.execute(_STOP_WORDS, [[word for word, share in common.items() if share > COMMON]])
        stop_words = frozenset(word for (word,) in cursor.fetchall())
    return Rarity(common, math.sqrt(RAREST * min(common.values())), stop_words)
