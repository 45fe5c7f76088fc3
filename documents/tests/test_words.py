"""Words of passages and of questions: their stems, where they stand, which two of them."""

import itertools
import time

import pytest
import Stemmer

from documents import stems, words
from documents.search.question import _two_of
from documents.weights import indexed


@pytest.mark.parametrize("count", range(8))
def test_two_of_many_are_any_two_and_never_one(count):
    names = [f"w{at}" for at in range(count)]
    looked_up = " | ".join(_two_of(names)) or "False"
    for held in itertools.product([False, True], repeat=count):
        found = eval(looked_up, dict(zip(names, held, strict=True)))
        assert bool(found) == (sum(held) >= 2), held


def test_stems_that_were_kept_are_the_stemmers_own(monkeypatch):
    monkeypatch.setattr(stems, "KEPT", 3)
    asked = ["lighthouses", "keepers", "trimming", "wicks", "keepers", "lanterns", "trimming"] * 3
    assert stems.stemmed(asked, "en") == Stemmer.Stemmer("english").stemWords(asked)


def test_no_more_stems_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(stems, "KEPT", 3)
    kept = stems._Stems("english")
    long = "keeper" * 100
    assert [kept[word] for word in ("wicks", "lamps", long, "oils", "masts")][-1] == "mast"
    assert 0 < len(kept) <= 3
    assert long not in kept


@pytest.mark.parametrize(
    ("forms", "found"),
    [
        ({"keeper"}, ["Keepers", "keeper", "keeper"]),
        ({"ab1234"}, ["AB-1234"]),
        ({"1234"}, ["1234"]),
        ({"c++"}, ["C++"]),
        ({"email"}, ["e-mail"]),
        ({"灯塔"}, ["灯塔"]),
        ({"塔"}, ["塔"]),
    ],
)
def test_a_words_places_are_its_own_also_within_joined_words(forms, found):
    text = "Keepers' e-mail: the keeper of AB-1234 writes C++, a keeper-less 灯塔守."
    places = sorted(words.spans(text, "en", forms))
    assert [text[start:end] for start, end in places] == found


@pytest.mark.parametrize(("written", "word"), [("m²", "m2"), ("10⁶", "106"), ("xⁿ", "xn")])
def test_raised_signs_are_the_same_word(written, word):
    counts = words.word_counts(f"an {word} here", "en")
    assert words.word_counts(f"an {written} here", "en") == counts
    assert words.query_words(written, ["en"]) == words.query_words(word, ["en"])
    for form in (written, word):
        places = words.spans(f"an {form} here", "en", words.query_words(written, ["en"])[0])
        assert list(places) == [(3, 3 + len(form))]


@pytest.mark.parametrize(
    ("text", "question", "places"),
    [
        ("คำถามนี้", "คำ", ["คำ", "ำ"]),
        ("ทำอาหาร", "ทำ", ["ทำ", "ำ"]),
        ("ｶﾞｲﾄﾞを読む", "ガイド", ["ｶﾞｲ", "ｲﾄﾞ"]),
        ("ガイドを読む", "ｶﾞｲﾄﾞ", ["ガイ", "イド"]),
        ("株式会社東京", "㍿", ["会社", "式会", "株式"]),
        ("京の東京", "京", ["京", "京"]),
        ("㍿東京", "東京", ["東京"]),
        ("parts AB-1234/5 fit", "ab1234", ["AB-1234"]),
        ("XY-77/XY-78", "xy77", ["XY-77"]),
        ("XY-77/XY-78", "xy78", ["XY-78"]),
        ("see CD-9876-B.", "cd9876", ["CD-9876"]),
        ("see QX\u20115678.", "qx5678", ["QX\u20115678"]),
        ("see LM\u20107788-B.", "LM-7788", ["LM\u20107788", "LM", "7788"]),
        ("ＪＫ－４２４２", "jk4242", ["ＪＫ－４２４２"]),
        ("well\u2011known", "wellknown", ["well\u2011known"]),
        ("PN-AB-1234-X", "ab1234", ["AB-1234"]),
        ("AB-12-34-56/CD-78", "ab1234", ["AB-12-34"]),
        ("AB-12-34-56/CD-78", "ab123456", ["AB-12-34-56"]),
        ("in C++17 and C++", "C++", ["C++", "C++"]),
        ("in C++17 and 17", "c++17", ["C++", "17", "17"]),
        ("so a+b is", "a", ["a"]),
        ("Acme™ pumps", "acme", ["Acme"]),
        ("it costs €1,250.00 12 times", "1250", ["1,250.00"]),
        ("kostet 1.250,00 €", "1250", ["1.250,00"]),
        ("kostet 1'250'000.5", "1250000", ["1'250'000.5"]),
        ("за 25 000 рублей", "25000", ["25 000"]),
        ("pour 25\u202f000 euros", "25000", ["25\u202f000"]),
        ("for 25000 euros", "25 000", ["25000"]),
        ("for 1250 euros", "1.250,00", ["1250"]),
        ("人民币３，５００元", "3,500", ["３，５００", "３", "５００"]),
        ("ราคา ๕,๐๐๐ บาท", "5000", ["๕,๐๐๐"]),
        ("हर महीने ५०००", "5000", ["५०००"]),
        ("the pump", "pu\xadmp", ["pump"]),
    ],
)
def test_what_a_question_asks_for_is_in_the_index_and_has_its_place(text, question, places):
    forms = set().union(*words.query_words(question, ["en"]))
    assert forms & words.word_counts(text, "en").keys()
    found = sorted(words.spans(text, "en", forms))
    assert sorted(text[start:end] for start, end in found) == sorted(places)


