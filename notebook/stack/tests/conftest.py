import pytest

from notebook.stack.tests.stack_process import CHOICES


@pytest.fixture
def no_services_given(monkeypatch):
    """An environment that names no service, so that all of them are embedded."""
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
