"""Reading and splitting, ours against others: ``python -m bench.extraction FOLDER``.

Ours is what a worker does: the reader in its sandbox, layout, then the splitter. The others only
extract text. All get the same files in turns of one run, so that other load on the machine affects
all alike: medians of the rounds, wall clock and processor time, and ratios. `make peers` installs
the others; missing ones are left out with a message.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pypdfium2

from bench.peers.extract import ONLY_PDF, TOOLS
from bench.program import Measured, NotInstalledError, Program

GROUPS = {
    "PDF": {".pdf"},
    "office and HTML": {".docx", ".htm", ".html", ".odt", ".pptx", ".xls", ".xlsx"},
    "plain text": {".csv", ".md", ".tsv", ".txt"},
}
OURS = "notebook"
LONG_PAGES, SHORT_PAGES = 352, 88
WARM_DOCUMENTS = 50  # after this many a worker's memory counts as settled
SAID_CHARACTERS = 20  # a file in which another tool finds more has text


@dataclass
class Tool:
    name: str
    program: Program
    turns: dict[str, list[Measured]] = field(default_factory=dict)  # by group
    peak_bytes: int = 0
    found: dict[Path, Any] = field(default_factory=dict)  # the last answer for each file

    def take_turn(self, group: str, files: Sequence[Path]) -> None:
        measured = self.program.ask(_request(files))
        self.turns.setdefault(group, []).append(measured)

    def warm_up(self, files: Sequence[Path]) -> None:
        measured = self.program.ask(_request(files), memory=True)
        self.peak_bytes = max(self.peak_bytes, measured.peak_bytes)
        self.found |= zip(files, measured.answer, strict=True)

    def characters(self, files: Sequence[Path]) -> int:
        return sum(characters(self.found[file]) for file in files)

    def read(self, files: Sequence[Path]) -> int:
        """In how many of the files it found text."""
        return sum(characters(self.found[file]) > 0 for file in files)

    def seconds(self, group: str) -> float:
        return statistics.median(turn.seconds for turn in self.turns[group])

    def cpu_seconds(self, group: str) -> float:
        return statistics.median(turn.cpu_seconds for turn in self.turns[group])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.extraction", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=500, help="for the drift of the memory")
    parser.add_argument("--peers", type=Path, default=Path(".venv/peers/bin/python"))
    arguments = parser.parse_args()
    groups = _grouped(arguments.folder)
    with contextlib.ExitStack() as running:
        tools = list(_start(arguments.peers.absolute(), running))
        for group, files in groups.items():
            _compare(group, files, tools, arguments.rounds)
        ours = tools[0]
        _print_silent(ours, tools[1:])
        _print_growth(ours, [file for files in groups.values() for file in files])
        if "PDF" in groups:
            _print_scaling(ours, groups["PDF"], arguments.rounds)
    if arguments.documents:
        _print_drift(arguments.documents, [file for files in groups.values() for file in files])


def characters(answer: Any) -> int:
    """In one answer; 0 if the answer is the name of an error."""
    if isinstance(answer, dict):
        return int(answer["characters"])
    return answer if isinstance(answer, int) else 0


def _request(files: Sequence[Path], **wishes: bool) -> dict[str, Any]:
    return {"paths": [str(file.resolve()) for file in files], **wishes}


def _grouped(folder: Path) -> dict[str, list[Path]]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    found = {
        group: [file for file in files if file.suffix.lower() in suffixes]
        for group, suffixes in GROUPS.items()
    }
    return {group: members for group, members in found.items() if members}


def _start(peers: Path, running: contextlib.ExitStack) -> Iterator[Tool]:
    here = Path(sys.executable)
    commands = [(OURS, here, ["bench.reader"])]
    for name in TOOLS:
        # The floor needs nothing that we do not have installed.
        python = here if name == "pypdfium2" else peers
        commands.append((name, python, ["bench.peers.extract", name]))
    for name, python, arguments in commands:
        try:
            program = Program(python, *arguments)
        except (FileNotFoundError, NotInstalledError) as error:
            print(f"{name}: left out, not installed ({error})")
        else:
            running.callback(program.close)
            yield Tool(name, program)


def _compare(group: str, files: list[Path], tools: list[Tool], rounds: int) -> None:
    takers = [tool for tool in tools if group == "PDF" or tool.name not in ONLY_PDF]
    for tool in takers:
        tool.warm_up(files)
    for _ in range(rounds):
        for tool in takers:
            tool.take_turn(group, files)
    print(f"\n{group}: {len(files)} files, {rounds} rounds\n")
    print(
        "| tool | files with text | characters | s | CPU s | characters/s | peak MB"
        " | times as long as ours | by CPU |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for tool in takers:
        print(_row(group, files, tool, takers[0]), flush=True)


def _row(group: str, files: list[Path], tool: Tool, ours: Tool) -> str:
    found, seconds, cpu = tool.characters(files), tool.seconds(group), tool.cpu_seconds(group)
    pairs = zip(tool.turns[group], ours.turns[group], strict=True)
    times = statistics.median(theirs.seconds / mine.seconds for theirs, mine in pairs)
    by_cpu = cpu / ours.cpu_seconds(group)
    return (
        f"| {tool.name} | {tool.read(files)} | {found:,} | {seconds:.2f} | {cpu:.2f}"
        f" | {found / seconds:,.0f} | {tool.peak_bytes / 1e6:.0f} | {times:.2f} | {by_cpu:.2f} |"
    )


def _print_silent(ours: Tool, others: list[Tool]) -> None:
    """Files without a chunk although another tool finds text in them."""
    silent = [
        file.name
        for file, answer in ours.found.items()
        if not (isinstance(answer, dict) and answer["chunks"])
        and any(characters(tool.found.get(file)) > SAID_CHARACTERS for tool in others)
    ]
    print(f"\nfiles with text and no chunk: {', '.join(silent) or 'none'}")


def _print_growth(ours: Tool, files: list[Path]) -> None:
    answers = ours.program.ask(_request(files, growth=True)).answer
    grown = [
        (answer["grown_bytes"] / 1e6, file.name)
        for file, answer in zip(files, answers, strict=True)
        if isinstance(answer, dict)
    ]
    most, name = max(grown)
    print(f"a warm worker grows by {most:.0f} MB at most, with {name}")


def _print_scaling(ours: Tool, files: list[Path], rounds: int) -> None:
    """Processor time per character of a long PDF against one with every fourth of its pages."""
    with tempfile.TemporaryDirectory() as folder:
        long, short = Path(folder, "long.pdf"), Path(folder, "short.pdf")
        pages = _bind(files, long, LONG_PAGES, 1)
        _bind(files, short, LONG_PAGES, LONG_PAGES // SHORT_PAGES)
        costs: dict[Path, list[float]] = {long: [], short: []}
        for file in [long, short] * rounds:
            # Enough repetitions to make the clock's ticks of 10 ms irrelevant.
            measured = ours.program.ask(_request([file] * (1 if file == long else 4)))
            read = sum(map(characters, measured.answer))
            costs[file].append(1e6 * measured.cpu_seconds / read)
    each = {file: statistics.median(found) for file, found in costs.items()}
    print(
        f"CPU a character: {each[long]:.2f} µs at {pages} pages, {each[short]:.2f} µs at"
        f" {pages // 4}: {each[long] / each[short]:.2f} times"
    )


def _bind(files: list[Path], to: Path, pages: int, step: int) -> int:
    """Make one PDF of the files' pages, repeating them as necessary."""
    made = pypdfium2.PdfDocument.new()
    with contextlib.ExitStack() as opened:
        sources = [opened.enter_context(pypdfium2.PdfDocument(file)) for file in files]
        every = cycle([(source, at) for source in sources for at in range(len(source))])
        for source, at in islice(every, 0, pages, step):
            made.import_pages(source, [at])
        made.save(to)
    return pages


def _print_drift(documents: int, files: list[Path]) -> None:
    """Memory of a worker and its readers after many documents, against after the first few."""
    program = Program(Path(sys.executable), "bench.reader")
    every = cycle(files)
    program.ask(_request(list(islice(every, WARM_DOCUMENTS))))
    before = program.memory_bytes()
    program.ask(_request(list(islice(every, documents - WARM_DOCUMENTS))))
    after = program.memory_bytes()
    program.close()
    print(
        f"a worker with its readers holds {before / 1e6:.0f} MB after {WARM_DOCUMENTS} documents,"
        f" {after / 1e6:.0f} MB after {documents}: {100 * (after / before - 1):+.1f} %"
    )


if __name__ == "__main__":
    main()
