"""Which language a text is in, cheaply: by its script, then by its commonest words."""

import re
from collections import Counter

_SAMPLES, _SAMPLE_CHARS = 16, 1000
_SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "bn": re.compile("[\u0980-\u09ff]"),
    "ta": re.compile("[\u0b80-\u0bff]"),
    "ka": re.compile("[\u10a0-\u10ff]"),
    "hy": re.compile("[\u0530-\u058f]"),
    "latin": re.compile("[A-Za-z\u00c0-\u024f]"),
}
# A CJK character says as much as several letters.
_WEIGHTS = {"zh": 3, "ja": 3, "ko": 2}
# Letters that one language has and the others of its script lack.
_TELLING = {
    "ru": {"uk": re.compile("[іїєґ]"), "bg": re.compile("ъ[тлргпз]"), "sr": re.compile("[ђјљњћџ]")},
    "ar": {"fa": re.compile("[پچژگ]"), "ur": re.compile("[ٹڈڑے]")},
}
_STOP_WORDS = {
    "en": "the of and to in is that it for was with as on be by this are from or which not",
    "de": "der die und das ist nicht ein eine mit von zu den auf für im dem sich auch es werden",
    "fr": "le la les des et est une dans que pour qui sur par avec pas du au sont plus ce",
    "es": "el la los las de y que en un una es por con para del se no lo como más",
    "it": "il di che la e per un una in non è con del della sono gli le si da più",
    "pt": "o a os as de que e do da em um uma para não com por se dos no na",
    "nl": "de het een en van is dat niet met voor op zijn te aan er ook als bij door",
    "sv": "och att det som en på är av för med till den har inte om ett jag var men",
    "da": "og at det som en på er af for med til den har ikke om et jeg var der",
    "no": "og at det som en på er av for med til den har ikke om et jeg var fra ble",
    "fi": "ja on ei se että hän oli mutta joka ovat myös kun tai niin kuin jos mukaan",
    "pl": "i w na z się nie do to że jest o jak po co ale przez od dla są oraz",
    "cs": "a v na se je že to s z do o i pro jako za by jsou který nebo také",
    "tr": "ve bir bu için ile da de olarak olan daha çok gibi ne var kadar sonra ya",
    "id": "dan yang di dengan untuk dari ini pada adalah tidak dalam itu akan ke juga",
    "vi": "và của là có được cho không trong các một những với người này khi đã để",
    "ro": "și de la în nu un o este pe cu care sau din pentru mai ce au fi prin",
    "hu": "a az és hogy nem is egy ez meg csak van volt mint de azt ha vagy el",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _STOP_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)
_WORD = re.compile(r"[^\W\d_]+")


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the text's main language, "" when it can't be told."""
    sample = _sample(text)
    counts = {
        script: len(pattern.findall(sample)) * _WEIGHTS.get(script, 1)
        for script, pattern in _SCRIPTS.items()
    }
    if counts["ja"] * 10 >= counts["zh"]:  # Japanese is written with Han characters as well
        counts["ja"] += counts["zh"]
        counts["zh"] -= 1
    script = max(counts, key=counts.__getitem__)
    if not counts[script]:
        return ""
    return _by_words(sample) if script == "latin" else _within_script(script, sample)


def _sample(text: str) -> str:
    """Pieces from the whole length of the text, lower-cased."""
    step = max(len(text) // _SAMPLES, _SAMPLE_CHARS)
    return " ".join(text[at : at + _SAMPLE_CHARS] for at in range(0, len(text), step)).lower()


def _within_script(script: str, sample: str) -> str:
    for language, letters in _TELLING.get(script, {}).items():
        if len(letters.findall(sample)) * 100 > len(sample):
            return language
    return script


def _by_words(sample: str) -> str:
    words = _WORD.findall(sample)
    seen = Counter(word for word in words if word in _LANGUAGES_OF)
    votes: Counter[str] = Counter()
    for word, count in seen.items():
        for language in _LANGUAGES_OF[word]:
            votes[language] += count
    if not votes:
        return ""
    language, count = votes.most_common(1)[0]
    known = sum(language in _LANGUAGES_OF[word] for word in seen)
    return language if known >= 3 and count * 12 >= len(words) else ""
