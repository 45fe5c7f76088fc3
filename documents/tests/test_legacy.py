import re
import subprocess
import sys
from dataclasses import replace

import pytest

from documents.checks import libreoffice_is_there
from documents.exceptions import CorruptFile, PasswordProtected, UnsupportedType
from documents.extraction.office.libreoffice import program_folder
from documents.extraction.types import DOC, PPT, detect
from documents.pipeline import limits
from documents.tests import files
from documents.tests.files import LIMITS, parts_of
from documents.tests.reading import extract

INSTALLED = program_folder("soffice")
WITH = replace(LIMITS, libreoffice=INSTALLED or "/nowhere", memory_bytes=2_000_000_000, seconds=60)
needs_libreoffice = pytest.mark.skipif(not INSTALLED, reason="LibreOffice is not installed")


def old(source, ending):
    """The file as LibreOffice writes it in the older format; in a process of its own."""
    code = (
        "import os, sys; from pathlib import Path;"
        "from documents.extraction.office.libreoffice import *;"
    )
    code += "convert(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]));"
    code += "os._exit(0)"  # as a reader ends: LibreOffice's own way out crashes now and then
    command = [sys.executable, "-c", code, source, ending, INSTALLED, source.parent]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return source.parent / f"converted.{ending}"


@needs_libreoffice
def test_an_old_word_document(tmp_path):
    path = old(files.word(tmp_path / "a.docx"), "doc")
    extracted = extract(path, limits=WITH)
    assert detect(path, "a", libreoffice=INSTALLED) == DOC
    assert parts_of(extracted) == files.WORD
    assert extracted.details["reader"] == "doc"


@needs_libreoffice
def test_an_old_presentation(tmp_path):
    path = old(files.slides(tmp_path / "a.pptx"), "ppt")
    extracted = extract(path, limits=WITH)
    assert detect(path, "a", libreoffice=INSTALLED) == PPT
    assert [text for _, text in parts_of(extracted)] == [
        "Plan", "First step", "Speak slowly.", "End",
    ]  # fmt: skip
    assert extracted.pages == 2


@needs_libreoffice
def test_what_libreoffice_can_not_read_is_damaged(tmp_path):
    with pytest.raises(CorruptFile):
        extract(files.ole(tmp_path / "a.doc", "WordDocument"), limits=WITH)


@pytest.mark.parametrize(
    ("stream", "ending"), [("WordDocument", "docx"), ("PowerPoint Document", "pptx")]
)
def test_without_libreoffice_old_formats_are_refused_with_the_way_out(tmp_path, stream, ending):
    path = files.ole(tmp_path / "a", stream)
    sentence = f"LibreOffice, which is not installed here; save it as .{ending})."
    with pytest.raises(UnsupportedType, match=re.escape(sentence)) as caught:
        detect(path, "a.doc")
    assert caught.value.code == "unsupported_type"


def test_libreoffice_is_looked_for_by_the_setting(settings, tmp_path):
    settings.LIBREOFFICE = ""
    assert limits().libreoffice == ""
    settings.LIBREOFFICE = str(tmp_path / "soffice")
    assert limits().libreoffice == ""
    installed = tmp_path / "with" / "soffice"
    installed.parent.mkdir()
    installed.touch(0o700)
    (tmp_path / "with" / "libmergedlo.so").touch()
    settings.LIBREOFFICE = str(installed)
    assert limits().libreoffice == str(installed.parent)


def test_a_libreoffice_that_was_named_and_is_not_there_is_a_warning(settings, tmp_path):
    for name, told in (("", []), ("soffice", []), (str(tmp_path / "none"), ["notebook.W019"])):
        settings.LIBREOFFICE = name
        assert [problem.id for problem in libreoffice_is_there(None)] == told, name


@pytest.mark.parametrize(
    ("stream", "content"),
    [
        ("WordDocument", bytes(10) + b"\x00\x13"),
        ("Current User", bytes(12) + bytes.fromhex("dfc4d1f3")),
    ],
)
def test_a_password_is_seen_before_libreoffice_is_asked(tmp_path, stream, content):
    path = files.ole(tmp_path / "a", stream, content)
    kind = DOC if stream == "WordDocument" else PPT
    with pytest.raises(PasswordProtected):
        extract(path, limits=WITH, content_type=kind)
