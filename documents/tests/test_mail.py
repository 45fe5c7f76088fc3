from base64 import b64encode

import pytest

from documents.tests import files, outlook
from documents.tests.files import parts_of
from documents.tests.reading import extract

PARTS = """MIME-Version: 1.0
Content-Type: multipart/{}; boundary="{}"

"""


def test_mail_names_its_attachments(tmp_path):
    extracted = extract(files.mail(tmp_path / "a.eml"))
    assert parts_of(extracted) == [
        ("title", "Grüße"),
        ("text", "From: ann@example.org\nTo: bob@example.org"),
        ("text", "Hello Bob,"),
        ("text", "see you."),
    ]
    assert extracted.details["attachments"] == ["plan.pdf"]


def test_labels_of_encodings_that_say_less_than_was_written(read):
    subject = b64encode("关于镕基项目".encode("gbk")).decode()
    halves = [b64encode(half).decode() for half in ("你好".encode()[:4], "你好".encode()[4:])]
    body = b64encode("各位同事：\r\n\r\n朱镕基。".encode("gbk")).decode()
    source = f"""From: =?utf-8?B?{halves[0]}?=
 =?utf-8?B?{halves[1]}?= <a@example.cn>
Subject: =?gb2312?B?{subject}?=
MIME-Version: 1.0
Content-Type: text/plain; charset=gb2312
Content-Transfer-Encoding: base64

{body}
"""
    assert read("a.eml", source) == [
        ("title", "关于镕基项目"),
        ("text", "From: 你好 <a@example.cn>"),
        ("text", "各位同事："),
        ("text", "朱镕基。"),
    ]


def test_headers_with_raw_characters(read):
    source = (
        "From: Jürgen <j@x.de>\nSubject: Grüße\nContent-Type: text/plain; charset=us-ascii\n\nÖl."
    )
    assert read("a.eml", source.encode("latin-1")) == [
        ("title", "Grüße"),
        ("text", "From: Jürgen <j@x.de>"),
        ("text", "Öl."),
    ]


def test_flowed_paragraphs_quotes_and_signatures(read):
    source = (
        b"Subject: Plan\r\nContent-Type: text/plain; format=flowed\r\n\r\nOne \r\nline.\r\n\r\n"
        b"> Quoted \r\n> goes on.\r\n>> Deeper\r\n\r\n-- \r\nAnn\r\nAcme\r\n"
    )
    assert read("a.eml", source) == [
        ("title", "Plan"),
        ("text", "One line."),
        ("text", "> Quoted goes on.\n>> Deeper"),
        ("text", "--\nAnn\nAcme"),
    ]


def test_a_plain_text_that_only_points_to_the_page_is_not_the_body(read):
    source = "Subject: News\n" + PARTS.format("alternative", "a")
    source += "--a\nContent-Type: text/plain\n\nNo HTML?\n--a\n" + PARTS.format("related", "r")
    source += f"--r\nContent-Type: text/html\n\n<h1>Week</h1><p>{'Words. ' * 9}</p>\n"
    source += "--r\nContent-Type: image/png; name=logo.png\nContent-ID: <1>\n"
    source += "Content-Disposition: inline\n\nx\n--r--\n--a--\n"
    assert read("a.eml", source) == [
        ("title", "News"),
        ("title", "Week"),
        ("text", ("Words. " * 9).strip()),
    ]


def test_a_forwarded_message_is_read_under_its_own_heading(tmp_path):
    inner = "From: eve@y.org\nSubject: Terms\n" + PARTS.format("mixed", "i")
    inner += "--i\nContent-Type: text/html\n\n<h2>Pay</h2><p>In 30 days.</p>\n"
    inner += "--i\nContent-Disposition: attachment; filename*=UTF-8''B%C3%BCrge.pdf\n"
    inner += "Content-Type: application/pdf\n\nx\n--i--\n"
    source = "Subject: Fwd\n" + PARTS.format("mixed", "o")
    source += f"--o\n\nSee below.\n--o\nContent-Type: message/rfc822\n\n{inner}"
    source += "--o\nContent-Type: text/plain\n\nA list's footer.\n--o--\n"
    path = tmp_path / "a.eml"
    path.write_text(source)
    extracted = extract(path)
    assert parts_of(extracted) == [
        ("title", "Fwd"),
        ("text", "See below."),
        ("title", "Terms"),
        ("text", "From: eve@y.org"),
        ("title", "Pay"),
        ("text", "In 30 days."),
        ("text", "A list's footer."),
    ]
    assert [each.level for each in extracted.elements if each.kind == "title"] == [1, 2, 4]
    assert extracted.details["attachments"] == ["Bürge.pdf"]


