"""Settings as they are read from `.env` and the environment, in a process of their own."""

import json
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from notebook.stack.data_dir import locked, open_data_dir

PRICE = "EMBEDDING_PRICE_PER_MILLION_TOKENS"
STATEMENT = "DATABASE_STATEMENT_TIMEOUT_MS"
PROJECT = Path(__file__).resolve().parent.parent.parent
TELL = """
import json, os, sys
from notebook import settings
known = {name: getattr(settings, name, os.environ.get(name)) for name in sys.argv[1:]}
print(json.dumps(known | {"level": settings.LOGGING["root"]["level"]}, default=str))
"""


@pytest.fixture
def settings_of(tmp_path):
    """What a copy of Notebook with this `.env` and this environment takes for its settings."""
    ignored = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(PROJECT / "notebook", tmp_path / "notebook", ignore=ignored)
    shutil.copy(PROJECT / "CHANGELOG.md", tmp_path)  # which names the version

    def read(dotenv, *names, **environment):
        (tmp_path / ".env").write_text(dotenv)
        told = subprocess.run(
            [sys.executable, "-c", TELL, *names],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(told.stdout)

    return read


def test_comments_behind_values_are_no_part_of_them(settings_of, tmp_path):
    dotenv = "TASK_SLICE_SECONDS=3    # why\nDATA_DIR=kept # where\nADMIN_PASSWORD=a#b  # secret\n"
    found = settings_of(dotenv, "TASK_SLICE_SECONDS", "DATA_DIR", "ADMIN_PASSWORD")
    assert found["TASK_SLICE_SECONDS"] == 3
    assert found["DATA_DIR"] == str(tmp_path.resolve() / "kept")
    assert found["ADMIN_PASSWORD"] == "a#b"


def test_the_environment_wins_over_the_file(settings_of):
    found = settings_of("MAX_PAGES=7\nCHUNK_SIZE=99\n", "MAX_PAGES", "CHUNK_SIZE", MAX_PAGES="8")
    assert (found["MAX_PAGES"], found["CHUNK_SIZE"]) == (8, 99)


def test_with_https_browsers_are_told_of_this_host_alone(settings_of):
    names = [f"SECURE_HSTS_{name}" for name in ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")]
    found = settings_of("HTTPS=true\n", *names)
    assert [found[name] for name in names] == [31_536_000, None, None]


def test_every_line_of_the_example_can_be_used_as_it_is(settings_of):
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    dotenv = re.sub(r"^# (?=[A-Z_]+=)", "", example, flags=re.MULTILINE)
    names = re.findall(r"^([A-Z_]+)=", dotenv, re.MULTILINE)
    found = settings_of(dotenv, *names)
    assert [name for name, value in found.items() if "#" in str(value)] == []
    assert found["EMBEDDING_QUERY_MODEL"] == found["EMBEDDING_PASSAGE_MODEL"]
    assert found["CHUNK_SIZE"] == 256


def test_a_server_whose_variable_is_empty_is_that_of_the_running_stack(settings_of, tmp_path):
    data_dir, url = open_data_dir(tmp_path / "data"), "redis://:p@127.0.0.1:1/0"
    with locked(data_dir):
        shared = {"DATABASE_URL": "postgres://u:p@h/running", "REDIS_URL": url}
        (data_dir / "runtime.json").write_text(json.dumps(shared))
        dotenv = f"DATABASE_URL=\nREDIS_URL=\nDATA_DIR={data_dir}\n"
        found = settings_of(dotenv, "DATABASES", "REDIS_URL")
    assert found["DATABASES"]["default"]["NAME"] == "running"
    assert found["REDIS_URL"] == url


def test_an_address_that_is_left_empty_is_the_default(settings_of):
    names = ("DATABASE_URL", "REDIS_URL", "EMBEDDING_BASE_URL")
    wanted = ("DATABASES", *names[1:])
    assert settings_of("".join(f"{name}=\n" for name in names), *wanted) == settings_of("", *wanted)


def test_a_log_level_may_be_written_small(settings_of):
    assert settings_of("LOG_LEVEL=debug")["level"] == "DEBUG"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("MAX_PAGES=many", "MAX_PAGES must be a whole number."),
        ("MAX_PAGES=", "MAX_PAGES must be a whole number."),
        *(
            (f"SWEEP_SECONDS={wrong}", "SWEEP_SECONDS must be a number.")
            for wrong in ("soon", "60s", "1,5", "1-", "nan", "inf", "")
        ),
        *(
            (f"{PRICE}={price}", f"{PRICE} must be a number, and not under 0.")
            for price in ("cheap", "", "1,5", "NaN", "sNaN", "Infinity", "-0.01")
        ),
        ("HTTPS=ture", "HTTPS must be true or false."),
        ("LOG_JSON=none", "LOG_JSON must be true or false."),
        *(
            (f"TOKEN_TTL_HOURS={hours}", "TOKEN_TTL_HOURS must be from 1 to 1000000.")
            for hours in ("0", "-1", "1000001", "99999999999999999999")
        ),
        ("WORKER_CONCURRENCY=two", "WORKER_CONCURRENCY must be a whole number."),
        *(
            (f"WORKER_CONCURRENCY={slots}", "WORKER_CONCURRENCY must be from 1 to 1000.")
            for slots in ("0", "-1", "1001")
        ),
        (f"{STATEMENT}=-1", f"{STATEMENT} must be from 0 to 2147483647."),
        (f"{STATEMENT}=2147483648", f"{STATEMENT} must be from 0 to 2147483647."),
        ("LANGUAGE_CODE=xx", "LANGUAGE_CODE must be one of: en, zh-hans."),
        ("LANGUAGE_CODE=", "LANGUAGE_CODE must be one of: en, zh-hans."),
    ],
)
def test_what_can_not_be_used_is_told_by_its_name(settings_of, wrong, told):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        settings_of(wrong)
    assert failed.value.stderr.splitlines()[-1].endswith(f"ImproperlyConfigured: {told}")


