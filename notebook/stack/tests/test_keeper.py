import asyncio
import sys

import pytest

from notebook.stack import keeper
from notebook.stack.child import Child, Command
from notebook.stack.data_dir import open_data_dir
from notebook.stack.exceptions import StackError
from notebook.stack.keeper import keep, pause_after


@pytest.fixture
def child(tmp_path):
    code = "import sys; print('no luck today'); sys.exit(7)"
    command = Command(name="unlucky", arguments=[sys.executable, "-S", "-c", code])
    return Child(command, data_dir=open_data_dir(tmp_path / "data"))


async def start_and_keep(child):
    await child.start()
    async with asyncio.timeout(30):
        await keep(child, start=child.start)


def test_pauses_grow_and_stay_bounded():
    assert [pause_after(deaths) for deaths in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_the_sixth_death_within_a_minute_is_the_last(child, capsys, monkeypatch):
    monkeypatch.setattr(keeper, "FIRST_PAUSE_SECONDS", 0.01)

    with pytest.raises(StackError) as end:
        asyncio.run(start_and_keep(child))

    assert str(end.value).startswith(
        "unlucky stopped 6 times within a minute, the last time: exit code 7. The end of its log, "
    )
    news = f"unlucky stopped (exit code 7); starting it again. Log: {child.log}\n"
    said = capsys.readouterr().out
    assert said.count(news) == 5
    assert said.startswith(f"{news}  no luck today\n")


def test_deaths_long_ago_are_forgiven(child, capsys, monkeypatch):
    monkeypatch.setattr(keeper, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "WINDOW_SECONDS", 0.005)  # shorter than one pause

    async def scenario():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await start_and_keep(child)
        await child.stop(grace=0)

    asyncio.run(scenario())
    assert capsys.readouterr().out.count("starting it again") > keeper.MAX_DEATHS
