"""Detects the language of a text from samples of its whole length."""

from array import array
from collections import Counter
from collections.abc import Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_SAMPLES, _SAMPLE_CHARS = 12, 150
# Of 100 sentences in 38 languages, 97 get a language and one gets a wrong one (Indonesian for
# Malay); names, numbers and codes stay below it.
_CONFIDENT = 0.45
_NONE = "zxx"  # the model's code for no language


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the text's main language; "" if it can't be determined.

    Two quarters of a long text must agree, otherwise it counts as mixed.
    """
    pieces = _pieces(text)
    quarter = len(pieces) // 4
    if quarter < 2:
        return _told(pieces)
    told = [_told(pieces[at * quarter :][:quarter]) for at in range(3)]
    if len({*told}) > 1:  # otherwise the last quarter changes nothing
        told.append(_told(pieces[3 * quarter :][:quarter]))
    [(code, count)] = Counter(told).most_common(1)
    if count == 2:  # the whole text decides, which is seldom necessary
        code = _told(pieces)
    return code if told.count(code) > 1 else ""


def _told(pieces: Sequence[str]) -> str:
    code, confidence = _identifier().classify(" ".join(pieces))
    return code if confidence >= _CONFIDENT and code != _NONE else ""


@cache
def _identifier() -> LanguageIdentifier:
    """Takes most of a second and 75 MB, so readers load it before they are forked."""
    of = LanguageIdentifier.from_model_file(MODEL_FILE)
    of.set_languages([code for code in of.labels if len(code) == 2 or code == _NONE])
    found = LanguageIdentifier(  # without the excluded languages
        of.nb_ptc, of.nb_pc, of.nb_classes, of.tk_nextmove, array("i", of.tk_output),
        norm_probs=True, tk_row=of.tk_row,
    )  # fmt: skip
    # Lists of numbers hold reference counts, and using them writes to their pages, which a fork has
    # to copy: that took longer than detecting a language.
    found._rowbase = array("i", found._rowbase)
    return found


def _pieces(text: str) -> list[str]:
    step = max(len(text) // _SAMPLES, _SAMPLE_CHARS)
    return [text[at : at + _SAMPLE_CHARS] for at in range(0, len(text), step)]
