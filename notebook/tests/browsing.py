"""What tests of the page do in a browser."""

import io
import shutil
import uuid

from playwright.sync_api import BrowserContext, Locator, Page, expect
from pypdf import PdfWriter

from notebook.tests.live import until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SOON_MS = 10_000
PROCESSED_MS = 90_000
LIST = "**/api/documents/?*"
EMPTY_DOCUMENT = {
    "size": 0,
    "status": "AVAILABLE",
    "created_at": "2024-01-01T00:00:00Z",
    "chunk_count": 0,
    "page_count": None,
    "language": "",
    "task": None,
}
expect.set_options(timeout=SOON_MS)


def opened(context: BrowserContext):
    """A page of the application that must not raise nor break its Content-Security-Policy."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Policy" in said.text else None)
    page.goto("/")
    expect(page.locator(".connection-live")).to_be_visible()
    yield page
    assert faults == []


def sign_in(page: Page, stack, password: str) -> None:
    page.goto(f"{stack.url}/login/")
    page.get_by_label("User name").fill(stack.username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def upload(page: Page, name: str, content: bytes) -> Locator:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.get_by_label("Files to upload").set_input_files([file])
    return row(page, name)


def row(page: Page, name: str) -> Locator:
    return page.locator("[data-document]", has_text=name)


def ready(page: Page, name: str, content: bytes) -> Locator:
    found = upload(page, name, content)
    expect(found).to_have_attribute("data-status", "AVAILABLE", timeout=PROCESSED_MS)
    return found


def search_in(page: Page, name: str, query: str) -> Locator:
    page.get_by_label(f"Search in {name}").check()
    page.get_by_label("Search your documents").fill(query)
    page.keyboard.press("Enter")
    return page.locator(".hit")


def held(page: Page, address: str, method: str = "GET") -> list:
    """The requests that wait, from now on, until the test lets them go."""
    waiting: list = []

    def hold(route):
        return waiting.append(route) if route.request.method == method else route.fallback()

    page.route(address, hold)
    return waiting


def told_in_panel(page: Page, name: str) -> Locator:
    """A document's panel with a message in it: "Later.", as the server refuses."""
    page.route("**/reprocess/", lambda route: route.fulfill(status=503, json={"detail": "Later."}))
    page.get_by_role("button", name=name, exact=True).click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("button", name="Reprocess").click()
    expect(panel.locator(".toast-error")).to_have_text("Later.")
    return panel


def until_asked(page: Page, waiting: list, times: int) -> None:
    until(lambda: page.title() and len(waiting), lambda asked: asked >= times)


def let_go(page: Page, address: str, waiting: list) -> None:
    for route in waiting:
        route.continue_()
    page.unroute(address)


def unique(suffix: str) -> str:
    return f"{uuid.uuid4().hex[:12]}.{suffix}"


def note(name: str) -> bytes:
    return f"This note is called {name}. The harbour froze over in the winter of 1963.".encode()


def long_text() -> bytes:
    """About 100 KB that nobody uploaded before: many requests for embeddings."""
    lines = (f"Line {number} of {uuid.uuid4()} tells of the tide." for number in range(1500))
    return "\n\n".join(lines).encode()


def pdf(*pages: str) -> bytes:
    """The smallest PDF with a line of text on each page."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for at, text in enumerate(pages):
        fonts, contents = "/Resources << /Font << /F1 3 0 R >> >>", f"/Contents {5 + 2 * at} 0 R"
        drawing = f"BT /F1 11 Tf 40 700 Td ({text}) Tj ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {fonts} {contents} >>",
            f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        ]
    body = "".join(f"{n} 0 obj\n{text}\nendobj\n" for n, text in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer << /Root 1 0 R >>\n%%EOF".encode()


def locked_pdf(title: str) -> bytes:
    """A PDF that opens with a password."""
    writer, locked = PdfWriter(), io.BytesIO()
    writer.add_blank_page(612, 792)
    writer.add_metadata({"/Title": title})
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(locked)
    return locked.getvalue()
