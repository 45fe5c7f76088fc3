"""Before anything starts to work with them, settings are checked."""

import os
import subprocess
import sys

from notebook.stack.child import PROJECT_DIR


def test_settings_that_contradict_each_other_are_refused_at_the_start():
    given = os.environ | {"CHUNK_OVERLAP": "300", "CHUNK_SIZE": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "notebook.stack.prepare"],
        cwd=PROJECT_DIR, env=given, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "CHUNK_OVERLAP must be under CHUNK_SIZE." in done.stderr
    assert "Traceback" not in done.stderr
