import pytest

from documents.tests.files import parts_of
from documents.tests.reading import extract


@pytest.fixture
def read(tmp_path):
    """Write a file and read it: its elements' kinds and texts."""

    def run(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return parts_of(extract(path))

    return run


@pytest.fixture
def by_hand(monkeypatch, settings, tmp_path, embedder):
    """Files of the test's own, and nothing runs but what the test runs."""
    from tasks.tests.factories import send_nothing  # models are there only by now

    send_nothing(monkeypatch)
    settings.MEDIA_ROOT = tmp_path
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of its transaction
