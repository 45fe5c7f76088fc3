"""Search keeps to the asker's chunks, and finds by meaning and by words, whichever way it looks."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from documents import graphs, search, spaces, words
from documents.models import Chunk, Document
from documents.search import extent, finding, question, rarity, running, sample
from documents.search.question import understand
from documents.search.rarity import how_rare
from documents.search.sample import Sample, look
from documents.search.scope import Scope
from documents.tests.searchable import analyze, make_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known_of_words():
    rarity.forget()


@pytest.fixture(params=[10_000, 0], ids=["exact", "indexes"])
def either_way(request, monkeypatch, db):
    """All is compared, or the indexes are asked."""
    if not request.param:
        graphs.build(spaces.active(), how="")
    monkeypatch.setattr(extent, "EXACT_UP_TO", request.param)
    monkeypatch.setattr(extent, "WORDS_EXACT_UP_TO", request.param)


def find(owner, query, **options):
    return search.search(owner_id=owner.pk, query=query, **{"top_k": 10, **options})


def texts(hits):
    return [hit.chunk.text for hit in hits]


def in_order(values):
    return values == sorted(values, reverse=True)


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_a_small_owner_beside_a_large_one_gets_all_the_hits(
    user, other_user, embedder, either_way, mode
):
    make_document(other_user, "large", [f"the storm number {n}" for n in range(300)])
    mine = make_document(user, "small", [f"the calm after storm {n}" for n in range(12)])
    hits = find(user, "the storm", mode=mode)
    assert len(hits) == 10
    assert {hit.document.pk for hit in hits} == {mine.pk}
    assert in_order([hit.score for hit in hits])


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_a_filter_behind_the_graph_still_finds_as_many_as_there_are(
    user, embedder, either_way, mode
):
    texts_of = [f"the storm number {n}" for n in range(400)]
    make_document(user, "large", texts_of, pages=True)
    hits = find(user, "the storm", mode=mode, page_from=391, page_to=400)
    assert sorted(hit.chunk.page_start for hit in hits) == list(range(391, 401))


def test_nothing_is_asked_of_the_endpoint_when_there_is_nothing_to_search(user, embedder):
    assert find(user, "anything") == []
    assert embedder.requests == 0


def test_by_words_nothing_is_asked_of_the_endpoint(user, embedder):
    make_document(user, "a", ["one storm"])
    assert texts(find(user, "storm", mode="text")) == ["one storm"]
    assert embedder.requests == 0


def test_the_vector_of_a_question_is_asked_for_once(user, embedder):
    make_document(user, "a", ["one storm"])
    assert find(user, "storm")
    assert find(user, "storm", mode="vector")
    assert embedder.requests == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("AB-1234", "Part AB-1234 fits."),
        ("ab1234", "Part AB-1234 fits."),
        ("where is AB-1235?", "Part AB-1235 fits."),
        ("Müller", "Frau Müller kam."),
        ("muller", "Frau Müller kam."),
        ("ef5678", "Parts EF-5678/9 fit."),
        ("C++", "Written in C++ then."),
        ("北京大学", "我们在北京大学学习。"),
        ("京都", "京都は古い都です。"),
        ("タワー", "東京タワーは高い。"),
        ("猫", "那只猫睡了。"),
        ("세종대왕", "세종대왕이 만들었다."),
        ("हिन्दी", "यह हिन्दी भाषा है"),
        ("คำ", "คำถามนี้ยาก"),
        ("ｶﾞｲﾄﾞ", "ｶﾞｲﾄﾞがある。"),
        ("ガイド", "ｶﾞｲﾄﾞがある。"),
        ("x.y@example.org", "Write to x.y@example.org now."),
    ],
)
def test_words_of_any_language_and_exact_names_are_found(user, either_way, query, expected):
    make_document(
        user,
        "all",
        [
            "Part AB-1234 fits.", "Part AB-1235 fits.", "Frau Müller kam.",
            "Written in C++ then.", "Written in C then.", "我们在北京大学学习。",
            "京都は古い都です。", "東京タワーは高い。", "那只猫睡了。", "세종대왕이 만들었다.",
            "यह हिन्दी भाषा है", "Write to x.y@example.org now.", "Write to example soon.",
            "Parts EF-5678/9 fit.", "คำถามนี้ยาก", "ｶﾞｲﾄﾞがある。",
        ],
    )  # fmt: skip
    assert texts(find(user, query, mode="text"))[0] == expected


@pytest.mark.parametrize(
    ("language", "text", "query"),
    [
        ("de", "Die Häuser brannten.", "haus brennen"),
        ("ru", "Он читал книги", "книга"),
        ("", "two storms", "storm"),
    ],
)
def test_a_word_is_found_in_another_form(user, either_way, language, text, query):
    make_document(user, "a", [text, "etwas anderes"], language=language)
    assert texts(find(user, query, mode="text")) == [text]


def test_rare_words_count_more_than_common_ones(user, either_way):
    common = [f"the report of the year {n}" for n in range(60)]
    make_document(user, "a", [*common, "zebra", "the the the report of the of of year"])
    analyze()
    assert texts(find(user, "the report of the zebra", mode="text"))[0] == "zebra"


@pytest.fixture
def stranger():
    return User.objects.create_user("stranger")


def looked(owner, query, **filters):
    """How many chunks are looked at for words, and how many hold each."""
    scope = Scope(owner_id=owner.pk, **filters)
    found = look(scope, extent.measure(scope), words.query_words(query, {"en"}))
    return found.seen, list(found.held)


def test_how_rare_words_are_is_told_by_what_is_searched(user, stranger):
    make_document(stranger, "theirs", ["storm"] * 9)
    made = make_document(user, "a", ["storm and sea", "a storm", "calm seas"])
    make_document(user, "b", ["zebra"])
    assert looked(user, "storm sea zebra") == (4, [2, 2, 1])
    assert looked(user, "storm sea zebra", documents=[made.pk]) == (3, [2, 2, 0])


def test_a_long_question_is_of_its_rarest_words(user, monkeypatch):
    monkeypatch.setattr(question, "MOST_WORDS", 3)
    make_document(user, "a", ["storm", *(f"calm sea here {n}" for n in range(9))])
    analyze()
    asked = question.rarest(words.query_words("here sea calm storm zebra", {"en"}), how_rare())
    assert asked[:2] == [{"zebra"}, {"storm"}]
    assert len(asked) == 3


def test_of_many_chunks_every_so_many_th_is_looked_at(user, monkeypatch):
    monkeypatch.setattr(sample, "SOME", 5)
    for count in (1, 7, 2, 13):  # 23, of which every fourth
        make_document(user, f"{count}", ["storm"] * count)
    assert looked(user, "storm sea") == (5, [5, 0])


def test_what_the_looked_at_chunks_hold_is_counted(user, monkeypatch):
    monkeypatch.setattr(sample, "SOME", 5)
    held = [f"storm {(n % 8 == 3) * 'sea'}" for n in range(23)]  # 3, 7, 11, 15 and 19 are looked at
    make_document(user, "a", held)
    assert looked(user, "storm sea") == (5, [5, 3])


@pytest.mark.parametrize(
    ("told", "share"),
    [
        (Sample(chunks=9, seen=9, held=[0]), 0.05), (Sample(chunks=9, seen=9, held=[9]), 0.95),
        (Sample(chunks=900, seen=399, held=[99]), 0.24875), (Sample(chunks=900), 0.01),
        (Sample(chunks=900, seen=400, held=[3]), 0.01),
        (Sample(chunks=900, seen=500, held=[3]), 0.008),
        (Sample(chunks=90, seen=45, held=[0]), 1 / 90),
    ],
)  # fmt: skip
def test_the_statistics_of_all_tell_where_few_of_some_hold_a_word(told, share):
    assert told.share(0, 0.01) == pytest.approx(share, rel=0.01)


def test_what_is_common_in_ones_own_documents_counts_little_there(user, stranger):
    make_document(stranger, "theirs", [f"other words {n}" for n in range(300)])
    analyze()
    common = [f"der sturm {n}" for n in range(20)]
    make_document(user, "a", ["sturm sturm", "zebra im zoo", *common], language="de")
    assert texts(find(user, "sturm zebra", mode="text"))[0] == "zebra im zoo"


def test_stop_words_alone_find_nothing(user, embedder, either_way):
    """They stand in nearly every passage, and would push away what is found by meaning."""
    make_document(user, "a", ["What is there for you in this?", "when it is dark"])
    make_document(user, "b", ["Die Bibliothek öffnet um neun."], language="de")
    question = "When does the library of Taiwan open?"
    assert find(user, question, mode="text") == []
    hits = find(user, question)
    assert [hit.explanation.text_rank for hit in hits] == [None] * 3


def test_a_question_of_stop_words_alone_is_asked_as_it_is(user, either_way):
    make_document(user, "a", ["to be or not to be", "a storm"])
    assert texts(find(user, "to be or not to be", mode="text")) == ["to be or not to be"]


@pytest.mark.parametrize(
    ("query", "language", "text"),
    [("Anders", "de", "Anders Celsius"), ("theme", "", "a theme"), ("order form", "en", "orders")],
)
def test_a_word_is_no_stop_word_that_is_its_stem(user, either_way, query, language, text):
    make_document(user, "a", [text], language=language)
    make_document(user, "b", ["the or and for are as do"])
    assert texts(find(user, query, mode="text")) == [text]


def test_a_word_has_the_endings_of_the_documents_languages_only(user, either_way):
    """ "Inne" is the stem of "innen" in German alone."""
    make_document(user, "a", ["Inne"], language="")
    assert find(user, "innen", mode="text") == []
    make_document(user, "b", ["inne"], language="de")
    assert set(texts(find(user, "innen", mode="text"))) == {"Inne", "inne"}


def test_what_both_ways_find_comes_first(user, embedder, either_way):
    make_document(user, "a", ["storm over the sea", "calm over the sea", "storm in a glass"])
    hits = find(user, "storm over the sea")
    why = hits[0].explanation
    assert (why.vector_rank, why.text_rank, hits[0].score) == (1, 1, 1.0)
    assert why.distance == pytest.approx(0, abs=1e-3)
    assert why.relevance > hits[1].explanation.relevance
    assert in_order([hit.explanation.fusion for hit in hits])


def test_one_that_is_far_better_by_words_comes_before_one_that_is_a_little_nearer(
    user, embedder, either_way
):
    """By their ranks alone, first and second would be as good as second and first."""
    common = [f"{word} one two {n}" for word in ("storm", "sea") for n in range(30)]
    make_document(user, "a", ["storm sea", "zebra storm here", *common])
    analyze()
    first, second = find(user, "storm sea zebra")[:2]
    assert texts([first, second]) == ["zebra storm here", "storm sea"]
    ranks = [(hit.explanation.vector_rank, hit.explanation.text_rank) for hit in (first, second)]
    assert ranks == [(2, 1), (1, 2)]


@pytest.mark.parametrize(
    ("others", "certain"),
    [(["storm sea zebra here"], "not"), (["sea"] * 8, "in part"), (["sea"], "yes")],
)
def test_fusion_is_of_ranks_and_of_how_near_a_hit_comes_to_the_best(
    user, embedder, either_way, others, certain
):
    """And the further words are ahead, the more closeness by words counts for that by meaning."""
    made = ["storm sea zebra", *others, "zebra", *(f"storm {n}" for n in range(60))]
    make_document(user, "a", made)
    analyze()
    why = [hit.explanation for hit in find(user, "storm sea zebra", top_k=100)]
    distances = {each.vector_rank: each.distance for each in why}
    best, least = distances[1], distances[50]
    by_words = {each.text_rank: each.relevance for each in why}
    ahead = (1 - by_words[2] / by_words[1] - 0.2) / 0.3
    assert {"not": ahead <= 0, "in part": 0.2 < ahead < 0.8, "yes": ahead >= 1}[certain], ahead
    share = min(1, max(0, ahead))
    for each in why:
        ranks = [rank for rank in (each.vector_rank, each.text_rank) if rank]
        rrf = sum(1 / (60 + rank) for rank in ranks) * 61 / 2
        near = max(0, (least - each.distance) / (least - best)) if each.vector_rank else 0
        strong = each.relevance / by_words[1] if each.text_rank else 0  # the best has all words
        closeness = (1 - share) * near + (1 + share) * strong
        assert each.fusion == pytest.approx((rrf + closeness) / 3, abs=1e-3)


def test_a_quote_is_found_where_it_stands_before_what_is_near_by_meaning(
    user, embedder, either_way
):
    quote = "brass wicks polished by keepers"
    right = f"{quote} " + " ".join(f"other{n}" for n in range(60))
    make_document(user, "a", [right, *(f"keepers wicks {n}" for n in range(60))])
    analyze()
    first = find(user, quote)[0]
    assert (first.chunk.text, first.explanation.vector_rank) == (right, None)


def test_the_less_of_a_question_words_find_the_less_their_ranks_count(user, embedder, either_way):
    """A name that a question in another language shares by chance is no match for the nearest."""
    make_document(user, "a", ["storm sea", "zebra", *(f"storm {n}" for n in range(60))])
    analyze()
    query = "storm sea zebra violin yacht walrus lantern zither"
    by_words = find(user, query, mode="text")[0]
    told = by_words.score / 0.6
    assert 0 < told < 0.9
    share = (1 + told) / 2
    found = [hit.explanation for hit in find(user, query, top_k=100)]
    (why,) = (each for each in found if each.vector_rank == 1)
    strong = why.relevance / by_words.explanation.relevance * told
    ranks = (2 - share) / 61 + share / (60 + why.text_rank)
    assert why.fusion == pytest.approx((ranks * 61 / 2 + 1 + strong) / 3, abs=1e-3)


@pytest.mark.parametrize("name", ["Lease_Baker-Street.2024.pdf", "lease of 221B, Baker Street.md"])
def test_the_words_of_a_documents_name_find_its_passages(user, embedder, either_way, name):
    make_document(user, "invoice 2023.txt", ["the tenant pays in advance"])
    make_document(user, name, ["the tenant pays monthly", "the tenant may not sublet"])
    analyze()
    found = find(user, "How does the tenant of the Baker Street lease pay?", mode="text")
    assert texts(found)[0] == "the tenant pays monthly"
    assert sorted(texts(find(user, "baker street", mode="text"))) == [
        "the tenant may not sublet", "the tenant pays monthly",
    ]  # fmt: skip
    assert texts(find(user, "pdf", mode="text")) == [], "the ending says nothing"


@pytest.mark.parametrize("query", ["3.11.7", "release 3.11.7"])
def test_figures_are_found_where_they_stand_before_what_is_near_by_meaning(
    user, embedder, either_way, query
):
    right = "the release 3.11.7 " + " ".join(f"other{n}" for n in range(60))
    make_document(user, "a", [right, *(f"release 3 11 7 {n}" for n in range(60))])
    analyze()
    first = find(user, query)[0]
    assert (first.chunk.text, first.explanation.vector_rank) == (right, None)


def test_a_word_or_two_of_a_long_question_are_not_the_best_by_words(user, embedder, either_way):
    """As of a question in another language, which shares a name with many passages."""
    make_document(user, "a", ["storm", *(f"calm {n}" for n in range(9))])
    analyze()
    (first, *_) = find(user, "storm zebra yacht walrus violin lantern")
    assert (first.explanation.vector_rank, first.explanation.text_rank) == (1, 1)
    assert 2 / 3 < first.score < 1


def test_the_only_one_is_the_best(user, embedder, either_way):
    make_document(user, "a", ["storm"])
    (hit,) = find(user, "storm")
    assert hit.score == 1
    (hit,) = find(user, "calm")
    assert hit.score == pytest.approx((1.5 / 2 + 1) / 3), "ranks by words say nothing"


def test_a_hit_of_one_way_has_its_figures_of_both_and_no_rank_for_the_other(
    user, embedder, either_way
):
    long = "storm zebra " + " ".join(f"other{n}" for n in range(60))
    make_document(user, "a", ["storm", long])
    scope = Scope(owner_id=user.pk)
    reach = extent.measure(scope)
    asked = words.query_words("storm zebra", {"en"})
    question = understand(asked, how_rare(), look(scope, reach, asked))
    hits = finding.find(scope, reach, "storm zebra", question, "hybrid", pool=1, most=10)
    ways = {hit.chunk.text: hit.explanation for hit in hits}
    near, worded = ways["storm"], ways[long]
    assert (near.vector_rank, near.text_rank) == (1, None)
    assert (worded.vector_rank, worded.text_rank) == (None, 1)
    assert near.distance < worded.distance
    assert near.relevance < worded.relevance


def test_of_many_words_passages_that_hold_one_are_found_where_too_few_hold_two(
    user, embedder, either_way
):
    query = "zebra yacht xylophone walrus violin umbrella"
    held = ["zebra walrus", "umbrella yacht", *(f"a {word} alone" for word in query.split())]
    make_document(user, "a", [*held, *(f"nothing of it {n}" for n in range(20))])
    assert set(texts(find(user, query, mode="text"))) == set(held)


@pytest.mark.parametrize(
    ("passage", "count", "lookups"),
    [("zebra violin {}", 60, 1), ("zebra {}", 60, 2), ("mouse {}", 100, 3)],
)
def test_of_many_words_passages_that_hold_one_are_read_only_where_too_few_hold_two(
    user, embedder, monkeypatch, passage, count, lookups
):
    monkeypatch.setattr(extent, "WORDS_EXACT_UP_TO", 0)
    monkeypatch.setattr(question, "MOST_CANDIDATES", 80)  # "mouse" is not of the rarest, "zebra" is
    make_document(user, "a", [passage.format(n) for n in range(count)])
    make_document(user, "b", [f"nothing of it {n}" for n in range(300)])
    analyze()
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX chunk_owner")  # few as they are, it would do
    plan = planned(monkeypatch, user, "zebra yacht xylophone walrus violin umbrella mouse")
    assert plan.count("Index Scan on chunk_words") == lookups


def test_a_word_that_stands_nowhere_hides_none_of_the_others(user, monkeypatch):
    monkeypatch.setattr(extent, "WORDS_EXACT_UP_TO", 0)
    monkeypatch.setattr(question, "MOST_CANDIDATES", 5)
    make_document(user, "a", [f"storm {n}" for n in range(20)] + [f"calm {n}" for n in range(80)])
    analyze()
    assert len(find(user, "zyzzyx storm", mode="text", top_k=30)) == 20


def test_a_question_without_words_is_answered_by_meaning_alone(user, embedder):
    make_document(user, "a", ["one", "two"])
    assert len(find(user, "?!")) == 2
    assert find(user, "?!", mode="text") == []


def test_signs_of_sql_in_a_question_are_only_signs(user, embedder):
    make_document(user, "a", ["it's 100% of {scope} \\ and 'b' | c"])
    for query in ("it's 100%", "{scope} %(owner)s", "\\ ' | & ! :*", "'; DROP TABLE x; --"):
        assert len(find(user, query)) == 1


@pytest.fixture
def library(user):
    now = datetime.now(UTC)
    made = {
        "Annual Report.pdf": ("application/pdf", "en", 1),
        "prüfbericht.pdf": ("application/pdf", "de", 10),
        "100%_sure.txt": ("text/plain", "en", 30),
        "photo.png": ("image/png", "", 40),
    }
    for name, (content_type, language, days) in made.items():
        document = make_document(
            user, name, ["storm one", "storm two"], content_type=content_type, language=language
        )
        Document.objects.filter(pk=document.pk).update(created_at=now - timedelta(days=days))
    return now


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "report"}, {"Annual Report.pdf"}),
        ({"name": "%_"}, {"100%_sure.txt"}),
        ({"name": "PRU\u0308F"}, {"prüfbericht.pdf"}),
        ({"types": ["application/pdf"]}, {"Annual Report.pdf", "prüfbericht.pdf"}),
        ({"types": ["image/", "text/plain"]}, {"photo.png", "100%_sure.txt"}),
        ({"languages": ["de", "fr"]}, {"prüfbericht.pdf"}),
        ({"after": 20}, {"Annual Report.pdf", "prüfbericht.pdf"}),
        ({"before": 20}, {"100%_sure.txt", "photo.png"}),
        ({"before": 5, "after": 35, "languages": ["en"]}, {"100%_sure.txt"}),
        ({"documents": []}, set()),
        ({"name": "nothing like it"}, set()),
    ],
)
def test_filters_narrow(user, embedder, library, either_way, filters, expected):
    given = dict(filters)
    for side in ("after", "before"):
        if side in given:
            given[f"created_{side}"] = library - timedelta(days=given.pop(side))
    for mode in ("hybrid", "vector", "text"):
        hits = find(user, "storm", mode=mode, **given)
        assert {hit.document.name for hit in hits} == expected


def test_pages_narrow_to_chunks_that_touch_them(user, embedder, either_way):
    make_document(user, "a", [f"storm {n}" for n in range(9)], pages=True)
    make_document(user, "b", ["storm without a page"])
    hits = find(user, "storm", page_from=3, page_to=5)
    assert {hit.chunk.page_start for hit in hits} == {3, 4, 5}


def test_another_owners_documents_are_not_found_by_naming_them(user, other_user, embedder):
    theirs = make_document(other_user, "theirs", ["storm"])
    make_document(user, "mine", ["storm"])
    assert find(user, "storm", documents=[theirs.pk]) == []


def test_neighbours_come_along_in_order_and_only_of_the_same_document(user, embedder):
    make_document(user, "a", ["zero", "one", "two storm", "three", "four"])
    make_document(user, "b", ["else", "other"])
    (hit,) = find(user, "storm", mode="text", context=2)
    assert [chunk.text for chunk in hit.before] == ["zero", "one"]
    assert [chunk.text for chunk in hit.after] == ["three", "four"]


def test_grouped_hits_show_one_of_each_document_and_its_others(user, embedder, either_way):
    make_document(user, "long", [f"storm {n}" for n in range(20)])
    make_document(user, "short", ["storm here"])
    hits = find(user, "storm", group=True, top_k=2)
    assert {hit.document.name for hit in hits} == {"long", "short"}
    assert sorted(len(hit.others) for hit in hits) == [0, search.OTHERS]


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_a_long_document_does_not_crowd_out_the_others(user, embedder, either_way, mode):
    make_document(user, "long", [f"the storm {n}" for n in range(250)])
    for number in range(20):
        make_document(user, f"short {number}", [f"storm here and calm there and more {number}"])
    hits = find(user, "the storm", mode=mode, group=True, top_k=25)
    assert hits[0].document.name == "long"
    assert len({hit.document.name for hit in hits}) == len(hits) == 21
    assert [len(hit.others) for hit in hits] == [search.OTHERS] + [0] * 20
    assert in_order([hit.score for hit in hits])
    assert in_order([hit.score for hit in (hits[0], *hits[0].others)])
    names = [hit.document.name for hit in find(user, "the storm", mode=mode, group=True, top_k=3)]
    assert len(names) == 3


def test_distinct_hits_show_a_passage_once_and_where_else_it_stands(user, embedder, either_way):
    for number in range(12):
        make_document(user, f"edition {number}", ["storm over the sea", f"storm {number}"])
    hits = find(user, "storm over the sea", top_k=5)
    assert texts(hits) == ["storm over the sea"] * 5  # as long as it isn't asked for
    first, *others = find(user, "storm over the sea", top_k=5, distinct=True)
    assert first.chunk.text == "storm over the sea"
    names = {hit.document.name for hit in (first, *first.copies)}
    assert names == {f"edition {number}" for number in range(12)}
    assert len(set(texts(others))) == 4
    assert not any(hit.copies for hit in others)


def test_the_api_tells_of_copies_when_it_is_asked_for_distinct_hits(api, user, embedder):
    for name in ("one", "other"):
        make_document(user, name, ["storm"], pages=True)

    def results(**more):
        asked = {"query": "storm", **more}
        return api.post("/api/search/", asked, format="json").json()["results"]

    assert ["copies" in hit for hit in results()] == [False, False]
    (hit,) = results(distinct=True)
    (copy,) = hit["copies"]
    assert {hit["document"]["name"], copy["document"]["name"]} == {"one", "other"}
    assert (copy["chunk"]["text"], copy["chunk"]["page_start"]) == ("storm", 1)
    assert copy["chunk"]["id"] != hit["chunk"]["id"]


def test_the_same_words_under_other_headings_are_another_passage(user, embedder):
    make_document(user, "one", ["storm"])
    other = make_document(user, "other", ["storm"])
    chunks = Chunk.objects.filter(document=other)
    chunks.update(headings=["Storms"], context="Storms")
    assert len(find(user, "storm", distinct=True)) == 2


def test_distinct_hits_may_be_grouped(user, embedder):
    make_document(user, "a", ["storm", "storm", "storm here"])
    make_document(user, "b", ["storm"])
    hits = find(user, "storm", distinct=True, group=True)
    assert sum(len((hit, *hit.others)) for hit in hits) == 2


def test_a_minimum_score_leaves_out_what_is_under_it(user, embedder):
    make_document(user, "a", ["storm over sea", "calm here today"])
    assert texts(find(user, "storm over sea", mode="vector", min_score=0.9)) == ["storm over sea"]
    assert texts(find(user, "storm over land", mode="text", min_score=0.5)) == ["storm over sea"]


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("The storm. Storms!", "storm", ["storm", "Storms"]),
        ("AB-1234 and AB", "ab-1234", ["AB-1234", "AB"]),
        ("我们在北京大学学习", "北京大学", ["北京大学"]),
        ("我们在北京大学学习", "京", ["京"]),
        ("Frau Müller", "muller", ["Müller"]),
        ("nothing", "storm", []),
    ],
)
def test_highlights_say_where_the_words_stand(user, embedder, text, query, expected):
    make_document(user, "a", [text])
    (hit,) = find(user, query)
    assert [text[start:end] for start, end in hit.highlights] == expected


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Why the wall is white", "white", ["white"]),  # "whi", in Turkish
        ("Das Haus of houses", "Häuser", ["Haus"]),
        ("C'est du grand art", "grande", ["grand"]),
        ("Out there the outer wall", "outer", ["outer"]),  # "out", in German
    ],
)
def test_the_forms_of_other_languages_mark_no_other_words(user, embedder, text, query, expected):
    make_document(user, "en.txt", [text])
    make_document(user, "fr.txt", ["Une phrase."], language="fr")
    make_document(user, "de.txt", ["Ein Satz."], language="de")
    make_document(user, "tr.txt", ["Bir cümle."], language="tr")
    (hit,) = search.search(owner_id=user.pk, query=query, top_k=1, mode="text")
    assert [text[start:end] for start, end in hit.highlights] == expected


def test_words_that_stand_everywhere_are_not_highlighted(user, embedder):
    make_document(user, "a", [*(f"the day {n}" for n in range(60)), "the storm"])
    analyze()
    hit = find(user, "the storm", mode="text")[0]
    assert hit.highlights == [(4, 9)]


def test_stop_words_are_not_highlighted_where_every_word_is_common(user, embedder):
    """As in a few documents about one thing."""
    make_document(user, "a", [f"the storm {n}" for n in range(60)])
    analyze()
    hit = find(user, "the storm", mode="text")[0]
    assert hit.highlights == [(4, 9)]


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("their engine has a governor", "their engine governor", ["engine", "governor"]),
        ("nicht jede Maschine hat Regler", "maschine nicht regler", ["Maschine", "Regler"]),
    ],
)
def test_what_all_passages_are_about_is_highlighted_and_stop_words_are_not(
    user, embedder, text, query, expected
):
    everywhere = [f"their engine is it, die Maschine ist es nicht {n}" for n in range(60)]
    make_document(user, "a", [*everywhere, text])
    analyze()
    hits = find(user, query, mode="text", top_k=70)
    (hit,) = (hit for hit in hits if hit.chunk.text == text)
    assert [text[start:end] for start, end in hit.highlights] == expected


def test_stop_words_are_not_highlighted_before_postgres_knows_how_common_it_is(user, embedder):
    make_document(user, "a", ["Why the storm by the sea"])
    (hit,) = find(user, "why the storm by night")
    assert hit.highlights == [(8, 13)]


def test_a_short_stop_word_is_not_highlighted_in_another_languages_library(user, embedder):
    make_document(user, "a", [f"the day {n}" for n in range(50)])
    make_document(user, "b", ["le taux de couverture", "la vie de X", "fin de jour"])
    analyze()
    (hit, *_) = find(user, "taux de couverture", mode="text")
    assert hit.highlights == [(3, 7), (11, 21)]


def test_a_search_is_one_statement_after_a_look_at_some_chunks(user, embedder, monkeypatch):
    monkeypatch.setattr(rarity, "KEPT_SECONDS", float("inf"))
    make_document(user, "a", ["storm"])
    find(user, "storm")  # the words' rarity is read now and then
    with CaptureQueriesContext(connection) as captured:
        find(user, "storm")
    table = Chunk._meta.db_table
    read = [query["sql"] for query in captured.captured_queries if f"FROM {table} " in query["sql"]]
    assert ["fused AS" in sql for sql in read] == [False, True]
    assert len(captured.captured_queries) == 3  # the other asks how much there is


def test_graph_and_index_of_words_can_serve_the_statement(user, embedder, monkeypatch):
    monkeypatch.setattr(extent, "EXACT_UP_TO", 0)
    monkeypatch.setattr(extent, "WORDS_EXACT_UP_TO", 0)
    make_document(user, "a", [f"storm {n} and {n % 7} and {n % 11}" for n in range(300)])
    analyze()
    graphs.build(spaces.active(), how="")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX chunk_owner; SET LOCAL enable_sort = off")  # so few are sorted
    plan = planned(monkeypatch, user, "storm 5")
    assert graphs.name_of(spaces.active()) in plan
    assert "chunk_words" in plan


def planned(monkeypatch, owner, query):
    """How Postgres runs a search."""
    seen = []
    rows = finding.rows

    def explained(sql, parameters):
        with connection.cursor() as cursor:
            cursor.execute(running.SETTINGS + "EXPLAIN ANALYZE " + sql, parameters)
            while cursor.description is None:
                cursor.nextset()
            seen.extend(line for (line,) in cursor.fetchall())
        return rows(sql, parameters)

    monkeypatch.setattr(finding, "rows", explained)
    find(owner, query)
    return "\n".join(line for line in seen if "never executed" not in line)
