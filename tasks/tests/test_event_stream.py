"""Snapshots as server-sent events: the same as on the socket, and as robust."""

import asyncio
import json
from contextlib import aclosing

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from knox.models import AuthToken

from tasks import event_stream, events, hub, services, watching
from tasks.authentication import Credentials
from tasks.models import Task
from tasks.tests.factories import Script, make_task, register, send_nothing
from tasks.tests.test_consumers import (
    before_and_after_its_end,
    layer_away,  # noqa: F401
    let_go,
)
from tasks.watching import Watcher

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("settled"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]
SOON_SECONDS = 10
later = database_sync_to_async


@pytest.fixture(autouse=True)
def script(monkeypatch):
    send_nothing(monkeypatch)
    register(Script())
    monkeypatch.setattr(hub, "REREAD_SECONDS", 600)  # pushes alone, unless a test says else


@pytest.fixture
def read_often(monkeypatch):
    monkeypatch.setattr(hub, "REREAD_SECONDS", 0.1)
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0)


@pytest.fixture
def watcher(user):
    return Watcher(user, Credentials(token=AuthToken.objects.create(user)[1]), "en")


def parsed(text):
    """The fields of an event; {} of a comment."""
    lines = [line.split(": ", 1) for line in text.strip().split("\n") if line[0] != ":"]
    fields = dict(lines)
    return fields | json.loads(fields.get("data", "{}"))


async def following(stream):
    """The next event."""
    async with asyncio.timeout(SOON_SECONDS):
        return parsed(await anext(stream))


async def rest(stream):
    async with asyncio.timeout(SOON_SECONDS):
        return [parsed(each) async for each in stream]


def follow(task, watcher, last_seq=0):
    return aclosing(event_stream.follow(task.pk, watcher, last_seq))


async def test_it_tells_the_state_and_each_change_and_ends_with_the_task(user, watcher):
    task = await later(make_task)(user)
    async with follow(task, watcher) as stream:
        assert await following(stream) == {"retry": "2000"}
        first = await following(stream)
        assert (first["id"], first["seq"], first["status"]) == ("1", 1, "PENDING")
        assert first["type"] == "task"
        await later(services.cancel)(task.pk)
        (last,) = await rest(stream)
    assert (int(last["id"]), last["status"]) == (last["seq"], "CANCELLED")


async def test_who_comes_back_gets_only_what_is_newer(user, watcher):
    task = await later(make_task)(user)
    async with follow(task, watcher, last_seq=1) as stream:
        await following(stream)
        waiting = asyncio.ensure_future(anext(stream))
        assert (await asyncio.wait({waiting}, timeout=0.5))[1]
        await later(services.cancel)(task.pk)
        async with asyncio.timeout(SOON_SECONDS):
            assert parsed(await waiting)["status"] == "CANCELLED"


async def test_a_late_push_of_an_earlier_end_does_not_end_the_stream(user, watcher):
    task = await later(make_task)(user)
    _, ended = await before_and_after_its_end(task)
    await later(services.retry)(task.pk)
    async with follow(task, watcher) as stream:
        await following(stream)
        assert (await following(stream))["attempt"] == 2
        await get_channel_layer().group_send(events.task_group(task.pk), ended)
        await later(services.cancel)(task.pk)
        (last,) = await rest(stream)
    assert (last["attempt"], last["status"]) == (2, "CANCELLED")


async def test_without_the_layer_it_reads(user, watcher, layer_away, read_often):  # noqa: F811
    task = await later(make_task)(user)
    async with follow(task, watcher) as stream:
        await following(stream)
        assert (await following(stream))["status"] == "PENDING"
        await later(services.cancel)(task.pk)
        assert [each["status"] for each in await rest(stream)] == ["CANCELLED"]


@pytest.mark.parametrize("gone", [AuthToken, Task])
async def test_it_ends_with_the_sign_in_and_with_the_task(user, watcher, read_often, gone):
    task = await later(make_task)(user)
    async with follow(task, watcher) as stream:
        await following(stream)
        await following(stream)
        await later(gone.objects.all().delete)()
        assert await rest(stream) == []


async def test_it_ends_for_who_is_no_longer_of_the_staff(user, other_user, watcher, read_often):
    user.is_staff = True
    await later(user.save)()
    task = await later(make_task)(other_user)
    async with follow(task, watcher) as stream:
        await following(stream)
        await following(stream)
        await let_go(user)
        assert await rest(stream) == []


async def test_silence_is_broken_by_comments(user, watcher, read_often, monkeypatch):
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.1)
    task = await later(make_task)(user)
    async with follow(task, watcher) as stream:
        await following(stream)
        await following(stream)
        async with asyncio.timeout(SOON_SECONDS):
            assert await anext(stream) == ": nothing new\n\n"


async def test_who_leaves_leaves_nothing_behind(user, watcher):
    task = await later(make_task)(user)
    layer = get_channel_layer()._get_layer()
    channels, groups = set(layer.channels), set(layer.groups)
    async with follow(task, watcher) as stream:
        await following(stream)
        await following(stream)
        assert len(set(layer.channels) - channels) == 1
        assert watching._open[user.pk] == 1
    assert (set(layer.channels), set(layer.groups)) == (channels, groups)
    assert watching._open[user.pk] == 0


def get(api, task, **headers):
    return api.get(f"/api/tasks/{task.pk}/events/", headers=headers)


def test_its_headers_let_it_through_proxies(api, user):
    answer = get(api, make_task(user), accept="text/event-stream")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    assert (answer["Cache-Control"], answer["X-Accel-Buffering"]) == ("no-store", "no")


def test_who_has_seen_the_end_need_not_come_back(api, user):
    task = make_task(user)
    services.cancel(task.pk)
    task.refresh_from_db()
    assert get(api, task, **{"last-event-id": str(task.seq)}).status_code == 204
    for other in ("1", str(task.seq + 1), "-1", "²", "x" * 99):
        assert get(api, task, **{"last-event-id": other}).status_code == 200


def test_staff_may_watch_any_task_and_others_their_own(api, user, admin_user, django_user_model):
    task = make_task(django_user_model.objects.create_user("other"))
    refused = get(api, task, accept="text/event-stream")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    api.force_authenticate(admin_user)
    assert get(api, task).status_code == 200
    assert api.get(f"/api/tasks/{task.pk}/").status_code == 404  # they act in the admin


def test_one_user_can_not_open_any_number(api, user, settings):
    settings.SOCKETS_PER_USER = 1
    task = make_task(user)
    with watching.place(user.pk):
        refused = get(api, task)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_watchers")
    assert get(api, task).status_code == 200


async def test_nor_by_asking_for_them_at_the_same_time(user, watcher, settings):
    settings.SOCKETS_PER_USER = 1
    task = await later(make_task)(user)
    first, second = (event_stream.follow(task.pk, watcher, 0) for _ in range(2))
    async with aclosing(first), aclosing(second):
        assert await anext(first, None)
        assert await anext(second, None) is None
