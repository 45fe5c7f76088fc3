"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", ["openapi.yaml", "CHANGELOG.md"])
def test_the_version_is_written_once(name):
    from notebook.version import VERSION

    assert VERSION in (PROJECT / name).read_text(encoding="utf-8")
