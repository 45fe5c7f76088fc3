"""Who uses the keyboard is never left without a place: what goes hands the focus on."""

import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from notebook.tests.browsing import (
    EMPTY_DOCUMENT,
    LIST,
    held,
    let_go,
    long_text,
    note,
    ready,
    row,
    search_in,
    told_in_panel,
    unique,
    until_asked,
    upload,
)

FEW = 2  # of a list a page, where a test asks for so few


def few_at_once(page, address: str) -> None:
    """The server answers as ever, with smaller pages."""

    def shorten(route):
        url = re.sub(r"[?&]page_size=\d+", "", route.request.url)
        route.continue_(url=f"{url}{'&' if '?' in url else '?'}page_size={FEW}")

    page.route(address, shorten)


def parts(word: str, count: int) -> bytes:
    """Text of which each part is a passage of its own."""
    told = (f"The heron of {word} waits at weir {number}. " * 40 for number in range(count))
    return "".join(f"# Part {number}\n\n{text}\n\n" for number, text in enumerate(told)).encode()


def documents_title(page):
    return page.get_by_role("heading", name="Documents", exact=True)


# -- answers and searches ----------------------------------------------------------------------


def test_who_closes_the_answer_goes_on_below_it(page, chat_server):
    name = unique("txt")
    ready(page, name, note(name))
    page.get_by_label(f"Search in {name}").check()
    page.get_by_label("Search your documents").fill("When did the harbour freeze?")
    for below in (documents_title(page), page.locator("#hits-title")):
        page.get_by_role("button", name="Ask").click()
        page.get_by_role("button", name="Close the answer").press("Enter")
        expect(page.locator(".answer")).to_have_count(0)
        expect(below).to_be_focused()
        page.get_by_label("Search your documents").press("Enter")
        expect(page.locator(".hit")).to_have_count(1)


def test_who_searches_all_instead_goes_on_at_what_was_found(page):
    name = unique("txt")
    ready(page, name, note(name))
    expect(search_in(page, name, "frozen harbour").first).to_be_visible()
    page.get_by_role("button", name="Search all instead").press("Enter")
    expect(page.locator(".scope")).to_have_count(0)
    expect(page.locator("#hits-title")).to_be_focused()


def test_who_searches_all_instead_before_a_search_can_type_it(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.get_by_label(f"Search in {name}").check()
    page.get_by_role("button", name="Search all instead").press("Enter")
    expect(page.locator(".scope")).to_have_count(0)
    expect(page.get_by_label("Search your documents")).to_be_focused()


def test_who_asks_for_more_passages_goes_on_at_the_first_of_them(page):
    word = uuid.uuid4().hex[:12]
    ready(page, f"{word}.md", parts(word, 15))
    hits = search_in(page, f"{word}.md", f"heron of {word}")
    expect(hits).to_have_count(10)
    more = page.get_by_role("button", name="Show more passages")
    more.press("Enter")
    expect(more).to_have_count(0)
    expect(hits.nth(10)).to_be_focused()
    expect(hits.nth(10)).to_be_in_viewport()


def test_who_asks_for_more_passages_in_vain_stays_at_the_search(page):
    word = uuid.uuid4().hex[:12]
    ready(page, f"{word}.md", parts(word, 15))
    expect(search_in(page, f"{word}.md", f"heron of {word}")).to_have_count(10)
    page.route("**/api/search/", lambda route: route.abort())
    page.get_by_role("button", name="Show more passages").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The server can't be reached.")
    expect(page.locator("#hits-title")).to_be_focused()


# -- longer lists ------------------------------------------------------------------------------


def pages_of_documents(route):
    """Of the list, three, each of fifty documents."""
    start = int(parse_qs(urlsplit(route.request.url).query).get("cursor", "0")[0])
    numbers = range(start, start + 50)
    results = [{**EMPTY_DOCUMENT, "id": f"{each}", "name": f"{each}.txt"} for each in numbers]
    after = f"/api/documents/?cursor={start + 50}" if start < 100 else None
    route.fulfill(json={"results": results, "next": after})


def test_who_loads_more_documents_goes_on_at_the_first_of_them(page):
    page.route(LIST, pages_of_documents)
    page.reload()
    rows = page.locator("[data-document]")
    for shown in (50, 100):
        expect(rows).to_have_count(shown)
        page.get_by_role("button", name="Load more").press("Enter")
        expect(rows.nth(shown)).to_be_focused()
        expect(rows.nth(shown)).to_be_in_viewport()
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)


