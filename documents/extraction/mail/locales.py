"""Encodings of 8-bit texts by the Windows locale in which a message was written."""

_LANGUAGE, _CHINESE = 0x3FF, 0x04  # language: the first ten bits of a locale; the rest: the country
_TRADITIONAL = frozenset({0x0404, 0x0C04, 0x1404})  # Taiwan, Hong Kong, Macau
_ENCODINGS = {
    "cp874": (0x1E,),  # Thai
    "cp932": (0x11,),  # Japanese
    "cp949": (0x12,),  # Korean
    "cp1250": (0x05, 0x0E, 0x15, 0x18, 0x1B, 0x1C, 0x24),  # Czech … Slovenian
    "cp1251": (0x02, 0x19, 0x22, 0x23, 0x2F),  # Bulgarian, Russian … Macedonian
    "cp1252": (0x03, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x0F, 0x10, 0x13, 0x14, 0x16, 0x1D),
    "cp1253": (0x08,),  # Greek
    "cp1254": (0x1F,),  # Turkish
    "cp1255": (0x0D,),  # Hebrew
    "cp1256": (0x01, 0x20, 0x29),  # Arabic, Urdu, Persian
    "cp1257": (0x25, 0x26, 0x27),  # Baltic languages
}
_OF_LANGUAGE = {language: name for name, languages in _ENCODINGS.items() for language in languages}


def encoding_of(locale: int | None) -> str:
    """ "" if the locale does not tell: English ones are used with any language."""
    if locale is None:
        return ""
    if locale & _LANGUAGE == _CHINESE:
        return "big5" if locale in _TRADITIONAL else "gb18030"
    return _OF_LANGUAGE.get(locale & _LANGUAGE, "")
