"""List numbers: digits, letters, Roman numerals."""

_ROMAN = {
    1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x",
    9: "ix", 5: "v", 4: "iv", 1: "i",
}  # fmt: skip
_DIGIT = {sign: size for size, sign in _ROMAN.items() if len(sign) == 1}
_LARGEST = 4000  # Roman numeral


def written(number: int, kind: str) -> str:
    """The number as a list shows it; `kind` as named in Word, decimal for any other."""
    if kind in {"lowerLetter", "upperLetter"} and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 10)
        return letter.upper() if kind == "upperLetter" else letter
    if kind in {"lowerRoman", "upperRoman"} and 0 < number < _LARGEST:
        return _roman(number).upper() if kind == "upperRoman" else _roman(number)
    return f"{number:02}" if kind == "decimalZero" else str(number)


def _roman(number: int) -> str:
    digits = ""
    for size, sign in _ROMAN.items():
        digits += sign * (number // size)
        number %= size
    return digits


def of_roman(text: str) -> int:
    """The value of a Roman numeral in lower case."""
    sizes = [_DIGIT[sign] for sign in text]
    larger = zip(sizes, [*sizes[1:], 0], strict=True)
    return sum(-size if size < after else size for size, after in larger)


def whole(text: str, otherwise: int) -> int:
    """The number in a file's text; `otherwise` if there is none or an absurd one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else otherwise
