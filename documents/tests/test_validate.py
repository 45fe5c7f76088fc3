import time
import zipfile
from dataclasses import replace

import pytest
from pypdf import PdfReader, PdfWriter

from documents.exceptions import (
    ArchiveBomb,
    CorruptFile,
    EmptyFile,
    FileMissing,
    FileTooLarge,
    PasswordProtected,
    TooManyPages,
    UnsupportedType,
)
from documents.extraction.types import DOCX, EPUB, ODT, PPTX, SUPPORTED, XLS, XLSX, detect
from documents.steps.validate import FileFacts, validate_file
from documents.tests import files
from documents.tests.files import LIMITS

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def validate(path, **limits):
    return validate_file(path, name=path.name, limits=replace(LIMITS, **limits))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"Words.", "text/plain"),
        ("a.md", b"# Words", "text/markdown"),
        ("a.csv", b"a,b\n1,2", "text/csv"),
        ("a.TSV", b"a\tb", "text/tab-separated-values"),
        ("a.unknown", b"Words.", "text/plain"),
        ("a.txt", b"<!DOCTYPE html><p>Words", "text/html"),
        ("a.md", b"<html><p>Words", "text/markdown"),
        ("a.html", b"<p>Words", "text/html"),
        ("a.pdf", b"<html><body>not a PDF", "text/html"),
        ("a", b'<?xml version="1.0"?><feed/>', "application/xml"),
        ("a.html", b'<?xml version="1.0"?><head/><body>Words</body>', "text/html"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a", b"MM\x00*", "image/tiff"),
        ("a", b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("a.txt", b"%PDF-1.4\n1 0 obj", "application/pdf"),
        ("a.txt", b"A PDF begins with %PDF-1.4, says the book.", "text/plain"),
        ("a", b"{\\rtf1 Words}", "application/rtf"),
        ("a", b"Received: from a\r\nSubject: b\r\n\r\nWords", "message/rfc822"),
        ("a.txt", "Wörter".encode("utf-16"), "text/plain"),
        ("a.txt", "Words and words".encode("utf-16-le"), "text/plain"),
        ("a.txt", "中文文本".encode("gb18030"), "text/plain"),
    ],
)
def test_the_type_is_told_by_content_and_among_texts_by_name(tmp_path, name, content, expected):
    path = tmp_path / "upload"
    path.write_bytes(content)
    assert detect(path, name) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (files.word, DOCX),
        (files.slides, PPTX),
        (files.workbook, XLSX),
        (files.book, EPUB),
        (files.open_text, ODT),
    ],
)
def test_containers_are_told_apart_by_what_is_inside(tmp_path, make, expected):
    assert detect(make(tmp_path / "upload"), "misleading.txt") == expected
    assert expected in SUPPORTED


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"GIF89a", "save the picture as .png"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "save the picture as .png"),
        (b"\x7fELF\x02\x01\x01\x00", "it is a program"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "it is a program"),
        (b"\x1f\x8b\x08\x00", "unpack the archive"),
        (bytes(range(256)), "not supported"),
        (OLE + bytes(600), "damaged"),
    ],
)
def test_what_is_no_document_is_refused_with_a_hint(tmp_path, content, hint):
    path = tmp_path / "invoice.pdf"
    path.write_bytes(content)
    with pytest.raises(UnsupportedType, match=hint):
        detect(path, path.name)


def test_comments_without_a_page_behind_them_take_no_time(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"<!-- -->" * 8_000 + b"x")
    started = time.monotonic()
    assert detect(path, path.name) == "text/plain"
    assert time.monotonic() - started < 1


def test_a_plain_zip_is_refused(tmp_path):
    path = files.archive(tmp_path / "a.docx", {"notes.txt": "Words."})
    with pytest.raises(UnsupportedType, match="unpack the archive"):
        detect(path, path.name)


def test_the_facts_of_a_good_file(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"# Words\n")
    assert validate(path) == FileFacts(size=8, content_type="text/markdown")


def test_a_missing_an_empty_and_a_large_file(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(FileMissing):
        validate(path)
    path.write_bytes(b"")
    with pytest.raises(EmptyFile):
        validate(path)
    path.write_bytes(b"x" * 2_000_001)
    with pytest.raises(FileTooLarge, match="larger than the limit of 2 MB"):
        validate(path, max_bytes=2_000_000)


def test_a_pdf_is_opened_in_the_sandbox(tmp_path):
    path = files.pdf(tmp_path / "a.pdf", [[(50, 700, "one")], [(50, 700, "two")]])
    assert validate(path).content_type == "application/pdf"
    with pytest.raises(TooManyPages, match="has 2 pages; the limit is 1"):
        validate(path, max_pages=1)


def test_a_pdf_with_a_password(tmp_path):
    plain, path = files.pdf(tmp_path / "plain.pdf", [[(50, 700, "one")]]), tmp_path / "a.pdf"
    writer = PdfWriter(PdfReader(plain))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(path)
    with pytest.raises(PasswordProtected):
        validate(path)


def test_a_damaged_pdf(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n")
    with pytest.raises(CorruptFile):
        validate(path)


def test_a_truncated_and_a_damaged_office_file(tmp_path):
    whole = files.word(tmp_path / "a.docx").read_bytes()
    cut, damaged = tmp_path / "cut.docx", tmp_path / "damaged.docx"
    cut.write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "a.docx") as archive:
        at = archive.getinfo("word/document.xml").header_offset + 60
    damaged.write_bytes(whole[:at] + b"\xff" * 40 + whole[at + 40 :])
    for path in (cut, damaged):
        with pytest.raises(CorruptFile):
            validate(path)


def test_encrypted_office_files(tmp_path):
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    odt = files.archive(
        tmp_path / "a.odt", {"mimetype": ODT, "META-INF/manifest.xml": manifest, "content.xml": "?"}
    )
    with pytest.raises(PasswordProtected):
        validate(odt)
    for stream in ("EncryptedPackage", "ENCRYPTEDPACKAGE"):
        docx = files.ole(tmp_path / "a.docx", stream)
        with pytest.raises(PasswordProtected):
            validate(docx)


def test_an_old_workbook_is_told_also_by_a_stream_in_capitals(tmp_path):
    for stream in ("Workbook", "WORKBOOK", "Book"):
        assert detect(files.ole(tmp_path / "a", stream), "a") == XLS


def test_a_bomb_is_refused_before_anything_reads_it(tmp_path):
    path = files.bomb(tmp_path / "a.docx", 30_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(ArchiveBomb):
        validate(path)
    with pytest.raises(ArchiveBomb):
        validate(path, max_ratio=10_000, max_inflated_bytes=29_000_000)
    validate(path, max_ratio=10_000)


def test_a_bomb_that_lies_about_its_size_is_refused_as_damaged(tmp_path):
    path = files.bomb(tmp_path / "a.docx", 30_000_000)
    path.write_bytes(
        path.read_bytes().replace((30_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    )
    with pytest.raises(CorruptFile):
        validate(path)


def test_too_many_entries_are_refused(tmp_path):
    parts = {f"customXml/extra{n}.xml": "<a/>" for n in range(30)}
    source = files.word(tmp_path / "a.docx")
    with zipfile.ZipFile(source, "a") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(ArchiveBomb):
        validate(source, max_entries=30)
