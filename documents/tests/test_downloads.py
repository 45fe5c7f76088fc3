"""What `GET /api/documents/{id}/file/` answers with: the file, a part of it, or why not."""

import asyncio
import hashlib
import uuid

import pytest

from documents import downloads
from documents.models import Document
from documents.tests import test_api
from documents.tests.test_api import TEXT, assert_problem, upload
from documents.tests.test_uploads import stored

pytestmark = pytest.mark.django_db
available, no_broker = test_api.available, test_api.no_broker
ETAG = f'"{hashlib.sha256(TEXT).hexdigest()}"'
SIZE = len(TEXT)


@pytest.fixture
def get(api):
    """Ask for the file of a document of `TEXT`: the answer and all its bytes."""
    address = f"/api/documents/{upload(api).json()['id']}/file/"

    def run(**headers):
        answer = api.get(address, headers=headers)
        return answer, asyncio.run(whole(answer)) if answer.streaming else answer.content

    return run


async def whole(response):
    content = b"".join([block async for block in response])
    response.close()
    return content


@pytest.mark.parametrize(
    ("content_type", "query", "disposition"),
    [
        ("application/pdf", {"inline": "true"}, "inline"),
        ("application/pdf", {"inline": "1"}, "inline"),
        ("application/pdf", {}, "attachment"),
        ("text/html", {"inline": "true"}, "attachment"),
    ],
)
def test_only_a_pdf_opens_in_the_browser(api, available, content_type, query, disposition):
    Document.objects.filter(pk=available).update(content_type=content_type)
    response = api.get(f"/api/documents/{available}/file/", query)
    response.close()
    assert response["Content-Disposition"].startswith(disposition)
    assert response["X-Content-Type-Options"] == "nosniff"
    sandboxed = "sandbox" in response["Content-Security-Policy"]
    assert sandboxed is (disposition == "attachment")


def test_the_file_comes_back_as_it_was_and_only_as_an_attachment(api, available):
    response = api.get(f"/api/documents/{available}/file/")
    response.close()
    assert response["Content-Disposition"] == 'attachment; filename="notes.md"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize("accepted", ["application/octet-stream", "text/markdown", "image/png"])
def test_the_file_comes_as_what_it_is_whatever_is_accepted(api, available, accepted):
    """Programs that are made from the schema ask for what it declares."""
    gone = api.get(f"/api/documents/{uuid.uuid4()}/file/", HTTP_ACCEPT=accepted)
    assert_problem(gone, 404, "not_found")
    response = api.get(f"/api/documents/{available}/file/", HTTP_ACCEPT=accepted)
    response.close()
    assert (response.status_code, response["Content-Type"]) == (200, "text/markdown")


def test_a_download_of_a_file_that_is_gone_says_so_at_once(api, settings):
    document_id = upload(api).json()["id"]
    stored(settings)[0].unlink()
    assert_problem(api.get(f"/api/documents/{document_id}/file/"), 404, "source_missing")


@pytest.mark.parametrize("change", [lambda content: content[:-5], lambda content: content + b"x"])
def test_a_download_of_a_file_of_another_length_says_so_at_once(api, settings, change):
    """Its length is told first: a client would wait for what is missing."""
    document_id = upload(api).json()["id"]
    path = stored(settings)[0]
    path.write_bytes(change(path.read_bytes()))
    assert_problem(api.get(f"/api/documents/{document_id}/file/"), 404, "checksum_mismatch")


@pytest.mark.parametrize("read", [True, False])
def test_a_download_closes_its_file_whether_or_not_it_is_read(api, monkeypatch, read):
    opened, really = [], downloads._opened
    monkeypatch.setattr(downloads, "_opened", lambda row: opened.append(really(row)) or opened[-1])
    response = api.get(f"/api/documents/{upload(api).json()['id']}/file/")
    if read:
        assert asyncio.run(whole(response)) == TEXT
    response.close()
    assert opened[0].closed


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=3-9", 3, 9),
        ("bytes=5-", 5, SIZE - 1),
        ("bytes=-7", SIZE - 7, SIZE - 1),
        (f"bytes=-{SIZE + 1}", 0, SIZE - 1),
        (f"bytes=0-{SIZE * 9}", 0, SIZE - 1),
        (f"BYTES={SIZE - 1}-", SIZE - 1, SIZE - 1),
    ],
)
def test_a_range_of_bytes_is_answered_with_no_more_than_it(get, asked, first, last):
    answer, content = get(Range=asked)
    assert (answer.status_code, content) == (206, TEXT[first : last + 1])
    assert answer["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer["Content-Length"] == str(len(content))


def test_a_range_may_be_longer_than_what_is_read_at_once(get, monkeypatch):
    monkeypatch.setattr(downloads, "BLOCK", 10)
    assert get(Range="bytes=3-47")[1] == TEXT[3:48]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_a_range_beyond_the_file_is_416_with_its_size(get, asked):
    answer, _ = get(Range=asked)
    assert_problem(answer, 416, "range_not_satisfiable")
    assert answer["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "bytes=x-y", "lines=1-2", f"bytes={'9' * 5000}-"],
)
def test_several_ranges_and_what_is_none_are_answered_with_the_whole(get, asked):
    answer, content = get(Range=asked)
    assert (answer.status_code, content) == (200, TEXT)
    assert "Content-Range" not in answer


@pytest.mark.parametrize(
    ("known", "status"),
    [(ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)],
)
def test_a_range_counts_only_of_the_file_that_is_known(get, known, status):
    answer, content = get(Range="bytes=0-3", **{"If-Range": known})
    assert (answer.status_code, content) == (status, TEXT[:4] if status == 206 else TEXT)


def test_a_file_is_told_by_its_checksum_and_kept_by_no_browser(get):
    answer, _ = get()
    assert (answer["ETag"], answer["Accept-Ranges"]) == (ETAG, "bytes")
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("known", [ETAG, f'"other", W/{ETAG}', "*"])
def test_a_file_that_is_known_is_304_and_not_even_opened(get, settings, known):
    stored(settings)[0].unlink()
    answer, content = get(Range="bytes=0-3", **{"If-None-Match": known})
    assert (answer.status_code, content) == (304, b"")
    assert (answer["ETag"], answer["Cache-Control"]) == (ETAG, "private, no-store")
    assert answer["Content-Security-Policy"].startswith("sandbox"), "what is kept takes it over"


@pytest.mark.parametrize("known", [ETAG, "*"])
def test_a_file_that_must_be_the_known_one_and_is_comes_whole(get, known):
    assert get(**{"If-Match": known})[1] == TEXT


def test_a_file_that_is_not_what_it_must_be_is_412(get):
    assert_problem(get(**{"If-Match": '"other"'})[0], 412, "precondition_failed")


def test_head_tells_of_the_whole_file(api):
    address = f"/api/documents/{upload(api).json()['id']}/file/"
    answer = api.head(address, headers={"Range": "bytes=0-3"})
    answer.close()
    assert (answer.status_code, answer["Content-Length"]) == (200, str(SIZE))
    assert (answer["ETag"], answer["Accept-Ranges"]) == (ETAG, "bytes")
