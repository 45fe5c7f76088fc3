from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.extraction import pieces
from documents.extraction.elements import Element, Extracted
from documents.extraction.tokens import estimate_tokens
from documents.steps.split import STRATEGIES, split_text

SENTENCE = "The quick brown fox jumps over the lazy dog near the river. "


def extracted(*parts):
    """An Extracted of (kind, text) or (kind, text, options)."""
    text, elements = "", []
    for kind, body, *options in parts:
        text += "\n\n" if text else ""
        elements.append(Element(kind, len(text), len(text) + len(body), **dict(*options)))
        text += body
    return Extracted(text, tuple(elements))


def split(*parts, size=64, overlap=0, strategy="by_title"):
    source = extracted(*parts)
    return [
        (source.text[each.start : each.end], each.headings, each.context)
        for each in split_text(source, size=size, overlap=overlap, strategy=strategy)
    ]


def title(text, level=1):
    return ("title", text, {"level": level})


def test_a_short_document_is_one_passage_under_its_heading():
    assert split(title("Report"), ("text", "All is well.")) == [
        ("Report\n\nAll is well.", ("Report",), "")
    ]


def test_nothing_gives_no_passages():
    assert split_text(Extracted("", ()), size=64, overlap=8) == []


def test_sections_are_kept_apart_and_know_their_headings():
    body = SENTENCE * 3
    passages = split(
        title("Book"),
        ("text", body),
        title("One", 2),
        ("text", body),
        title("Two", 2),
        ("text", body),
    )
    assert [(headings, context) for _, headings, context in passages] == [
        (("Book",), ""),
        (("Book", "One"), "Book"),
        (("Book", "Two"), "Book"),
    ]


def test_a_title_is_never_a_passage_of_its_own():
    passages = split(title("Book"), title("Part", 2), title("Chapter", 3), ("text", SENTENCE * 4))
    assert passages == [
        (f"Book\n\nPart\n\nChapter\n\n{SENTENCE * 4}", ("Book", "Part", "Chapter"), "")
    ]


def test_headings_without_a_text_stay_in_their_chapter():
    body = SENTENCE * 2
    passages = split(
        title("One"), ("text", body), title("Empty", 2), title("Two"), ("text", body), title("End")
    )
    assert passages == [
        (f"One\n\n{body}\n\nEmpty", ("One",), ""),
        (f"Two\n\n{body}\n\nEnd", ("Two",), ""),
    ]


def test_a_passage_that_begins_with_several_headings_is_cited_under_the_last():
    passages = split(title("Empty"), title("Two"), ("text", SENTENCE * 4))
    assert [(text[:10], headings) for text, headings, _ in passages] == [("Empty\n\nTwo", ("Two",))]


def test_small_sections_below_a_passage_join_it_and_leave_its_heading():
    passages = split(title("Book"), ("text", SENTENCE), title("Note", 2), ("text", "See there."))
    assert passages == [(f"Book\n\n{SENTENCE}\n\nNote\n\nSee there.", ("Book",), "")]


def test_plain_fills_one_passage_after_another_and_keeps_headings_with_their_text():
    parts = [part for n in range(8) for part in (title(f"Head {n}"), ("text", SENTENCE.strip()))]
    passages = split(*parts, size=40, strategy="plain")
    assert [(text[:6], text.count("Head"), headings) for text, headings, _ in passages] == [
        (f"Head {n}", 2, (f"Head {n}",)) for n in (0, 2, 4, 6)
    ]


def test_plain_may_repeat_a_whole_paragraph_but_never_a_whole_passage():
    parts = [("text", f"Short remark number {n} of the meeting.") for n in range(12)]
    texts = [text for text, *_ in split(*parts, size=32, overlap=12, strategy="plain")]
    assert len(texts) > 3
    for before, after in pairwise(texts):
        assert after.startswith(before.rpartition("\n\n")[2])
        assert after.count("\n\n")


def test_there_is_no_third_strategy():
    with pytest.raises(KeyError):
        split(("text", "All is well."), strategy="magic")


def test_short_paragraphs_share_a_passage_and_good_ones_stand_alone():
    short, good = "A short remark.", SENTENCE * 3
    passages = split(*[("text", short)] * 3, ("text", good.strip()), ("text", good.strip()))
    assert [text for text, *_ in passages] == ["\n\n".join([short] * 3), good.strip(), good.strip()]


