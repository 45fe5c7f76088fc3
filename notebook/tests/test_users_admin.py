"""Staff delete a user with all that is the user's, and are told before what goes."""

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from knox.models import AuthToken

from documents import services, usage
from documents.models import Document, Usage
from documents.owners import delete_owner
from tasks import moves, outbox
from tasks import services as task_services
from tasks.exceptions import Fenced
from tasks.models import Task
from tasks.tests.factories import Script, make_document, make_task, register

pytestmark = pytest.mark.django_db
LIST = "/admin/auth/user/"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    register(Script())


@pytest.fixture
def document(user):
    """With a file, a task, usage and a token beside it."""
    document = make_document(user)
    document.file.save("a.txt", ContentFile(b"a"))
    make_task(user, document)
    usage.add(user.pk, documents=1)
    AuthToken.objects.create(user)
    return document


def is_left(user, django_user_model):
    return django_user_model.objects.filter(pk=user.pk).exists()


def nothing_is_left_of(user, document, django_user_model):
    assert not is_left(user, django_user_model)
    assert not default_storage.exists(document.file.name)
    for each in (Document, Task, Usage):
        assert not each.objects.filter(owner=user.pk).exists()
    assert not AuthToken.objects.filter(user=user.pk).exists()


def test_a_user_is_deleted_with_documents_files_and_usage(
    admin_client, user, document, django_user_model, django_capture_on_commit_callbacks
):
    address = f"{LIST}{user.pk}/delete/"
    page = admin_client.get(address).content.decode()
    for told in ("a.txt", "Documents: 1", "Tasks: 1", "API tokens: 1", "Usage: 1"):
        assert told in page
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(address, {"post": "yes"})
    nothing_is_left_of(user, document, django_user_model)


def test_many_users_are_deleted_at_once(
    admin_client, user, other_user, document, django_user_model, django_capture_on_commit_callbacks
):
    chosen = {"action": "delete_selected", "_selected_action": [user.pk, other_user.pk]}
    assert "a.txt" in admin_client.post(LIST, chosen).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(LIST, chosen | {"post": "yes"})
    nothing_is_left_of(user, document, django_user_model)
    assert not is_left(other_user, django_user_model)


def test_the_step_that_runs_for_a_deleted_user_is_fenced(user, document):
    detail = task_services.dispatch(Task.objects.get(owner=user).pk, 1, worker="w")
    delete_owner(user.pk)
    with pytest.raises(Fenced):
        moves.owned(detail)


def test_what_is_uploaded_while_the_user_is_deleted_goes_too(
    user, document, django_user_model, monkeypatch
):
    delete, late = services.delete_document, []

    def delete_and_upload(pk):
        delete(pk)
        if not late:
            late.append(make_document(user))

    monkeypatch.setattr(services, "delete_document", delete_and_upload)
    delete_owner(user.pk)
    assert late
    assert not is_left(user, django_user_model)


def test_who_may_not_delete_documents_deletes_no_user_who_has_some(
    client, user, other_user, document, django_user_model
):
    other_user.is_staff = True
    other_user.save()
    for codename in ("view_user", "delete_user"):
        other_user.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(other_user)
    address = f"{LIST}{user.pk}/delete/"
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert is_left(user, django_user_model)


def test_work_without_a_document_has_to_end_first(admin_client, user, django_user_model):
    task = make_task(user)
    address = f"{LIST}{user.pk}/delete/"
    assert str(task.pk) in admin_client.get(address).content.decode()
    admin_client.post(address, {"post": "yes"})
    assert is_left(user, django_user_model)
    task_services.cancel(task.pk)
    admin_client.post(address, {"post": "yes"})
    assert not is_left(user, django_user_model)


def test_of_many_documents_the_first_are_named(admin_client, user, monkeypatch):
    monkeypatch.setattr("notebook.admin.MOST_NAMED", 2)
    for _ in range(5):
        make_document(user)
    page = admin_client.get(f"{LIST}{user.pk}/delete/").content.decode()
    assert [page.count("a.txt"), "and 3 more" in page] == [2, True]
