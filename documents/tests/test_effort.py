"""How much work a document is taken for: what goes first, and what is long work."""

import os
import zipfile

import pytest
from django.contrib.auth.models import User

from documents import effort, services
from documents.extraction.types import DOCX, XLSX
from documents.models import Extraction
from documents.tests import files
from tasks.models import Lane

SECOND = effort.BYTES_A_SECOND
PROSE = "Prose is all that this one holds. "


@pytest.fixture
def a_file(tmp_path):
    def made(size, content=b"x"):
        path = tmp_path / "upload"
        path.write_bytes(content * size)
        return path

    return made


@pytest.mark.parametrize(
    ("content_type", "seconds"),
    [
        ("application/pdf", 4),
        ("text/html", 6),
        ("text/plain", 28),
        ("image/png", 4),
        ("application/json", 28),
    ],
)
def test_text_takes_longer_than_pictures_of_its_size(a_file, content_type, seconds):
    assert effort.of_file(a_file(4 * SECOND), content_type).seconds == seconds


def word_file(path, *, pictures=0, paragraphs=0):
    body = f"<w:p><w:r><w:t>{PROSE}</w:t></w:r></w:p>" * paragraphs
    parts = {"word/document.xml": body, "word/media/image1.png": os.urandom(pictures)}
    return files.archive(path, parts)


def test_of_a_zip_the_markup_counts_however_small_it_is_packed(tmp_path):
    book = word_file(tmp_path / "book.docx", paragraphs=20_000)
    album = word_file(tmp_path / "album.docx", paragraphs=5, pictures=1_500_000)
    assert book.stat().st_size < album.stat().st_size
    assert effort.of_file(book, DOCX).lane == Lane.BULK
    assert effort.of_file(album, DOCX) == (Lane.QUICK, 0)


def test_a_damaged_zip_is_left_to_validation(a_file):
    assert effort.of_file(a_file(30 * SECOND, b"P"), XLSX) == (Lane.QUICK, 0)


def test_whatever_a_zip_says_of_its_size_is_a_number_that_can_be_stored(tmp_path):
    path = word_file(tmp_path / "upload.docx", paragraphs=1)
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("word/document.xml").file_size = 2**62
        archive.comment = b"its directory is written again"
    assert effort.of_file(path, DOCX) == (Lane.BULK, effort.LONGEST_SECONDS)


def test_long_work_begins_where_the_operator_says(a_file, settings):
    path = a_file(2000)
    settings.BULK_FROM_KB = 2
    assert effort.of_file(path, "application/pdf").lane == Lane.QUICK
    assert effort.of_file(path, "text/plain").lane == Lane.BULK
    assert effort.of_file(path, "application/pdf", bulk=True).lane == Lane.BULK


@pytest.mark.django_db
def test_once_read_the_text_tells(tmp_path):
    owner = User.objects.create_user("owner")
    path = files.word(tmp_path / "upload.docx")
    document = services.upload_document(owner_id=owner.pk, path=path, name="a.docx").document
    assert effort.of_document(document).seconds == document.size * 3 // 2 // SECOND
    text = PROSE * 10_000
    document.extraction = Extraction.objects.create(
        document=document, task=document.tasks.get(), text=text
    )
    document.save()
    assert effort.of_document(document) == (Lane.BULK, len(text) * 7 // SECOND)
