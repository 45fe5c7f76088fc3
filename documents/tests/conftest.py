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
