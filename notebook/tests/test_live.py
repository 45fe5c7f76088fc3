"""The whole product as its users meet it: real web server, broker, worker, sweeper and sockets."""

import json
import os
import re
import signal
import uuid

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from notebook.tests import asyncapi
from notebook.tests.live import snapshots, until

pytestmark = pytest.mark.live
STEPS = [
    "FILE_UPLOAD", "TEXT_EXTRACTION", "TEXT_SPLITTING", "EMBEDDING_GENERATION", "VECTOR_STORAGE",
]  # fmt: skip


@pytest.fixture
def client(live_stack, embedder):
    with live_stack.client() as client:
        yield client


def text(paragraphs=3, *, word="lighthouse"):
    """A document nobody has uploaded before."""
    mark = uuid.uuid4().hex
    lines = [
        f"Paragraph {n} of {mark} tells of the {word} and of what its keeper did on day {n}. " * 4
        for n in range(paragraphs)
    ]
    return "\n\n".join(lines).encode()


def slow_down(embedder, seconds=0.4):
    embedder.seconds_per_request = seconds


def test_a_client_sees_all_five_steps_move_and_end(live_stack, client, embedder):
    slow_down(embedder, 0.3)
    document = live_stack.upload(client, "steps.txt", text(40))
    with live_stack.socket(document["task"]["socket"]) as socket:
        seen = snapshots(socket)
    assert [detail["step_type"] for detail in seen[0]["task_details"]] == STEPS
    assert {detail["status"] for detail in seen[-1]["task_details"]} == {"COMPLETED"}
    assert (seen[-1]["status"], seen[-1]["progress"]) == ("COMPLETED", 100)
    assert [s["seq"] for s in seen] == sorted({s["seq"] for s in seen})
    assert [s["progress"] for s in seen] == sorted(s["progress"] for s in seen)
    embedding = [s["task_details"][3] for s in seen]
    assert {"PENDING", "RUNNING", "COMPLETED"} <= {detail["status"] for detail in embedding}
    assert len({d["progress"] for d in embedding if d["status"] == "RUNNING"}) >= 2
    assert list(seen[-1]) == [
        "type", "seq", "task_id", "document_id", "status", "progress", "error_code",
        "error_message", "attempt", "task_details",
    ]  # fmt: skip


def test_a_processed_document_is_found_by_a_question(live_stack, client):
    # Many words of its own: the test's embedder puts some words into the same place.
    content = text(1) + " ".join(uuid.uuid4().hex for _ in range(8)).encode()
    document = live_stack.upload(client, "found.txt", content)
    assert live_stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    asked = {"query": content.decode(), "top_k": 1}
    hit = client.post("/api/search/", json=asked).json()["results"][0]
    assert hit["document"]["id"] == document["id"]


def test_the_socket_of_all_tasks_shows_each_of_them(live_stack, client):
    with live_stack.socket("/ws/tasks/") as socket:
        documents = {live_stack.upload(client, f"{n}.txt", text())["id"] for n in range(3)}
        done = set()
        while not documents <= done:
            found = json.loads(socket.recv(timeout=60))
            if found["status"] == "COMPLETED":
                done.add(found["document_id"])


def test_a_late_client_is_told_the_end_at_once(live_stack, client):
    document = live_stack.upload(client, "late.txt", text())
    live_stack.until_done(client, document["id"])
    with live_stack.socket(document["task"]["socket"]) as socket:
        assert json.loads(socket.recv(timeout=10))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ('{"command": "ping"}', {"command": "pong"}),
        ('{"command": "dance"}', {"error": "Unknown command"}),
        ("[]", {"error": "Unknown command"}),
        ("{nonsense", {"error": "Invalid JSON format"}),
        (b"\x00\x01", {"error": "Invalid JSON format"}),
        ('{"command": "cancel"}', {"command": "cancel", "result": "already_finished"}),
    ],
)
def test_every_command_has_its_answer(live_stack, client, sent, answer):
    document = live_stack.upload(client, "commands.txt", text())
    live_stack.until_done(client, document["id"])
    with live_stack.socket(document["task"]["socket"]) as socket:
        snapshots(socket)
        socket.send(sent)
        assert json.loads(socket.recv(timeout=10)) == answer


