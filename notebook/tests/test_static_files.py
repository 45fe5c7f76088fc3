"""The page's files as an image serves them: gathered by collectstatic."""

import gzip
from pathlib import Path

from django.core.management import call_command
from django.test import Client


def test_gathered_files_are_sent_compressed_to_those_who_take_it(settings, tmp_path):
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = str(tmp_path), False
    call_command("collectstatic", interactive=False, verbosity=0)
    written = Path(settings.BASE_DIR, "static/notebook/main.js").read_bytes()
    answer = Client(headers={"accept-encoding": "gzip"}).get("/static/notebook/main.js")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(b"".join(answer)) == written
    answer = Client().get("/static/notebook/main.js")
    assert "Content-Encoding" not in answer.headers
    assert b"".join(answer) == written
