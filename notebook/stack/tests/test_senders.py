"""Who sends a large body while nobody can look whether they are signed in."""

import json
import os
import subprocess
import sys

from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port
from notebook.stack.tests.stack_process import wait_until
from notebook.stack.tests.test_web import MB, answer, connect, head, listens


def test_without_the_database_a_large_body_is_not_taken(tmp_path):
    port = free_port()
    away = {"DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_port()}/nothing"}
    environment = os.environ | away | {"SECRET_KEY": "x" * 50, "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "notebook.stack.web", "--port", str(port)]
    with subprocess.Popen(command, cwd=PROJECT_DIR, env=environment) as process:
        try:
            wait_until(lambda: listens(port))
            with connect((process, port)) as connection:
                connection.sendall(head(f"Content-Length: {3 * MB}"))
                status, said = answer(connection)
        finally:
            process.terminate()
    assert (status, json.loads(said)["code"]) == (503, "database_unavailable")
