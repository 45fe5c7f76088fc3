"""What a socket tells when pushes come late, twice or in the wrong order."""

import asyncio
import json
import random
import uuid
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers, get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.db.models.functions import Now
from django.urls import path
from knox.models import AuthToken

from tasks import consumers, events, hub, services, watching
from tasks.authentication import SocketAuthMiddleware
from tasks.consumers import RECENT, TaskConsumer, TasksConsumer
from tasks.layer import QUEUE_LENGTH, GroupLayer
from tasks.models import Task
from tasks.tests.factories import Script, make_task, register, send_nothing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("settled")]


@pytest.fixture(autouse=True)
def script(monkeypatch):
    send_nothing(monkeypatch)
    register(Script())


def event(task):
    return events._push(task.pk)


@database_sync_to_async
def before_and_after_its_end(task):
    early = event(task)
    services.cancel(task.pk)
    return early, event(task)


def socket_of(user):
    socket = WebsocketCommunicator(TasksConsumer.as_asgi(), "/ws/tasks/")
    socket.scope |= {"user": user, "headers": []}
    return socket


async def test_a_push_that_comes_late_does_not_bring_an_ended_task_back(user):
    task = await database_sync_to_async(make_task)(user)
    early, late = await before_and_after_its_end(task)
    socket = socket_of(user)
    await socket.connect()
    first = await socket.receive_json_from()
    assert (first["seq"], first["status"]) == (late["snapshot"]["seq"], "CANCELLED")
    for each in (early, late):  # a broker that was frozen gives them now
        await get_channel_layer().group_send(events.user_group(user.pk), each)
    await socket.send_json_to({"command": "ping"})
    answers = [await socket.receive_json_from()]
    assert await socket.receive_nothing(timeout=1)
    assert answers == [{"command": "pong"}]
    await socket.disconnect()


async def test_a_retried_task_is_told_of_again(user):
    task = await database_sync_to_async(make_task)(user)
    await before_and_after_its_end(task)
    socket = socket_of(user)
    await socket.connect()
    ended = await socket.receive_json_from()
    await database_sync_to_async(services.retry)(task.pk)
    again = await socket.receive_json_from(timeout=10)
    assert (again["status"], again["attempt"]) == ("PENDING", 2)
    assert again["seq"] > ended["seq"]
    await socket.disconnect()


def test_a_socket_remembers_only_the_tasks_that_ended_last():
    consumer = TasksConsumer()
    consumer.seen, consumer.ended = {}, {}
    for number in range(RECENT + 5):
        consumer._remember(SimpleNamespace(task_id=str(number), seq=9, has_ended=True))
    assert len(consumer.ended) == RECENT
    assert str(RECENT + 4) in consumer.ended
    assert not consumer.seen


@pytest.fixture
def layer_away():
    """The broker's port is closed."""
    before = get_channel_layer()  # made now, for `set` gives none when nobody has asked for it
    channel_layers.set("default", GroupLayer(hosts=["redis://127.0.0.1:1/0"]))
    yield
    channel_layers.set("default", before)


async def test_a_socket_that_can_not_be_opened_takes_no_place(user, monkeypatch):
    """Postgres went away between its sign-in and its first snapshot."""

    def away(tasks):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(hub, "read", away)
    socket = socket_of(user)
    await socket.connect(timeout=10)
    with pytest.raises(OperationalError):
        await socket.receive_output(timeout=10)
    assert watching._open[user.pk] == 0
    assert not hub._hubs


async def test_a_socket_works_while_the_layer_is_away(user, layer_away, monkeypatch):
    monkeypatch.setattr(hub, "REREAD_SECONDS", 0.2)
    task = await database_sync_to_async(make_task)(user)
    socket = socket_of(user)
    assert (await socket.connect(timeout=10))[0]
    assert (await socket.receive_json_from(timeout=10))["status"] == "PENDING"
    await database_sync_to_async(services.cancel)(task.pk)
    assert (await socket.receive_json_from(timeout=10))["status"] == "CANCELLED"
    await socket.disconnect(timeout=10)


async def test_a_socket_that_is_slow_misses_old_pushes_and_not_the_last(user):
    layer = GroupLayer(hosts=["redis://127.0.0.1:1/0"])
    channel = await layer.new_channel()
    queue = layer.channels[channel]
    for number in range(3 * QUEUE_LENGTH):
        queue.put_nowait(layer.serialize({"number": number}))
    found = [(await layer.receive(channel))["number"] for _ in range(queue.qsize())]
    assert found == list(range(2 * QUEUE_LENGTH, 3 * QUEUE_LENGTH))


