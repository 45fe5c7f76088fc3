"""Staff find a document by its name, its owner, its id or its checksum."""

import re

import pytest

from documents import services
from documents.models import Document
from tasks.tests.factories import make_document

pytestmark = pytest.mark.django_db
LIST = "/admin/documents/document/"


def found_by(client, term="", **filters):
    page = client.get(LIST, {"q": term, **filters}).content.decode()
    return re.findall(rf"{LIST}([0-9a-f-]{{36}})/change/", page)


@pytest.fixture
def document(user):
    make_document(user)
    wanted = make_document(user)
    values = {"name": "Year 2025 [final].pdf", "status": "FAILED", "error_code": "encrypted"}
    Document.objects.filter(pk=wanted.pk).update(**values)
    return wanted


def test_a_document_is_found(admin_client, document):
    for term in ("year FINAL", '"[final]"', document.pk, document.sha256, document.sha256.upper()):
        assert found_by(admin_client, term) == [str(document.pk)], term
    assert len(found_by(admin_client, document.owner.username)) == 2
    for term in (document.sha256[:20], "year 2026", document.owner_id + 10**6):
        assert found_by(admin_client, term) == [], term


def test_documents_are_filtered_by_cause(admin_client, document):
    assert found_by(admin_client, error_code="encrypted") == [str(document.pk)]
    assert "?error_code=encrypted" in admin_client.get(LIST).content.decode()


def test_a_filter_with_a_nul_is_a_wrong_filter(admin_client, document):
    for name in ("content_type", "error_code", "status__exact"):
        answer = admin_client.get(LIST, {name: "\0"}, follow=True)
        assert answer.redirect_chain == [(f"{LIST}?e=1", 302)]
        assert answer.status_code == 200


def test_what_was_deleted_meanwhile_is_skipped_and_named(admin_client, document, monkeypatch):
    delete = services.delete_document

    def delete_all_others_first(pk):
        for other in Document.objects.exclude(pk=pk):
            delete(other.pk)
        delete(pk)

    monkeypatch.setattr(services, "delete_document", delete_all_others_first)
    pks = [str(each.pk) for each in Document.objects.all()]
    chosen = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
    page = admin_client.post(LIST, chosen, follow=True).content.decode()
    assert page.count("Somebody else has deleted it meanwhile.") == 1
    assert not Document.objects.exists()


def test_of_a_long_list_a_click_deletes_the_first(admin_client, user, monkeypatch):
    """Django's form has a field for each, and a request may have a thousand."""
    monkeypatch.setattr("tasks.admin.lists.MOST_AT_ONCE", 2)
    for _ in range(3):
        make_document(user)
    first = str(Document.objects.latest("created_at").pk)
    whole = {"action": "delete_selected", "select_across": "1", "_selected_action": first}
    page = admin_client.post(LIST, whole).content.decode()
    asked = re.findall(r'name="_selected_action" value="([^"]+)"', page)
    assert (len(asked), first in asked, "1 is left. Repeat this" in page) == (2, True, True)
    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": asked}
    admin_client.post(LIST, chosen)
    assert Document.objects.count() == 1
