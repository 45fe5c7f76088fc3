"""The built-in page in a real browser, on the whole stack."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from documents.tests.chat_server import begin, chunk
from notebook.tests.browsing import (
    EMPTY_DOCUMENT,
    LIST,
    PROCESSED_MS,
    locked_pdf,
    long_text,
    note,
    opened,
    pdf,
    ready,
    row,
    search_in,
    sign_in,
    told_in_panel,
    unique,
    upload,
)
from notebook.tests.live import until

LIVE = re.compile("PENDING|RUNNING")
SLOW_EMBEDDING_SECONDS = 0.3  # a request: long texts take long enough to be watched


# -- signing in --------------------------------------------------------------------------------


def test_a_visitor_signs_in_first_and_then_sees_the_page(browser, live_stack):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{live_stack.url}/")
        expect(page).to_have_url(f"{live_stack.url}/login/?next=/")
        sign_in(page, live_stack, live_stack.password)
        expect(page).to_have_url(f"{live_stack.url}/")
        expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_attached()


def test_a_wrong_password_is_told_and_the_name_is_kept(browser, live_stack):
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, live_stack, "not the password")
        expect(page.get_by_role("alert")).to_have_text(
            "That name and password don't match. Both are case-sensitive."
        )
        expect(page.get_by_label("User name")).to_have_value(live_stack.username)


def test_a_session_that_ended_elsewhere_leads_to_the_sign_in_page(page, context):
    context.clear_cookies()
    page.get_by_label("Search your documents").fill("anything")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/login/\?next=%2F%3Fq%3Danything$"))


def test_files_added_after_the_session_ended_lead_to_the_sign_in_page_unasked(page, context):
    asked = []
    page.on("dialog", lambda dialog: [asked.append(dialog.type), dialog.dismiss()])
    page.get_by_label("Search your documents").click()  # browsers ask only who did something
    context.clear_cookies()
    names = [unique("txt") for _ in range(5)]
    files = [{"name": each, "mimeType": "text/plain", "buffer": note(each)} for each in names]
    page.get_by_label("Files to upload").set_input_files(files)
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    assert asked == []


def test_signing_out_leads_to_the_sign_in_page(browser, live_stack):
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, live_stack, live_stack.password)
        page.get_by_role("button", name=f"Account: {live_stack.username}").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{live_stack.url}/login/")


def test_scripts_and_styles_come_only_from_our_own_files(page):
    policy = page.request.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.locator("script:not([src]), style, [style], [onclick]").count() == 0


# -- documents ---------------------------------------------------------------------------------


def test_a_file_moves_through_five_steps_and_becomes_ready_without_a_reload(page, embedder):
    embedder.seconds_per_request = SLOW_EMBEDDING_SECONDS
    name = unique("txt")
    found = upload(page, name, long_text())
    expect(found.locator(".segment-name")).to_have_text(
        ["File validation", "Text extraction", "Text splitting", "Embedding", "Vector storage"]
    )
    bar = page.get_by_role("progressbar", name=f"Processing {name}")
    expect(bar).to_have_attribute("aria-valuenow", re.compile("[1-9]"), timeout=PROCESSED_MS)
    expect(found).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    expect(found.locator(".facts")).to_contain_text("passages")


def test_what_could_not_be_read_is_told_beside_the_document_and_in_its_report(page):
    name = unique("pdf")
    found = ready(page, name, pdf(note(name).decode(), ""))
    warning = "1 of 2 pages have no text"
    expect(found.locator(".warnings")).to_have_text(warning)
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="Passages").click()
    report = page.get_by_role("region", name="Reading quality")
    expect(report.locator(".warnings")).to_have_text(warning)
    report.locator("summary").click()
    expect(report.locator("dl > div")).to_contain_text(["Pages2", "Pages without text1"])


def test_warnings_are_chinese_for_who_reads_chinese(browser, session, live_stack, embedder):
    name = unique("pdf")
    with browser.new_context(
        base_url=live_stack.url, storage_state=session, locale="zh-CN"
    ) as context:
        page = context.new_page()
        page.goto("/")
        file = {"name": name, "mimeType": "application/pdf", "buffer": pdf(note(name).decode(), "")}
        page.locator("input[type=file]").first.set_input_files([file])
        warnings = row(page, name).locator(".warnings")
        expect(warnings).to_have_text("2 页中有 1 页没有文本", timeout=PROCESSED_MS)


def test_a_finished_document_tells_of_each_step_what_it_did(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.get_by_role("button", name=name, exact=True).click()
    steps = page.get_by_role("dialog").locator(".step")
    expect(steps).to_have_count(5)
    expect(page.get_by_role("dialog").locator(".step-completed")).to_have_count(5)
    expect(steps.nth(0)).to_contain_text("Plain text")
    expect(steps.nth(1)).to_contain_text("characters of text")
    expect(steps.nth(2)).to_contain_text("1 passage")
    expect(steps.nth(4)).to_contain_text("1 passage stored")


def test_several_files_are_taken_at_once(page):
    names = [unique("txt") for _ in range(5)]
    files = [{"name": name, "mimeType": "text/plain", "buffer": note(name)} for name in names]
    page.get_by_label("Files to upload").set_input_files(files)
    for name in names:
        expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def test_a_file_dropped_anywhere_on_the_page_is_uploaded(page):
    name = unique("txt")
    page.evaluate(
        """([name, text]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], name, {type: "text/plain"}));
            const options = {dataTransfer, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("dragover", options));
            document.body.dispatchEvent(new DragEvent("drop", options));
        }""",
        [name, note(name).decode()],
    )
    expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def drop(page, context, folder):
    devtools = context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        drag = {"type": kind, "x": 400, "y": 400, "data": data}
        devtools.send("Input.dispatchDragEvent", drag)


def test_of_a_dropped_folder_what_systems_left_in_it_is_not_uploaded(page, context, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    names = [unique("txt"), unique("txt")]
    for folder, name in zip((tmp_path, inner), names, strict=True):
        for each in (name, ".DS_Store", "Thumbs.db", f"._{name}", f"~${name}"):
            (folder / each).write_bytes(note(each))
    drop(page, context, tmp_path)
    for name in names:
        expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    expect(page.locator("[data-upload]")).to_have_count(0)
    assert [row(page, name).count() for name in (*names, "DS_Store", "Thumbs.db")] == [1, 1, 0, 0]


WHEN_LISTED = """() => addEventListener("drop", ({dataTransfer}) => {
    const reader = Object.getPrototypeOf(dataTransfer.items[0].webkitGetAsEntry().createReader());
    const {readEntries} = reader;
    reader.readEntries = function (resolve, reject) {
        readEntries.call(this, (entries) => listed().then(() => resolve(entries)), reject);
    };
}, {capture: true, once: true})"""


def test_what_of_a_dropped_folder_cannot_be_read_is_told_and_the_rest_uploaded(
    page, context, tmp_path
):
    inner, name, gone = tmp_path / "inner", unique("txt"), tmp_path / unique("txt")
    inner.mkdir()
    for path in (tmp_path / name, gone):
        path.write_bytes(note(path.name))

    def remove():
        gone.unlink(missing_ok=True)
        if inner.exists():
            inner.rmdir()

    page.expose_function("listed", remove)
    page.evaluate(WHEN_LISTED)
    drop(page, context, tmp_path)
    expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    told = page.locator(".toast-error")
    expect(told).to_contain_text("could not be read")
    expect(told).to_contain_text(gone.name)
    expect(told).to_contain_text("inner")


PASTE = """(target, [name, ...texts]) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([name], name));
    for (const type of texts) clipboardData.setData(type, name);
    target.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
}"""


def test_a_pasted_file_is_uploaded_but_no_picture_of_words_that_are_pasted_in_a_field(page):
    of_words, named, pasted = unique("txt"), unique("txt"), unique("txt")
    field = page.get_by_label("Search your documents")
    field.evaluate(PASTE, [of_words, "text/plain", "text/html"])  # as from a sheet
    field.evaluate(PASTE, [named, "text/plain"])  # as from a folder
    page.locator("body").evaluate(PASTE, [pasted])
    for name in (named, pasted):
        expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    page.reload()
    expect(row(page, pasted)).to_be_visible()
    expect(row(page, of_words)).to_have_count(0)


def test_files_dragged_over_the_panel_are_welcomed_above_it(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    panel.evaluate(
        """(panel) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["a"], "a.txt"));
            panel.dispatchEvent(new DragEvent("dragover", {dataTransfer, bubbles: true}));
        }"""
    )
    expect(panel.get_by_text("Drop to add")).to_be_visible()


def test_a_document_without_text_fails_with_a_reason_and_can_be_retried(page):
    name = unique("pdf")
    found = upload(page, name, pdf(f") Tj % {name}"))
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    expect(found.locator(".reason")).to_contain_text("No text was found")
    expect(found.locator(".advice")).to_contain_text("scan it again")
    page.get_by_role("button", name=name, exact=True).click()
    told = page.get_by_role("dialog").locator(".step-failed .step-error")
    expect(told).to_contain_text("scan it again")
    page.keyboard.press("Escape")
    with page.expect_response(re.compile(r"/api/tasks/.*/retry/$")) as response:
        page.get_by_role("button", name=f"Retry {name}").click()
    assert response.value.status == 202
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Attempt 2")).to_be_visible()
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)


def test_who_has_no_scan_is_not_advised_to_scan_it_again(page):
    name = unique("html")
    found = upload(page, name, f"<!doctype html><html><!-- {name} --></html>".encode())
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    expect(found.locator(".reason")).to_have_text("No text was found in the file (Web page).")
    expect(found.get_by_role("button", name="Retry")).to_have_count(0)


def test_a_damaged_file_offers_no_retry_but_tells_what_helps(page):
    name = unique("pdf")
    found = upload(page, name, b"%PDF-1.7 " + name.encode())
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    expect(found.locator(".reason")).to_have_text(
        "The file is damaged and can't be read. "
        "Open it, save it again or in another format, and upload the new file."
    )
    expect(found.get_by_role("button", name="Retry")).to_have_count(0)


def test_a_document_that_only_another_file_can_help_offers_no_retry(page):
    name = unique("pdf")
    found = upload(page, name, locked_pdf(name))
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    expect(found.locator(".reason")).to_contain_text("Remove the password and upload it again.")
    expect(found.get_by_role("button", name="Retry")).to_have_count(0)
    page.get_by_role("button", name=name, exact=True).click()
    actions = page.get_by_role("dialog").locator(".panel-actions")
    expect(actions.get_by_role("button")).to_have_text(["Delete"])


def test_the_history_tells_what_happened_and_goes_on_while_it_is_read(page):
    name = unique("pdf")
    found = upload(page, name, pdf(f") Tj % {name}"))
    expect(found).to_have_attribute("data-status", "FAILED", timeout=PROCESSED_MS)
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="History").click()
    told = page.locator(".history-entry")
    first = ["Created", "Started", "Failed"]
    expect(told.locator("strong")).to_have_text(first)
    expect(told.nth(0)).to_contain_text("by you")
    expect(told.nth(2)).to_contain_text("Text extraction")
    expect(told.nth(2)).to_contain_text("No text was found")
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    again = [*first, "Retried", "Started", "Failed"]
    expect(told.locator("strong")).to_have_text(again, timeout=PROCESSED_MS)
    expect(page.locator(".history-attempt")).to_have_text(["Attempt 2"])


def test_long_work_tells_how_long_it_will_take(page, embedder):
    embedder.seconds_per_request = 8 * SLOW_EMBEDDING_SECONDS
    found = upload(page, unique("txt"), long_text())
    expect(found.locator(".waiting")).to_contain_text(
        re.compile(r"About \d+ (s|min).* left"), timeout=30_000
    )
    page.get_by_role("button", name="Cancel").first.click()


def test_work_can_be_cancelled_and_taken_up_again(page, embedder):
    embedder.seconds_per_request = SLOW_EMBEDDING_SECONDS
    name = unique("txt")
    found = upload(page, name, long_text())
    expect(found).to_have_attribute("data-status", LIVE)
    page.get_by_role("button", name=f"Cancel {name}").click()
    expect(found).to_have_attribute("data-status", "CANCELLED")
    page.get_by_role("button", name=f"Retry {name}").click()
    expect(found).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def test_a_ready_document_can_be_processed_again(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    with page.expect_response(re.compile(r"/reprocess/$")) as response:
        page.get_by_role("button", name=f"Reprocess {name}").click()
    assert response.value.status == 202
    expect(found).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def test_a_deleted_document_goes_at_once_and_comes_back_when_asked_to(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(found).to_have_count(0)
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_focused()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(found).to_have_attribute("data-status", "AVAILABLE")
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_focused()
    page.reload()
    expect(found).to_have_attribute("data-status", "AVAILABLE")


def test_each_of_many_can_be_undone(page):
    names = [unique("txt") for _ in range(5)]
    rows = [ready(page, name, note(name)) for name in names]
    for name in names:
        page.get_by_role("button", name=f"Delete {name}").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(5)
    for left in range(5, 0, -1):
        page.get_by_role("button", name="Undo").first.click()
        expect(page.get_by_role("button", name="Undo")).to_have_count(left - 1)
    for found in rows:
        expect(found).to_have_attribute("data-status", "AVAILABLE")


def test_who_does_not_undo_has_deleted(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    page.clock.install()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as response:
        page.get_by_role("button", name=f"Delete {name}").click()
        expect(found).to_have_count(0)
        page.clock.fast_forward(11_000)
    assert response.value.status == 204
    page.reload()
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_visible()
    expect(found).to_have_count(0)


def test_who_leaves_the_page_has_deleted_too(page, context, live_stack):
    name = unique("txt")
    found = ready(page, name, note(name))
    document_id = found.get_attribute("data-document")
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(found).to_have_count(0)
    page.goto("about:blank")
    address = f"{live_stack.url}/api/documents/{document_id}/"
    until(lambda: context.request.get(address).status, lambda status: status == 404)


def test_the_same_bytes_again_are_pointed_at_and_not_stored_twice(page):
    name, again = unique("txt"), unique("txt")
    ready(page, name, note(name))
    upload(page, again, note(name))
    expect(page.get_by_role("status").filter(has_text=f"{name} is already here.")).to_be_attached()
    expect(row(page, again)).to_have_count(0)


@pytest.mark.parametrize(("motion", "behavior"), [("reduce", "instant"), (None, "smooth")])
def test_who_wants_less_motion_is_not_scrolled_smoothly(page, motion, behavior):
    page.emulate_media(reduced_motion=motion)
    name = unique("txt")
    ready(page, name, note(name))
    page.evaluate(
        "() => { Element.prototype.scrollIntoView = ({behavior}) => { window.told = behavior; }; }"
    )
    upload(page, name, note(name))
    assert until(lambda: page.evaluate("window.told"), bool) == behavior


def test_a_refused_file_says_why_and_can_be_dismissed(page):
    upload(page, "nothing.txt", b"")
    refused = page.locator("[data-upload=refused]", has_text="nothing.txt")
    expect(refused.locator(".reason")).to_have_text("The file is empty.")
    page.get_by_role("button", name="Dismiss nothing.txt").click()
    expect(refused).to_have_count(0)


def test_many_refused_files_are_dismissed_at_once(page):
    names = [unique("txt") for _ in range(4)]
    files = [{"name": each, "mimeType": "text/plain", "buffer": b""} for each in names]
    page.get_by_label("Files to upload").set_input_files(files)
    expect(page.locator("[data-upload=refused]")).to_have_count(4)
    page.get_by_role("button", name="Dismiss 4 files that were not uploaded").click()
    expect(page.locator("[data-upload]")).to_have_count(0)


def test_the_list_is_filtered_by_name_and_by_status(page):
    name = unique("txt")
    found = ready(page, name, note(name))
    page.get_by_label("Filter by name").fill(name)
    expect(page.locator("[data-document]")).to_have_count(1)
    page.get_by_label("Status").select_option("FAILED")
    expect(page.get_by_text("No document matches these filters")).to_be_visible()
    page.get_by_label("Status").select_option("AVAILABLE")
    expect(found).to_be_visible()


def test_ages_are_told_in_whole_units_that_do_not_go_stale(page):
    ages = {"just now": 45, "1 minute ago": 119, "1 hour ago": 7000, "1 day ago": 40 * 3600}
    now = datetime.now(UTC)
    documents = [
        {**EMPTY_DOCUMENT, "id": told, "created_at": (now - timedelta(seconds=age)).isoformat()}
        | {"name": f"{age}.txt"}
        for told, age in ages.items()
    ]
    page.route(LIST, lambda route: route.fulfill(json={"results": documents, "next": None}))
    page.reload()
    expect(page.locator("[data-document] time")).to_have_text(list(ages))


def test_a_filter_that_nothing_matches_says_so_beside_an_upload(page):
    upload(page, "nothing.txt", b"")
    expect(page.locator("[data-upload=refused]")).to_be_visible()
    page.get_by_label("Filter by name").fill(unique("none"))
    expect(page.get_by_text("No document matches these filters")).to_be_visible()


# -- searching and reading ---------------------------------------------------------------------


def test_a_hit_in_a_pdf_leads_to_its_page(page, context):
    name = unique("pdf")
    ready(page, name, pdf(f"Nothing of {name} here", "The ferry leaves at noon"))
    hit = search_in(page, name, "When does the ferry leave?").first
    link = hit.get_by_role("link", name="Open at page")
    expect(link).to_have_attribute("href", re.compile(r"/file/\?inline=true#page=\d$"))
    answer = context.request.get(link.get_attribute("href"))
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.body().startswith(b"%PDF")


def test_hits_show_the_page_the_score_and_the_words_of_the_question(page):
    name = unique("pdf")
    ready(
        page, name, pdf(f"The first page is about {name}.", "A heron waits beside the frozen weir.")
    )
    hit = search_in(page, name, "heron at the weir").filter(has_text="heron").first
    expect(hit.locator(".pages")).to_contain_text("2")
    expect(hit.get_by_role("heading")).to_have_text(name)
    expect(hit.locator("mark")).to_have_text(["heron", "weir"])
    expect(hit.locator(".score")).to_contain_text(re.compile(r"\d\.\d\d"))


def test_a_passage_of_two_documents_is_one_hit_until_one_of_them_goes(page):
    word = uuid.uuid4().hex[:12]
    names = [f"{word} {edition}.txt" for edition in ("first", "second")]
    for number, name in enumerate(names):
        ready(page, name, f"The heron of {word} waits.{' ' * number}".encode())
        page.get_by_label(f"Search in {name}").check()
    hit = search_in(page, name, f"heron of {word}")
    expect(hit).to_have_count(1)
    shown = hit.get_by_role("heading").inner_text()
    (other,) = {*names} - {shown}
    expect(hit.locator(".hit-copies")).to_contain_text(other)
    page.get_by_role("button", name=f"Delete {shown}").click()
    expect(hit.get_by_role("heading")).to_have_text(other)
    expect(hit.locator(".hit-copies")).to_have_count(0)
    hit.get_by_role("button", name="Read in context").click()
    expect(page.get_by_role("dialog")).to_contain_text(word)


def test_more_can_be_shown_where_copies_left_few_hits(page):
    word = uuid.uuid4().hex[:12]
    part = f"# Part\n\n{f'The heron of {word} waits at the weir. ' * 40}\n\n"
    ready(page, f"{word}.md", (part * 60).encode())
    hits = search_in(page, f"{word}.md", f"heron of {word}")
    expect(hits.first).to_contain_text("Also in")
    assert hits.count() < 10
    expect(page.get_by_role("button", name="Show more passages")).to_be_visible()


def test_a_hit_opens_the_document_at_its_passage(page):
    name = unique("pdf")
    ready(page, name, pdf(f"The first page is about {name}.", "A heron waits beside the weir."))
    hit = search_in(page, name, "heron").first
    hit.get_by_role("button", name="Read in context").click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("tab", name="Passages")).to_have_attribute("aria-selected", "true")
    expect(panel.locator(".passage.is-target")).to_be_in_viewport()
    expect(panel.locator(".passage.is-target")).to_be_focused()  # so it is what is read aloud


def test_the_original_of_a_hit_is_downloaded(page):
    name = unique("txt")
    ready(page, name, note(name))
    hit = search_in(page, name, "frozen harbour").first
    with page.expect_download() as download:
        hit.get_by_role("link", name="Original").click()
    assert download.value.suggested_filename == name
    assert download.value.path().read_bytes() == note(name)


def test_a_search_is_restricted_to_the_selected_documents(page):
    one, other = unique("txt"), unique("txt")
    ready(page, one, note(one))
    ready(page, other, note(other))
    hits = search_in(page, one, f"frozen harbour {other}")
    expect(hits.get_by_role("heading")).to_have_text([one])
    page.get_by_role("button", name="Search all instead").click()
    expect(hits.get_by_role("heading").filter(has_text=other)).to_have_count(1)


def test_hits_that_are_shown_follow_what_is_selected(page):
    one, other = unique("txt"), unique("txt")
    ready(page, one, note(one))
    ready(page, other, note(other))
    hits = search_in(page, one, f"frozen harbour {other}").get_by_role("heading")
    expect(hits).to_have_text([one])
    page.get_by_label(f"Search in {other}").press("Space")
    expect(hits.filter(has_text=other)).to_have_count(1)
    expect(hits).to_have_count(2)
    page.get_by_label(f"Search in {one}").press("Space")
    expect(hits).to_have_text([other])


def test_text_and_names_of_others_are_shown_as_text(page):
    name = f"<img src=x onerror=alert(1)> {unique('txt')}"
    trap = f"{uuid.uuid4()} <script>document.title = 'taken'</script> <b>bold trap</b>"
    ready(page, name, trap.encode())
    hit = search_in(page, name, "bold trap").first
    expect(hit.locator("blockquote")).to_contain_text("<b>bold trap</b>")
    assert page.locator("main img, main script").count() == 0
    expect(page).to_have_title("Notebook")


def test_a_search_that_failed_is_tried_again(page):
    page.route("**/api/search/", lambda route: route.abort())
    page.get_by_label("Search your documents").fill("frozen harbour")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The server can't be reached.")
    page.unroute("**/api/search/")
    page.get_by_role("button", name="Try again").press("Enter")
    expect(page.locator("#hits-title")).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_escape_clears_the_search_but_not_while_words_are_composed(page):
    field = page.get_by_label("Search your documents")
    field.fill("frozen harbour")
    field.dispatch_event("keydown", {"key": "Escape", "isComposing": True})
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=frozen%20harbour"))
    field.press("Escape")
    expect(field).to_have_value("")


def test_a_search_survives_a_reload(page):
    page.get_by_label("Search your documents").fill("frozen harbour")
    page.keyboard.press("Enter")
    expect(page.locator(".hits")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Search your documents")).to_have_value("frozen harbour")
    expect(page.locator(".hits")).to_be_visible()


# -- staying live ------------------------------------------------------------------------------


def test_what_one_page_does_appears_on_another(context, page):
    for other in opened(context):
        name = unique("txt")
        upload(page, name, note(name))
        expect(row(other, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def test_a_lost_connection_is_told_and_the_page_catches_up(context, page):
    name = unique("txt")
    context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    form = {"file": {"name": name, "mimeType": "text/plain", "buffer": note(name)}}
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    answer = page.request.post(
        "/api/documents/", multipart=form, headers={"X-CSRFToken": token, "Referer": page.url}
    )
    assert answer.status == 201
    expect(row(page, name)).to_have_count(0)
    context.set_offline(False)
    expect(page.locator(".connection-live")).to_be_visible()
    expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def test_a_search_that_a_lost_connection_failed_is_repeated_by_itself(context, page):
    name = unique("txt")
    ready(page, name, note(name))
    context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(search_in(page, name, "frozen harbour")).to_have_count(0)
    expect(page.get_by_role("alert")).to_contain_text("The server can't be reached.")
    context.set_offline(False)
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_upload_that_finds_no_server_can_be_tried_again(page):
    name = unique("txt")
    page.route("**/api/documents/", lambda route: route.abort())
    upload(page, name, note(name))
    failed = page.locator("[data-upload=failed]", has_text=name)
    expect(failed.locator(".reason")).to_contain_text("The server can't be reached.")
    page.unroute("**/api/documents/")
    failed.get_by_role("button", name="Retry").click()
    expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)


def test_uploads_that_a_lost_connection_failed_go_on_by_themselves(context, page):
    names = [unique("txt") for _ in range(5)]
    context.set_offline(True)
    for name in names:
        upload(page, name, note(name))
    expect(page.locator("[data-upload=failed]")).to_have_count(5)
    context.set_offline(False)
    for name in names:
        expect(row(page, name)).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    expect(page.locator("[data-upload]")).to_have_count(0)


def test_a_list_that_could_not_be_read_says_so_and_is_read_on_demand(page):
    page.route("**/api/documents/?*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The server can't be reached.")
    page.unroute("**/api/documents/?*")
    page.get_by_role("button", name="Try again").press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("heading", name="Documents", exact=True)).to_be_focused()


# -- for every person and every screen ---------------------------------------------------------


def test_the_keyboard_alone_reaches_the_search_and_a_document_and_comes_back(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.locator("body").press("/")
    expect(page.get_by_label("Search your documents")).to_be_focused()
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("tab", name="Steps").focus()
    for key, tab in (
        ("Right", "Passages"),
        ("Right", "History"),
        ("Right", "Steps"),
        ("Left", "History"),
    ):
        page.keyboard.press(f"Arrow{key}")
        expect(page.get_by_role("tab", name=tab)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()


def test_a_finished_document_is_announced_to_screen_readers(page):
    name = unique("txt")
    ready(page, name, note(name))
    # What was said of its upload may still stand before it.
    expect(page.locator("#announcer")).to_contain_text(f"{name} is ready to search.")


def read_out(page):
    """What stands in live regions, as far as assistive technology is shown them."""
    cdp = page.context.new_cdp_session(page)
    nodes = {node["nodeId"]: node for node in cdp.send("Accessibility.getFullAXTree")["nodes"]}
    regions = [node for node in nodes.values() if node["role"]["value"] == "status"]
    words = []
    while regions:
        node = regions.pop()
        regions += [nodes[child] for child in node.get("childIds", ()) if child in nodes]
        words.append(node.get("name", {}).get("value", ""))
    return words


def test_what_is_told_while_the_panel_is_open_is_announced_too(page):
    name = unique("txt")
    ready(page, name, note(name))
    panel = told_in_panel(page, name)
    assert "Later." in read_out(page)
    panel.get_by_role("button", name="Delete").click()
    expect(panel).to_have_count(0)
    expect(page.locator("#announcer")).to_contain_text(f"{name} was deleted.")


def test_nothing_sticks_out_of_a_narrow_screen(page):
    name = f"{'a-very-long-name-' * 8}{unique('txt')}"
    ready(page, name, note(name))
    page.set_viewport_size({"width": 390, "height": 844})
    expect(search_in(page, name, "frozen harbour").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_low_screen_shows_the_panel_in_full_when_scrolled(page):
    name = unique("txt")
    ready(page, name, note(name))
    page.set_viewport_size({"width": 320, "height": 256})
    page.get_by_role("button", name=name, exact=True).click()
    body = page.get_by_role("tabpanel")
    expect(body.locator(".step")).to_have_count(5)
    assert body.evaluate("(body) => body.scrollHeight <= body.clientHeight")
    body.locator(".step").last.scroll_into_view_if_needed()
    expect(body.locator(".step").last).to_be_in_viewport(ratio=1)


def test_a_hit_is_folded_where_it_is_long_on_this_screen(page):
    name = unique("txt")
    ready(page, name, f"{name} 港口在冬天结冰。{'潮水随月亮涨落。' * 20}".encode())
    hit = search_in(page, name, "港口")
    expect(hit).to_have_count(1)
    unfold = hit.get_by_role("button", name="Show full text")
    expect(unfold).to_have_count(0)
    page.set_viewport_size({"width": 320, "height": 900})
    folded = hit.locator("blockquote").bounding_box()["height"]
    unfold.press("Enter")
    expect(hit.get_by_role("button", name="Show less")).to_be_focused()
    assert hit.locator("blockquote").bounding_box()["height"] > folded
    page.keyboard.press("Enter")
    expect(unfold).to_be_focused()
    assert hit.locator("blockquote").bounding_box()["height"] == folded


def test_the_status_and_the_buttons_stand_apart_on_a_narrow_screen(page, embedder):
    embedder.seconds_per_request = SLOW_EMBEDDING_SECONDS
    page.set_viewport_size({"width": 320, "height": 900})
    name = unique("txt")
    found = upload(page, name, long_text())
    page.get_by_role("button", name=f"Cancel {name}").click()
    expect(found).to_have_attribute("data-status", "CANCELLED")
    chip = found.locator(".chip").bounding_box()
    button = page.get_by_role("button", name=f"Retry {name}").bounding_box()
    right, bottom = chip["x"] + chip["width"], chip["y"] + chip["height"]
    assert button["x"] - right >= 4 or button["y"] >= bottom


def test_passages_fit_a_screen_that_becomes_narrow(page):
    name = unique("txt")
    ready(page, name, long_text())
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="Passages").click()
    expect(page.locator(".passage").nth(9)).to_be_attached()
    page.set_viewport_size({"width": 320, "height": 900})
    body = page.get_by_role("tabpanel")
    assert body.evaluate("(body) => body.scrollWidth - body.clientWidth") == 0


def test_a_time_of_the_history_stands_on_one_line(page):
    name = unique("txt")
    ready(page, name, note(name))

    def date(route):
        answer = route.fetch()
        entries = answer.json()
        for entry in entries["results"]:
            entry["created_at"] = "2026-11-30T22:22:22Z"
        route.fulfill(response=answer, json=entries)

    page.route("**/history/", date)
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="History").click()
    time = page.locator(".history-time time").first
    assert (
        time.evaluate("(time) => time.offsetHeight / parseInt(getComputedStyle(time).lineHeight)")
        == 1
    )


@pytest.mark.parametrize("width", [1280, 320])
def test_the_button_of_an_upload_stands_above_those_of_documents(page, width):
    name = unique("txt")
    ready(page, name, note(name))
    upload(page, "nothing.txt", b"")
    page.set_viewport_size({"width": width, "height": 900})
    dismiss = page.get_by_role("button", name="Dismiss nothing.txt").bounding_box()
    assert dismiss["x"] == page.get_by_role("button", name=f"Delete {name}").bounding_box()["x"]


def test_the_sign_in_stands_in_the_middle_of_a_narrow_screen(browser, live_stack):
    with browser.new_context(viewport={"width": 320, "height": 700}) as context:
        page = context.new_page()
        page.goto(f"{live_stack.url}/login/")
        box = page.locator("form.login-form").bounding_box()
        assert box["x"] == 320 - box["x"] - box["width"]


def test_the_chosen_theme_is_kept(page):
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Use the dark theme").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Use the light theme").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile("."))


def test_a_question_is_answered_with_passages_that_can_be_opened(page, chat_server):
    name = unique("txt")
    ready(page, name, note(name))
    chat_server.pieces = ["It **says** so ", "[1", "], <b>really</b>."]
    page.get_by_role("searchbox", name="Search your documents").fill(f"What is in {name}?")
    page.get_by_role("button", name="Ask").click()
    answer = page.get_by_role("region", name=f"What is in {name}?")
    expect(answer.get_by_text("], <b>really</b>.".removeprefix("]"))).to_be_visible()
    expect(answer.get_by_role("strong")).to_have_text("says")
    expect(answer.get_by_role("list", name="Cited passages")).to_be_visible()
    answer.get_by_role("button", name="Passage 1").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    answer.get_by_role("button", name="Close the answer").click()
    expect(answer).not_to_be_attached()


def test_a_question_may_refer_to_those_before_until_the_answer_is_closed(page, chat_server):
    name = unique("txt")
    ready(page, name, note(name))
    chat_server.pieces = ["In the winter [1]."]
    field = page.get_by_role("searchbox", name="Search your documents")

    def asked(question):
        field.fill(question)
        with page.expect_request("**/api/ask/") as request:
            page.get_by_role("button", name="Ask").click()
        answer = page.get_by_role("region", name=question)
        expect(answer.get_by_text("Your next question may refer to this answer.")).to_be_visible()
        return request.value.post_data_json["history"], answer

    first, second = f"When did {name} freeze?", "And why?"
    assert asked(first)[0] == []
    history, answer = asked(second)
    assert history == [{"question": first, "answer": "In the winter [1]."}]
    answer.get_by_text(first).click()
    answer.get_by_role("group").get_by_role("button", name="Passage 1").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    answer.get_by_role("button", name="Close the answer").click()
    assert asked(first)[0] == []


def test_an_answer_fits_a_narrow_screen_however_long_the_headings_above_its_sources(
    page, chat_server
):
    name = unique("md")
    ready(page, name, f"# {'All that is known of it ' * 5}\n\n{note(name).decode()}".encode())
    chat_server.pieces = ["It froze [1]."]
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("searchbox", name="Search your documents").fill(f"What is in {name}?")
    page.get_by_role("button", name="Ask").click()
    answer = page.locator(".answer")
    expect(answer.locator(".answer-sources .headings")).to_be_visible()
    assert answer.evaluate("(answer) => answer.scrollWidth - answer.clientWidth") == 0
    # A name of several lines starts on the left in each of them, as text does.
    assert answer.locator(".link").evaluate("(link) => getComputedStyle(link).textAlign") == "start"


def test_an_answer_that_breaks_off_keeps_its_sources(page, chat_server):
    def break_off(handler):
        begin(handler)
        handler.wfile.write(chunk("It froze [1], and"))

    name = unique("txt")
    ready(page, name, note(name))
    chat_server.misbehave = break_off
    try:
        page.get_by_role("searchbox", name="Search your documents").fill(f"What is in {name}?")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("alert").filter(has_text="broke off")).to_be_visible()
        expect(page.get_by_role("list", name="Cited passages")).to_contain_text(name)
    finally:
        chat_server.misbehave = None


def test_an_answer_that_no_model_wrote_is_not_said_to_be_by_one(page, chat_server):
    page.route("**/api/ask/", lambda route: route.fulfill(
        content_type="text/event-stream",
        body='event: sources\ndata: {"sources": []}\n\n'
        'event: text\ndata: {"delta": "Nothing answers this."}\n\n'
        'event: done\ndata: {"citations": [], "dropped": []}\n\n',
    ))  # fmt: skip
    page.get_by_role("searchbox", name="Search your documents").fill("What is in nothing?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".answer[aria-busy=false]")).to_contain_text("Nothing answers this.")
    expect(page.get_by_text("Written by a model")).not_to_be_attached()


def test_an_answer_that_breaks_off_is_told(page, chat_server):
    name = unique("txt")
    ready(page, name, note(name))
    chat_server.misbehave = lambda handler: handler.send_error(500)
    try:
        page.get_by_role("searchbox", name="Search your documents").fill(f"What is in {name}?")
        page.get_by_role("button", name="Ask").click()
        expect(
            page.get_by_role("alert").filter(has_text="The chat model can't be reached.")
        ).to_be_visible()
        page.get_by_role("button", name="Try again").press("Enter")
        expect(page.get_by_role("heading", name=f"What is in {name}?")).to_be_focused()
    finally:
        chat_server.misbehave = None


@pytest.mark.parametrize(
    ("tab", "address", "entry"),
    [
        ("Steps", "**/api/tasks/*/", ".step"),
        ("Passages", "**/chunks/?*", ".passage"),
        ("History", "**/history/", ".history-entry"),
    ],
)
def test_what_the_panel_could_not_read_is_read_on_demand(page, tab, address, entry):
    name = unique("txt")
    ready(page, name, note(name))
    page.route_web_socket("**/ws/tasks/", lambda socket: socket.send('{"type": "ready"}'))
    page.reload()  # the socket sends no tasks any more
    page.route(address, lambda route: route.abort())
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("tab", name=tab).click()
    expect(panel.get_by_role("alert")).to_contain_text("The server can't be reached.")
    page.unroute(address)
    panel.get_by_role("button", name="Try again").press("Enter")
    expect(panel.locator(entry).first).to_be_visible()
    expect(panel.get_by_role("alert")).to_have_count(0)
    expect(panel.get_by_role("tabpanel")).to_be_focused()


def test_what_was_read_stays_where_more_of_it_could_not_be(page):
    name = unique("txt")
    ready(page, name, long_text())
    page.route(
        "**/chunks/?*",
        lambda route: route.continue_(url=route.request.url.replace("page_size=50", "page_size=2")),
    )
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("tab", name="Passages").click()
    expect(panel.locator(".passage")).to_have_count(2)
    page.route("**/chunks/?*", lambda route: route.abort())
    panel.get_by_role("button", name="Load more").click()
    expect(panel.get_by_role("alert")).to_contain_text("The server can't be reached.")
    expect(panel.locator(".passage")).to_have_count(2)
    page.unroute("**/chunks/?*")
    panel.get_by_role("button", name="Try again").click()
    expect(panel.get_by_role("alert")).to_have_count(0)
    expect(panel.locator(".passage")).to_have_count(4)
