"""Which characters are compared to find a quotation: letters, digits and their diacritics."""

import re
import unicodedata

_FRACTION = "\u2044"
# Turkish dotted I and dotless i, which Unicode's case folding does not map to i.
_OTHER_FORMS = {"\u0130": "i", "\u0131": "i"}
# Marks that people leave out: Hebrew and Arabic vowel points, invisible joiners, variation
# selectors. Tatweel only makes a word longer.
_LEFT_OUT = re.compile(
    "[\u034f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06ed"
    "\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


class Letters(dict[int, str | None]):
    """A table for `str.translate`: a character -> its letters, digits and diacritics, lower case
    and decomposed, so that spelling variants compare equal."""

    def __missing__(self, code: int) -> str | None:
        kept = "".join(c for c in taken_apart(chr(code)) if is_compared(c))
        self[code] = kept or None  # with None, ASCII is translated several times as fast
        return self[code]


def taken_apart(character: str) -> str:
    """Lower case and decomposed (NFKD), with digits of any script as ASCII digits."""
    character = _OTHER_FORMS.get(character, character)
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    apart = character if _FRACTION in apart else apart  # 1½ is not 112
    return "".join(str(unicodedata.decimal(c, c)) for c in apart)


def is_compared(character: str) -> bool:
    return is_of_word(character) and not _LEFT_OUT.match(character)


def is_of_word(character: str) -> bool:
    return character.isalnum() or is_mark(character)


def is_mark(character: str) -> bool:
    """Whether it is a combining mark; enclosing marks count as signs."""
    return unicodedata.category(character) in ("Mn", "Mc")
