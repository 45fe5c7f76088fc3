"""The language a person chose goes before their browser's, wherever they sign in."""

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from notebook.models import Profile
from tasks.authentication import SocketAuthMiddleware
from tasks.consumers import TasksConsumer
from tasks.models import OutboxMessage
from tasks.tests.factories import Script, make_task, register, send_nothing

ENGLISH = {"accept-language": "en"}


def language_of(client):
    page = client.get("/login/", headers=ENGLISH).content.decode()
    return page.partition('<html lang="')[2].partition('"')[0]


def choose(client, language, **given):
    return client.post("/language/", {"language": language, **given})


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_a_choice_goes_before_the_browsers_language_and_with_the_person(user):
    client = signed_in(user)
    assert language_of(client) == "en"
    assert choose(client, "zh-hans", next="/login/?a=1").headers["Location"] == "/login/?a=1"
    assert language_of(client) == "zh-hans"
    lost = client.get("/api/documents/nothing/", headers=ENGLISH).json()
    assert lost["detail"] == "此处没有内容，或不属于您。"
    assert language_of(signed_in(user)) == "zh-hans"
    assert language_of(Client()) == "en"  # somebody else's


@pytest.mark.django_db
def test_a_choice_can_be_changed_and_ends_with_the_session(user):
    client = signed_in(user)
    choose(client, "zh-hans")
    choose(client, "en")
    assert Profile.objects.get(user=user).language == "en"
    choose(client, "zh-hans")
    client.logout()
    assert language_of(client) == "en"


@pytest.mark.django_db
def test_what_was_chosen_before_signing_in_is_kept(user):
    Profile.objects.create(user=user, language="en")
    client = Client()
    choose(client, "zh-hans")
    assert language_of(client) == "zh-hans"
    client.force_login(user)
    assert language_of(client) == language_of(signed_in(user)) == "zh-hans"


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["", "fr", "zh-hans/../", "x" * 5000])
def test_a_language_there_is_not_changes_nothing(user, language):
    client = signed_in(user)
    choose(client, language)
    assert language_of(client) == "en"
    assert not Profile.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", ""])
def test_the_way_back_leads_to_no_other_site(client, target):
    assert choose(client, "zh-hans", next=target).headers["Location"] == "/"


@pytest.mark.django_db
def test_no_other_site_chooses(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    answer = client.post("/language/", {"language": "zh-hans"}, headers=ENGLISH)
    assert answer.status_code == 403
    assert "Go back, reload the page and try again" in answer.content.decode()


@pytest.mark.django_db
def test_every_page_offers_the_other_language(admin_client):
    for path in ("/", "/login/", "/admin/", "/admin/tasks/task/"):
        page = admin_client.get(path, headers=ENGLISH).content.decode()
        assert 'value="zh-hans" lang="zh-hans">简体中文</button>' in page, path
        assert f'<input type="hidden" name="next" value="{path}">' in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("settled")
async def test_a_socket_speaks_the_language_that_was_chosen(user, monkeypatch):
    send_nothing(monkeypatch)
    register(Script())

    @database_sync_to_async
    def prepared():
        make_task(user)
        OutboxMessage.objects.update(position=1, problem="no_worker")
        client = signed_in(user)
        choose(client, "zh-hans")
        return client.cookies["sessionid"].value

    headers = {
        "cookie": f"sessionid={await prepared()}", "origin": "http://testserver",
        "host": "testserver", "accept-language": "en",
    }  # fmt: skip
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    app = SocketAuthMiddleware(TasksConsumer.as_asgi())
    socket = WebsocketCommunicator(app, "/ws/tasks/", headers=raw)
    await socket.connect(timeout=10)
    told = await socket.receive_from(timeout=10)
    assert "没有正在运行的工作进程" in told
    await socket.disconnect()
