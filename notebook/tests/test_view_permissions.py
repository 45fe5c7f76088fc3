"""Staff who may only look at one kind of thing are shown nothing that would refuse them."""

import re
from html import unescape
from urllib.parse import urljoin

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission
from django_celery_results.models import TaskResult
from knox.models import AuthToken

from documents import usage
from documents.models import EmbeddingSpace
from tasks import outbox, services
from tasks.models import Task, Worker
from tasks.tests.factories import make_document

pytestmark = pytest.mark.django_db
KINDS = (
    "document", "usage", "embeddingspace", "task", "worker", "taskresult", "apitoken", "user",
    "group", "accessattempt", "accesslog",
)  # fmt: skip


@pytest.fixture
def something(user, other_user, monkeypatch):
    """A row of most kinds, each with a link to another."""
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    document = make_document(other_user)
    values = {"pipeline": "document", "owner_id": other_user.pk, "options": {}}
    task = services.start(document_id=document.pk, **values)
    services.cancel(task.pk, by_id=other_user.pk)
    EmbeddingSpace.objects.update(task=Task.objects.get())
    usage.add(other_user.pk, tokens=1)
    Worker.objects.create(name="one", slots=3)
    TaskResult.objects.create(task_id=str(task.pk), status="FAILURE")
    AuthToken.objects.create(other_user)
    AccessAttempt.objects.create(
        username="eve", get_data="", post_data="", path_info="/login/", failures_since_start=1
    )


def crawled(client):
    """All pages of the admin that links lead to from its first, with their status."""
    found, waiting = {}, ["/admin/"]
    while waiting:
        address = waiting.pop()
        answer = client.get(address)
        found[address] = answer.status_code
        if answer.status_code == 200:
            page = answer.content.decode()
            named = re.findall(r'href="([^"#]*)', page)
            links = {urljoin(address, unescape(each)) for each in named}
            waiting += [link for link in links - found.keys() - set(waiting) if _leads_on(link)]
    return found


def _leads_on(link):
    """To another page, not to the same list in another order, and without signing out."""
    sorts = re.search(r"[?&](o|p|all|[a-z_]+__[a-z_]+|status|lane|runs|day|year)=", link)
    return link.startswith("/admin/") and not sorts and not link.startswith("/admin/jsi18n/")


@pytest.mark.parametrize("kind", KINDS)
def test_no_link_leads_to_what_may_not_be_seen(client, user, something, kind):
    user.is_staff = True
    user.save()
    user.user_permissions.add(*Permission.objects.filter(codename=f"view_{kind}"))
    client.force_login(user)
    found = crawled(client)
    assert any(kind in address for address in found), found
    assert {address for address, status in found.items() if status != 200} == set()


def test_who_may_see_everything_gets_from_a_task_to_all_that_belongs_to_it(
    admin_client, other_user, something
):
    task = Task.objects.get()
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    owner = f'<a href="/admin/auth/user/{other_user.pk}/change/">eve</a>'
    assert page.count(owner) == 2  # and of who cancelled it
    assert f'<a href="/admin/documents/document/{task.document_id}/change/">a.txt</a>' in page
    assert f"/admin/django_celery_results/taskresult/?q={task.pk}" in page
