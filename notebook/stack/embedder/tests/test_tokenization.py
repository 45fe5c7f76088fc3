import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook.stack.embedder.tokenization import MAX_TOKENS, TextTooLongError

TEXTS = {
    "english": "The Panthers' defense gave up just 308 points, ranking sixth in the league.",
    "chinese": "黑豹队的防守只丢了308分，在联赛中排名第六，同时也以24次拦截领先联盟。",
    "arabic": "سجل دفاع بانثرز 308 نقطة فقط، وَاحْتَلَّ المرتبة السادسة في الدوري.",
    "russian": "Защита «Пантерз» отдала всего 308 очков и заняла шестое место в лиге.",
    "thai": "แนวรับของแพนเธอร์สเสียเพียง 308 แต้ม อยู่อันดับที่หกของลีก",
    "hindi": "पैंथर्स के डिफेंस ने सिर्फ 308 अंक दिए",
    "korean": "팬서스의 수비는 308점만을 내주며 리그 6위에 올랐다",
    "korean in jamo": "\u1100\u1161\u11a8\u1102\u1161",
    "ligatures": "ﬁnal ﬂuﬀy ﬃ ﷺ Ǆ",
    "full width": "ＡＢＣ　１２３！",
    "emoji": "😀👨‍👩‍👧‍👦🏳️‍🌈 ok 🇩🇪",
    "a NUL": "before\0after",
    "combining marks": "e\u0301a\u030aq\u0323\u0307 Z̸̡͓a̵l̶g̷o",
    "unknown characters": "\U000e0041\U000e0042 \U000e0043Ỻ\U00010330",
    "spaces": "  a   b \t\r\n\u00a0\u2003 c  ",
    "invisible": "\ufeffa\u200bb\u00adc\u2060",
    "the marker of spaces": "▁▁a ▁ b",
    "special tokens": "<s> </s> <unk> <pad> <mask>",
    "symbols": "½ ㎏ Ⅷ ① № ™ …",
    "one long word": "a" * 3000,
    "code": "def f(x):\n    return {k: v for k, v in x.items()}",
    "empty": "",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_tokens_are_as_many_as_the_engine_counts(tokenizer, engine, text):
    for prefix, is_query in (("query: ", True), ("passage: ", False)):
        ours = len(tokenizer.encode(prefix + text)) + 2
        assert ours == engine.token_count(text, is_query)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_tokens_of_any_text_are_as_many_as_the_engine_counts(tokenizer, engine, text):
    assert len(tokenizer.encode("passage: " + text)) + 2 == engine.token_count(text)


def test_the_longest_text_is_taken_and_one_more_token_is_not(tokenizer):
    assert len(tokenizer.encode("a " * (MAX_TOKENS - 3) + "a")) == MAX_TOKENS - 2
    with pytest.raises(TextTooLongError):
        tokenizer.encode("a " * (MAX_TOKENS - 2) + "a")


def test_a_hopelessly_long_text_is_refused(tokenizer):
    with pytest.raises(TextTooLongError):
        tokenizer.encode("word" * 1_000_000)
