"""Formulas of Word and PowerPoint, in one line."""

import docx
import pptx
import pytest
from lxml import etree
from pptx.util import Inches

from documents.extraction.formulas import MATH, formula
from documents.tests.files import parts_of
from documents.tests.reading import extract
from documents.tests.test_word import add, written

M = f'xmlns:m="{MATH[1:-1]}"'


def r(text):
    return f"<m:r><m:t>{text}</m:t></m:r>"


def of(part, **inner):
    """A part with its settings and what it is made of: `of("f", num="a", den="b")`."""
    settings = inner.pop("settings", {})
    told = "".join(f'<m:{name} m:val="{value}"/>' for name, value in settings.items())
    made = "".join(f"<m:{n}>{t if '<' in t else r(t)}</m:{n}>" for n, t in inner.items())
    return f"<m:{part}><m:{part}Pr>{told}</m:{part}Pr>{made}</m:{part}>"


def square(text):
    return of("sSup", e=text, sup="2")


def cells(*texts):
    return "".join(f"<m:e>{r(text)}</m:e>" for text in texts)


MATRIX = f"<m:m><m:mr>{cells('a', 'b')}</m:mr><m:mr>{cells('c', 'd')}</m:mr></m:m>"
LINES = f"<m:eqArr>{cells('a=b', 'c=d')}</m:eqArr>"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (square("x"), "x^2"),
        (square("a+b"), "(a+b)^2"),
        (square(of("d", e="a+b")), "(a+b)^2"),
        (square("x") + r("y"), "x^2 y"),
        (of("sSub", e="a", sub="i+1"), "a_(i+1)"),
        (of("sSubSup", e="N", sub="s", sup="H"), "N_s^H"),
        (of("sPre", sub="6", sup="14", e="C"), "_6^14 C"),
        (of("f", num="a+b", den="2c"), "(a+b)/2c"),
        (of("f", num="n", den="k", settings={"type": "noBar"}), "n¦k"),
        (of("d", e="x"), "(x)"),
        (of("d", e="x", settings={"begChr": "{", "endChr": ""}), "{x"),
        (of("nary", sub="k=0", sup="n", e="k", settings={"chr": "∑"}), "∑_(k=0)^n k"),
        (of("nary", e="x dx"), "∫x dx"),
        (of("rad", e="b-c"), "√(b-c)"),
        (of("rad", deg="3", e="x"), "∛x"),
        (of("rad", deg="n", e="x"), "n√x"),
        (of("func", fName="sin", e="x"), "sin x"),
        (of("func", fName="log", e=of("d", e="x")), "log(x)"),
        (r("sin\N{FUNCTION APPLICATION}") + r("θ"), "sin θ"),
        (of("acc", e="x"), "x̂"),
        (of("acc", e="a", settings={"chr": "\N{COMBINING ACUTE ACCENT}"}), "á"),
        (of("limLow", e="lim", lim="n→∞"), "lim_(n→∞)"),
        (MATRIX, "[a b; c d]"),
        (LINES, "a=b\nc=d"),
        (of("box", e=r("a") + of("f", num="1", den="2")), "a1/2"),
    ],
)
def test_a_formula_keeps_its_signs_and_brackets(made, said):
    assert formula(etree.fromstring(f"<m:oMath {M}>{made}</m:oMath>")) == said


def test_formulas_in_a_paragraph_of_word(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("So ")
    for name in ("a=b", "c=d"):
        add(paragraph, f"<m:oMath>{r(name)}</m:oMath>")
    paragraph.add_run(" holds.")
    both = "".join(f"<m:oMath>{r(name)}</m:oMath>" for name in ("e=f", "g=h"))
    add(document.add_paragraph(), f"<m:oMathPara>{both}</m:oMathPara>")
    assert parts_of(written(tmp_path, document)) == [
        ("text", "So a=b\nc=d holds."),
        ("text", "e=f\ng=h"),
    ]


def test_a_formula_on_a_slide(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    line = box.text_frame.paragraphs[0]
    line.add_run().text = "Energy: "
    made = f"<m:oMath {M}>{r('E=m')}{square('c')}</m:oMath>"
    line._p.append(etree.fromstring(f'<x:m xmlns:x="urn:a14">{made}</x:m>'))
    deck.save(str(tmp_path / "a.pptx"))
    assert parts_of(extract(tmp_path / "a.pptx")) == [("text", "Energy: E=mc^2")]
