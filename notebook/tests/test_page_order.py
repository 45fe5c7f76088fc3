"""The page where answers, pushes and people come in another order than one would think."""

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from notebook.tests.browsing import (
    EMPTY_DOCUMENT,
    LIST,
    PROCESSED_MS,
    held,
    let_go,
    long_text,
    note,
    opened,
    pdf,
    ready,
    row,
    search_in,
    unique,
    until_asked,
    upload,
)

LIVE = re.compile("PENDING|RUNNING")
SLOW_EMBEDDING_SECONDS = 0.3  # a request
LONG_LIST = 230


def is_task(text: str) -> bool:
    return json.loads(text).get("type") == "task"


def test_a_hit_of_a_document_that_is_not_listed_is_read_in_context(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    hit = search_in(page, name, "frozen harbour").first
    page.get_by_label("Filter by name").fill(unique("none"))
    expect(page.get_by_text("No document matches these filters")).to_be_visible()
    hit.get_by_role("button", name="Read in context").click()
    panel = page.get_by_role("dialog", name=name)
    expect(panel.locator(".passage.is-target")).to_contain_text(name)
    panel.get_by_role("tab", name="Steps").click()
    expect(panel.locator(".step-completed")).to_have_count(5)
    panel.get_by_role("button", name="Reprocess").click()
    panel.get_by_role("tab", name="History").click()
    again = panel.locator(".history-entry strong", has_text="Completed")
    expect(again).to_have_count(1, timeout=PROCESSED_MS)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(found).to_have_count(0)


def test_a_hit_of_a_document_that_is_gone_says_so(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    address = f"/api/documents/{found.get_attribute('data-document')}/"
    hit = search_in(page, name, "frozen harbour").first
    page.get_by_label("Filter by name").fill(unique("none"))
    expect(found).to_have_count(0)
    page.route(f"**{address}", lambda route: route.fulfill(status=404, json={"detail": "Gone."}))
    hit.get_by_role("button", name="Read in context").click()
    expect(page.locator(".toast-error")).to_have_text("Gone.")
    expect(page.locator(".hit")).to_have_count(0)


def test_an_answer_that_comes_after_the_end_does_not_take_the_passages_away(page):
    name = unique("txt")
    answers = []
    page.route(
        "**/api/documents/",
        lambda route: (
            answers.append((route, route.fetch()))
            if route.request.method == "POST"
            else route.fallback()
        ),
    )
    found = upload(page, name, note(name))
    expect(found.locator(".facts")).to_contain_text("passage", timeout=PROCESSED_MS)
    ((route, answer),) = answers
    route.fulfill(response=answer)
    expect(page.locator("[data-upload]")).to_have_count(0)
    expect(found.locator(".facts")).to_contain_text("passage")
    expect(page.get_by_label(f"Search in {name}")).to_be_enabled()


def test_a_list_tells_what_the_socket_did_not(page, embedder):
    sockets, is_deaf = [], []

    def listen(socket):
        sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda text: (is_deaf and is_task(text)) or socket.send(text))

    page.route_web_socket("**/ws/tasks/", listen)
    page.reload()
    embedder.seconds_per_request = SLOW_EMBEDDING_SECONDS
    name = unique("txt")
    found = upload(page, name, long_text())
    expect(found).to_have_attribute("data-status", "RUNNING", timeout=PROCESSED_MS)
    is_deaf.append(True)
    embedder.seconds_per_request = 0
    address = f"/api/documents/{found.get_attribute('data-document')}/"
    for _ in range(PROCESSED_MS // 100):
        if page.request.get(address).json()["status"] == "AVAILABLE":
            break
        page.wait_for_timeout(100)  # the socket's messages are handled meanwhile
    expect(found).to_have_attribute("data-status", "RUNNING")
    sockets[-1].close(code=1012)
    expect(found).to_have_attribute("data-status", "AVAILABLE")
    expect(found.locator(".facts")).to_contain_text("passages")


def test_text_that_is_marked_beyond_the_panel_does_not_close_it(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("heading", name=name).hover()
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    panel.get_by_role("tab", name="Passages").click()
    expect(panel.locator(".passage")).to_be_visible()
    page.mouse.click(5, 5)
    expect(panel).to_have_count(0)


def test_a_double_click_reprocesses_once(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    address = "**/reprocess/"
    waiting = held(page, address, "POST")
    page.get_by_role("button", name=f"Reprocess {name}").dblclick()
    expect(found).to_be_visible()
    assert len(waiting) == 1
    with page.expect_response(re.compile("/reprocess/$")):
        let_go(page, address, waiting)
    expect(found).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    expect(page.locator(".toast-error")).to_have_count(0)


def test_an_end_that_two_answers_bring_is_announced_once(page):
    name = unique("pdf")
    found = upload(page, name, pdf(f") Tj % {name}"))
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    page.reload()  # what was said of its first end goes
    address = f"/api/documents/{found.get_attribute('data-document')}/"
    document = page.request.get(address).json()
    waiting = held(page, f"**{address}")
    page.get_by_role("button", name=f"Retry {name}").click()
    until_asked(page, waiting, 2)  # after the retry, and after its end
    late = document | {"status": "PENDING", "task": document["task"] | {"status": "PENDING"}}
    waiting[0].fulfill(json=late)
    until_asked(page, waiting, 3)
    for route in waiting[1:]:
        with page.expect_response(f"**{address}") as answer:
            route.continue_()
        answer.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(page.locator("#announcer").get_by_text(f"{name} failed")).to_have_count(1)


def click_at(page, button, nth: int) -> None:
    """As the nth of clicks at one place that follow each other fast."""
    box = button.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down(click_count=nth)
    page.mouse.up(click_count=nth)


def test_a_double_click_does_not_undo_what_its_first_click_did(page, embedder):
    embedder.seconds_per_request = SLOW_EMBEDDING_SECONDS
    name = unique("txt")
    found = upload(page, name, long_text())
    page.evaluate("window.fetched = []; window.fetchReally = window.fetch")
    page.evaluate("window.fetch = (...how) => fetched.push(how[0]) && fetchReally(...how)")
    acts = "fetched.map((path) => /(retry|cancel)/.exec(path)?.[1]).filter(Boolean)"
    cancel, again = (
        page.get_by_role("button", name=f"{act} {name}") for act in ("Cancel", "Retry")
    )
    for first, second, status in ((cancel, again, "CANCELLED"), (again, cancel, LIVE)):
        expect(first).to_be_visible()
        click_at(page, first, 1)
        expect(found).to_have_attribute("data-status", status)
        click_at(page, second, 2)
    assert page.evaluate(acts) == ["cancel", "retry"]
    click_at(page, cancel, 1)
    assert page.evaluate(acts) == ["cancel", "retry", "cancel"]


def test_who_cancels_and_retries_by_keyboard_stays_at_the_document(page, embedder):
    embedder.seconds_per_request = SLOW_EMBEDDING_SECONDS
    name = unique("txt")
    found = upload(page, name, long_text())
    expect(found).to_have_attribute("data-status", LIVE)
    for act, status in (("Cancel", "CANCELLED"), ("Retry", LIVE)):
        page.get_by_role("button", name=f"{act} {name}").press("Enter")
        expect(found).to_have_attribute("data-status", status)
        expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()
    page.get_by_role("button", name=f"Cancel {name}").click()


def test_who_deletes_by_mouse_stays_where_they_read(page):
    results = [
        {**EMPTY_DOCUMENT, "id": f"{each}", "name": f"{each}.txt"} for each in range(100, 150)
    ]
    page.route(LIST, lambda route: route.fulfill(json={"results": results, "next": None}))
    page.reload()
    rows = page.locator("[data-document]")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Delete 130.txt").hover()
    before = page.evaluate("scrollY")
    page.get_by_role("button", name="Delete 130.txt").click()
    expect(rows).to_have_count(49)
    assert page.evaluate("scrollY") == before
    page.get_by_role("button", name="131.txt", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(48)
    assert page.evaluate("scrollY") == before
    page.get_by_role("button", name="Delete 132.txt").press("Enter")
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_in_viewport()


def test_who_filters_by_keyboard_stays_at_the_filters(page):
    name = unique("txt")
    ready(page, name, note(name))
    loading = page.get_by_text("Loading the documents…")
    by_name, order = page.get_by_label("Filter by name"), page.get_by_label("Order")
    for field, change in (
        (order, lambda: order.select_option("name")),
        (by_name, lambda: by_name.fill(name)),
        (by_name, lambda: by_name.fill("")),
    ):
        waiting = held(page, LIST)
        field.focus()
        change()
        expect(loading).to_be_attached()
        expect(field).to_be_focused()
        let_go(page, LIST, waiting)
        expect(loading).to_have_count(0)
        expect(field).to_be_focused()


def test_who_shows_all_documents_again_finds_the_name_emptied(page):
    ready(page, name := unique("txt"), note(name))  # without documents there is no filter
    page.get_by_label("Filter by name").fill(unique("none"))
    page.get_by_role("button", name="Show all documents").press("Enter")
    expect(page.get_by_label("Filter by name")).to_have_value("")
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_focused()


def test_an_upload_that_the_filter_does_not_show_leaves_when_it_is_done(page):
    name = unique("txt")
    ready(page, unique("txt"), note(name))
    page.get_by_label("Status").select_option("FAILED")
    expect(page.locator("[data-document][data-status=AVAILABLE]")).to_have_count(0)
    upload(page, name, note(unique("txt")))
    said = page.locator("#announcer").get_by_text(f"{name} is ready to search.")
    expect(said).to_be_attached(timeout=PROCESSED_MS)
    expect(row(page, name)).to_have_count(0)


def test_what_others_add_is_listed_where_it_matches_the_filter(context, page):
    ready(page, unique("txt"), note(unique("txt")))
    word = unique("x")
    page.get_by_label("Filter by name").fill(f"{word.upper()} harbour")
    expect(page.get_by_text("No document matches these filters")).to_be_visible()
    for other in opened(context):
        for name in ("Other", f"Harbour {word}"):
            ready(other, f"{name}.txt", note(f"{name} {unique('txt')}"))
        expect(row(page, word)).to_have_attribute("data-status", "AVAILABLE")
    expect(page.locator("[data-document]")).to_have_count(1)


def test_time_left_does_not_count_the_pause_before_a_retry(page, embedder):
    embedder.seconds_per_request = 8 * SLOW_EMBEDDING_SECONDS
    name = unique("txt")

    def long_ago(route):
        answer = route.fetch()
        task = answer.json()
        first, second, _, embed, _ = task["task_details"]
        # Between two slices it is PENDING for a moment, and no push would tell how it goes on.
        embed |= {"status": "RUNNING", "started_at": task["created_at"], "completed_at": None}
        for step in (first, second):
            for moment in ("started_at", "completed_at"):
                step[moment] = step[moment] and f"2020-01-01{step[moment][10:]}"
        route.fulfill(response=answer, json={**task, "seq": task["seq"] + 100_000})

    found = upload(page, name, long_text())
    expect(found.locator(".waiting")).to_contain_text("left", timeout=30_000)
    page.route("**/api/tasks/*/", long_ago)
    page.route_web_socket("**/ws/tasks/", lambda socket: socket.send('{"type": "ready"}'))
    page.reload()
    expect(found.locator(".waiting")).to_contain_text(re.compile(r"About \d{1,3} (s|min).* left"))
    page.get_by_role("button", name=f"Cancel {name}").click()


def test_a_long_list_is_as_long_when_the_connection_is_back(page):
    sockets = []

    def listen(socket):
        sockets.append(socket)
        socket.connect_to_server()

    def answer(route):
        """Some of more documents than a page of the list may hold; the name tells how often."""
        asked = parse_qs(urlsplit(route.request.url).query)
        start, size = int(asked.get("cursor", "0")[0]), int(asked.get("page_size", "50")[0])
        names = [f"{number} of {len(sockets)}" for number in range(LONG_LIST)][start : start + size]
        more = f"/api/documents/?page_size={size}&cursor={start + size}"
        results = [{**EMPTY_DOCUMENT, "id": name.split()[0], "name": name} for name in names]
        route.fulfill(json={"results": results, "next": more if start + size < LONG_LIST else None})

    page.route_web_socket("**/ws/tasks/", listen)
    page.route(LIST, answer)
    page.reload()
    rows = page.locator("[data-document]")
    for shown in range(50, LONG_LIST, 50):
        expect(rows).to_have_count(shown)
        page.get_by_role("button", name="Load more").click()
    expect(rows).to_have_count(LONG_LIST)
    sockets[-1].close(code=1012)
    expect(rows.first).to_contain_text("0 of 2")
    expect(rows).to_have_count(LONG_LIST)
    expect(rows.last).to_contain_text(f"{LONG_LIST - 1} of 2")


def test_what_is_added_while_the_list_is_read_stays_in_it(context, page):
    word = unique("x")
    name, uploaded, pushed = (f"{each} {word}.txt" for each in ("old", "uploaded", "pushed"))
    ready(page, name, note(name))
    answers = []
    page.route(LIST, lambda route: answers.append((route, route.fetch())))
    page.get_by_label("Filter by name").fill(word)
    until_asked(page, answers, 1)
    ready(page, uploaded, note(uploaded))
    for other in opened(context):
        ready(other, pushed, note(pushed))
    expect(row(page, pushed)).to_have_attribute("data-status", "AVAILABLE")
    ((route, answer),) = answers
    assert [each["name"] for each in answer.json()["results"]] == [name]
    route.fulfill(response=answer)
    expect(page.locator(".rows")).to_have_attribute("aria-busy", "false")
    for each in (name, uploaded, pushed):
        expect(row(page, each)).to_have_count(1)


def test_documents_that_are_ready_together_are_told_as_one(page):
    names = [unique("txt") for _ in range(4)]
    files = [{"name": name, "mimeType": "text/plain", "buffer": note(name)} for name in names]
    waiting = held(page, re.compile(r"/api/documents/[^/?]+/$"))
    page.get_by_label("Files to upload").set_input_files(files)
    for name in names:
        expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    until_asked(page, waiting, 4)
    let_go(page, re.compile(r"/api/documents/[^/?]+/$"), waiting)
    said = page.get_by_role("status").filter(has_text="4 documents are ready to search.")
    expect(said).to_be_attached()


def test_a_reprocessing_that_was_cancelled_is_not_told_as_ready(page, embedder):
    name = unique("txt")
    found = ready(page, name, long_text())
    said = page.get_by_role("status").filter(has_text=name)
    expect(said.filter(has_text="is ready")).to_be_attached()
    page.locator("#announcer").evaluate("told => told.replaceChildren()")  # by itself in 10 s
    embedder.seconds_per_request = 8 * SLOW_EMBEDDING_SECONDS
    reprocess_smaller(page, found.get_attribute("data-document"))
    expect(found).to_have_attribute("data-status", LIVE)
    page.get_by_role("button", name=f"Cancel {name}").click()
    expect(found).to_have_attribute("data-status", "AVAILABLE")
    expect(said).to_have_text(f"{name} was cancelled.")
    expect(found.get_by_role("button", name=f"Reprocess {name}")).to_be_visible()


def reprocess_smaller(page, document_id: str) -> None:
    """Into other passages, so that they have to be embedded."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    address = f"/api/documents/{document_id}/reprocess/"
    headers = {"X-CSRFToken": token, "Referer": page.url}
    assert page.request.post(address, data={"chunk_size": 64}, headers=headers).status == 202
