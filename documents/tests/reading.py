"""Reads a file as the worker does."""

from documents.extraction.types import detect
from documents.steps.extract import extract_text
from documents.tests.files import LIMITS


def extract(
    path,
    *,
    report=lambda done, total: None,
    should_stop=lambda: False,
    limits=LIMITS,
    content_type="",
):
    return extract_text(
        path,
        content_type=content_type or detect(path, path.name, libreoffice=limits.libreoffice),
        name=path.name,
        limits=limits,
        report=report,
        should_stop=should_stop,
    )