def test_long_paragraphs_part_at_sentence_ends_and_repeat_the_last_whole_sentence():
    numbered = [
        f"Sentence number {n} tells a little more about the matter at hand." for n in range(12)
    ]
    texts = [text for text, *_ in split(("text", " ".join(numbered)), overlap=20)]
    assert len(texts) > 2
    for before, after in pairwise(texts):
        assert before.endswith(".")
        assert after.startswith("Sentence number")
        assert before.endswith(after.split(". ")[0] + ".")


def test_chinese_parts_at_its_own_marks():
    sentence = "人人生而自由，在尊严和权利上一律平等。"
    texts = [text for text, *_ in split(("text", sentence * 20))]
    assert len(texts) > 3
    assert all(text.endswith("。") for text in texts)
    assert "".join(texts) == sentence * 20


@pytest.mark.parametrize(
    ("sentence", "end"),
    [
        ("सभी मनुष्य जन्म से स्वतन्त्र और समान हैं। ", "।"),
        ("सर्वे मानवाः स्वतन्त्राः समुत्पन्नाः वर्तन्ते॥", "॥"),
        ("تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔ ", "۔"),
        ("هل يولد جميع الناس أحرارا متساوين في الكرامة والحقوق؟ ", "؟"),
        ("មនុស្សទាំងអស់កើតមកមានសេរីភាព។", "។"),
        ("Բոլոր մարդիկ ծնվում են ազատ ու հավասար։ ", "։"),
        ("All of them are born free and equal in dignity and in rights.¹² ", "²"),
        ("人人生而自由，在尊严和权利上一律平等。³", "³"),
        ("すべての人間は、生まれながらにして自由である。", "。"),
        ("Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι. ", "."),
        ("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน ", "น"),
    ],
)
def test_sentences_end_in_any_script(sentence, end):
    texts = [text for text, *_ in split(("text", (sentence * 12).strip()))]
    assert len(texts) > 2
    assert {len(text) % len(sentence) for text in texts} == {len(sentence.rstrip()) % len(sentence)}
    assert {text[-1] for text in texts} == {end}


def test_abbreviations_and_decimals_end_no_sentence():
    text = "Dr. Smith measured 3.5 metres, i.e. more than Mr. Jones did in Fig. 2 of J. Doe. " * 12
    texts = [each for each, *_ in split(("text", text.strip()))]
    assert len(texts) > 1
    assert all(each.startswith("Dr.") and each.endswith("Doe.") for each in texts)


def test_a_table_parts_between_rows_and_later_parts_carry_its_header():
    rows = ["Name | Amount", *(f"Item {n} | {n * 100}" for n in range(40))]
    passages = split(title("Stock"), ("table", "\n".join(rows), {"header": rows[0]}))
    assert passages[0][0].startswith("Stock\n\nName | Amount\nItem 0")
    assert passages[0][2] == ""
    assert len(passages) > 2
    for text, _, context in passages[1:]:
        assert context == "Stock\nName | Amount"
        assert all(line in rows for line in text.split("\n"))


def test_code_parts_between_lines():
    lines = [f"value_{n} = compute({n})" for n in range(60)]
    texts = [text for text, *_ in split(("code", "\n".join(lines)))]
    assert len(texts) > 2
    assert "\n".join(texts).split("\n") == lines


def test_text_without_any_break_is_still_cut():
    texts = [text for text, *_ in split(("text", "x" * 5000))]
    assert "".join(texts) == "x" * 5000
    assert all(estimate_tokens(text) <= 64 for text in texts)


def test_a_part_of_nothing_but_blanks_is_no_passage():
    source = extracted(("code", "word " * 60 + " " * 5000 + "word " * 60 + "end"))
    passages = split_text(source, size=32, overlap=0)
    assert len(passages) > 2
    assert all(source.text[each.start : each.end].strip() for each in passages)


def test_parts_of_code_keep_the_indent_of_their_first_line():
    lines = [f"    value_{n} = compute({n})" for n in range(60)]
    texts = [text for text, *_ in split(("code", "\n".join(lines)))]
    assert all(text.startswith("    value_") for text in texts)