@pytest.mark.parametrize(
    "text", ["state-of-the-art", "2024-01-15", "1,234,567", "x.y@example.org", "AB-1234"]
)
def test_words_alone_and_numbers_alone_are_joined_as_a_whole_only(text):
    parts = words._WORD.findall(text.lower())
    joined = words._JOINING.sub("", text.lower())
    assert words.word_counts(text, "xx").total() == len(parts) + 1
    assert joined in words.word_counts(text, "xx")


@pytest.mark.parametrize(
    "text",
    ["1,234", "1.2.345", "a1 234", "1,234.567", "192.168.000.1", "12 345 6789", "3.11.70"],
)
def test_what_has_no_thousands_apart_is_no_figure_more(text):
    assert [*words._amounts(text)] == []


def test_a_long_run_of_joined_words_is_no_trap():
    began = time.process_time()
    words.word_counts("a1-" * 300_000 + "b", "en")
    words.word_counts("a1/" * 300_000 + "b", "en")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("written", "part", "word"),
    [
        ("methods9", "methods", "method"), ("makeup10", "makeup", "makeup"),
        ("Python3", "Python", "python"), ("pain\u00b3", "pain", "pain"), ("500mg", "500", "500"),
        ("500mg", "mg", "mg"), ("64GB", "GB", "gb"), ("1990s", "1990", "1990"),
        ("10th", "10", "10"), ("Größe12", "Größe", "gross"),
    ],
)  # fmt: skip
def test_figures_and_what_is_glued_to_them_are_words_too(written, part, word):
    language, text = "de" if "ö" in written else "en", f"an {written} here"
    assert words.word_counts(text, language)[word] == 1
    assert any(word in forms for forms in words.query_words(written, [language]))
    assert [text[slice(*place)] for place in words.spans(text, language, {word})] == [part]


@pytest.mark.parametrize("written", ["mp3", "h2o", "1st", "4k", "base64x", "ab1234", "2024"])
def test_other_words_with_figures_are_no_words_apart(written):
    alone = {written, "1", "4"}
    assert set(words.word_counts(f"an {written} here", "en")) - alone == {"an", "here"}


@pytest.mark.parametrize(
    ("written", "asked", "language"),
    [
        ("Søren", "soren", "da"), ("Łódź", "lodz", "pl"), ("Đường", "duong", "vi"),
        ("ISPARTA", "ısparta", "tr"), ("Isparta'da", "isparta", "tr"), ("Ægir", "aegir", "is"),
        ("œuvre", "oeuvre", "fr"), ("שָׁלוֹם", "שלום", "he"), ("مُحَمَّد", "محمد", "ar"),
    ],
)  # fmt: skip
def test_a_word_is_found_in_plain_letters_and_without_points(written, asked, language):
    (forms,) = words.query_words(asked, [language])
    assert forms & set(words.word_counts(written, language))
    assert [written[slice(*place)] for place in words.spans(written, language, forms)]


def test_plain_letters_make_no_word_a_stop_word():
    assert words.word_counts("før", "da") == {"før": 1}  # not "for"


@pytest.mark.parametrize(
    ("word", "language"), [("Όταν", "el"), ("έως", "el"), ("को", "ne"), ("छ", "ne"), ("ları", "tr")]
)
def test_a_word_that_is_all_ending_is_a_word(word, language):
    assert Stemmer.Stemmer(stems._ALGORITHMS[language]).stemWord(words.folded(word)) == ""
    folded = words.folded(word)
    assert words.word_counts(word, language) == {folded: 1}
    assert words.query_words(word, [language]) == [{folded}]
    assert indexed(word, language, "")[0] == f"'{folded}'"


@pytest.mark.parametrize(
    ("text", "question", "place"),
    [
        ("Herr Müller kam", "mueller", "Müller"), ("Herr Mueller kam", "Müller", "Mueller"),
        ("Herr Mueller kam", "Mu\u0308ller", "Mueller"), ("aus Zürich", "ZUERICH", "Zürich"),
        ("die Bäcker", "Baeckern", "Bäcker"), ("das Oel", "Öl", "Oel"),
    ],
)  # fmt: skip
def test_umlauts_are_found_spelled_out_in_german_documents(text, question, place):
    (forms,) = words.query_words(question, ["de", "en"])
    assert forms & words.word_counts(text, "de").keys()
    assert [text[slice(*found)] for found in words.spans(text, "de", forms)] == [place]


def test_a_letter_is_no_stem():
    assert Stemmer.Stemmer("turkish").stemWord("time") == "t"
    assert words.query_words("time", ["en", "tr"]) == [{"time"}]
    assert words.word_counts("time", "tr") == {"time": 1}


@pytest.mark.parametrize(
    ("question", "exact"),
    [
        ("3.11.7", True), ("AB-1234/5", True), ("+49 (0)30 1234-5678", True), ("#88?", True),
        ("ticket 4711", True), ("25 Nm", True), ("CO₂ emissions", True), ("２０２４", True),
        ("sales of 2024", False), ("two words 11 12 13", False), ("release", False), ("...", False),
        ("第3章", True), ("1475年9月13日", True), ("昭和33年", True), ("1,900,000平方公里", True),
        ("1951年上半期", True), ("1980년에", True), ("주문번호 4711", True), ("売上 2015年", True),
        ("2015年の売上高合計", False), ("平方公里", False), ("2015年 売上 合計", False),
    ],
)  # fmt: skip
def test_figures_with_one_other_word_at_most_mean_what_is_written(question, exact):
    assert words.is_exact(question) == exact
