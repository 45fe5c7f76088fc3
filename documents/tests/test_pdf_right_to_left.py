"""PDFs in Hebrew and Arabic, drawn as they are: every sign from the left."""

import re

from documents.tests.files import parts_of
from documents.tests.reading import extract

_FIRST = 33  # code of the first sign
_WIDTH = 6  # of each, in points
_CMAP = (
    "begincmap 1 begincodespacerange <00> <ff> endcodespacerange\n"
    "{} beginbfchar\n{}endbfchar endcmap"
)


def pdf(path, lines):
    """A page with lines of (right, y, text). Lam and alef are one sign."""
    codes: dict[str, int] = {}
    drawn = [_drawn(*line, codes) for line in lines]
    meant = [f"<{codes[each]:02x}> <{each.encode('utf-16-be').hex()}>\n" for each in codes]
    page = "<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R {}>>"
    objects = [
        "<</Type /Catalog /Pages 2 0 R>>",
        "<</Type /Pages /Kids [3 0 R] /Count 1>>",
        page.format("/Resources <</Font <</F1 5 0 R>>>>"),
        _stream("".join(drawn)),
        "<</Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 6 0 R>>",
        _stream(_CMAP.format(len(codes), "".join(meant))),
    ]
    body = "".join(f"{n} 0 obj\n{each}\nendobj\n" for n, each in enumerate(objects, 1))
    path.write_text(f"%PDF-1.4\n{body}trailer <</Root 1 0 R>>\n%%EOF\n")
    return path


def _drawn(right, y, text, codes):
    signs = re.findall("لا|.", text)
    left = right - _WIDTH * len(signs)
    if not text.isdigit():
        signs.reverse()
    shown = "".join(f"{codes.setdefault(sign, _FIRST + len(codes)):02x}" for sign in signs)
    return f"BT /F1 10 Tf 1 0 0 1 {left} {y} Tm <{shown}> Tj ET\n"


def _stream(text):
    return f"<</Length {len(text)}>>\nstream\n{text}\nendstream"


def test_lam_and_alef_stay_in_their_order(tmp_path):
    text = "المشكلات والحلول من خلال اللغات"
    assert extract(pdf(tmp_path / "a.pdf", [(500, 700, text)])).text == text


def test_lines_go_on_in_the_next_and_end_at_the_left(tmp_path):
    lines = [
        (540, 700, "זה הוא משפט ארוך מאוד שנכתב מימין לשמאל בשורה שלמה"),
        (540, 688, "ונגמר בשורה אחרת."),
        (540, 676, "וזה משפט אחר, שעומד לבדו אחרי הראשון בעמוד הזה."),
    ]
    first, second = extract(pdf(tmp_path / "a.pdf", lines)).text.split("\n\n")
    assert first == f"{lines[0][2]} {lines[1][2]}"
    assert second == lines[2][2]


def test_the_first_column_of_a_table_is_the_rightmost(tmp_path):
    rows = [("עיר", "קיץ", "חורף"), ("חיפה", "31", "18"), ("צפת", "28", "9"), ("אילת", "40", "21")]
    lines = [
        (right, 700 - 16 * n, text)
        for n, row in enumerate(rows)
        for right, text in zip((500, 400, 300), row, strict=True)
    ]
    table = "\n".join(" | ".join(row) for row in rows)
    assert parts_of(extract(pdf(tmp_path / "a.pdf", lines))) == [("table", table)]


def test_lines_beside_the_page_are_not_read(tmp_path):
    lines = [(540, 700, "זה הוא משפט בעמוד הזה."), (900, 688, "וזה משפט אחר.")]
    assert extract(pdf(tmp_path / "a.pdf", lines)).text == lines[0][2]
