"""A quotation is found as people quote, told from what only looks like it, and has a place."""

import time

import pytest

from documents.citations import verification as citations
from documents.exceptions import NothingQuoted
from documents.models import Document, Extraction
from documents.tests.searchable import make_document
from tasks.tests.factories import Script, make_task, register, send_nothing

pytestmark = pytest.mark.django_db


@pytest.fixture
def write(user, monkeypatch):
    """A document whose chunks lie in its text, one after another, each on a page of its own."""
    send_nothing(monkeypatch)
    register(Script())

    def run(*chunks, owner=user):
        document = make_document(owner, "a", chunks, pages=True)
        at, text = 0, "\n\n".join(chunks)
        for row in document.chunks.order_by("index"):
            row.start, row.end = at, at + len(row.text)
            row.save(update_fields=["start", "end"])
            at = row.end + 2
        document.extraction = Extraction.objects.create(
            document=document, task=make_task(owner, document), text=text
        )
        document.save()
        return document

    return run


def quoted(document, quote):
    return [(place.text, place.exact) for place in citations.verify(document, quote)]


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("The moon rose late.", "The moon rose late.", ("The moon rose late.", True)),
        ("The moon rose late.", "the MOON rose late", ("The moon rose late", False)),
        (
            "He said “no” -\nand left.",
            'He said "no" — and left',
            ("He said “no” -\nand left", False),
        ),
        ("an exam-\nple of it", "an example of it", ("an exam-\nple of it", False)),
        ("the office", "the o\ufb03ce", ("the office", False)),
        ("我们在北京大学学习。", "北京大学", ("北京大学", True)),
        ("Straße 5, Größe", "straße 5 größe", ("Straße 5, Größe", False)),
        ("x² + y²", "x² + y²", ("x² + y²", True)),
        ("some 10⁻⁶ m² of it", "10-6 m2 of", ("10⁻⁶ m² of", False)),
        ("some 10-6 m2 of it", "10⁻⁶ m² of", ("10-6 m2 of", False)),
        ("दिल्ली, भारत की राजधानी है", "दिल्ली भारत की राजधानी", ("दिल्ली, भारत की राजधानी", False)),
        ("น้ำใส สะอาด", "น้ำใสสะอาด", ("น้ำใส สะอาด", False)),
        ("كِتَابُ اللهِ", "كتاب", ("كِتَابُ", False)),
        ("كتاب الله", "كِتَابُ", ("كتاب", False)),
        ("שָׁלוֹם", "שלום", ("שָׁלוֹם", False)),
        ("Acme™ pumps\nare sold", "Acme™ pumps are sold", ("Acme™ pumps\nare sold", False)),
        ("boils at 100 ℃.", "boils at 100 °C", ("boils at 100 ℃", False)),
        ("Eine Größere kam", "EINE GRÖSSERE", ("Eine Größere", False)),
        ("ｶﾞｲﾄﾞを読む", "ガイド", ("ｶﾞｲﾄﾞ", False)),
        ("ΟΔΟΣ 5", "οδος 5", ("ΟΔΟΣ 5", False)),
        ("1½ CUPS", "1½ cups", ("1½ CUPS", False)),
        ("the 1️⃣ way", "the 1 way", ("the 1️⃣ way", False)),
    ],
)
def test_it_is_found_as_people_quote(write, text, quote, expected):
    assert quoted(write(text), quote) == [expected]


@pytest.mark.parametrize("quote", ["art of it", "The moon rose early.", "moon rose l"])
def test_what_does_not_stand_there_is_not_found(write, quote):
    assert quoted(write("The moon rose late. Party of items."), quote) == []


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("दिल्ली भारत की राजधानी", "दल्ल भरत क रजधन"),
        ("दिल्ली भारत की राजधानी", "भारत की राजधान"),
        ("น้ำใส", "นำใส"),
        ("ｶﾞｲﾄﾞ", "カイト"),
        ("a café.", "a cafe"),
        ("x\u0304 is", "x is"),
        ("Straße", "STRAS"),
        ("Acme™", "acmet"),
        ("1½ cups", "112 cups"),
    ],
)
def test_a_letter_without_its_mark_or_a_part_of_one_is_another(write, text, quote):
    assert quoted(write(text), quote) == []


def test_a_whole_word_is_found_behind_hundreds_that_hold_it(write):
    document = write("category of concatenation for educated cats " * 120 + "One cat sat. CAT!")
    assert quoted(document, "cat") == [("cat", True)]
    assert quoted(document, "Cat") == [("cat", False), ("CAT", False)]


def test_a_quotation_without_words_is_refused(write):
    with pytest.raises(NothingQuoted):
        citations.verify(write("One."), "—!")


def test_the_place_has_pages_and_chunks_even_across_two(write):
    document = write("It ended there.", "And began here.", "Elsewhere.")
    (place,) = citations.verify(document, "ended there. And began")
    assert (place.page_start, place.page_end) == (1, 2)
    assert [chunk.index for chunk in place.chunks] == [0, 1]
    assert document.extraction.text[place.start : place.end] == place.text


def test_the_pages_are_those_of_the_quotation_not_of_all_its_chunk(write):
    document = write("It ended there. And began here.")
    document.chunks.update(page_start=1, page_end=2)
    document.extraction.elements = [["text", 0, 15, 1, 0, ""], ["text", 16, 31, 2, 0, ""]]
    for quote, pages in [("ended", (1, 1)), ("began", (2, 2)), ("there. And", (1, 2))]:
        (place,) = citations.verify(document, quote)
        assert (place.page_start, place.page_end) == pages


def test_every_place_is_told_up_to_ten(write):
    document = write(*["The same words."] * 12)
    places = citations.verify(document, "the same words")
    assert [place.page_start for place in places] == list(range(1, 11))


def test_a_long_text_of_one_letter_is_no_trap(write):
    began = time.process_time()
    assert quoted(write("a " * 400_000), "a " * 2_000 + "b") == []
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("a" * 800_000, "a"),
        ("aa " * 300_000, "aa " * 1_600 + "a"),
        ("ab\u0301 " * 200_000, "A"),
        ("a" + "\u064b" * 800_000 + "b", "A"),
    ],
)
def test_a_text_that_looks_like_it_everywhere_is_no_trap(write, text, quote):
    document = write("One.")
    document.extraction.text = text
    began = time.process_time()
    assert quoted(document, quote) == []
    assert time.process_time() - began < 10


def test_the_api_tells_it_to_the_owner_alone(api, write, other_user):
    document = write("The moon rose late.")
    answer = verify(api, document.pk, "moon rose")
    assert answer.status_code == 200
    assert answer.json()["found"] is True
    (place,) = answer.json()["places"]
    assert (place["start"], place["end"], place["exact"], place["page_start"]) == (4, 13, True, 1)
    assert place["chunks"] == [str(document.chunks.get().pk)]
    assert verify(api, document.pk, "sun rose").json() == {"found": False, "places": []}
    theirs = write("The moon rose late.", owner=other_user)
    assert verify(api, theirs.pk, "moon rose").status_code == 404


def test_the_api_refuses_what_can_not_be_verified(api, write):
    document = write("The moon rose late.")
    refused = verify(api, document.pk, "…")
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing_quoted")
    assert verify(api, document.pk, "").status_code == 400
    Document.objects.filter(pk=document.pk).update(extraction=None)
    assert verify(api, document.pk, "moon").json()["code"] == "no_text_yet"


def verify(api, document_id, quote):
    return api.post(
        "/api/citations/verify/", {"document": str(document_id), "quote": quote}, format="json"
    )
