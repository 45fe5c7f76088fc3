"""From upload to searchable, ours against others: ``python -m bench.pipeline FOLDER``.

Ours is the whole stack: the real API, broker, worker processes, Postgres. The others are pipelines
as their own documentation shows them, each in one process, called directly and without an API;
`make peers` installs them. The floor is the least that reads, splits, embeds and stores. All get
the same files, the same embedding server, which answers at once, and the same Postgres, in turns of
one run. Processor time is that of all processes including Postgres, but not the embedding server.
"""

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path

import pypdfium2

from bench.program import Measured, NotInstalledError, Program, cpu_seconds
from bench.stack import Stack, running_stack
from bench.vectors import embedding_stub

DIMENSIONS = 384
OURS = "notebook"
PEERS = ("haystack_pgvector", "langchain_pgvector", "llamaindex_pgvector", "plain_unstructured")
SMALL_DOCUMENTS, LATENCIES, PAGES = 60, 40, 5
WARM_UP = 10  # documents
IDLE_SECONDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only-overhead", action="store_true", help="no others, no second stack")
    parser.add_argument("--peers", type=Path, default=Path(".venv/peers/bin/python"))
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # it takes minutes
    files = sorted(path for path in arguments.folder.iterdir() if path.is_file())
    with embedding_stub(DIMENSIONS) as url:
        with running_stack(
            embedding_url=url, dimensions=DIMENSIONS, workers=arguments.workers
        ) as stack:
            stack.process(files)  # warm-up
            stack.forget()
            _print_overhead(stack)
            _print_latency(stack, files)
            if arguments.only_overhead:
                return
            _compare(stack, files, url, arguments.peers.absolute(), arguments.rounds)
        _print_scaling(files, url, arguments.workers, arguments.rounds)


def _print_overhead(stack: Stack) -> None:
    """One-sentence documents: what they cost, and how much of that is not their steps' own work."""
    before, started = stack.cpu(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    idle = _difference(stack.cpu(), before)
    idle_rate = {name: used / (time.perf_counter() - started) for name, used in idle.items()}
    before, started = stack.cpu(), time.perf_counter()
    for number in range(SMALL_DOCUMENTS):
        _upload_note(stack, number)
    _until_done(stack)
    seconds = time.perf_counter() - started
    each = {
        name: 1000 * max(0, used - idle_rate[name] * seconds) / SMALL_DOCUMENTS
        for name, used in _difference(stack.cpu(), before).items()
    }
    parts = ", ".join(f"{name} {milliseconds:.0f}" for name, milliseconds in each.items())
    whole, own = sum(each.values()), _own_work(stack)
    print(
        f"CPU of a document of one sentence: {whole:.0f} ms ({parts}),"
        f" its steps' own work {own:.0f} ms, around it {whole - own:.0f} ms"
    )
    print(f"CPU at rest: {1000 * sum(idle_rate.values()):.0f} ms a second")
    stack.forget()


def _upload_note(stack: Stack, number: int) -> str:
    """Its task."""
    note = f"This is the note number {number} of the day."
    return str(stack.upload(f"{number}.txt", note.encode())["task"]["id"])


def _own_work(stack: Stack) -> float:
    """Milliseconds of CPU of the steps of such a document, run in a process beside the worker's."""
    worker, count = stack.part("worker"), WARM_UP + SMALL_DOCUMENTS
    worker.suspend()
    try:
        tasks = [_upload_note(stack, SMALL_DOCUMENTS + number) for number in range(count)]
        program = Program(Path(sys.executable), "bench.own_work", environment=stack.environment)
        with contextlib.closing(program):
            program.ask(tasks[:WARM_UP])
            seconds: float = program.ask(tasks[WARM_UP:]).answer
    finally:
        worker.resume()
    return 1000 * seconds / SMALL_DOCUMENTS


def _until_done(stack: Stack) -> None:
    stack.process([])


def _difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def _print_latency(stack: Stack, files: Sequence[Path]) -> None:
    """A short PDF alone on an idle stack: answered, first event at the socket, searchable."""
    source = max((file for file in files if file.suffix == ".pdf"), key=_pages, default=None)
    if source is None:
        return
    found: dict[str, list[float]] = {"answer": [], "first event": [], "searchable": []}
    with stack.listening() as follow:
        for number, content in enumerate(islice(_short_pdfs(source), LATENCIES)):
            started = time.perf_counter()
            document = stack.upload(f"{number}.pdf", content)
            found["answer"].append(time.perf_counter() - started)
            seen = follow(document["id"])
            found["first event"].append(seen[0] - started)
            found["searchable"].append(seen[-1] - started)
    for name, seconds in found.items():
        p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(
            f"a PDF of {PAGES} pages, {name}: p50 {1000 * p50:.0f} ms, p95 {1000 * p95:.0f} ms"
            f" ({len(seconds)} uploads)"
        )
    stack.forget()


def _pages(file: Path) -> int:
    with pypdfium2.PdfDocument(file) as document:
        return len(document)


def _short_pdfs(source: Path) -> Iterator[bytes]:
    """PDFs of PAGES pages, each from a different place of a long one."""
    with pypdfium2.PdfDocument(source) as document:
        for start in range(len(document)):
            made, content = pypdfium2.PdfDocument.new(), BytesIO()
            pages = [(start + each) % len(document) for each in range(PAGES)]
            made.import_pages(document, pages)
            made.save(content)
            yield content.getvalue()


def _compare(stack: Stack, files: list[Path], url: str, peers: Path, rounds: int) -> None:
    turns: dict[str, list[Measured]] = {OURS: []}
    steps: dict[str, float] = {}
    paths = {"paths": [str(file.resolve()) for file in files]}
    with contextlib.ExitStack() as running:
        programs = _start(stack, url, peers, running)
        for program in programs.values():
            program.ask({"paths": paths["paths"][:4]})  # warm-up: imports, connections
        for _ in range(rounds):
            turns[OURS].append(stack.process(files))
            steps = {
                name: steps.get(name, 0) + seconds for name, seconds in stack.step_seconds().items()
            }
            stack.forget()
            for name, program in programs.items():
                turns.setdefault(name, []).append(_with_postgres(stack, program, paths))
    _print_table(turns, len(files))
    whole = sum(steps.values())
    shares = ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in steps.items())
    print(f"\nof the time in steps: {shares}")