async def test_a_push_is_made_for_who_listens_and_for_nobody_else(user, monkeypatch):
    monkeypatch.setattr(hub, "REREAD_SECONDS", 600)
    made, make = [], events._push
    monkeypatch.setattr(events, "_push", lambda task_id: made.append(task_id) or make(task_id))
    task = await database_sync_to_async(make_task)(user)
    assert made == []
    socket = socket_of(user)
    await socket.connect()
    assert (await socket.receive_json_from())["status"] == "PENDING"
    await database_sync_to_async(services.cancel)(task.pk)
    assert (await socket.receive_json_from(timeout=10))["status"] == "CANCELLED"
    assert made == [task.pk]
    await socket.disconnect()


async def test_a_layer_that_is_not_ours_is_told_of_everything(user, monkeypatch):
    sent = []

    class Other:
        async def group_send(self, group, message):
            sent.append((group, message["snapshot"]["status"]))

    monkeypatch.setattr(events, "get_channel_layer", Other)
    task = await database_sync_to_async(make_task)(user)
    assert sent == [(f"task.{task.pk}", "PENDING"), (f"user.{user.pk}", "PENDING")]


async def test_of_any_number_that_waits_only_the_newest_are_looked_at(user, monkeypatch):
    """And what changes, were its push lost: an import must not fill the web server's memory."""
    monkeypatch.setattr(hub, "REREAD_SECONDS", 0.1)
    make = database_sync_to_async(lambda: [make_task(user) for _ in range(RECENT + 3)])
    oldest, *_ = await make()
    socket = socket_of(user)
    await socket.connect(timeout=10)
    first = [(await socket.receive_json_from(timeout=10))["task_id"] for _ in range(RECENT)]
    assert await socket.receive_nothing(timeout=0.5)  # looked at several times meanwhile
    assert str(oldest.pk) not in first
    changed = Task.objects.filter(pk=oldest.pk).update
    await database_sync_to_async(changed)(seq=oldest.seq + 1, updated_at=Now())
    assert (await socket.receive_json_from(timeout=10))["task_id"] == str(oldest.pk)
    await socket.disconnect()


async def test_what_comes_alive_while_rows_are_read_is_looked_at_next_time(monkeypatch):
    ours = hub.Hub()
    alive, deleted, new = (str(uuid.uuid4()) for _ in range(3))
    ours.live |= {alive, deleted}

    def seqs(asked, users):
        ours.live.add(new)
        return {alive: 1}

    monkeypatch.setattr(hub, "_seqs", seqs)
    monkeypatch.setattr(hub, "read", lambda tasks: [])
    await ours._reread()
    assert ours.live == {alive, new}


# -- who is no longer signed in ----------------------------------------------------------------


@pytest.fixture
def check_often(monkeypatch):
    monkeypatch.setattr(hub, "REREAD_SECONDS", 0.1)
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0)


def socket_by_token(user):
    token = AuthToken.objects.create(user)[1]
    app = SocketAuthMiddleware(TasksConsumer.as_asgi())
    return WebsocketCommunicator(app, "/ws/tasks/", subprotocols=["notebook.v1", f"token.{token}"])


def socket_by_session(client, user, *, host="testserver", origin="http://testserver", **others):
    client.force_login(user)
    said = {"cookie": f"sessionid={client.cookies['sessionid'].value}", "host": host}
    said |= {"origin": origin} if origin else {}
    headers = [(name.encode(), value.encode()) for name, value in (said | others).items()]
    app = SocketAuthMiddleware(TasksConsumer.as_asgi())
    return WebsocketCommunicator(app, "/ws/tasks/", headers=headers)


TRUSTED = ["https://app.example", "https://*.trusted.example"]
PROXY = {"x-forwarded-proto": "https"}


@pytest.mark.parametrize(
    ("host", "origin", "proxy", "is_let_in"),
    [
        ("testserver:8000", "http://testserver:8000", {}, True),
        ("testserver:8000", "http://testserver:9999", {}, False),
        ("testserver:8000", "http://testserver", {}, False),
        ("testserver:8000", "http://other.test:8000", {}, False),  # as allowed as a host
        ("testserver", "http://evil.example", {}, False),
        ("evil.example", "http://evil.example", {}, False),
        ("testserver", "null", {}, False),
        ("testserver", "http://[", {}, False),
        ("testserver", "", {}, False),
        ("testserver", "https://testserver", PROXY, True),
        ("testserver", "http://testserver", PROXY, False),
        ("testserver", "https://testserver:8443", PROXY, False),
        ("testserver", "https://app.example", {}, True),
        ("testserver", "https://one.trusted.example", {}, True),
        ("testserver", "http://app.example", {}, False),
    ],
)
async def test_a_session_needs_the_origin_that_a_form_would_need(
    user, client, settings, host, origin, proxy, is_let_in
):
    settings.ALLOWED_HOSTS = ["testserver", "other.test"]
    settings.CSRF_TRUSTED_ORIGINS = TRUSTED
    if proxy:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    make = database_sync_to_async(socket_by_session)
    socket = await make(client, user, host=host, origin=origin, **proxy)
    assert (await socket.connect(timeout=10))[0] == is_let_in
    await socket.disconnect()


