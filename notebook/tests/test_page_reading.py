"""What documents hold, read on the page: in either direction, in a hit, on paper."""

import pypdfium2
import pytest
from playwright.sync_api import expect

from notebook.tests.browsing import ready, search_in, unique

HEBREW = "הספינה יוצאת בשעה 10:30 מהמזח הצפוני."
ENGLISH = "The ferry leaves at noon."
PLACES = """(element, ends) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walker.nextNode()) nodes.push(walker.currentNode);
    const text = nodes.map(({data}) => data).join("");
    const place = (index) => {
        const node = nodes.find(({data}) => index < data.length || (index -= data.length) < 0);
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + 1);
        return range.getBoundingClientRect().x;
    };
    return ends.map((end) => place(text.indexOf(end)));
}"""
SLID = "panel => Promise.all(panel.getAnimations().map(each => each.finished))"  # into its place


def places(element, *ends: str) -> list[float]:
    """How far from the left the first character of each is shown, in pixels."""
    return element.evaluate(PLACES, list(ends))


def test_each_paragraph_is_read_in_the_direction_of_its_own_language(page):
    name = f"{HEBREW[:18]} {unique('txt')}"
    ready(page, name, f"{HEBREW}\n\n{ENGLISH} {name}".encode())
    hit = search_in(page, name, "ferry").first
    hit.get_by_role("button", name="Read in context").click()
    passage = page.locator(".passage.is-target .passage-text")
    for text in (passage, hit.locator("blockquote")):
        begin, stop, english, english_stop = places(text, "ה", ".", "The", "noon.")
        assert stop < begin
        assert english < english_stop < begin


def test_brackets_stand_right_in_each_paragraph(page):
    name = unique("txt")
    line = "בבניין B (קומה 3)."
    ready(page, name, f"ferry {name}\n\n{line}\n\n{ENGLISH}\n\n{line}".encode())
    hit = search_in(page, name, "ferry").first
    lines = hit.locator("blockquote .line").filter(has_text=line)
    expect(lines).to_have_count(2)
    for each in lines.all():
        shown = places(each, "B", "(", "3", ")", ".")
        assert shown == sorted(shown, reverse=True)


def test_a_name_is_written_in_its_own_direction_beside_its_tile(page):
    name = f"תוכנית {unique('txt')}"
    found = ready(page, name, f"{ENGLISH} {name}".encode())
    page.get_by_role("button", name=name, exact=True).click()
    heading = page.get_by_role("dialog").get_by_role("heading")
    expect(heading).to_be_visible()
    page.locator(".panel").evaluate(SLID)
    for shown in (found.locator(".row-name"), heading):
        begin, end = places(shown, "ת", name.split()[1])
        assert end < begin
        assert abs(end - shown.bounding_box()["x"]) < 2


def test_what_was_found_is_seen_where_a_hit_is_folded(page):
    name = unique("txt")
    begin = f"This is {name}."
    ready(page, name, f"{begin}{' It tells of the tide.' * 40} A heron waits.".encode())
    hit = search_in(page, name, "heron").first
    text, mark = hit.locator("blockquote"), hit.locator("mark")
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        expect(text).to_contain_text("… ")
        shown, found = text.bounding_box(), mark.bounding_box()
        assert found["y"] + found["height"] <= shown["y"] + shown["height"]
    hit.get_by_role("button", name="Show full text").click()
    expect(text).to_contain_text(begin)
    hit.get_by_role("button", name="Show less").click()
    expect(text).not_to_contain_text(begin)


def test_passages_are_printed_to_the_last_and_alone(page):
    name = unique("md")
    words = [f"heron{number}" for number in range(12)]
    ready(page, name, "\n\n".join(f"# {word}\n\n{f'{word}. ' * 60}" for word in words).encode())
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="Passages").click()
    expect(page.locator(".passage")).not_to_have_count(0)
    with pypdfium2.PdfDocument(page.pdf()) as paper:
        sheets = [sheet.get_textpage().get_text_range() for sheet in paper]
    assert sheets[0].startswith(("MD", name))
    assert [word for word in words if f"{word}." not in "".join(sheets)] == []
    assert "Choose files" not in "".join(sheets)


@pytest.mark.parametrize("family", ["Source Serif 4", "Inter"])
@pytest.mark.parametrize("letters", ["Ferry", "Żółć ğş", "Όταν ήταν", "Москва", "ở đâu"])
def test_letters_of_europe_and_vietnam_stand_in_the_pages_own_type(page, family, letters):
    loaded = page.evaluate(
        "async ([font, text]) => (await document.fonts.load(font, text)).map(({status}) => status)",
        [f"16px '{family}'", letters],
    )
    assert loaded
    assert set(loaded) == {"loaded"}
    shown = "([font, text]) => document.fonts.check(font, text)"
    assert page.evaluate(shown, [f"16px '{family}'", letters])
