import pytest

from documents.exceptions import UnsupportedType
from documents.extraction.encodings import decode
from documents.extraction.types import detect
from documents.tests.reading import extract

SENTENCES = {
    "Die Straße führt über die Brücke. Wir treffen uns später am großen Tor.": "cp1252",
    "Où est passé le garçon ? Il a été vu près de la forêt. C'est très étrange.": "cp1252",
    "El niño comió una manzana. ¿Dónde está la señora?": "cp1252 iso8859_15",
    "Barnen åkte till ön på söndagen. Det är en vacker dag.": "cp1252",
    "He said “no” – and left. It’s the company’s policy. The price is 5 €.": "cp1252",
    "Zażółć gęślą jaźń. Proszę przyjść jutro. Książka leży na stole.": "cp1250 iso8859_2",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Kde je nejbližší nádraží?": "cp1250 iso8859_2",
    "Все люди рождаются свободными. Где находится библиотека?": "cp1251 koi8_r cp866 iso8859_5",
    "Всі люди народжуються вільними. Де знаходиться бібліотека?": "cp1251 koi8_u",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι. Πού είναι η βιβλιοθήκη;": "cp1253 iso8859_7",
    "Bütün insanlar hür doğar. Çocuğun adı Işıl değil. Kütüphane nerede?": "cp1254",
    "כל בני האדם נולדו בני חורין. איפה הספרייה?": "cp1255 iso8859_8",
    "يولد جميع الناس أحراراً متساوين. أين المكتبة؟": "cp1256 iso8859_6",
    "Visi žmonės gimsta laisvi. Kur yra biblioteka? Šiandien gražus oras.": "cp1257",
    "มนุษย์ทั้งหลายเกิดมามีอิสระ ห้องสมุดอยู่ที่ไหน": "tis_620",
    "今天天气很好。我们去公园散步吧。": "gb18030 gb2312",
    "今天天氣很好。我們去公園散步吧。": "big5 gb18030",
    "今日は天気がいいです。公園へ行きましょう。": "shift_jis euc_jp iso2022_jp",
    "오늘은 날씨가 좋습니다. 공원에 갑시다.": "euc_kr",
}
TABLES = {
    "Name;Straße;Größe\nMüller;Königsallee 5;1,80\nSchäfer;Gänsemarkt 2;1,75": "cp1252",
    "Prénom;Ville;Qualité\nRené;Évreux;très bon\nHélène;Orléans;à vérifier": "cp1252",
    "Imię;Miasto\nŁukasz;Łódź\nŻaneta;Gdańsk": "cp1250",
    "Имя;Город;Возраст\nИван;Москва;34\nОльга;Казань;28": "cp1251 koi8_r",
    "姓名,城市,年龄\n张伟,北京,34\n李娜,上海,28": "gb18030",
    "姓名,城市,年齡\n陳大文,臺北,34\n林美玲,高雄,28": "big5",
    "名前,都市,メモ\n田中,東京,りんごが好き\n鈴木,大阪,バナナを買う": "shift_jis euc_jp",
    "이름,도시,나이\n김철수,서울,34\n이영희,부산,28": "euc_kr",
}
SHORT = {  # so little that statistics of bytes alone take it for another alphabet
    "La città è bellissima perché c'è il sole. Può venire lunedì.": "cp1252",
    "Réunion à 14h. Présents: Hélène, Loïc.": "cp1252",
    "Hélène et Loïc sont arrivés à l'hôtel après minuit.": "cp1252",
    "The café’s résumé — “naïve” approach costs £5 or €6.": "cp1252",
    "Name;Ort\nJosé Pérez;Málaga\nMuñoz;Córdoba": "cp1252",
    "O relatório está disponível em três versões.": "cp1252",
    "Å, ä och ö är svenska bokstäver.": "cp1252",
    "Ærø og Læsø er øer.": "cp1252",
    "Größe: 5 µm ± 0,1": "cp1252",
    "Price: £5.00 per item": "cp1252",
    "Café fermé": "cp1252",
    "Kwota do zapłaty: 15 zł": "cp1250 iso8859_2",
    "Książka leży na półce.": "cp1250 iso8859_2",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.": "cp1250",
    "Číslo účtu: 123": "cp1250 iso8859_2",
    "Az időjárás ma szép lesz.": "cp1250 iso8859_2",
    "Őszi szünet: október 20.": "cp1250",
    "Привет, как дела?": "cp1251 koi8_r cp866",
    "Встреча в 14:00 в офисе Microsoft.": "cp1251 koi8_r cp866",
}
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def each_in_every(texts):
    return [
        pytest.param(text, encoding, id=f"{encoding}: {text[:9]}")
        for text, encodings in texts.items()
        for encoding in (*encodings.split(), *UNICODE)
    ]


@pytest.mark.parametrize(("text", "encoding"), each_in_every(SENTENCES | TABLES))
def test_two_sentences_or_three_lines_are_enough(text, encoding):
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize(("text", "encoding"), each_in_every(SHORT))
def test_one_sentence_is_read_as_words_of_a_language(text, encoding):
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize(("text", "encoding"), each_in_every(TABLES))
def test_the_type_of_a_table_is_told_in_every_encoding(tmp_path, text, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    assert detect(path, path.name) == "text/csv"


def test_a_table_is_read_in_its_encoding(read):
    assert read("a.csv", "姓名,城市\n张伟,北京".encode("gb18030")) == [
        ("table", "姓名 | 城市\n张伟 | 北京")
    ]


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("Grüße und Küsse an alle.\n", "utf-8"),
        ("今天天气很好。我们去公园散步吧。\n", "gb18030"),
        ("今日は天気がいいです。公園へ行きましょう。\n", "euc_jp"),
    ],
)
def test_a_broken_byte_does_not_change_the_encoding(line, encoding):
    data = bytearray((line * 600).encode(encoding))
    data[1000] = 0xFF
    text, _ = decode(bytes(data[:-2]))  # and the last character is cut
    assert text.startswith(line * 5)
    assert text.count(line) > 590


def test_what_could_not_be_decoded_is_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(("Grüße an alle.\n" * 100).encode() + b"\xff\xfe\xff")
    details = extract(path).details
    assert (details["encoding"], details["undecodable"]) == ("utf-8", 0.002)
    assert details["warnings"] == ["3 characters could not be decoded"]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("iso-8859-1", "cp1252"), ("GB2312", "gb18030"), ("shift-jis", "cp932"), ("nonsense", "")],
)
def test_a_declared_encoding_is_taken_in_its_wider_sense(declared, encoding):
    data = "Größe „10“ – é".encode("cp1252") if encoding in {"cp1252", ""} else b"abc\x83\x40"
    assert decode(data, declared)[1] == (encoding or decode(data)[1])


def test_a_wrongly_declared_encoding_is_not_believed():
    text = "Все люди рождаются свободными. Где находится библиотека?"
    assert decode(text.encode("cp1251"), "utf-8")[0] == text
    assert decode(text.encode(), "koi8-r")[0] == text


def test_binary_data_is_no_utf16(tmp_path):
    table = b"".join(n.to_bytes(2, "little") for n in range(3000))
    path = tmp_path / "a.txt"
    path.write_bytes(table)
    with pytest.raises(UnsupportedType):
        detect(path, path.name)


def test_zero_bytes_in_a_text_do_not_make_it_utf16(read):
    words = "It was the best of times, it was the worst of times, and so it went on."
    assert read("a.txt", f"Some\x00 {words}\x00") == [("text", f"Some {words}")]