def test_a_cancel_over_the_socket_ends_the_task_for_good(live_stack, client, embedder):
    slow_down(embedder, 1)
    document = live_stack.upload(client, "cancelled.txt", text(60))
    with live_stack.socket(document["task"]["socket"]) as socket:
        socket.send('{"command": "cancel"}')
        answers = []
        while {"command": "cancel", "result": "accepted"} not in answers:
            answers.append(json.loads(socket.recv(timeout=10)))
        ended = [a for a in answers if a.get("status") == "CANCELLED"] or snapshots(socket)
    assert ended[-1]["status"] == "CANCELLED"
    assert client.get(f"/api/documents/{document['id']}/").json()["status"] == "CANCELLED"


def streamed(client, task_id, **headers):
    """The snapshots of an event stream, until the server ends it."""
    with client.stream("GET", f"/api/tasks/{task_id}/events/", headers=headers) as answer:
        assert answer.status_code == 200
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    return [asyncapi.check(json.loads(line.removeprefix("data: "))) for line in lines]


def test_an_event_stream_tells_the_same_and_goes_on_where_it_broke_off(
    live_stack, client, embedder
):
    slow_down(embedder, 0.3)
    task_id = live_stack.upload(client, "stream.txt", text(40))["task"]["id"]
    with client.stream("GET", f"/api/tasks/{task_id}/events/") as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("id: "))
        broken_off = next(lines).removeprefix("id: ")
    seen = streamed(client, task_id, **{"Last-Event-ID": broken_off})
    seqs = [each["seq"] for each in seen]
    assert seqs == sorted({int(broken_off), *seqs})[1:]
    assert len(seen) > 3
    assert (seen[-1]["status"], seen[-1]["progress"]) == ("COMPLETED", 100)
    again = client.get(f"/api/tasks/{task_id}/events/", headers={"Last-Event-ID": str(seqs[-1])})
    assert (again.status_code, again.content) == (204, b"")
    (last,) = streamed(client, task_id)
    assert last == seen[-1]


def closed_with(connection):
    """The code with which the server closes a socket, before it says anything."""
    with connection as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=10)
    return closed.value.rcvd.code


def test_a_socket_is_closed_with_the_code_that_tells_why(live_stack, client):
    document = live_stack.upload(client, "codes.txt", text())
    address = live_stack.url.replace("http", "ws")
    wrong = connect(address + "/ws/tasks/", subprotocols=["notebook.v1", "token.nonsense"])
    assert closed_with(wrong) == 4401
    for nonsense in ("é", "%C3%A9", "%00"):
        offered = {"Sec-WebSocket-Protocol": f"token.{nonsense}"}
        wrong = connect(address + "/ws/tasks/", additional_headers=offered)
        assert closed_with(wrong) == 4401
    assert closed_with(live_stack.socket(f"/ws/tasks/{uuid.uuid4()}/")) == 4404
    assert closed_with(live_stack.socket("/ws/nothing/")) == 4404
    live_stack.manage(
        "shell", "-c",
        "from django.contrib.auth.models import User as u;"
        " u.objects.filter(username='eve') or u.objects.create_user('eve', password='pw-of-eve')",
    )  # fmt: skip
    with live_stack.client("eve", "pw-of-eve") as eve:
        assert eve.get(f"/api/documents/{document['id']}/").status_code == 404
    assert closed_with(live_stack.socket(document["task"]["socket"], "eve")) == 4404


def test_a_browser_of_another_origin_is_refused(live_stack):
    with pytest.raises(InvalidStatus) as refused:
        connect(live_stack.url.replace("http", "ws") + "/ws/tasks/", origin="http://evil.example")
    assert refused.value.response.status_code == 403


def test_the_server_chooses_our_subprotocol_and_never_echoes_the_token(live_stack, client):
    with live_stack.socket("/ws/tasks/") as socket:
        assert socket.subprotocol == "notebook.v1"