async def test_a_token_needs_no_origin(user):
    socket = await database_sync_to_async(socket_by_token)(user)
    socket.scope["headers"] += [(b"host", b"testserver"), (b"origin", b"http://evil.example")]
    assert (await socket.connect(timeout=10))[0]
    await socket.disconnect()


async def closed(socket):
    output = await socket.receive_output(timeout=10)
    return output["type"], output.get("code")


@pytest.mark.parametrize("by", ["token", "session"])
@pytest.mark.parametrize("end", ["sign_out", "delete", "deactivate"])
async def test_a_socket_ends_with_the_sign_in(user, client, check_often, by, end):
    make = {
        "token": lambda: socket_by_token(user),
        "session": lambda: socket_by_session(client, user),
    }
    socket = await database_sync_to_async(make[by])()
    assert (await socket.connect(timeout=10))[0]
    assert await socket.receive_nothing(timeout=0.5)  # looked at several times meanwhile

    @database_sync_to_async
    def sign_out():
        if end == "delete":
            user.delete()
        elif end == "deactivate":
            user.is_active = False
            user.save()
        elif by == "token":
            AuthToken.objects.all().delete()
        else:
            client.logout()

    await sign_out()
    assert await closed(socket) == ("websocket.close", 4401)
    await socket.disconnect()
    assert watching._open[user.pk or 0] == 0


async def test_an_expired_session_ends_too(user, client, check_often):
    socket = await database_sync_to_async(socket_by_session)(client, user)
    await socket.connect(timeout=10)

    @database_sync_to_async
    def let_it_expire():
        session = SessionStore(client.cookies["sessionid"].value)
        assert session[SESSION_KEY]
        session.set_expiry(-1)
        session.save()

    await let_it_expire()
    assert await closed(socket) == ("websocket.close", 4401)


async def test_the_socket_of_a_task_that_is_deleted_ends(user, check_often):
    task = await database_sync_to_async(make_task)(user)
    socket = WebsocketCommunicator(TaskConsumer.as_asgi(), f"/ws/tasks/{task.pk}/")
    socket.scope |= {"user": user, "headers": [], "url_route": {"kwargs": {"task_id": task.pk}}}
    await socket.connect()
    assert (await socket.receive_json_from())["status"] == "PENDING"
    await database_sync_to_async(Task.objects.all().delete)()
    assert await closed(socket) == ("websocket.close", 4404)
    await socket.disconnect()


def socket_of_task(user, task):
    token = AuthToken.objects.create(user)[1]
    route = URLRouter([path("ws/tasks/<uuid:task_id>/", TaskConsumer.as_asgi())])
    offered = ["notebook.v1", f"token.{token}"]
    app = SocketAuthMiddleware(route)
    return WebsocketCommunicator(app, f"/ws/tasks/{task.pk}/", subprotocols=offered)


@database_sync_to_async
def let_go(user):
    """From the staff."""
    type(user).objects.filter(pk=user.pk).update(is_staff=False)


async def test_who_is_no_longer_of_the_staff_sees_no_more_of_others(user, other_user, check_often):
    user.is_staff = True
    await database_sync_to_async(user.save)()
    tasks = [await database_sync_to_async(make_task)(each) for each in (other_user, user)]
    make = database_sync_to_async(socket_of_task)
    sockets = [await make(user, task) for task in tasks]
    for socket in sockets:
        assert (await socket.connect(timeout=10))[0]
        assert (await socket.receive_json_from())["status"] == "PENDING"
        assert await socket.receive_nothing(timeout=0.5)  # looked at several times meanwhile
    await let_go(user)
    for socket in sockets:  # of their own they are told again when they come back
        assert await closed(socket) == ("websocket.close", 1000)
        await socket.disconnect()
    others, own = [await make(user, task) for task in tasks]
    for socket in (others, own):
        assert (await socket.connect(timeout=10))[0]
    assert await closed(others) == ("websocket.close", 4404)
    assert (await own.receive_json_from())["status"] == "PENDING"
    await own.disconnect()