def test_long_names_of_attachments_are_cut(tmp_path):
    path = tmp_path / "a.eml"
    body, attached = "--m\n\nHello.\n", "Content-Disposition: attachment; filename={}\n\nx\n"
    path.write_text(PARTS.format("mixed", "m") + body + "--m\n" + attached.format("n" * 5000))
    assert extract(path).details["attachments"] == ["n" * 255]


def test_a_body_with_a_name_is_still_the_body(tmp_path):
    named = 'Content-Type: text/plain; name="{}"\n\n{}\n'
    path = tmp_path / "a.eml"
    path.write_text("Subject: Hi\n" + named.format("message.txt", "Words."))
    extracted = extract(path)
    assert parts_of(extracted) == [("title", "Hi"), ("text", "Words.")]
    assert "attachments" not in extracted.details
    parts = f"--m\n{named.format('body.txt', 'Words.')}--m\n{named.format('log.txt', 'Lines.')}"
    path.write_text(PARTS.format("mixed", "m") + parts + "--m--\n")
    extracted = extract(path)
    assert parts_of(extracted) == [("text", "Words.")]
    assert extracted.details["attachments"] == ["log.txt"]


def test_a_forwarded_message_in_base64(read):
    inner = b64encode(b"From: z@z.org\nSubject: Terms\n\nIn 30 days.\n").decode()
    source = "Subject: Fwd\n" + PARTS.format("mixed", "m") + "--m\n\nSee below.\n--m\n"
    source += "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
    assert read("a.eml", f"{source}{inner}\n--m--\n") == [
        ("title", "Fwd"),
        ("text", "See below."),
        ("title", "Terms"),
        ("text", "From: z@z.org"),
        ("text", "In 30 days."),
    ]


def test_a_message_of_outlook(tmp_path):
    properties = {
        outlook.SUBJECT: "Notes",
        outlook.RECEIVERS: "Bob",
        outlook.BODY: "It begins.\r\n\r\nIt ends.",
    }
    extracted = extract(outlook.message(tmp_path / "a.msg", properties, attached="plan.pdf"))
    assert parts_of(extracted) == [
        ("title", "Notes"),
        ("text", "To: Bob"),
        ("text", "It begins."),
        ("text", "It ends."),
    ]
    assert extracted.details["attachments"] == ["plan.pdf"]


def test_a_message_of_outlook_that_is_a_page_alone(tmp_path):
    page = "<html><body><h1>Grüße</h1><p>Words.</p></body></html>"
    properties = {outlook.CODE_PAGE: 65001, outlook.HTML: page.encode()}
    extracted = extract(outlook.message(tmp_path / "a.msg", properties))
    assert parts_of(extracted) == [("title", "Grüße"), ("text", "Words.")]


@pytest.mark.parametrize(
    ("page", "encoding"),
    [(950, "big5"), (874, "cp874"), (1252, "cp1252"), (1361, "utf-8"), (65001, "big5")],
)
def test_outlooks_code_pages_also_such_as_are_unknown_or_wrong(tmp_path, page, encoding):
    body = {"cp874": "สวัสดีชาวโลก", "cp1252": "Größe, Maße"}.get(encoding, "中文測試，很好的一天。")
    properties = {outlook.CODE_PAGE: page, outlook.BODY: body.encode(encoding)}
    assert extract(outlook.message(tmp_path / "a.msg", properties)).text == body


