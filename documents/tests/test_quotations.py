"""Another figure or another word is no quotation, whatever stands between letters and digits."""

import re
import time

import pytest

from documents.citations.gaps import _Shapes
from documents.citations.letters import Letters
from documents.citations.quotations import exactly, loosely

AROUND = ["{}", "It was so: {}. Then"]


def quoted(text, quote):
    found = [*exactly(text, quote)] or [*loosely(text, quote)]
    return [text[start:end] for start, end in found]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12.5%", "125%"),
        ("12.5%", "1.25%"),
        ("12.5%", "-12.5%"),
        ("12.5%", "12.5"),
        ("12.5%", "12.5‰"),
        ("12.5%", "12,5%"),
        ("sections 1, 2 and 3", "sections 12 and 3"),
        ("sections 1, 2 and 3", "sections 1.2 and 3"),
        ("sections 1, 2 and 3", "sections 1,2 and 3"),
        ("sections 1, 2 and 3", "sections 1-2 and 3"),
        ("lines 12\n34 of", "lines 1234 of"),
        ("Version 1.1", "Version 11"),
        ("Items 3-5", "Items 35"),
        ("Items 3-5", "Items 3 5"),
        ("Items 3-5", "Items 3+5"),
        ("7:45", "745"),
        ("7:45", "7.45"),
        ("1/2 of it", "12 of it"),
        ("10^6 of it", "106 of it"),
        ("p < 0.05", "p > 0.05"),
        ("p < 0.05", "p = 0.05"),
        ("p < 0.05", "p 0.05"),
        ("p ≤ 0.05", "p < 0.05"),
        ("p ≥ 0.05", "p > 0.05"),
        ("> 0.05", "< 0.05"),
        ("p = .5", "p = 5"),
        ("x <-5 a", "x 5 a"),
        ("5 ± 2 kg", "5 2 kg"),
        ("5 ± 2 kg", "5 + 2 kg"),
        ("x ± y", "x y"),
        ("−40 million", "40 million"),
        ("−40 million", "+40 million"),
        ("+40 million", "40 million"),
        ("it lost −40 million", "it lost 40 million"),
        ("it lost −$40 million", "it lost $40 million"),
        ("it cost $40 million", "it cost €40 million"),
        ("$40 million", "€40 million"),
        ("40 $", "40 €"),
        ("1.234 g", "1234 g"),
        ("0,125 g", "0125 g"),
        ("1,234,56 g", "123456 g"),
        ("1,234.567 g", "1,234,567 g"),
        ("was not able to cure", "was notable to cure"),
        ("are now here", "are nowhere"),
        ("are now – here", "are nowhere"),
        ("are now—here", "are nowhere"),
        ("was “not” able", "was notable"),
        ("was not, able", "was notable"),
    ],
)
@pytest.mark.parametrize("around", AROUND)
def test_another_figure_or_word_is_not_found(one, other, around):
    assert quoted(around.format(one), other) == []
    assert quoted(around.format(other), one) == []


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("12.5%", "5%"),
        ("12.5%", ".5%"),
        ("12.5 of it", "12"),
        ("12.5 of it", "5 OF"),
        ("at 7:45", "at 7"),
        ("1,234 men", "234 men"),
        ("1\u202f234 men", "234 men"),
        ("1\u00a0234 men", "234 MEN"),
        ("Items 3-5", "-5"),
    ],
)
def test_a_part_of_a_figure_is_another(text, quote):
    assert quoted(text, quote) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("p < 0.05", "p<0.05"),
        ("p ≤ 0.05", "p <= 0.05"),
        ("p ≥ 0.05", "p >= 0.05"),
        ("rose 12.5 % in", "rose 12.5% in"),
        ("1,234 men", "1234 men"),
        ("1,234 men", "1 234 men"),
        ("1 234 men", "1\u202f234 men"),
        ("1'234 men", "1,234 men"),
        ("1.234.567 men", "1,234,567 men"),
        ("1.234.567 men", "1234567 men"),
        ("1.234,56 kg", "1234,56 kg"),
        ("1,234.56 kg", "1234.56 kg"),
        ("Table 1\n234 men", "Table 1 234 men"),
        ("in 2019 1,234 men", "in 2019 1234 men"),
        ("sections 1, 2 and 3", "sections 1,\n2 and 3"),
        ("pages 3-5 of", "pages 3–5 of"),
        ("pages 3-5 of", "pages 3 — 5 of"),
        ("pages 3-5 of", "pages 3-\n5 of"),
        ("| 3 | 5 |", "3 5"),
        ("the COVID-19 time", "the COVID 19 time"),
        ("the COVID-19 time", "the covid‑19 time"),
        ("it lost −40 million", "it lost -40 million"),
        ("it lost −40 million", "it lost –40 million"),
        ("10⁶ of it", "10^6 of it"),
        ("10⁶ of it", "106 of it"),
        ("10¹² of it", "10^12 of it"),
        ("10⁻⁶ m²", "10^-6 m2"),
        ("3 → 5 men", "3 -> 5 men"),
        ("x <-5 a", "x < -5 a"),
        ("in 2019 it", "in ٢٠١٩ it"),
        ("in 2019 it", "in २०१९ it"),
        ("12.5% of", "١٢٫٥٪ of"),
        ("12.5% of", "１２．５％ of"),
        ("IŞIK var", "ışık var"),
        ("ısı", "ISI"),
        ("İstanbul'da", "istanbul'da"),
        ("İSTANBUL", "istanbul"),
        ("an example of", "an exam\u00adple of"),
        ("an example of", "an exam\u00ad\nple of"),
        ("an example of", "an exam-\nple of"),
        ("an example of", "an exam\nple of"),
        ("we can’t go", "we can't go"),
        ("we can’t go", "we cant go"),
        ("he said—and left", "he said - and left"),
        ("he said—and left", "he said and left"),
        ("he said no and", "he said\n> no and"),
        ("我们在 北京大学", "我们在北京大学"),
        ("学习 Python 入门", "学习Python入门"),
        ("یک می\u200cخواهم", "یک می خواهم"),
        ("foo … bar", "foo ... bar"),
        ("foo [...] bar", "foo bar"),
        ("in 2019 … 5 men", "in 2019 5 men"),
        ("A title\n=====\nand text", "A title and text"),
        ("U.S. law", "US law"),
    ],
)
@pytest.mark.parametrize("around", AROUND)
def test_the_same_is_found_however_it_is_written(one, other, around):
    assert len(quoted(around.format(one), other)) == 1
    assert len(quoted(around.format(other), one)) == 1


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("it lost −40 million", "-40 million", "−40 million"),
        ("it lost −$5 then", "-$5 Then", "−$5 then"),
        ("it rose 12.5 % then", "rose  12.5%", "rose 12.5 %"),
        ("p < 0.05 and", "0.05 AND", "0.05 and"),
        ("Items 3-5", "items 3", "Items 3"),
        ("in 2019. Then", "IN 2019", "in 2019"),
    ],
)
def test_a_place_has_the_signs_of_its_figures(text, quote, expected):
    assert quoted(text, quote) == [expected]


