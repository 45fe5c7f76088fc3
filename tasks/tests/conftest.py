from importlib import import_module

import pytest


@pytest.fixture
def script(monkeypatch):
    """A pipeline whose steps do what a test says; nothing reaches a broker."""
    factories = import_module("tasks.tests.factories")  # there are no settings yet out there
    factories.send_nothing(monkeypatch)
    found = factories.Script()
    factories.register(found)
    return found
