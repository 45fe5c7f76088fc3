import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from documents import pipeline
from documents.exceptions import (
    CorruptFile,
    FileMissing,
    ReaderCrashed,
    ReaderOutOfMemory,
    ReaderTimeout,
    ReadingStopped,
)
from documents.extraction.sandbox import client as module
from documents.extraction.sandbox.client import Sandbox
from documents.tests.files import LIMITS
from documents.tests.reading import extract

UNRULY = "documents.tests.unruly_readers"


@pytest.fixture(scope="module")
def unruly():
    sandbox = Sandbox(readers=UNRULY)
    yield sandbox
    sandbox.close()


@pytest.fixture
def do(unruly, tmp_path):
    """Have the unruly readers do something; the text they return."""

    def run(deed, **options):
        path = tmp_path / f"{uuid.uuid4()}.txt"  # threads may ask at the same time
        path.write_text(deed)
        options.setdefault("limits", LIMITS)
        return unruly.read(path, content_type="text/plain", name="deed.txt", **options).text

    return run


def gone(pid):
    """Whether the process ends within ten seconds; a zombie has ended."""
    deadline = time.monotonic() + 10
    while (alive := is_alive(pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive


def is_alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_readers_share_the_processor_time_of_their_worker(do):
    """A session of their own would get as much as the worker's, or the web server's."""
    server = int(do("server"))
    assert os.getsid(server) == os.getsid(0)
    assert os.getpgid(server) == server, "and are not stopped by a Ctrl-C for the worker"


def test_progress_arrives_in_order_while_the_file_is_read(do):
    reported = []
    do("progress", report=lambda done, total: reported.append((done, total)))
    assert reported == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("deed", ["segfault", "abort", "exit", "leave", "recurse"])
def test_a_reader_that_dies_fails_its_file_alone_and_the_server_lives(do, deed):
    server = do("server")
    with pytest.raises(ReaderCrashed):
        do(deed)
    assert do("server") == server


def test_an_error_of_the_file_comes_back_as_it_was_raised(do):
    with pytest.raises(CorruptFile, match=r"^Page 3 is damaged\.$"):
        do("corrupt")


def test_a_file_that_was_deleted_meanwhile_is_missing_and_no_fault_of_the_reader(do, caplog):
    with pytest.raises(FileMissing):
        do("vanish")
    assert caplog.records == []


def test_memory_is_limited(do):
    with pytest.raises(ReaderOutOfMemory):
        do("fill_memory")


def test_files_that_a_reader_writes_are_limited(do):
    with pytest.raises(ReaderCrashed):
        do("write")


@pytest.mark.parametrize("deed", ["hang", "burn"])
def test_a_reader_that_takes_too_long_is_killed(do, deed):
    with pytest.raises(ReaderTimeout, match="longer than 1 seconds"):
        do(deed, limits=replace(LIMITS, seconds=0.6))


def test_a_stop_kills_the_reader_at_once(do):
    pids = []
    with pytest.raises(ReadingStopped):
        do("hang", report=lambda pid, _: pids.append(pid), should_stop=lambda: bool(pids))
    assert gone(pids[0])


def test_an_error_in_report_kills_the_reader_and_is_passed_on(do):
    pids = []

    def fail(pid, _):
        pids.append(pid)
        raise KeyError("fenced")

    with pytest.raises(KeyError, match="fenced"):
        do("hang", report=fail)
    assert gone(pids[0])


def test_processes_that_leave_the_readers_group_are_killed_with_it(do):
    pids = []
    do("escape", report=lambda pid, _: pids.append(pid))
    assert gone(pids[0])


@pytest.mark.parametrize("deed", ["connect", "connect_from_a_program"])
def test_readers_reach_no_network(do, deed):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        try:
            refused = do(f"{deed} {server.getsockname()[1]}") != "0"
        except ReaderCrashed:
            refused = True
        with pytest.raises(TimeoutError):
            server.accept()
    assert refused


def test_programs_get_no_socket_where_there_is_no_network_namespace():
    connect = "import socket; socket.create_connection(('127.0.0.1', {}), timeout=5)"
    code = """
import subprocess, sys
from documents.extraction.sandbox import confine
confine._enter_empty_network = lambda: None
confine.leave_network()
done = subprocess.run([sys.executable, "-c", sys.argv[1]], stderr=subprocess.PIPE, text=True)
print(done.stderr)
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        command = [sys.executable, "-c", code, connect.format(server.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        with pytest.raises(TimeoutError):
            server.accept()
    assert "PermissionError" in done.stdout


def test_readers_see_none_of_our_settings(do, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert not {"SECRET_KEY", "HTTPS_PROXY", "DATABASE_URL"} & set(eval(do("environment")))


def test_each_reading_has_a_folder_that_is_removed(do):
    first, second = do("folder"), do("folder")
    assert first != second
    assert not Path(first).exists()


def test_a_dead_server_is_replaced_and_leaves_no_zombie(do):
    server = int(do("server"))
    os.kill(server, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (there := Path(f"/proc/{server}").exists()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not there
    assert int(do("server")) != server


def fork_after(former, server):
    """The one child of an idle server, once it is another than that."""
    children = Path(f"/proc/{server}/task/{server}/children")
    deadline = time.monotonic() + 10
    while (found := children.read_text().strip()) in ("", former):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_fork_waits_for_the_next_file_and_one_that_is_gone_is_replaced(do):
    server = do("server")
    former = do("self")
    waiting = fork_after(former, server)
    assert do("self") == waiting
    killed = int(fork_after(waiting, server))
    os.kill(killed, signal.SIGKILL)
    assert gone(killed)
    assert do("server") == server


def test_threads_take_turns(do):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(do("server"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert len(set(answers)) == 1


def test_nothing_survives_a_worker_that_is_killed(tmp_path):
    path = tmp_path / "deed.txt"
    path.write_text("hang")
    code = f"""
from pathlib import Path
from documents.extraction.sandbox.client import Sandbox
from documents.tests.files import LIMITS
def report(pid, _):
    status = Path(f"/proc/{{pid}}/status").read_text()
    print(pid, status.split("PPid:")[1].split()[0], flush=True)
path = Path({str(path)!r})
Sandbox({UNRULY!r}).read(path, content_type="", name="", limits=LIMITS, report=report)
"""
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    reader, server = map(int, worker.stdout.readline().split())
    worker.kill()
    worker.communicate()
    assert gone(reader)
    assert gone(server)


def test_a_process_has_one_sandbox_and_a_fork_gets_its_own():
    ours = module.sandbox()
    assert module.sandbox() is ours
    pid = os.fork()
    if pid == 0:
        os._exit(module.sandbox() is ours)
    assert os.waitpid(pid, 0)[1] == 0


PROSE = "The ferry leaves at noon. It returns at five, when the tide allows it. " * 6


def test_a_short_text_is_split_alike_with_and_without_the_sandbox(tmp_path, monkeypatch):
    path = tmp_path / "guide.md"
    parts = (f"## {n}\n\n{PROSE}\n\n| a | b |\n|---|---|\n| {n} | 2 |" for n in range(40))
    path.write_text("# Guide\n\n" + "\n\n".join(parts))
    extracted = extract(path)
    elements = json.dumps([pipeline.fields_of(each) for each in extracted.elements])
    found = []
    for short in (0, len(extracted.text)):
        monkeypatch.setattr(pipeline, "_SHORT", short)
        options = {"chunk_size": 64, "chunk_overlap": 16, "chunk_strategy": "by_title"}
        found.append(
            pipeline.passages_of(extracted.text, elements, options, should_stop=lambda: False)
        )
    assert found[0] == found[1]
    assert len(found[0]) > 40