def test_who_loads_more_documents_in_vain_is_told_there_and_tries_again_there(page):
    page.route(LIST, pages_of_documents)
    page.reload()
    rows = page.locator("[data-document]")
    expect(rows).to_have_count(50)
    page.route(LIST, lambda route: route.abort())
    page.get_by_role("button", name="Load more").press("Enter")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    page.unroute(LIST)
    page.route(LIST, pages_of_documents)
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_focused()
    again.press("Enter")
    expect(rows.nth(50)).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)


def more_in_panel(page):
    """Behind it the list may have one, too."""
    return page.get_by_role("dialog").get_by_role("button", name="Load more")


def test_who_loads_more_passages_sees_the_first_of_them(page):
    name = unique("txt")
    ready(page, name, long_text())
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="Passages").click()
    passages = page.locator(".passage")
    expect(passages).to_have_count(50)
    more_in_panel(page).press("Enter")
    expect(passages.nth(50)).to_be_focused()
    expect(passages.nth(50)).to_be_in_viewport()


@pytest.mark.parametrize(
    ("tab", "address", "entries"),
    [
        ("Passages", "**/chunks/?*", ".passages > *"),
        ("History", "**/history/**", ".history-entry"),
    ],
)
def test_who_loads_more_in_the_panel_goes_on_at_the_first_of_it(page, tab, address, entries):
    word = uuid.uuid4().hex[:12]
    ready(page, f"{word}.txt", parts(word, 3).replace(b"# ", b""))
    few_at_once(page, address)
    page.get_by_role("button", name=f"{word}.txt", exact=True).click()
    page.get_by_role("tab", name=tab).click()
    told = page.get_by_role("dialog").locator(entries)
    expect(told).to_have_count(FEW)
    more_in_panel(page).press("Enter")
    expect(told.nth(FEW)).to_be_focused()


def test_who_loads_more_in_the_panel_sees_that_it_is_loaded(page):
    name = unique("txt")
    ready(page, name, note(name))
    few_at_once(page, "**/history/**")
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="History").click()
    panel = page.get_by_role("dialog")
    expect(panel.locator(".history-entry")).to_have_count(FEW)
    waiting = held(page, "**/history/**")
    more_in_panel(page).click()
    loading = panel.get_by_role("button", name="Loading…")
    expect(loading).to_have_attribute("aria-busy", "true")
    until_asked(page, waiting, 1)
    let_go(page, "**/history/**", waiting)
    expect(loading).to_have_count(0)


def test_who_moved_on_while_more_was_loaded_is_left_there(page):
    word = uuid.uuid4().hex[:12]
    ready(page, f"{word}.txt", parts(word, 3).replace(b"# ", b""))
    few_at_once(page, "**/chunks/?*")
    page.get_by_role("button", name=f"{word}.txt", exact=True).click()
    page.get_by_role("tab", name="Passages").click()
    told = page.get_by_role("dialog").locator(".passage")
    expect(told).to_have_count(FEW)
    waiting = held(page, "**/chunks/?*")
    more_in_panel(page).press("Enter")
    until_asked(page, waiting, 1)
    page.get_by_role("tab", name="Passages").focus()
    let_go(page, "**/chunks/?*", waiting)
    expect(told.nth(FEW)).to_be_visible()
    expect(page.get_by_role("tab", name="Passages")).to_be_focused()


# -- the menu ----------------------------------------------------------------------------------


def test_the_menu_closes_when_the_keyboard_leaves_it(page, live_stack):
    button = page.get_by_role("button", name=f"Account: {live_stack.username}")
    out = page.get_by_role("button", name="Sign out")
    button.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="API documentation")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(button).to_be_focused()
    expect(out).to_be_visible()
    out.focus()
    page.keyboard.press("Tab")
    expect(out).to_be_hidden()
    expect(page.locator(":focus")).to_be_in_viewport()
    button.click()
    expect(out).to_be_visible()
    button.click()
    expect(out).to_be_hidden()


# -- the connection ----------------------------------------------------------------------------


def lose_connection(page, context) -> None:
    context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()


