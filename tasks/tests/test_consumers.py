"""What a socket tells when pushes come late, twice or in the wrong order."""

import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator

from tasks import consumers, events, services
from tasks.consumers import RECENT, TasksConsumer
from tasks.layer import QUEUE_LENGTH, GroupLayer
from tasks.models import Task
from tasks.tests.factories import Script, make_task, register, send_nothing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def script(monkeypatch):
    send_nothing(monkeypatch)
    register(Script())


def event(task):
    found = events.with_details(Task.objects.filter(pk=task.pk)).get()
    return {"type": "task.event", "pipeline": "test", "snapshot": events.snapshot(found)}


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
        consumer._remember({"task_id": str(number), "seq": 9, "status": "COMPLETED"})
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


async def test_a_socket_works_while_the_layer_is_away(user, layer_away, monkeypatch):
    monkeypatch.setattr(consumers, "REREAD_SECONDS", 0.2)
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
    monkeypatch.setattr(consumers, "REREAD_SECONDS", 600)
    made, make = [], events._event
    monkeypatch.setattr(events, "_event", lambda task_id: made.append(task_id) or make(task_id))
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
