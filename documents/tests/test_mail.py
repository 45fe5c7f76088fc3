from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_mail_names_its_attachments(tmp_path):
    extracted = extract(files.mail(tmp_path / "a.eml"))
    assert parts_of(extracted) == [
        ("title", "Grüße"),
        ("text", "From: ann@example.org\nTo: bob@example.org"),
        ("text", "Hello Bob,"),
        ("text", "see you."),
    ]
    assert extracted.details["attachments"] == ["plan.pdf"]
