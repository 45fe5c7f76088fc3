"""docs/socket.md and its AsyncAPI file say what the sockets do, no more and no less."""

import json
import re
import typing

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from jsonschema import ValidationError

from documents.pipeline import DOCUMENT
from notebook.stack import web
from notebook.tests import asyncapi
from tasks import consumers, event_stream, queue, services
from tasks.consumers import TasksConsumer
from tasks.events import DetailSnapshot, TaskSnapshot
from tasks.models import OutboxMessage, Status
from tasks.routing import websocket_urlpatterns
from tasks.tests.factories import Script, make_task, register, send_nothing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("settled")]
DOCS = (asyncapi.FILE.parent / "socket.md").read_text(encoding="utf-8")


@pytest.fixture
def socket(user, monkeypatch):
    send_nothing(monkeypatch)
    register(Script())
    socket = WebsocketCommunicator(TasksConsumer.as_asgi(), "/ws/tasks/")
    socket.scope |= {"user": user, "headers": []}
    return socket


async def said(socket):
    return asyncapi.check(await socket.receive_json_from(timeout=10))


async def answer(socket, message):
    await socket.send_to(text_data=message if isinstance(message, str) else json.dumps(message))
    while "type" in (found := await said(socket)):  # what was cancelled is told when it comes
        assert found["status"] == "CANCELLED"
    return found


async def test_each_documented_answer_is_given_and_no_other(user, socket, monkeypatch):
    monkeypatch.setattr(consumers, "COMMANDS", 7)
    monkeypatch.setattr(consumers, "COMMANDS_SECONDS", 600)  # however slow the machine is
    task = await database_sync_to_async(make_task)(user)
    await database_sync_to_async(queue.rank)(OutboxMessage.Problem.NO_WORKER)
    await socket.connect()
    first = await said(socket)
    assert first["task_details"][0]["details"]["queue"]["problem"] == "no_worker"
    cancel = asyncapi.check_command({"command": "cancel", "task_id": str(task.pk)})
    answers = [await answer(socket, asyncapi.check_command({"command": "ping"}))]
    other = {**cancel, "task_id": str(task.document_id)}
    commands = (cancel, cancel, other, "no JSON", {"command": "dance"})
    answers += [await answer(socket, message) for message in commands]

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(services, "cancel", fail)
    answers += [await answer(socket, cancel), await answer(socket, cancel)]
    results = asyncapi.payload("cancelled")["properties"]["result"]["enum"]
    errors = asyncapi.payload("error")["properties"]["error"]["enum"]
    assert [each["result"] for each in answers if "result" in each] == results
    assert {each["error"] for each in answers if "error" in each} == set(errors)
    assert answers[0] == {"command": "pong"}
    await socket.disconnect()
    for sentence in (*results, *errors):
        assert sentence in DOCS


def test_the_schemas_have_the_keys_of_the_snapshots():
    schemas = asyncapi.document()["components"]["schemas"]
    for name, kind in (("Snapshot", TaskSnapshot), ("Step", DetailSnapshot)):
        assert list(schemas[name]["properties"]) == list(typing.get_type_hints(kind))
        assert schemas[name]["required"] == list(schemas[name]["properties"])
    assert schemas["Status"]["enum"] == Status.values
    problems = schemas["Step"]["properties"]["details"]["properties"]["queue"]["properties"]
    assert problems["problem"]["enum"] == [*OutboxMessage.Problem.values, None]
    for step in DOCUMENT.steps:
        assert step.type in schemas["Step"]["properties"]["step_type"]["description"]


@pytest.mark.parametrize("change", [{"status": "LOST"}, {"seq": 0}, {"more": 1}, {"progress": 101}])
def test_what_is_not_documented_would_be_noticed(change):
    empty = dict.fromkeys(("document_id", "error_code", "error_message"))
    good = {"type": "task", "seq": 1, "task_id": "3f6c2a9e-0f0f-4e8b-9a2c-1b2d3c4e5f60", **empty,
            "status": "PENDING", "progress": 0, "attempt": 1, "task_details": []}  # fmt: skip
    asyncapi.check(good)
    with pytest.raises(ValidationError):
        asyncapi.check(good | change)


def test_the_addresses_and_the_codes_are_those_of_the_code():
    addresses = {each["address"] for each in asyncapi.document()["channels"].values()}
    ours = {
        f"/{each.pattern}".replace("<uuid:task_id>", "{task_id}") for each in websocket_urlpatterns
    }
    assert addresses == ours - {"/"}  # which is any other path
    codes = set(map(int, re.findall(r"^\| (\d{4}) \|", DOCS, re.MULTILINE)))
    assert codes == {consumers.NOT_SIGNED_IN, consumers.NOT_FOUND, consumers.TOO_MANY, 1009}


def test_the_numbers_are_those_of_the_code():
    for sentence in (
        f"more than {consumers.COMMANDS} messages in {consumers.COMMANDS_SECONDS} seconds",
        f"first the {consumers.RECENT} that changed last",
        f"longer than {web.WEBSOCKET_MESSAGE_BYTES // 1024} KiB",
        f"retry: {event_stream.RETRY_MILLISECONDS}",
        f"every {event_stream.KEEP_ALIVE_SECONDS} seconds",
        f"after {web.HTTP_TIMEOUT_SECONDS // 60} minutes",
    ):
        assert sentence in DOCS, sentence
