import asyncio
import sys

import pytest

from notebook.stack import keeper
from notebook.stack.child import Child, Command
from notebook.stack.data_dir import open_data_dir
from notebook.stack.exceptions import StackError
from notebook.stack.keeper import keep, pause_after


@pytest.fixture
def unlucky(tmp_path, monkeypatch):
    """Makes a child that ends with an error as soon as it starts."""
    monkeypatch.setattr(keeper, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "LONGEST_PAUSE_SECONDS", 0.02)

    def child(**choices):
        code = "import sys; print('no luck today'); sys.exit(7)"
        command = Command(name="unlucky", arguments=[sys.executable, "-S", "-c", code], **choices)
        return Child(command, data_dir=open_data_dir(tmp_path / "data"))

    return child


async def start_and_keep(child, *, times=100):
    """Keep it until it would be started for that time; EnoughError then."""
    starts = 0

    async def start():
        nonlocal starts
        starts += 1
        if starts == times:
            raise EnoughError
        await child.start()

    await start()
    async with asyncio.timeout(30):
        await keep(child, start=start)


class EnoughError(Exception):
    pass


def news(child):
    return f"unlucky stopped (exit code 7); starting it again. Log: {child.log}\n"


def test_pauses_grow_with_quick_deaths_and_stay_bounded():
    assert [pause_after(deaths) for deaths in range(8)] == [0.5, 0.5, 1, 2, 4, 8, 8, 8]


def test_six_quick_deaths_of_a_vital_child_end_the_stack(unlucky, capsys):
    child = unlucky()
    with pytest.raises(StackError) as end:
        asyncio.run(start_and_keep(child))
    assert str(end.value).startswith("unlucky does not stay up: exit code 7. The end of its log, ")
    said = capsys.readouterr().out
    assert said.count(news(child)) == 5
    assert said.startswith(f"{news(child)}  no luck today\n")


def test_any_other_child_is_tried_again_while_the_rest_goes_on(unlucky, capsys):
    child = unlucky(vital=False)
    with pytest.raises(EnoughError):
        asyncio.run(start_and_keep(child, times=10))
    said = capsys.readouterr().out
    assert said.count(news(child)) == 5
    assert said.count("unlucky does not stay up: exit code 7.") == 1
    assert "The rest works on; it is started again every 0 s." in said


def test_a_vital_child_is_tried_again_while_its_disk_is_full(unlucky, monkeypatch):
    monkeypatch.setattr(Child, "starves", lambda self: True)
    with pytest.raises(EnoughError):
        asyncio.run(start_and_keep(unlucky(), times=10))


def test_who_was_healthy_is_started_again_however_often_it_dies(unlucky, capsys, monkeypatch):
    monkeypatch.setattr(keeper, "QUICK_SECONDS", 0)
    child = unlucky()
    with pytest.raises(EnoughError):
        asyncio.run(start_and_keep(child, times=10))
    assert capsys.readouterr().out.count(news(child)) == 9
