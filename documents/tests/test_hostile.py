"""Every attack ends with its code; the warm process, the memory and the network bear it."""

import json
import os
import select
import socket
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from documents.exceptions import ReaderCrashed
from documents.extraction.sandbox import client as module
from documents.extraction.sandbox.client import Sandbox
from documents.models import Document
from documents.steps.extract import extract_text
from documents.steps.validate import validate_file
from documents.tests import hostile
from documents.tests.files import LIMITS
from documents.tests.hostile_links import NAMES, leading_to
from documents.tests.hostile_pages import (
    WORDS,
    packed_words,
    page,
    pages,
    pdf,
    png,
    round_outline,
    tiff,
    webp,
)
from tasks.exceptions import StepError

DEEP, DEEPER = 3_000, 100_000
QUICK = replace(LIMITS, ocr_pages=0)
MOST_RESIDENT = LIMITS.memory_bytes + 100_000_000  # what it holds before it opens the file


class Watched(Sandbox):
    """Notes what the last reader needed."""

    peak = 0

    def _end(self, *, wait):
        ended = super()._end(wait=True)
        self.peak = ended["peak"]
        return ended


@pytest.fixture(scope="module")
def strict():
    """This process's sandbox, whose readers die when they ask for a socket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SERVER", "documents.tests.strict_server")
        sandbox = Watched()
        patch.setattr(module, "_sandbox", (os.getpid(), sandbox))
        sandbox.start()
        yield sandbox
        sandbox.close()


@pytest.fixture
def end(strict, tmp_path):
    """Have a file validated and read: its code, "" if it could be read, and its text."""

    def run(name, content, limits=QUICK):
        path, server = tmp_path / name, strict._process.pid
        path.write_bytes(content)
        try:
            kind = validate_file(path, name=name, limits=limits).content_type
            code, text = (
                "",
                extract_text(
                    path,
                    content_type=kind,
                    name=name,
                    limits=limits,
                    report=lambda done, total: None,
                    should_stop=lambda: False,
                ).text,
            )
        except StepError as error:
            code, text = error.code, ""
        assert strict._process.pid == server
        assert strict._process.poll() is None
        assert strict.peak < MOST_RESIDENT
        return code, text

    return run


OK = ""
ATTACKS = {
    # Containers: what they unpack to, what they say of themselves.
    "nested.docx": (hostile.nested_bomb, "unsupported_type"),
    "inside.docx": (lambda: hostile.word(changed={"word/a.zip": hostile.nested_bomb()}), OK),
    "ratio.docx": (lambda: hostile.word(" " * 30_000_000), "archive_bomb"),
    "entries.docx": (hostile.many_entries, "archive_bomb"),
    "overlapping.docx": (hostile.overlapping, "archive_bomb"),
    "lying.docx": (hostile.lying_zip64, "archive_bomb"),
    "lzma.docx": (hostile.odd_method, "corrupt_file"),
    "names.docx": (hostile.tricky_names, OK),
    "manifest.odt": (hostile.large_manifest, OK),
    # Entities that grow.
    "laughs.xml": (lambda: hostile.laughs("<r>Words &l9;</r>").encode(), "too_complex"),
    "square.xml": (lambda: hostile.quadratic().encode(), "too_complex"),
    "laughs.html": (lambda: hostile.laughs("<html><p>Words &l9;</p></html>").encode(), OK),
    "laughs.docx": (
        lambda: hostile.word(
            changed={"word/document.xml": hostile.document("&l9;", hostile.laughs())}
        ),
        "too_complex",
    ),
    "laughs.odt": (
        lambda: hostile.open_text("<text:p>&l9;</text:p>", hostile.laughs()),
        "too_complex",
    ),
    "laughs.epub": (lambda: hostile.book(hostile.laughs("<p>Words &l9;</p>")), OK),
    # Pictures that are small until they are opened, or lead round in a circle.
    "giant.png": (lambda: png(20_000, 20_000), "image_too_large"),
    "giant.webp": (lambda: webp(16_000, 16_000), "image_too_large"),
    "giant.tiff": (lambda: tiff(100_000, 100_000), "image_too_large"),
    "packed.png": (packed_words, "corrupt_file"),
    "circle.tiff": (lambda: tiff(8, 8, following=8), "no_text"),
    # PDFs: pages that are not there, trees and tables in circles, streams without end.
    "count.pdf": (
        lambda: pdf(pages("3 0 R", 2_000_000_000)),
        "no_text",
    ),
    "circle.pdf": (lambda: pdf(pages("2 0 R 2 0 R", 40)), "no_text"),
    "many.pdf": (
        lambda: pdf(pages("3 0 R " * 51, 51)),
        "too_many_pages",
    ),
    "tables.pdf": (
        lambda: pdf(page(WORDS), previous="/Prev {at}"),
        OK,
    ),
    "outline.pdf": (round_outline, OK),
    "box.pdf": (
        lambda: pdf(page(WORDS, box="0 0 9e9 9e9")),
        OK,
    ),
    "empty.pdf": (
        lambda: pdf(page(b"", box="0 0 9999999 9999999")),
        "no_text",
    ),
    "stream.pdf": (
        lambda: pdf(page(WORDS + bytes(100_000_000))),
        "reader_out_of_memory",
    ),
    # Nests.
    "deep.html": (lambda: b"<div>" * DEEP + b"Words", "too_complex"),
    "layers.html": (lambda: b"<html>" + b"<font>Words " * 1_500, OK),
    "tables.html": (lambda: b"<html>" + b"<table><tr><td>Words" * 650, OK),
    "deep.xml": (lambda: b"<?xml version='1.0'?>" + b"<a>" * DEEP + b"Words", "too_complex"),
    "deep.json": (lambda: b"[" * DEEPER + b'"Words"' + b"]" * DEEPER, OK),
    "wide.json": (lambda: b"[" * 900 + b"1," * 20_000 + b"1" + b"]" * 900, "too_much_text"),
    "deep.md": (lambda: b"> " * DEEPER + b"Words\n\n" + b"- " * DEEP + b"Words", OK),
    "steps.md": (lambda: b"".join(b"  " * n + b"- Words\n" for n in range(1_000)), OK),
    "deep.rtf": (lambda: b"{\\rtf1 " + b"{" * DEEP + b"Words" + b"}" * DEEP + b"}", OK),
    "open.rtf": (lambda: b"{\\rtf1 Words " + b"{" * DEEP, OK),
    "heads.rtf": (lambda: b"{\\rtf1 Words " + rb"{\header{\field{\*\fldinst PAGE" * DEEP, OK),
    "formula.html": (
        lambda: b"<p>Words <math>" + b"<msup>" * 2_000 + b"x" + b"</msup>" * 2_000 + b"</math>",
        OK,
    ),
    "formula.odt": (
        lambda: hostile.open_text(
            '<text:p>Words <draw:object xlink:href="./F"/></text:p>',
            formula="<math>" + "<msup>" * 200 + "x" + "</msup>" * 200 + "</math>",
        ),
        OK,
    ),
    "formula.docx": (
        lambda: hostile.word(
            '<w:p><w:r><w:t>Words</w:t></w:r><m:oMath xmlns:m="http://schemas.openxmlformats.org/'
            'officeDocument/2006/math">'
            + "<m:f><m:num>" * 110
            + "</m:num></m:f>" * 110
            + "</m:oMath></w:p>"
        ),
        OK,
    ),
    "deep.eml": (lambda: hostile.mail_in_mail("message/rfc822", DEEP), "too_complex"),
    "parts.eml": (lambda: hostile.parts(10_000), "too_complex"),
    "multipart.eml": (lambda: hostile.multiparts(1_000), "too_complex"),
    "deep.odt": (
        lambda: hostile.open_text("<text:list><text:list-item>" * DEEP),
        "too_complex",
    ),
    "deep.docx": (lambda: hostile.word("<w:tbl><w:tr><w:tc>" * DEEP), "too_complex"),
    "deep.epub": (lambda: hostile.book("<html><body>Words" + "<b>" * DEEP), "too_complex"),
    # What takes a parser the square of its size, or more.
    "emphasis.org": (lambda: b"Words " + b"*a /b " * 200, OK),
    "to.eml": (lambda: b"To: " + b"a@b.c, " * 30_000 + b"\n\nWords", OK),
    "type.eml": (lambda: b"To: a\nContent-Type: a/b" + b"; a*1=x" * 9_000 + b"\n\nWords", OK),
    "words.eml": (lambda: b"Subject: " + b"=?utf-8?q?a?= " * 30_000 + b"\n\nWords", OK),
    "comments.eml": (lambda: b"To: " + b"(" * DEEPER + b"\n\nWords", OK),
    "brackets.md": (lambda: b"Words " + b"[" * DEEPER + b"](" * DEEPER, OK),
    "heading.md": (lambda: b"# Words" + b" " * 300_000 + b"end", OK),
    "comments.md": (lambda: b"Words " + b"<!-- " * DEEPER, OK),
    "ticks.md": (lambda: b"Words " + b"`" * DEEPER, OK),
    "links.md": (lambda: b"[a0]\n\n" + b"".join(b"[a%d]: a%d\n" % (n, n) for n in range(DEEP)), OK),
    "lines.md": (lambda: b"a\n\n" * 101_000, "too_much_text"),
    "marks.txt": (lambda: b"Words" + "\u0301\u0327".encode() * 300_000, OK),
    # One cell, one line, one element that is far too large, or far away.
    "line.txt": (lambda: b"a" * 2_000_000, OK),
    "line.csv": (lambda: b"a," * 2_000_000, "too_much_text"),
    "field.csv": (lambda: b'"' + b"Words " * 900_000, "too_much_text"),
    "scattered.xlsx": (lambda: hostile.sheet(hostile.diagonal(16_000)), "too_complex"),
    "strings.xlsx": (hostile.many_strings, "reader_out_of_memory"),
    "spaces.odt": (
        lambda: hostile.open_text('<text:p>a<text:s text:c="9999999999"/>b</text:p>'),
        OK,
    ),
    "span.docx": (hostile.wide_table, OK),
    "styles.docx": (hostile.round_styles, OK),
}


SPECIAL = {
    "emphasis.org": replace(QUICK, seconds=2),
    "stream.pdf": replace(QUICK, memory_bytes=80_000_000),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_with_its_code_and_hurts_nobody(end, name):
    make, expected = ATTACKS[name]
    assert end(name, make(), SPECIAL.get(name, QUICK))[0] == expected


def test_a_cell_that_is_far_away_is_read_where_it_is_near(end):
    rows = hostile.cells("A1", "B1", "XFD1048576")
    assert end("far.xlsx", hostile.sheet(rows)) == ("", "Sheet\n\nWords | Words\n\nWords")


@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def was_asked(listener):
    return bool(select.select([listener], [], [], 0)[0])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_a_file_leads_to_is_fetched_and_no_file_of_ours_is_read(end, listener, name):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    _, text = end(name, leading_to(url, name))
    assert "Words to keep" in text
    assert "root:" not in text
    assert not was_asked(listener)


def test_a_reader_that_asks_for_a_socket_would_be_seen(monkeypatch, tmp_path, listener):
    """The control: without it, the test above could pass with readers that fetch."""
    monkeypatch.setattr(module, "_SERVER", "documents.tests.strict_server")
    sandbox = Sandbox(readers="documents.tests.unruly_readers")
    path, port = tmp_path / "deed.txt", listener.getsockname()[1]
    for deed in ("connect", "look_up"):
        path.write_text(f"{deed} {port}")
        with pytest.raises(ReaderCrashed):
            sandbox.read(path, content_type="", name="", limits=LIMITS)
    sandbox.close()
    socket.create_connection(("127.0.0.1", port)).close()
    assert was_asked(listener)
    listener.accept()[0].close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/cron.d/a", "/etc/passwd", "..\\..\\a.txt", "%2e%2e%2fa.txt",
        "CON", "nul.txt", "a\u202etxt.exe", "a.txt\u0000.exe", "a\r\nX: y.txt", "ä" * 300 + ".txt",
        "-rf .txt", "$(reboot).txt", "<img src=x>.txt",
    ],
)  # fmt: skip
def test_a_name_of_an_upload_is_only_shown(api, settings, tmp_path, monkeypatch, name):
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr("tasks.outbox._publish_soon", lambda *_: None)
    file = SimpleUploadedFile("a.txt", f"Words for {uuid.uuid4()}".encode())
    file._name = name  # as it came, without what Django does to it
    answer = api.post("/api/documents/", {"file": file})
    assert answer.status_code == 201
    shown = answer.json()["name"]
    assert shown.isprintable()
    assert len(shown) <= 255
    assert not {"/", "\\"} & set(shown)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == [Path(Document.objects.get().file.path)]


@pytest.mark.parametrize("text", [". " + "." * 400_000, "?!" * 200_000, "a. " * 100_000])
def test_marks_without_a_sentence_are_split_in_time(strict, tmp_path, text):
    path = tmp_path / "text"
    elements = json.dumps([["text", 0, len(text), None, 0, ""]])
    path.write_text(f"{elements}\n{text}")
    options = {"size": 450, "overlap": 50}
    passages = strict.split(path, options=options, limits=replace(LIMITS, seconds=10))
    assert passages[-1].end > len(text) - 3
