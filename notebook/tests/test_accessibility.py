"""axe finds no serious fault on the page, whatever it shows, in both themes and on both widths."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from notebook.tests.browsing import (
    PROCESSED_MS,
    long_text,
    pdf,
    ready,
    search_in,
    unique,
    upload,
)

SERIOUS = ("serious", "critical")
WIDTHS = {1280: 900, 390: 844}


def faults(page):
    """What is seriously wrong with what the page shows now, and where."""
    # What moves would be judged in the middle of it. Some are taken away before their end.
    page.evaluate(
        "Promise.allSettled(document.getAnimations().map(({ finished }) => finished))"
        ".then(() => null)"
    )
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], [node["target"] for node in each["nodes"]])
        for each in found
        if each["impact"] in SERIOUS
    ]


def shown(page):
    """Bring the page from one of its states to the next; the name of each."""
    good, bad = unique("pdf"), unique("pdf")
    ready(page, good, pdf(f"The ferry {good} leaves at noon"))
    failed = upload(page, bad, pdf(f") Tj % {bad}"))
    expect(failed).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    yield "documents"
    expect(search_in(page, good, "When does the ferry leave?").first).to_be_visible()
    yield "hits"
    for name in (good, bad):
        page.get_by_role("button", name=name, exact=True).click()
        for tab in ("Steps", "Passages", "History"):
            page.get_by_role("tab", name=tab).click()
            expect(page.locator(".loading")).to_have_count(0)
            yield f"{tab} of {name}"
        page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Delete {bad}").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    yield "undo"
    page.get_by_label("Filter by name").fill("there is no such name")
    expect(page.get_by_text("No document matches these filters")).to_be_visible()
    yield "nothing"
    page.get_by_role("button", name="Account").click()
    yield "menu"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_has_no_serious_fault(page, theme, width):
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    assert {state: found for state in shown(page) if (found := faults(page))} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_sign_in_has_no_serious_fault(browser, live_stack, theme):
    with browser.new_context(color_scheme=theme) as context:
        page = context.new_page()
        page.goto(f"{live_stack.url}/login/")
        assert faults(page) == []


def luminance(color: str) -> float:
    """As WCAG has it, of `rgb(1, 2, 3)`."""
    parts = (int(part) / 255 for part in re.findall(r"\d+", color))
    linear = [part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_border_of_a_field_stands_out(page, theme):
    """Which axe does not look at."""
    page.emulate_media(color_scheme=theme)
    upload(page, "nothing.txt", b"")
    style = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
    paper = luminance(style)
    for label in ("Filter by name", "Status", "Order"):
        field = page.get_by_label(label, exact=True)
        style = field.evaluate("(field) => getComputedStyle(field).borderTopColor")
        border = luminance(style)
        assert (max(border, paper) + 0.05) / (min(border, paper) + 0.05) >= 3


def test_a_fault_would_be_found(page):
    page.evaluate(
        "document.querySelector('#search-query').labels.forEach((label) => label.remove())"
    )
    page.evaluate(
        "for (const name of ['aria-label', 'title', 'placeholder', 'aria-labelledby'])"
        " document.querySelector('#search-query').removeAttribute(name)"
    )
    assert "label" in dict(faults(page))


def test_a_contrast_theme_shows_which_tab_is_chosen_and_how_far_work_is(page, embedder):
    embedder.seconds_per_request = 3
    name = unique("txt")
    found = upload(page, name, long_text())
    page.emulate_media(forced_colors="active")
    done = found.locator(".segment-completed").first
    expect(done).to_be_visible(timeout=PROCESSED_MS)
    fill, bar = (done.locator(f".segment-{part}") for part in ("fill", "bar"))
    assert color_of(fill, "background-color") != color_of(found, "background-color")
    assert "none" not in color_of(bar, "outline-style")
    page.get_by_role("button", name=name, exact=True).click()
    lines = [color_of(tab, "border-bottom-color") for tab in page.get_by_role("tab").all()]
    assert lines[0] not in lines[1:]


def color_of(element, name: str) -> str:
    return element.evaluate("(element, name) => getComputedStyle(element)[name]", name)
