"""Text of images, through RapidOCR and the models in its wheel (PP-OCRv6: Chinese and Latin).

Nothing is loaded before the first image, and nothing is downloaded: models are given by path.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from documents.exceptions import ReadingPaused
from documents.extraction.columns import in_reading_order
from documents.extraction.lines import Line, Page
from documents.extraction.reading import Reading

Picture = NDArray[np.uint8]  # height x width x 3, in BGR order
Box = NDArray[np.float32]  # four corners (x, y), clockwise from the top left
Kept = dict[str, Any]  # a page's lines as JSON values, see `read_page`

LONGEST_SIDE = 2000  # pixels; twelve-point type on A4 is then 28 pixels high
_DETECTION_SIDE = 1440  # enough to detect lines, at half the time and memory
_LEAST_SCORE = 0.5
_LEAST_SCORE_ALONE = 0.9  # of a single letter, which any blot may resemble
_DOUBTFUL = 0.8
_AT_ONCE = 8  # lines between checks of the clock
_PAGE_SECONDS = 100.0
_TYPE_OF_BOX = 0.72  # font size as a share of the height of a line's box
_SAME_SIZE = (0.75, 1.3)  # times the usual size; heights of boxes vary with the letters in them
_CJK = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_CJK_GAPS = re.compile(f"(?<=[{_CJK}]) +(?=[{_CJK}])")


@dataclass(slots=True)
class Scanned:
    """What was read on one image: texts, their boxes in pixels, confidences (0 to 1)."""

    texts: list[str]
    boxes: list[Box]
    scores: list[float]
    complete: bool = True  # otherwise time ran out
    turned: bool = False  # by 90 degrees; the boxes refer to the rotated image


@cache
def _engine() -> Any:
    """The models and their libraries, which take seconds to import."""
    import cv2  # noqa: PLC0415
    import rapidocr  # noqa: PLC0415

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    cv2.setNumThreads(1)
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            # One thread: there is a worker for every core, and waiting threads spin.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECTION_SIDE,
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Rec.rec_batch_num": 1,  # padding lines to one width costs more than batching saves
        }
    )


def recognise(picture: Picture) -> Scanned:
    """All text on an image, which may be rotated by 90 or 180 degrees."""
    crops, boxes = _detected(picture)
    turned = sum(map(_is_tall, boxes)) * 2 > len(boxes)
    if turned:
        picture = np.ascontiguousarray(np.rot90(picture))
        crops, boxes = _detected(picture)
    if crops and _is_upside_down(crops):
        height, width = picture.shape[:2]
        crops = [np.ascontiguousarray(crop[::-1, ::-1]) for crop in crops]
        boxes = [np.array([width, height], np.float32) - box[[2, 3, 0, 1]] for box in boxes]
    scanned = Scanned([], [], [], turned=turned)
    _recognise_lines(scanned, crops, boxes)
    return scanned


def _detected(picture: Picture) -> tuple[list[Picture], list[Box]]:
    engine = _engine()
    from rapidocr.main import RapidOCRError  # noqa: PLC0415

    try:
        crops, found = engine.detect_and_crop(picture, {})
    except RapidOCRError:  # how it reports that there is no text
        return [], []
    return crops, list(found.boxes)


def _is_tall(box: Box) -> bool:
    width, height = np.ptp(box[:, 0]), np.ptp(box[:, 1])
    return bool(height > width * 1.5)


def _is_upside_down(crops: Sequence[Picture]) -> bool:
    """The majority vote of the longest lines: a single short one is easily misjudged."""
    longest = sorted(crops, key=lambda crop: crop.shape[1] / crop.shape[0])[-12:]
    _, judged = _engine().cls_and_rotate(longest)
    turned = sum(label == "180" and score > 0.8 for label, score in judged.cls_res)
    return bool(turned * 2 > len(longest))


def _recognise_lines(scanned: Scanned, crops: Sequence[Picture], boxes: Sequence[Box]) -> None:
    ends_at = time.monotonic() + _PAGE_SECONDS
    for at in range(0, len(crops), _AT_ONCE):
        if time.monotonic() > ends_at:
            scanned.complete = False
            break
        read = _engine().recognize_txt(list(crops[at : at + _AT_ONCE]))
        for text, score, box in zip(read.txts, read.scores, boxes[at:], strict=False):
            text = _CJK_GAPS.sub("", text.strip())  # noqa: PLW2901
            if text and score >= (_LEAST_SCORE if len(text) > 1 else _LEAST_SCORE_ALONE):
                scanned.texts.append(text)
                scanned.scores.append(float(score))
                scanned.boxes.append(box)


def pages_of_pictures(
    reading: Reading, numbers: Sequence[int], read: Callable[[int], Kept]
) -> Iterator[Page]:
    """The pages with these numbers, each read when it is requested, unless it is known.

    Raises ReadingPaused if this turn's time is over before all are read.
    """
    wanted = numbers[: reading.limits.ocr_pages]
    for number in wanted:
        if number not in reading.known:
            if reading.turn_is_over():
                raise ReadingPaused
            reading.learn(number, read(number))
        page = _restored(number, reading.known[number])
        reading.page_done()
        yield page
    if wanted:
        _note(reading, numbers, [reading.known[number] for number in wanted])


def read_page(picture: Picture, scale: float) -> Kept:
    """An image's lines in reading order, as JSON values; `scale` is pixels per point."""
    scanned = recognise(picture)
    height, width = (side / scale for side in picture.shape[:2])
    if scanned.turned:
        width, height = height, width
    lines = in_reading_order(_lines(scanned, scale, height))
    return {
        "lines": [[line.text, line.left, line.right, line.base, line.size] for line in lines],
        "width": width,
        "height": height,
        "score": fmean(scanned.scores) if scanned.scores else 0.0,
        "complete": scanned.complete,
    }


