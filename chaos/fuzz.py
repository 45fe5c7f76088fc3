"""Damages small files of every format and reads them: `python -m chaos.fuzz [CASES] [SEED]`.

A case is read or ends with a documented code. Files that crash their reader are counted and kept in
the folder that is printed at the end.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from documents.exceptions import ReaderCrashed
from documents.extraction.sandbox.client import sandbox
from documents.steps.extract import extract_text
from documents.steps.validate import validate_file
from documents.tests import files, hostile, hostile_links
from documents.tests.files import LIMITS
from documents.tests.hostile_pages import WORDS, page, pdf, png, tiff, webp
from tasks.exceptions import StepError

_LIMITS = replace(LIMITS, ocr_pages=0, seconds=8)
_TEXTS = {
    "a.txt": "Words, and more words.\n\n- one\n- two\n",
    "a.csv": "Name;Year\nAnn;1990\nBob;2001\n",
    "a.tsv": "Name\tYear\nAnn\t1990\n",
    "a.json": '{"a": [1, 2.5, "Wörter", null, {"b": true}]}',
}


def seeds(folder: Path) -> dict[str, bytes]:
    """A small valid file of every format, by name."""
    made = {name: text.encode() for name, text in _TEXTS.items()}
    for name in hostile_links.NAMES:
        made[name] = hostile_links.leading_to("http://127.0.0.1:9/", name)
    makers: dict[str, Callable[[Path], Path]] = {
        "b.docx": files.word, "b.pptx": files.slides, "b.xlsx": files.workbook,
        "b.epub": files.book, "b.odt": files.open_text, "b.eml": files.mail,
    }  # fmt: skip
    for name, make in makers.items():
        made[name] = make(folder / name).read_bytes()
    for name, stream in {"a.xls": "Workbook", "a.msg": "__properties_version1.0"}.items():
        made[name] = files.ole(folder / name, stream, bytes(range(256)) * 8).read_bytes()
    made |= {"a.png": png(40, 40), "a.tiff": tiff(8, 8), "a.webp": webp(40, 40)}
    return made | {"b.pdf": pdf(page(WORDS)), "c.docx": hostile.wide_table()}


def damaged(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The data with a few bits, blocks or ends changed."""
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at, length = chance.randrange(len(data) + 1), chance.choice((1, 4, 32, 400))
        piece = data[at : at + length]
        other = chance.choice(others)
        start = chance.randrange(len(other))
        kind = chance.randrange(6)
        if kind == 0 and piece:
            flipped = bytes([piece[0] ^ 1 << chance.randrange(8)])
            data = data[:at] + flipped + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + piece * chance.choice((2, 50)) + data[at + length :]
        elif kind == 2:
            data = data[:at] + other[start : start + length] + data[at + length :]
        elif kind == 3:
            data = data[:at] + data[at + length :]
        elif kind == 4:
            data = data[:at] + chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f")) + data[at + 4 :]
        elif chance.random() < 0.2:
            data = data[:at]
    return data or b"\0"


def damaged_inside(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The same within one part of a zip, with a correct checksum; other formats as in `damaged`."""
    if not data.startswith(b"PK") or chance.random() < 0.2:
        return damaged(data, others, chance)
    name = chance.choice(hostile.parts_of(data))
    return hostile.with_parts(data, {name: damaged(hostile.part_of(data, name), others, chance)})


def outcome(path: Path) -> str:
    """The code of the error that reading ends with, or "ok"."""
    try:
        facts = validate_file(path, name=path.name, limits=_LIMITS)
        extract_text(
            path,
            content_type=facts.content_type,
            name=path.name,
            limits=_LIMITS,
            report=lambda done, total: None,
            should_stop=lambda: False,
        )
    except StepError as error:
        return error.code
    return "ok"


def main(cases: int = 3_000, seed: int = 0) -> int:
    seed = seed or random.SystemRandom().randrange(1, 2**32)
    print(f"{cases} cases, seed {seed}", flush=True)  # to reproduce the run
    chance, kept = random.Random(seed), Path(tempfile.mkdtemp(prefix="fuzz-"))
    whole = seeds(kept)
    counts: dict[str, Counter[str]] = {name: Counter() for name in whole}
    sandbox().start()
    for case in range(cases):
        name = sorted(whole)[case % len(whole)]
        path = kept / f"{case}-{name}"
        path.write_bytes(damaged_inside(whole[name], list(whole.values()), chance))
        code = outcome(path)
        counts[name][code] += 1
        if code != ReaderCrashed.code:
            path.unlink()
    for name, codes in sorted(counts.items()):
        found = ", ".join(f"{code} {n}" for code, n in codes.most_common())
        print(f"{name:14}", found)  # the result of the run
    print(f"What crashed its reader is in {kept}")  # for debugging
    return sum(codes[ReaderCrashed.code] for codes in counts.values())


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:3]))))