def test_a_worker_killed_in_the_middle_costs_no_vector_twice_and_leaves_no_duplicate(
    live_stack, client, embedder
):
    slow_down(embedder, 0.5)
    word = uuid.uuid4().hex
    document = live_stack.upload(client, "killed.txt", text(120, word=word))
    task_id = document["task"]["id"]

    def embedded():
        detail = client.get(f"/api/tasks/{task_id}/").json()["task_details"][3]
        return detail["details"].get("processed_chunks", 0)

    until(embedded, lambda count: count > 0)
    os.kill(live_stack.pid("worker"), signal.SIGKILL)
    done = live_stack.until_done(client, document["id"])
    task = client.get(f"/api/tasks/{task_id}/").json()
    chunks = client.get(f"/api/documents/{document['id']}/chunks/?page_size=200").json()["results"]
    assert (done["status"], task["attempt"]) == ("AVAILABLE", 1)
    assert [chunk["index"] for chunk in chunks] == list(range(done["chunk_count"]))
    # At most the one batch that was under way when the worker died is asked for again.
    asked = [each for each in embedder.texts if word in each]
    asked_again = len(asked) - len(set(asked))
    assert asked_again <= int(live_stack.environment.get("EMBEDDING_BATCH_SIZE", 64))


@pytest.fixture
def staff(live_stack):
    """A browser signed in to the admin."""
    with httpx2.Client(base_url=live_stack.url, follow_redirects=True, timeout=30) as browser:
        given = {"username": live_stack.username, "password": live_stack.password}
        page = browser.get("/admin/login/").text
        browser.post("/admin/login/", data={**hidden(page), **given, "next": "/admin/"})
        yield browser


def hidden(page):
    """The hidden fields of a page's forms, as a browser would send them."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_staff_retry_a_failed_task_in_the_admin_and_it_goes_on(live_stack, client, embedder, staff):
    embedder.misbehave = lambda request: (401, {}, b'{"error": {"message": "bad key sk-secret"}}')
    document = live_stack.upload(client, "retried.txt", text())
    failed = live_stack.until_done(client, document["id"])
    assert (failed["status"], failed["error_code"]) == ("FAILED", "embedding_auth")
    assert "sk-secret" not in failed["error_message"]
    embedder.reset()
    address = f"/admin/tasks/task/{failed['task']['id']}/change/"
    page = staff.get(address).text
    assert "refused our key" in page
    answer = staff.post(
        address, data={**hidden(page), "_retry": "1"}, headers={"Referer": live_stack.url}
    )
    assert answer.status_code == 200
    done = until(
        lambda: client.get(f"/api/documents/{document['id']}/").json(),
        lambda found: found["status"] == "AVAILABLE",
        seconds=60,
    )
    assert done["chunk_count"] > 0
    assert re.search(r"\bworker-\d+@", staff.get(address).text), "which of the workers did it"


def test_a_large_body_is_refused_before_it_is_read(live_stack, client):
    def endless():
        for _ in range(400):
            yield b"x" * 1_000_000

    try:
        answer = client.post(
            "/api/documents/", content=endless(),
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )  # fmt: skip
        assert answer.status_code == 413
        assert answer.json()["code"] == "file_too_large"
    except httpx2.WriteError:
        pass  # the server had answered and closed before the client was done sending


def test_a_download_gives_back_the_bytes_or_those_that_are_asked_for(live_stack, client):
    content = text(2000)
    address = f"/api/documents/{live_stack.upload(client, 'bytes.txt', content)['id']}/file/"
    told = client.head(address)  # what came of a body would spoil the next answer
    assert (told.status_code, told.headers["Content-Length"]) == (200, str(len(content)))
    whole = client.get(address)
    assert (whole.status_code, whole.content) == (200, content)
    part = client.get(
        address, headers={"Range": "bytes=100-199", "If-Range": whole.headers["ETag"]}
    )
    assert (part.status_code, part.content) == (206, content[100:200])
    known = client.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_health_and_readiness_answer_machines(live_stack):
    assert httpx2.get(f"{live_stack.url}/healthz").json() == {"status": "ok"}
    assert httpx2.get(f"{live_stack.url}/readyz").json() == {"database": True, "broker": True}


def test_the_schema_and_its_page_are_served(live_stack):
    with live_stack.client() as client:
        assert client.get("/api/schema/").status_code == 200
        assert "swagger" in client.get("/api/docs/").text.lower()


def test_a_snapshot_has_exactly_the_fields_of_the_protocol(live_stack, client):
    document = live_stack.upload(client, "fields.txt", text())
    with live_stack.socket(document["task"]["socket"]) as socket:
        last = snapshots(socket)[-1]
    assert list(last["task_details"][0]) == [
        "id", "step_type", "step_name", "step_order", "status", "progress", "error_message",
        "details", "started_at", "completed_at",
    ]  # fmt: skip
    assert last["task_details"][0]["completed_at"].endswith("Z")
