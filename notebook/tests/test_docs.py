"""What the documents say is what the code does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rest_framework import exceptions

from tasks.exceptions import StepError, TaskError
from tasks.sentences import errors

PROJECT = Path(__file__).resolve().parent.parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def read_by_code():
    sources = [PROJECT / "notebook" / "settings.py", *PROJECT.glob("notebook/stack/*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    by_settings = re.findall(r"""env\.\w+\(\s*["']([A-Z_]+)["']""", text)
    return {
        *by_settings,
        *re.findall(r"""environ\.get\(["']([A-Z_]+)["']""", text),
        "ADMIN_PASSWORD",
    }


def test_the_example_file_names_every_variable_and_no_other():
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE)) == read_by_code()


def test_every_path_of_the_schema_is_in_the_readme():
    schema = (PROJECT / "openapi.yaml").read_text(encoding="utf-8")
    paths = re.findall(r"^  (/api/\S+):", schema, re.MULTILINE)
    assert paths
    for path in paths:
        last = path.rstrip("/").rpartition("/")[2]
        assert path in README or f"/{last}/`" in README, path


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (PROJECT / target).exists(), target


NO_ANSWER = {"document_error"}  # what all errors of documents are, and none alone
APART = {"tests", "extraction"}  # readers raise errors of documents, which `errors` knows
ROOMS = ("notebook", "documents", "tasks")
BY_COMMANDS = {"space_in_use", "switch_running"}


def codes_of_the_code():
    """Of what is raised, of what is answered without that, and of what DRF raises by itself."""
    every = (path for room in ROOMS for path in (PROJECT / room).rglob("*.py"))
    ours = [path for path in every if not APART & {*path.parts}]
    text = "\n".join(path.read_text(encoding="utf-8") for path in ours)
    answered = re.findall(
        r"""(?:HTTPStatus\.[A-Z_]+|\b[45]\d\d|\(status)(?:,|:)\s*\(?"([a-z_]+)\"""", text
    )
    raised = re.findall(r"""\b(?:default_)?code\s*=\s*"([a-z_]+)\"""", text)
    drf = [each.default_code for each in vars(exceptions).values() if is_raised_by_drf(each)]
    errors_of_ours = [each.code for each in errors(TaskError) if ".tests." not in each.__module__]
    return {*answered, *raised, *drf, *errors_of_ours}


def is_raised_by_drf(each):
    kinds = (exceptions.APIException, exceptions.Throttled)  # nothing of ours is throttled by it
    return (
        isinstance(each, type) and issubclass(each, exceptions.APIException) and each not in kinds
    )


def told_codes(section):
    told = (PROJECT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\|.*", told.partition(f"## {section}")[2].partition("\n## ")[0], re.MULTILINE
    )
    column = 2 if section == "Of requests" else 1
    return {code for row in rows for code in re.findall(r"`([a-z_]+)`", row.split("|")[column])}


def test_every_code_of_an_error_is_told_and_no_other():
    asked = (PROJECT / "docs" / "ask.md").read_text(encoding="utf-8")
    by_chat = set(re.findall(r"`(chat_[a-z_]+)`", asked)) | {"chat_error"}
    found = codes_of_the_code() - NO_ANSWER - BY_COMMANDS - by_chat
    assert {"invalid", "request_too_large", "parse_error", "daily_budget"} <= found
    told = told_codes("Of requests") | told_codes("Of documents")
    assert told - by_chat == found


OF_REQUESTS_ALONE = {"nothing_quoted", "planner_busy"}


def test_every_code_that_a_document_may_fail_with_is_told():
    codes = {each.code for each in errors(StepError) if ".tests." not in each.__module__}
    codes -= NO_ANSWER | BY_COMMANDS | OF_REQUESTS_ALONE
    assert {code for code in codes if not code.startswith("chat_")} <= told_codes("Of documents")


def retries_told():
    """What the last column says of each code of a document."""
    told = (PROJECT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in told.splitlines() if line.startswith("| `")]
    return {
        code: last.strip() for codes, _, last in rows for code in re.findall(r"`([a-z_]+)`", codes)
    }


def test_the_page_offers_no_retry_of_what_the_docs_say_it_cannot_help():
    advice = (PROJECT / "static" / "notebook" / "advice.js").read_text(encoding="utf-8")
    named = re.search(r"ONLY_ANOTHER_FILE = new Set\(\[(.*?)\]\)", advice, re.DOTALL)
    told = retries_told()
    assert told.keys() == told_codes("Of documents")
    assert set(told.values()) == {"yes", "no", "PDFs and pictures", "–"}
    assert {code for code, retry in told.items() if retry == "no"} == set(
        re.findall(r'"([a-z_]+)"', named[1])
    )
    assert [code for code, retry in told.items() if retry.startswith("PDFs")] == ["no_text"]


@pytest.mark.parametrize("name", ["openapi.yaml", "CHANGELOG.md"])
def test_the_version_is_written_once(name):
    from notebook.version import VERSION

    assert VERSION in (PROJECT / name).read_text(encoding="utf-8")


def test_the_soak_can_be_started_where_nobody_set_django_up():
    shell = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    command = [sys.executable, "-m", "chaos.soak", "--help"]
    subprocess.run(command, cwd=PROJECT, env=shell, check=True, stdout=subprocess.DEVNULL)
