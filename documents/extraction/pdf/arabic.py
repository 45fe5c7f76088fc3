"""Lam-alef ligatures in Arabic PDFs, whose two letters PDFium reports in the wrong order."""

import re

from documents.extraction.pdf.letters import Letters

_LAM = "ل"
_BACKWARDS = re.compile(f"[اأإآ]{_LAM}")


def with_lam_alef(letters: Letters, text: str) -> str:
    """A page's text with the letters of lam-alef ligatures in the right order; same length.

    PDFium reverses right-to-left text character by character, including these two.
    """
    if _LAM not in text:  # quick for most scripts
        return text

    def turned(match: re.Match[str]) -> str:
        at = match.start()
        is_one = letters.left(at) == letters.left(at + 1)
        return match[0][::-1] if is_one and letters.right(at) == letters.right(at + 1) else match[0]

    return _BACKWARDS.sub(turned, text)
