"""Images as pages: PNG, JPEG, WebP and TIFF with all its frames."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from PIL import Image, ImageOps
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, ImageTooLarge
from documents.extraction import ocr
from documents.extraction.pdf.layout import elements_of_pages
from documents.extraction.reading import Reading

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_WIDEST_STRIP = 1.6  # height of one part of a tall image, in widths
_POINTS = 842  # the longer side of an A4 page: letters then have about the same size as there


def read_picture(reading: Reading) -> Iterator[Element]:
    with opened(reading) as image:
        reading.details["scanned"] = True
        numbers = range(1, (reading.pages or 1) + 1)
        pages = list(ocr.pages_of_pictures(reading, numbers, partial(_read_frame, image)))
    yield from elements_of_pages(reading, pages, {})


def check(reading: Reading) -> None:
    """Check every frame's metadata. Raises CorruptFile, ImageTooLarge or TooManyPages."""
    with opened(reading) as image:
        for at in range(reading.pages or 1):
            image.seek(at)
            _check_size(image.size, reading.limits.max_pixels)


@contextmanager
def opened(reading: Reading) -> Iterator[Image.Image]:
    """The open image, its frames counted, its pixels not yet decoded."""
    try:
        _check_webp(reading)
        with _own_limit_only(), Image.open(reading.path, formats=_FORMATS) as image:
            _check_size(image.size, reading.limits.max_pixels)
            is_pages = image.format == "TIFF"  # frames of other formats are an animation
            reading.set_pages(getattr(image, "n_frames", 1) if is_pages else 1)
            yield image
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as error:
        raise CorruptFile from error


@contextmanager
def _own_limit_only() -> Iterator[None]:
    """Disable Pillow's own limit, which is global and may be changed by libraries; ours applies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check_webp(reading: Reading) -> None:
    """Check a WebP's size in its header: the library allocates memory before it reports the
    size."""
    with reading.path.open("rb") as file:
        head = file.read(30)
    if head[8:12] != b"WEBP":
        return
    if head[12:16] == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
    elif head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        return  # this kind has at most 16,383 pixels a side, and nothing is allocated in advance
    _check_size((width, height), reading.limits.max_pixels)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    pixels = size[0] * size[1]
    if pixels > max_pixels:
        raise ImageTooLarge(megapixels=pixels / 1e6, limit=max_pixels / 1e6)
    if not pixels:
        raise CorruptFile


def _read_frame(image: Image.Image, number: int) -> ocr.Kept:
    image.seek(number - 1)
    parts = [ocr.read_page(part, _scale(part)) for part in _strips(_on_white(image))]
    return ocr.below_each_other(parts)


def _scale(picture: ocr.Picture) -> float:
    """Pixels per point, if the image were a page."""
    return float(max(picture.shape[:2]) / _POINTS)


def _on_white(image: Image.Image) -> Image.Image:
    """The image upright, in RGB, on white where it is transparent."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):  # 16 or 32 bits per pixel
        upright = _eight_bits(upright)
    if upright.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    return upright.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(((values - low) * (255 / max(high - low, 1))).astype(np.uint8))


def _strips(image: Image.Image) -> Iterator[ocr.Picture]:
    """The image scaled for OCR; a tall one, like a long screenshot, in parts, cut between lines."""
    tall = image.height > image.width * _WIDEST_STRIP * 1.5
    longest = ocr.LONGEST_SIDE
    if tall:
        image.thumbnail((int(longest / _WIDEST_STRIP), image.height), Image.Resampling.LANCZOS)
    else:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)[:, :, ::-1]
    start, height = 0, image.height
    while tall and height - start > image.width * _WIDEST_STRIP * 1.5:
        end = _emptiest_row(pixels, start + int(image.width * _WIDEST_STRIP))
        yield np.ascontiguousarray(pixels[start:end])
        start = end
    yield np.ascontiguousarray(pixels[start:])


def _emptiest_row(pixels: ocr.Picture, about: int) -> int:
    """The row near `about` with the least contrast."""
    reach = pixels.shape[1] // 5
    unevenness = pixels[about - reach : about + reach].std(axis=1).sum(axis=1)
    emptiest: int = unevenness.argmin()
    return int(about - reach + emptiest)
