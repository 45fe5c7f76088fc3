"""Pictures and scans are read: in any direction, format and colour, page by page, in turns."""

from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from documents.exceptions import CorruptFile, ImageTooLarge, NoText, ReadingPaused
from documents.extraction import images, readers
from documents.extraction.reading import Reading
from documents.extraction.types import detect
from documents.models import ScannedPage
from documents.steps.validate import validate_file
from documents.tests.files import LIMITS
from documents.tests.pictures import CHINESE_FONT, scanned_pdf, written
from documents.tests.reading import extract
from tasks.models import Task, TaskDetail
from tasks.tests.factories import run_all, send_nothing

ROOMY = replace(LIMITS, memory_bytes=2_000_000_000, seconds=100)
HELLO = [(60, 60, "The quick brown fox jumps"), (60, 110, "over the lazy dog.")]
FOX = "The quick brown fox jumps over the lazy dog."


def reading(path, limits=ROOMY, **values):
    return Reading(path, path.name, detect(path, path.name), limits, **values)


def words(path):
    """What a reader makes of the file, in this process: the models are loaded once."""
    return " ".join(readers.read(reading(path)).text.split())


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.png", "1", {}),
        ("a.jpg", "CMYK", {"quality": 90}),
        ("a.webp", "RGB", {"lossless": True}),
        ("a.tiff", "L", {"compression": "tiff_lzw"}),
    ],
)
def test_every_format_and_colour_is_read(tmp_path, name, mode, options):
    written(HELLO).convert(mode).save(tmp_path / name, **options)
    assert words(tmp_path / name) == FOX


def test_what_is_transparent_lies_on_white(tmp_path):
    written(HELLO, background=(0, 0, 0, 0), mode="RGBA").save(tmp_path / "a.png")
    assert words(tmp_path / "a.png") == FOX


def test_a_photo_is_turned_as_the_camera_says(tmp_path):
    sideways = written(HELLO).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it right to see it upright
    sideways.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert words(tmp_path / "a.jpg") == FOX


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_scan_may_lie_on_its_side_or_head(tmp_path, degrees):
    written(HELLO).rotate(degrees, expand=True).save(tmp_path / "a.png")
    assert words(tmp_path / "a.png") == FOX


def test_columns_of_a_scan_are_read_one_after_the_other(tmp_path):
    left = [(40, 100 + 45 * n, f"left column has line {n} and") for n in range(5)]
    right = [(620, 100 + 45 * n, f"right column has line {n} and") for n in range(5)]
    heading = [(40, 30, "A heading that reaches across both of the columns below it")]
    written(heading + left + right, size=(1150, 400)).save(tmp_path / "a.png")
    text = words(tmp_path / "a.png")
    assert text.index("A heading") < text.index("left column has line 4")
    assert text.index("left column has line 4") < text.index("right column has line 0")


@pytest.mark.skipif(not CHINESE_FONT.exists(), reason="no font with Chinese letters")
def test_chinese_has_no_blanks_between_its_letters(tmp_path):
    lines = [(60, 60, "人人生而自由，在尊严和权利上一律平等。"), (60, 110, "他们赋有理性和良心。")]
    written(lines, font=str(CHINESE_FONT)).save(tmp_path / "a.png")
    assert words(tmp_path / "a.png") == "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。"


def test_the_frames_of_a_tiff_are_pages(tmp_path):
    first, second = (written([(60, 60, f"This is page {n} of it")]) for n in ("one", "two"))
    first.save(tmp_path / "a.tiff", save_all=True, append_images=[second])
    extracted = readers.read(reading(tmp_path / "a.tiff"))
    assert [(each.page, extracted.text[each.start : each.end]) for each in extracted.elements] == [
        (1, "This is page one of it"),
        (2, "This is page two of it"),
    ]
    assert extracted.details["ocr_pages"] == 2
    assert 0.8 < extracted.details["ocr_confidence"] <= 1


