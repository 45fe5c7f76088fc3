import pytest

from documents.extraction.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It is not the strongest of the species that survives, but the one that adapts.", "en"),
        ("Der Hund ist nicht so groß wie das Pferd, und er läuft auch nicht mit dem Wind.", "de"),
        (
            "Le chat est sur la table et il ne veut pas que les enfants soient dans la cuisine.",
            "fr",
        ),
        ("El perro de la casa no es tan grande como el caballo que está en los campos.", "es"),
        ("人人生而自由，在尊严和权利上一律平等。", "zh"),
        ("すべての人間は、生まれながらにして自由である。", "ja"),
        ("모든 인간은 태어날 때부터 자유롭다.", "ko"),
        ("Все люди рождаются свободными и равными.", "ru"),
        ("Всі люди народжуються вільними і рівними у своїй гідності та правах.", "uk"),
        ("Hvordan nulstiller jeg min adgangskode?", "da"),
        ("Vennligst send meg fakturaen innen fredag.", "no"),
        ("Försäljningen ökade med en tredjedel förra året.", "sv"),
        ("De vergadering is verplaatst naar donderdag.", "nl"),
        ("Si prega di inviarmi la fattura entro venerdì.", "it"),
        ("As vendas cresceram um terço no ano passado.", "pt"),
        ("Proszę przesłać mi fakturę do piątku.", "pl"),
        ("Pošlete mi prosím fakturu do pátku.", "cs"),
        ("يرجى إرسال الفاتورة قبل يوم الجمعة.", "ar"),
        ("THE MEETING HAS BEEN MOVED TO THURSDAY.", "en"),
        # Too little to say, or nothing.
        ("", ""),
        ("Ann Smith", ""),
        ("12345 67890", ""),
        ("M8x20 A2-70 DIN 912 pcs 100 EUR 4.50\n" * 50, ""),
    ],
)
def test_languages_are_told_apart(text, language):
    assert detect_language(text) == language


def test_a_mixture_of_languages_is_none():
    sentences = [
        "Die Besprechung wurde auf Donnerstag verschoben. ",
        "La réunion a été reportée à jeudi prochain. ",
        "Las ventas crecieron un tercio el año pasado. ",
        "Spotkanie zostało przeniesione na czwartek. ",
    ]
    assert detect_language("".join(each * 20 for each in sentences)) == ""
    assert detect_language(sentences[0] * 60 + sentences[1] * 20) == "de"
