"""Words of passages and of questions: their stems, where they stand, which two of them."""

import itertools

import pytest
import Stemmer

from documents import stems, words
from documents.search.question import _two_of


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
        ({"塔"}, []),
    ],
)
def test_a_words_places_are_its_own_also_within_joined_words(forms, found):
    text = "Keepers' e-mail: the keeper of AB-1234 writes C++, a keeper-less 灯塔守."
    places = sorted(words.spans(text, "en", forms))
    assert [text[start:end] for start, end in places] == found


@pytest.mark.parametrize(("written", "word"), [("m²", "m2"), ("10⁶", "106"), ("xⁿ", "xn")])
def test_raised_signs_are_the_same_word(written, word):
    assert words.counted(f"an {written} here", "en") == words.counted(f"an {word} here", "en")
    assert words.asked(written) == words.asked(word)
    for form in (written, word):
        places = words.spans(f"an {form} here", "en", words.asked(written)[0])
        assert list(places) == [(3, 3 + len(form))]
