"""Lam and alef in PDFs, which Arabic writes as one sign: PDFium tells them in the wrong order."""

import re

from documents.extraction.pdf.letters import Letters

_LAM = "ل"
_BACKWARDS = re.compile(f"[اأإآ]{_LAM}")


def with_lam_alef(letters: Letters, text: str) -> str:
    """A page's text with both letters of such signs in their order. It is as long as before.

    What runs from right to left is turned around letter by letter, and these two with it.
    """
    if _LAM not in text:  # at once for most scripts
        return text

    def turned(match: re.Match[str]) -> str:
        at = match.start()
        is_one = letters.left(at) == letters.left(at + 1)
        return match[0][::-1] if is_one and letters.right(at) == letters.right(at + 1) else match[0]

    return _BACKWARDS.sub(turned, text)
