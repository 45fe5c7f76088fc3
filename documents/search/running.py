"""Runs the statements of a search, under settings of their own."""

from typing import Any

from django.db import connection

# `iterative_scan`: a bare WHERE behind the graph loses rows; this goes on until there are enough.
# No seqscan: one owner's chunks are always reached through an index. No parallel workers: to start
# them takes longer than all the rest.
SETTINGS = """
    SET LOCAL hnsw.iterative_scan = strict_order;
    SET LOCAL hnsw.ef_search = 300;
    SET LOCAL enable_seqscan = off;
    SET LOCAL jit = off;
    SET LOCAL max_parallel_workers_per_gather = 0;
"""


def rows(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Settings and statement travel together; SET LOCAL lasts as long as both."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS + sql, parameters)
        while cursor.nextset():
            pass  # what settings answer
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