async def test_the_socket_of_a_task_cancels_no_other_nor_its_own_in_place_of_another(user):
    task, other = [await database_sync_to_async(make_task)(user) for _ in range(2)]
    socket = await database_sync_to_async(socket_of_task)(user, task)
    assert (await socket.connect(timeout=10))[0]
    assert (await socket.receive_json_from())["status"] == "PENDING"
    for named in (str(other.pk), "nonsense"):
        await socket.send_json_to({"command": "cancel", "task_id": named})
        answer = await socket.receive_json_from(timeout=10)
        assert answer == {"command": "cancel", "result": "not_found"}
    await socket.send_json_to({"command": "cancel", "taskId": str(other.pk)})
    assert await socket.receive_json_from(timeout=10) == {"error": "Unknown command"}
    await socket.send_json_to({"command": "cancel", "task_id": str(task.pk)})
    told = [await socket.receive_json_from(timeout=10) for _ in range(2)]
    assert {"command": "cancel", "result": "accepted"} in told
    await socket.disconnect()
    rows = Task.objects.values_list("pk", "status")
    found = await database_sync_to_async(dict)(rows)
    assert found == {task.pk: "CANCELLED", other.pk: "PENDING"}


# -- who sends too much, or reads too slowly ---------------------------------------------------


async def test_a_flood_of_commands_is_answered_with_an_error_and_passes(user, monkeypatch):
    monkeypatch.setattr(consumers, "COMMANDS_SECONDS", 1)
    socket = socket_of(user)
    await socket.connect()
    for _ in range(consumers.COMMANDS + 5):
        await socket.send_json_to({"command": "ping"})
    answers = [await socket.receive_json_from() for _ in range(consumers.COMMANDS + 5)]
    assert answers[: consumers.COMMANDS] == [{"command": "pong"}] * consumers.COMMANDS
    assert answers[consumers.COMMANDS :] == [{"error": "Too many commands"}] * 5
    assert await socket.receive_nothing(timeout=1.1)
    await socket.send_json_to({"command": "ping"})
    assert await socket.receive_json_from() == {"command": "pong"}
    await socket.disconnect()


@pytest.mark.parametrize(
    "said", ["[" * 60_000, "[]", "1", "null", '"ping"', '{"command": []}', "{}"]
)
async def test_what_is_no_command_is_answered_with_an_error(user, said):
    socket = socket_of(user)
    await socket.connect()
    await socket.send_to(text_data=said)
    assert set(await socket.receive_json_from()) == {"error"}
    await socket.send_to(bytes_data=b"\x00\xff")
    assert await socket.receive_json_from() == {"error": "Invalid JSON format"}
    await socket.disconnect()


async def test_who_reads_slowly_goes_on_with_the_newest(user, monkeypatch):
    """While one message waits to be read, a hundred are pushed; of them only the last is sent."""
    task = await database_sync_to_async(make_task)(user)
    sent = []
    has_first, is_stuck, has_room, has_newest = (asyncio.Event() for _ in range(4))

    async def send(self, text):
        sent.append(json.loads(text))
        has_first.set()
        if sent[-1]["progress"] == 99:
            has_newest.set()
        if len(sent) > 1:
            is_stuck.set()
            await has_room.wait()

    monkeypatch.setattr(TasksConsumer, "send", send)
    socket = socket_of(user)
    await socket.connect()
    async with asyncio.timeout(20):
        await has_first.wait()
        await change(task, 0)
        await is_stuck.wait()
        for number in range(1, 100):
            await change(task, number)
        has_room.set()
        await has_newest.wait()
    assert len(sent) < 10
    assert [each["seq"] for each in sent] == sorted({each["seq"] for each in sent})
    await socket.disconnect()


@database_sync_to_async
def change(task, number):
    Task.objects.filter(pk=task.pk).update(progress=number, seq=number + 2)
    events.push_task(task.pk, task.owner_id)
    return number


class Unreliable(GroupLayer):
    """Loses three of ten messages, says others twice, and gives them in any order."""

    def __init__(self, **options):
        super().__init__(**options)
        self.random, self.held = random.Random(7), []

    async def group_send(self, group, message):
        self.held += [message] * self.random.choice(
            (0, 1, 1, 2) if self.random.random() > 0.3 else (0,)
        )
        self.random.shuffle(self.held)
        while len(self.held) > 3:
            await super().group_send(group, self.held.pop())


async def test_a_layer_that_loses_doubles_and_shuffles_leaves_nobody_wrong(user, monkeypatch):
    monkeypatch.setattr(hub, "REREAD_SECONDS", 0.5)
    before = get_channel_layer()
    layer = Unreliable(**channel_layers.configs["default"]["CONFIG"])
    channel_layers.set("default", layer)
    monkeypatch.setattr(events, "get_channel_layer", lambda: layer)
    try:
        task = await database_sync_to_async(make_task)(user)
        socket = socket_of(user)
        await socket.connect()
        seen = [await socket.receive_json_from()]
        for number in range(60):
            await change(task, number)
        await database_sync_to_async(services.cancel)(task.pk)
        while seen[-1]["status"] != "CANCELLED":
            seen.append(await socket.receive_json_from(timeout=10))
        assert await socket.receive_nothing(timeout=1.5)
        assert [each["seq"] for each in seen] == sorted({each["seq"] for each in seen})
        await socket.disconnect()
    finally:
        channel_layers.set("default", before)