def below_each_other(parts: Sequence[Kept]) -> Kept:
    """The parts of a tall image as one page."""
    if len(parts) == 1:
        return parts[0]
    height = sum(part["height"] for part in parts)
    lines, above = [], 0.0
    for part in parts:
        above += part["height"]
        lines += [
            [text, left, right, base + height - above, size]
            for text, left, right, base, size in part["lines"]
        ]
    scores = [part["score"] for part in parts if part["lines"]]
    return {
        "lines": lines,
        "width": max(part["width"] for part in parts),
        "height": height,
        "score": fmean(scores) if scores else 0.0,
        "complete": all(part["complete"] for part in parts),
    }


def _lines(scanned: Scanned, scale: float, height: float) -> list[Line]:
    heights = [_extent(box) for box in scanned.boxes]
    usual = median(heights) if heights else 1.0
    return [
        _line(text, box / scale, _size(each, usual) / scale, height)
        for text, box, each in zip(scanned.texts, scanned.boxes, heights, strict=True)
    ]


def _extent(box: Box) -> float:
    """The height of a box that may be slightly rotated."""
    return float(np.linalg.norm(box[3] - box[0]) + np.linalg.norm(box[2] - box[1])) / 2


def _size(height: float, usual: float) -> float:
    low, high = _SAME_SIZE
    return (usual if usual * low < height < usual * high else height) * _TYPE_OF_BOX


def _line(text: str, box: Box, size: float, height: float) -> Line:
    bottom = float(box[2, 1] + box[3, 1]) / 2
    return Line(
        text=text,
        left=round(float(min(box[0, 0], box[3, 0])), 1),
        right=round(float(max(box[1, 0], box[2, 0])), 1),
        base=round(height - bottom + size * 0.3, 1),
        size=round(size * 2) / 2,
        bold=False,
    )


def _restored(number: int, kept: Kept) -> Page:
    lines = [
        Line(text, left, right, base, size, bold=False, page=number)
        for text, left, right, base, size in kept["lines"]
    ]
    return Page(number, kept["width"], kept["height"], lines, scanned=True)


def _note(reading: Reading, numbers: Sequence[int], kept: Sequence[Kept]) -> None:
    """Records for the step: how many pages, the confidence (0 to 1), what was left out."""
    scores = [page["score"] for page in kept if page["lines"]]
    reading.details["ocr_pages"] = len(kept)
    if scores:
        reading.details["ocr_confidence"] = round(fmean(scores), 3)
        if fmean(scores) < _DOUBTFUL:
            reading.warnings.append(
                f"The scan is hard to read; OCR is {fmean(scores):.0%} sure of its letters"
            )
    if cut := sum(not page["complete"] for page in kept):
        reading.warnings.append(f"{cut} pages hold more text than OCR can read in their time")
    if left_out := len(numbers) - len(kept):
        reading.warnings.append(
            f"Only the first {len(kept)} of {len(numbers)} scanned pages were read by OCR;"
            f" {left_out} were left out"
        )