def _start(
    stack: Stack, url: str, peers: Path, running: contextlib.ExitStack
) -> dict[str, Program]:
    with stack.database() as database:
        database.execute("CREATE DATABASE peers")
    there = stack.database_url.rpartition("/")[0] + "/peers"
    given = {"BENCH_EMBEDDING_URL": url, "BENCH_DATABASE_URL": there}
    programs = {}
    for name in ("floor", *PEERS):
        python = Path(sys.executable) if name == "floor" else peers
        try:
            program = Program(python, f"bench.peers.{name}", environment=given)
        except (FileNotFoundError, NotInstalledError) as error:
            print(f"{name}: left out, not installed ({error})")
        else:
            running.callback(program.close)
            programs[name] = program
    return programs


def _with_postgres(stack: Stack, program: Program, request: object) -> Measured:
    before = cpu_seconds(stack.part("postgres"))
    found = program.ask(request)
    used = cpu_seconds(stack.part("postgres")) - before
    return Measured(found.answer, found.seconds, found.cpu_seconds + used)


def _print_table(turns: dict[str, list[Measured]], files: int) -> None:
    print("\n| | documents | chunks | s | CPU s | documents/s | chunks/s | times ours | by CPU |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, found in turns.items():
        last, seconds = found[-1].answer, statistics.median(turn.seconds for turn in found)
        cpu = statistics.median(turn.cpu_seconds for turn in found)
        pairs = list(zip(found, turns[OURS], strict=True))
        times = statistics.median(theirs.seconds / ours.seconds for theirs, ours in pairs)
        by_cpu = statistics.median(theirs.cpu_seconds / ours.cpu_seconds for theirs, ours in pairs)
        print(
            f"| {name} | {files - len(last['failed'])} | {last['chunks']:,} | {seconds:.1f}"
            f" | {cpu:.1f} | {files / seconds:.2f} | {last['chunks'] / seconds:.0f}"
            f" | {times:.2f} | {by_cpu:.2f} |"
        )
    for name, found in turns.items():
        for file, reason in found[-1].answer["failed"].items():
            print(f"\n{name} failed on {file}: {reason}")


def _print_scaling(files: list[Path], url: str, workers: int, rounds: int) -> None:
    """The same files with all workers and with one, in turns between two stacks."""
    start = partial(running_stack, embedding_url=url, dimensions=DIMENSIONS)
    with start(workers=workers) as many, start(workers=1) as one:
        seconds: dict[str, list[float]] = {"many": [], "one": []}
        for turn in range(rounds + 1):  # the first is the warm-up
            for name, stack in (("many", many), ("one", one)):
                measured = stack.process(files)
                stack.forget()
                if turn:
                    seconds[name].append(measured.seconds)
    ratios = [one / many for one, many in zip(seconds["one"], seconds["many"], strict=True)]
    print(
        f"\n{workers} workers {statistics.median(seconds['many']):.1f} s, one"
        f" {statistics.median(seconds['one']):.1f} s: {statistics.median(ratios):.2f} times as fast"
    )


if __name__ == "__main__":
    main()