@pytest.mark.parametrize("page", [None, 1251, 20866, 65001])
def test_outlooks_head_lines_whose_code_page_is_not_said(tmp_path, page):
    encoding = "koi8-r" if page == 20866 else "cp1251"
    subject, receivers, body, name = (
        text.encode(encoding)
        for text in ("Привет, мир", "Иван Петров", "Текст письма о наших делах.", "Смета.pdf")
    )
    properties = {outlook.SUBJECT: subject, outlook.RECEIVERS: receivers, outlook.BODY: body}
    said = {} if page is None else {outlook.CODE_PAGE: page}
    extracted = extract(outlook.message(tmp_path / "a.msg", properties | said, attached=name))
    assert parts_of(extracted) == [
        ("title", "Привет, мир"),
        ("text", "To: Иван Петров"),
        ("text", "Текст письма о наших делах."),
    ]
    assert extracted.details["attachments"] == ["Смета.pdf"]


@pytest.mark.parametrize("which", [outlook.CODE_PAGE, outlook.STRINGS_PAGE])
@pytest.mark.parametrize("page", [0, 709, 12345, 99999, 0xFFFFFFFF, 932])
def test_outlooks_code_pages_that_nobody_knows_or_that_do_not_fit(tmp_path, which, page):
    texts = ("Привет, мир", "Иван Петров", "Текст письма о наших делах.", "Смета.pdf")
    subject, receivers, body, name = (text.encode("cp1251") for text in texts)
    properties = {outlook.SUBJECT: subject, outlook.RECEIVERS: receivers, outlook.BODY: body}
    written = outlook.message(tmp_path / "a.msg", properties | {which: page}, attached=name)
    extracted = extract(written)
    assert extracted.text == "Привет, мир\n\nTo: Иван Петров\n\nТекст письма о наших делах."
    assert extracted.details["attachments"] == ["Смета.pdf"]


@pytest.mark.parametrize("page", [None, 12345])
def test_a_page_in_outlooks_message_names_its_own_encoding(tmp_path, page):
    html = "<meta charset=koi8-r><p>Текст письма о наших делах.</p>".encode("koi8-r")
    said = {} if page is None else {outlook.CODE_PAGE: page}
    extracted = extract(outlook.message(tmp_path / "a.msg", {outlook.HTML: html} | said))
    assert extracted.text == "Текст письма о наших делах."


def test_outlooks_texts_in_latin_stay_as_they_are(tmp_path):
    properties = {outlook.SUBJECT: "Größe".encode("cp1252"), outlook.BODY: b"5 \x80, Stra\xdfe."}
    message = outlook.message(tmp_path / "a.msg", properties | {outlook.CODE_PAGE: 1252})
    assert extract(message).text == "Größe\n\n5 €, Straße."


@pytest.mark.parametrize(
    ("locale", "page", "encoding", "text"),
    [
        (0x0407, 65001, "cp1252", "Grüße öäü"),  # German
        (0x0407, 1251, "cp1252", "Müll, öäü"),
        (0x0419, 65001, "cp1251", "Дом"),  # Russian
        (0x0405, 65001, "cp1250", "Žluť, ř"),  # Czech
        (0x0404, 65001, "big5", "會議"),  # Taiwan
    ],
)
def test_outlooks_language_tells_the_encoding_of_short_texts(
    tmp_path, locale, page, encoding, text
):
    properties = {outlook.CODE_PAGE: page, outlook.LOCALE: locale}
    message = outlook.message(
        tmp_path / "a.msg", properties | {outlook.SUBJECT: text.encode(encoding)}
    )
    assert extract(message).text == text


@pytest.mark.parametrize("said", ["", "; charset=us-ascii"])
@pytest.mark.parametrize(
    ("charset", "name", "text"),
    [("koi8-r", "=F0=D2=C9=D7=C5=D4", "Привет"), ("iso-8859-2", "=B9koda", "škoda příjemný")],
)
def test_a_body_of_which_nothing_is_said_is_in_the_encoding_of_the_head(
    read, said, charset, name, text
):
    head = f"Subject: =?{charset}?Q?{name}?=\nMIME-Version: 1.0\nContent-Type: text/plain{said}"
    mail = f"{head}\nContent-Transfer-Encoding: 8bit\n\n".encode() + text.encode(charset)
    assert read("a.eml", mail)[-1] == ("text", text)


def test_a_boundary_that_should_have_been_quoted(read):
    mail = PARTS.format("mixed", "=_b").replace('"', "") + "--=_b\n\nWords.\n--=_b--\n"
    assert read("a.eml", mail) == [("text", "Words.")]
