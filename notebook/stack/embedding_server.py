"""The embedding server that needs no key and no network."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

from notebook.stack.child import Command
from notebook.stack.console import say
from notebook.stack.service import HOST, RunOnce, Service


class EmbeddingServer(Service):
    name = "embedder"
    given_by = ("EMBEDDING_BASE_URL", "OPENAI_API_KEY")
    start_seconds = 180  # the first start builds the model

    @property
    def variables(self) -> dict[str, str]:
        return {
            "EMBEDDING_BASE_URL": f"http://{HOST}:{self.port}/v1",
            "OPENAI_API_KEY": "local",  # the client requires one, this server does not
            "EMBEDDING_PASSAGE_MODEL": "e5-passage",
            "EMBEDDING_QUERY_MODEL": "e5-query",
            "EMBEDDING_DIMENSIONS": "384",
            "EMBEDDING_BATCH_SIZE": "16",  # about a second of work, so that progress is visible
        }

    @property
    def command(self) -> Command:
        arguments = [sys.executable, "-m", "notebook.stack.embedder", "--host", HOST]
        arguments += ["--port", str(self.port), "--cache-dir", str(self._cache)]
        return Command(name=self.name, arguments=arguments, background=True)

    async def prepare(self, run: RunOnce) -> None:
        if not any(self._cache.iterdir()):
            say("Preparing the embedding model (first start) ...")

    def is_ready(self) -> bool:
        url = f"http://{HOST}:{self.port}/health"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    @property
    def _cache(self) -> Path:
        return self.data_dir / "models"
