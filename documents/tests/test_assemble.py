from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from documents.extraction.assemble import assemble, normalise
from documents.extraction.reading import Reading
from documents.tests.files import LIMITS


def test_what_a_reader_tells_is_fit_for_postgres():
    told = {"attachments": ["a\0b.pdf"], "page_labels": {"1": "\0A\ud800-1"}, "sheets": 2}
    reading = Reading(Path("a"), "a", "text/plain", LIMITS, details=told)
    found = assemble(reading, ()).details
    assert (found["attachments"], found["page_labels"]) == (["ab.pdf"], {"1": "A-1"})
    assert found["sheets"] == 2


def test_text_is_normalised():
    assert (
        normalise(" A\u00a0 \u200bﬁle\tcafe\u0301\ud800 \r\n b\u2028c\x07 ") == "A file café\nb\nc"
    )
    assert normalise("\n  def f():\n\treturn 1\n", code=True) == "  def f():\n\treturn 1"


@given(st.text(st.sampled_from("aé\u0301ﬁ字\x00\ud800\u200b\xa0 \t\r\n\u2028\ufeff")))
def test_normalised_text_is_fit_for_postgres(text):
    normal = normalise(text)
    assert "\x00" not in normal
    assert normal.encode().decode() == normal
    assert normalise(normal) == normal
