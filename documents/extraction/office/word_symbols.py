"""Symbols and form fields in Word, which are shown but not stored as text."""

from lxml import etree

from documents.extraction.numerals import whole

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# The font Symbol from 0x20 on, as defined by Adobe; blanks where there is no equivalent character.
_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼ " + " " * 32 + "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵"
    "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
_FONTS = {
    "symbol": dict(enumerate(_SYMBOL, 0x20)),
    "wingdings": {
        0x28: "☎", 0x2A: "✉", 0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x75: "◆",
        0x9F: "•", 0xA7: "▪", 0xA8: "☐", 0xAB: "★", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑",
        0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
    },
    "wingdings 2": {0x4F: "✗", 0x50: "✓", 0x52: "☑", 0x53: "☒", 0xA3: "☐"},
}  # fmt: skip
_PRIVATE = range(0xF000, 0xF100)  # the code points of symbol fonts


def sign(node: etree._Element) -> str:
    """The character that a symbol looks like; "" if unknown."""
    try:
        code = int(node.get(f"{_W}char", ""), 16)
    except ValueError:
        return ""
    known = _FONTS.get(node.get(f"{_W}font", "").lower())
    if known is not None:
        return known.get(code - _PRIVATE.start if code in _PRIVATE else code, "").strip()
    return chr(code) if 0x20 <= code < 0xD800 else ""


def field_of_form(node: etree._Element) -> str:
    """A form's checkbox, or the selected list entry; "" for a text field."""
    box, choices = node.find(f"{_W}checkBox"), node.find(f"{_W}ddList")
    if box is not None:
        ticked = box.find(f"{_W}checked")
        ticked = box.find(f"{_W}default") if ticked is None else ticked
        is_on = ticked is not None and ticked.get(f"{_W}val", "1") in {"1", "true", "on"}
        return "☒" if is_on else "☐"
    return _chosen(choices) if choices is not None else ""


def _chosen(choices: etree._Element) -> str:
    entries = [entry.get(f"{_W}val", "") for entry in choices.iterfind(f"{_W}listEntry")]
    told = choices.find(f"{_W}result")
    told = choices.find(f"{_W}default") if told is None else told
    at = 0 if told is None else whole(told.get(f"{_W}val", ""), 0)
    return entries[at] if at < len(entries) else ""