def test_a_long_screenshot_is_cut_between_its_lines(tmp_path):
    lines = [(30, 20 + 50 * n, f"message number {n} of the talk") for n in range(60)]
    written(lines, size=(600, 3100)).save(tmp_path / "a.png")
    text = words(tmp_path / "a.png")
    assert [f"number {n} of" in text for n in range(60)] == [True] * 60
    assert text.index("number 7 of") < text.index("number 31 of") < text.index("number 59 of")


def test_only_the_scanned_pages_of_a_pdf_go_to_ocr(tmp_path):
    path = scanned_pdf(tmp_path / "a.pdf", ["Typed words.", written(HELLO), "More typed words."])
    extracted = extract(path, limits=ROOMY)  # in the sandbox, within its limits, without network
    assert [(e.page, extracted.text[e.start : e.end]) for e in extracted.elements] == [
        (1, "Typed words."),
        (2, FOX),
        (3, "More typed words."),
    ]
    assert extracted.details["ocr_pages"] == 1
    assert extracted.details["empty_pages"] == 0


def test_pictures_without_writing_fail_with_a_true_sentence(tmp_path):
    Image.new("RGB", (300, 200), "red").save(tmp_path / "a.png")
    with pytest.raises(NoText, match=r"^OCR found no text in the picture \(PNG picture\)\.$"):
        extract(tmp_path / "a.png", limits=ROOMY)
    path = scanned_pdf(tmp_path / "a.pdf", [Image.new("RGB", (300, 200), "red")])
    with pytest.raises(NoText, match=r"no text layer, and OCR found no text on its pages either"):
        extract(path, limits=ROOMY)


def test_ocr_goes_in_turns_and_reads_no_page_twice(tmp_path):
    path = scanned_pdf(tmp_path / "a.pdf", [written(HELLO)] * 2)
    short, kept = replace(ROOMY, ocr_turn_seconds=0), {}
    with pytest.raises(ReadingPaused):
        readers.read(reading(path, short, keep=kept.__setitem__))
    assert list(kept) == [1]
    again = reading(path, short, known=kept, keep=kept.__setitem__)
    kept[1]["lines"][0][0] = "What was read before"
    assert readers.read(again).text.startswith("What was read before")
    assert list(kept) == [1, 2]


def test_pages_beyond_the_limit_are_left_out_and_named(tmp_path):
    path = scanned_pdf(tmp_path / "a.pdf", [written(HELLO)] * 3)
    details = readers.read(reading(path, replace(ROOMY, ocr_pages=1))).details
    assert details["warnings"] == [
        "Only the first 1 of 3 scanned pages were read by OCR; 2 were left out",
        "2 of 3 pages have no text",
    ]


def test_a_picture_that_is_too_large_or_damaged_is_refused_undecoded(tmp_path):
    path = tmp_path / "a.png"
    written(HELLO).save(path)
    facts = validate_file(path, name=path.name, limits=LIMITS)
    assert facts.content_type == "image/png"
    with pytest.raises(ImageTooLarge, match="has 0 megapixels; the limit is 0"):
        validate_file(path, name=path.name, limits=replace(LIMITS, max_pixels=1000))
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(CorruptFile):
        validate_file(path, name=path.name, limits=LIMITS)


def test_pillows_own_limit_is_as_it_was(tmp_path):
    written(HELLO).save(tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS
    images.check(reading(tmp_path / "a.png"))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.django_db
def test_a_scan_is_processed_over_several_turns(monkeypatch, settings, tmp_path, api):
    send_nothing(monkeypatch)
    settings.MEDIA_ROOT = tmp_path
    settings.TASK_HEARTBEAT_SECONDS = 3600
    monkeypatch.setattr("documents.pipeline.limits", lambda: replace(ROOMY, ocr_turn_seconds=0))
    path = scanned_pdf(tmp_path / "a.pdf", [written(HELLO)] * 2)
    upload = SimpleUploadedFile("scan.pdf", path.read_bytes())
    task = Task.objects.get(document_id=api.post("/api/documents/", {"file": upload}).json()["id"])
    run_all(task)
    detail = TaskDetail.objects.get(task=task, step_type="TEXT_EXTRACTION")
    assert (detail.status, ScannedPage.objects.count()) == ("COMPLETED", 2)
    assert detail.details["ocr_pages"] == 2
