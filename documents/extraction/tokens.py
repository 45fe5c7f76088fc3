"""How many tokens a multilingual embedding model makes of a text, without asking it."""

import re

# Measured with the XLM-RoBERTa vocabulary that the multilingual E5 models use.
_CJK_PER_TOKEN = 1.5
_OTHER_PER_TOKEN = 4.0
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+")


def estimate_tokens(text: str) -> int:
    """About the number of tokens; at least 1."""
    cjk = 0 if text.isascii() else sum(map(len, _CJK.findall(text)))
    return int(cjk / _CJK_PER_TOKEN + (len(text) - cjk) / _OTHER_PER_TOKEN) + 1
