"""How hits by meaning and by words become one order: SQL over `near` and `worded`.

Three thirds make the score: the ranks, how close a hit comes to the best by meaning, with rank
NOTHING_FROM as 0, and how close to the best by words, which counts fully only if it has at least
the share ENOUGH of the question. Ranks alone don't say whether the first is far better than the
second (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023).
"""

NOTHING_FROM = 50
ENOUGH = 0.6
# Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009) with their constant, as a share of the
# maximum. The less of the question even the best by words has, the less ranks by words count, and
# the more those by meaning: at worst a half and one and a half.
_RRF_K = 60
_RRF = f"""(coalesce((2 - by_words) / ({_RRF_K} + vector_rank), 0)
    + coalesce(by_words / ({_RRF_K} + text_rank), 0)) * {(_RRF_K + 1) / 2}"""
FUSION = f"""({_RRF}
    + meaning * coalesce(nearness, 0) + (2 - meaning) * coalesce(strength, 0)) / 3"""
_RISING = "least(1, greatest(0, ({what} - {least}::float8) / ({full}::float8 - {least}::float8)))"
# Words are certain where the best by them has most of the question and the next falls behind.
_CERTAIN = " * ".join(
    (
        _RISING.format(what="best", least="0.67", full="1"),
        _RISING.format(what="1 - next / nullif(best, 0)", least="0.2", full="0.5"),
    )
)
# The passages closest in meaning to a number hold other numbers: the third of the closeness in
# meaning goes to the words for `words.is_exact` queries (`meaning` is 0), and as far as words are
# certain.
TOLD = f"""
    told AS (
        SELECT (1 + best) / 2 AS by_words, %(meaning)s * (1 - {_CERTAIN}) AS meaning FROM (
            SELECT coalesce(max(strength), 0) AS best,
                coalesce(max(strength) FILTER (WHERE text_rank = 2), 0) AS next
            FROM worded
        ) strengths
    )
"""  # noqa: S608 - nothing of a user
