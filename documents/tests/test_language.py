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
        ("12345 67890", ""),
    ],
)
def test_languages_are_told_apart(text, language):
    assert detect_language(text) == language
