"""`python -m notebook.stack`: runs everything that Notebook needs, until Ctrl-C."""

import argparse
import os
import signal
import sys
from pathlib import Path

from dotenv import load_dotenv

from notebook.stack.child import PROJECT_DIR, signal_when_orphaned
from notebook.stack.console import say
from notebook.stack.exceptions import StackError
from notebook.stack.supervisor import Options, supervise


def main() -> int:
    load_dotenv(PROJECT_DIR / ".env")
    try:
        supervise(read_options(sys.argv[1:]))
    except StackError as error:
        say(f"Error: {error}")
    except OSError as error:
        if not error.filename:
            raise
        say(f"Error: {error.filename} can't be used: {error.strerror}.")
    else:
        return 0
    return 1


def read_options(words: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m notebook.stack", description=__doc__)
    parser.add_argument("--no-web", action="store_true", help="process only, serve nothing")
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the caller is killed"
    )
    arguments = parser.parse_args(words)
    if arguments.stop_with_parent:
        signal_when_orphaned(signal.SIGTERM)
    data_dir = Path(os.environ.get("DATA_DIR") or PROJECT_DIR / ".data")
    host = os.environ.get("HOST") or "127.0.0.1"
    return Options(data_dir=data_dir, host=host, port=_port(), web=not arguments.no_web)


def _port() -> int:
    said = os.environ.get("PORT") or "8000"
    if not said.isdecimal() or not 0 < int(said) <= 65_535:
        raise StackError(f"PORT must be a number from 1 to 65535, not {said}.")
    return int(said)


if __name__ == "__main__":
    sys.exit(main())