@pytest.mark.parametrize(
    "parts",
    [
        [("text", "word " * 400_000 + "end")],
        [("text", "x" * 2_000_000)],
        [("table", "\n".join(f"{n} | {n * 7 % 1000}" for n in range(100_000)))],
        [("title", f"Head {n}", {"level": n % 3 + 1}) for n in range(30_000)],
        [("text", "word")] * 30_000,
    ],
    ids=["one line", "one word", "rows", "headings", "words"],
)
def test_the_worst_takes_no_more_than_twice_the_time_for_twice_the_text(parts):
    """Counted in calls of the estimate, which do not depend on the machine."""
    source = extracted(*parts)
    asked = 0

    def counting(text):
        nonlocal asked
        asked += len(text)
        return estimate_tokens(text)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pieces, "estimate_tokens", counting)
        assert split_text(source, size=256, overlap=32)[-1].end == len(source.text)
    assert asked <= 12 * len(source.text)


def test_pages_of_a_passage_are_those_of_its_parts():
    source = extracted(("text", "One.", {"page": 1}), ("text", "Two.", {"page": 2}))
    (passage,) = split_text(source, size=64, overlap=0)
    assert (passage.page_start, passage.page_end) == (1, 2)


KINDS = st.sampled_from(["title", "text", "list_item", "table", "code"])
BODIES = st.text(st.sampled_from("ab .。,\n|字é9"), min_size=1, max_size=400).filter(
    lambda text: text.strip() == text
)
PARTS = st.builds(
    lambda kind, body, level: (kind, body, {"level": level if kind == "title" else 0}),
    KINDS, BODIES, st.integers(1, 4),
)  # fmt: skip


def above(source, at):
    """The headings over a place, told in the simplest way there is."""
    path = []
    for element in source.elements:
        if element.kind == "title" and element.start <= at:
            path = [(level, text) for level, text in path if level < element.level]
            words = " ".join(source.text[element.start : element.end].split())
            path.append((element.level, words))
    return tuple(text for _, text in path)


def first_words(source, passage, before):
    """The first element of a passage that is no heading, of what was not in the one before."""
    inside = [
        element
        for element in source.elements
        if element.start < passage.end and element.end > max(passage.start, before)
    ]
    return next((element for element in inside if element.kind != "title"), inside[-1])


@settings(deadline=None, max_examples=100)
@given(
    st.lists(PARTS, max_size=12), st.integers(16, 80), st.integers(0, 20),
    st.sampled_from(STRATEGIES),
)  # fmt: skip
def test_passages_cover_every_element_in_order_and_keep_to_the_size(parts, size, overlap, strategy):
    source = extracted(*parts)
    passages = split_text(source, size=size, overlap=overlap, strategy=strategy)
    assert [passage.index for passage in passages] == list(range(len(passages)))
    covered, before = set(), 0
    for passage in passages:
        covered.update(range(passage.start, passage.end))
        assert source.text[passage.start : passage.end].strip()
        # Estimates of parts are rounded up; those of a whole are not the sum of its parts'.
        assert estimate_tokens(source.text[passage.start : passage.end]) <= size * 1.1 + 2
        assert passage.headings == above(source, first_words(source, passage, before).start)
        before = passage.end
    missed = [
        at
        for element in source.elements
        for at in range(element.start, element.end)
        if at not in covered and not source.text[at].isspace()
    ]
    assert missed == []
    assert all(one.start < other.start and one.end < other.end for one, other in pairwise(passages))


@settings(deadline=None, max_examples=60)
@given(st.lists(PARTS, max_size=12), st.integers(16, 80))
def test_by_title_all_of_a_passage_lies_under_the_headings_it_is_cited_with(parts, size):
    source = extracted(*parts)
    for passage in split_text(source, size=size, overlap=0):
        for element in source.elements:
            if element.kind != "title" and passage.start <= element.start < passage.end:
                over = above(source, element.start)
                assert over[: len(passage.headings)] == passage.headings


@pytest.mark.parametrize(
    ("text", "per_token"), [("The quick brown fox jumps over it. ", 4.2), ("人人生而自由平等", 1.5)]
)
def test_tokens_are_estimated_by_script(text, per_token):
    text *= 100
    assert len(text) / estimate_tokens(text) == pytest.approx(per_token, rel=0.1)