def test_who_reconnects_goes_on_at_the_documents(page):
    is_refused = []

    def listen(socket):
        sockets.append(socket)
        if is_refused:
            socket.close(code=1012)
        else:
            socket.connect_to_server()

    sockets: list = []
    page.route_web_socket("**/ws/tasks/", listen)
    page.reload()
    expect(page.locator(".connection-live")).to_be_visible()
    is_refused.append(True)
    sockets[-1].close(code=1012)
    button = page.get_by_role("button", name="Reconnect now")
    expect(button).to_be_visible()
    is_refused.clear()
    button.press("Enter")
    expect(button).to_have_count(0)
    expect(page.locator(".connection-live")).to_be_visible()
    expect(documents_title(page)).to_be_focused()


def test_a_lost_connection_is_told_above_the_panel_too(page, context):
    name = unique("txt")
    ready(page, name, note(name))
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    lose_connection(page, context)
    expect(panel.get_by_text("You are offline.")).to_be_visible()
    button = panel.get_by_role("button", name="Reconnect now")
    button.click(trial=True)  # nothing lies above it
    button.focus()
    context.set_offline(False)
    expect(button).to_have_count(0)
    expect(page.get_by_role("tab", name="Steps")).to_be_focused()


def test_the_loss_stays_told_when_a_panel_is_opened_and_closed(page, context):
    name = unique("txt")
    ready(page, name, note(name))
    lose_connection(page, context)
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    assert panel.get_by_text("You are offline.").is_visible()  # at once, not told anew
    page.keyboard.press("Escape")
    # The dialog closes before the page is drawn anew. Told anew, it would take 1.5 s.
    expect(page.get_by_text("You are offline.")).to_be_visible(timeout=1000)
    expect(panel).to_have_count(0)


def test_a_message_does_not_cover_that_the_connection_is_lost(page, context):
    name = unique("txt")
    ready(page, name, note(name))
    lose_connection(page, context)
    page.get_by_role("button", name=f"Reprocess {name}").click()
    expect(page.locator(".toast-error")).to_contain_text("The server can't be reached.")
    page.get_by_role("button", name="Reconnect now").click(trial=True)
    page.get_by_role("button", name="Dismiss").click(trial=True)


def test_who_dismisses_a_message_over_the_panel_stays_in_it(page):
    name = unique("txt")
    ready(page, name, note(name))
    panel = told_in_panel(page, name)
    panel.get_by_role("button", name="Dismiss").press("Enter")
    expect(panel.locator(".toast")).to_have_count(0)
    expect(page.get_by_role("tab", name="Steps")).to_be_focused()


def test_who_deletes_by_keyboard_comes_to_undo_before_the_list(page):
    name, other = unique("txt"), unique("txt")
    ready(page, other, note(other))
    found = ready(page, name, note(name))
    page.get_by_role("button", name=f"Delete {name}").press("Enter")
    expect(documents_title(page)).to_be_focused()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.keyboard.press("Tab")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(found).to_be_visible()


def test_a_message_that_goes_by_itself_hands_the_focus_on(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.clock.install()
    page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("button", name="Undo").focus()
    page.clock.fast_forward(11_000)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(documents_title(page)).to_be_focused()


# -- uploads -----------------------------------------------------------------------------------


def test_who_dismisses_an_upload_goes_on_at_the_documents(page):
    upload(page, "nothing.txt", b"")
    page.get_by_role("button", name="Dismiss nothing.txt").press("Enter")
    expect(page.locator("[data-upload]")).to_have_count(0)
    expect(documents_title(page)).to_be_focused()


def test_who_retries_an_upload_stays_at_it_and_then_at_its_document(page):
    name = unique("txt")
    page.route("**/api/documents/", lambda route: route.abort())
    upload(page, name, note(name))
    failed = page.locator("[data-upload=failed]", has_text=name)
    expect(failed).to_be_visible()
    page.unroute("**/api/documents/")
    waiting = held(page, "**/api/documents/", "POST")
    failed.get_by_role("button", name="Retry").press("Enter")
    expect(page.locator("[data-upload=sending]").get_by_text(name, exact=True)).to_be_focused()
    until_asked(page, waiting, 1)
    let_go(page, "**/api/documents/", waiting)
    expect(row(page, name)).to_be_visible()
    expect(page.locator("[data-upload]")).to_have_count(0)
    expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()
