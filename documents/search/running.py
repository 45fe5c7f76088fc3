"""Runs the statements of a search, with their own Postgres settings."""

from typing import Any

from django.db import connection

# `iterative_scan`: a WHERE filters what the graph returns; this continues until enough are left.
# No seqscan: one owner's chunks are always reached through an index. No parallel workers: starting
# them takes longer than all the rest.
SETTINGS = """
    SET LOCAL hnsw.iterative_scan = strict_order;
    SET LOCAL hnsw.ef_search = 300;
    SET LOCAL enable_seqscan = off;
    SET LOCAL jit = off;
    SET LOCAL max_parallel_workers_per_gather = 0;
"""


def rows(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Send settings and statement as one implicit transaction, so that SET LOCAL applies."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS + sql, parameters)
        while cursor.nextset():
            pass  # the results of the settings
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