@pytest.mark.parametrize("price", ["0", "0.02", "1e-2"])
def test_a_price_is_what_it_says(settings_of, price):
    assert Decimal(settings_of(f"{PRICE}={price}", PRICE)[PRICE]) == Decimal(price)


@pytest.mark.parametrize("code", ["en", "zh-hans", "zh-Hans"])
def test_a_language_may_be_written_in_any_case(settings_of, code):
    assert settings_of(f"LANGUAGE_CODE={code}", "LANGUAGE_CODE")["LANGUAGE_CODE"] == code.lower()


@pytest.mark.parametrize(("written", "meant"), [("2", 2), (" .5", 0.5), ("1e3", 1000)])
def test_a_number_is_what_it_says(settings_of, written, meant):
    assert settings_of("", "SWEEP_SECONDS", SWEEP_SECONDS=written)["SWEEP_SECONDS"] == meant


def test_yes_and_no_may_be_said_in_several_ways(settings_of):
    given = {"HTTPS": "On", "DEBUG": "1", "SECURE_SSL_REDIRECT": "no"}
    given["EMBEDDING_REUSE_ACROSS_OWNERS"] = ""
    assert [settings_of("", *given, **given)[name] for name in given] == [True, True, False, False]


def test_a_value_that_begins_with_a_dollar_is_the_name_of_no_other(settings_of):
    names = ("SECRET_KEY", "CHAT_API_KEY", "ALLOWED_HOSTS")
    found = settings_of("", *names, SECRET_KEY="$HOME", CHAT_API_KEY="$$a", ALLOWED_HOSTS="$b,c")
    assert [found[name] for name in names] == ["$HOME", "$$a", ["$b", "c"]]


@pytest.mark.parametrize("level", ["loud", ""])
def test_a_log_level_that_there_is_not_lets_the_checks_say_so(settings_of, level):
    assert settings_of(f"LOG_LEVEL={level}")["level"] == "INFO"


@pytest.mark.parametrize("size", [-1, 0, 2])
def test_no_pool_is_made_of_less_than_one_connection(settings_of, size):
    found = settings_of("", "DATABASES", DATABASE_POOL_SIZE=str(size))
    options = found["DATABASES"]["default"]["OPTIONS"]
    # Plans are kept with connections that are: another's pool may give each statement another one.
    assert ("pool" in options, "prepare_threshold" in options) == (size > 0, size > 0)