def test_a_right_place_is_found_behind_wrong_ones():
    text = "It rose 125%. " * 500 + "It rose 12.5%."
    assert [*loosely(text, "it rose 12.5%")] == [(len(text) - 14, len(text) - 1)]


def test_a_shape_has_as_many_letters_as_are_compared():
    letters, shapes = Letters(), _Shapes()
    for code in range(0x30000):
        assert len(letters[code] or "") == len(re.findall("[0-9au]", shapes[code])), hex(code)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("1, 2 " * 200_000, "12"),
        ("1, " * 300_000, "1 " * 1_000),
        (("a" + "-" * 10_000) * 200, "a b " * 50),
        ("1" + "-=" * 500_000 + "2", "1 2"),
        ("1" + "." * 1_000_000 + ",2", "1 2"),
        ("1" + " \n" * 500_000 + "2", "12"),
        ("1,234," * 200_000, "12"),
    ],
)
def test_signs_everywhere_are_no_trap(text, quote):
    began = time.process_time()
    assert quoted(text, quote) == []
    assert time.process_time() - began < 10


def test_places_that_overlap_and_are_long_are_no_trap():
    text = ("a" + " -" * 5_000) * 400
    began = time.process_time()
    assert quoted(text, "a = a" + " a" * 198) == []
    assert time.process_time() - began < 10
