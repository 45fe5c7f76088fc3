"""docker-compose.yml and Dockerfile keep their promises, as far as it shows without Docker."""

import re
import shlex
from importlib.util import find_spec

import pytest
import yaml
from django.conf import settings

from notebook.celery import app
from notebook.stack import processes
from notebook.stack.child import PROJECT_DIR

COMPOSE = yaml.safe_load((PROJECT_DIR / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "notebook")


def words(name):
    return shlex.split(SERVICES[name]["command"])


def test_compose_runs_every_process_that_the_supervisor_runs():
    assert OURS == ["beat", "embedder", "migrate", "sweeper", "web", "worker"]


def test_secrets_have_no_default():
    text = (PROJECT_DIR / "docker-compose.yml").read_text()
    uses = re.findall(r"\$\{((?:SECRET_KEY|POSTGRES_PASSWORD)[^}]*)\}", text)
    assert len(uses) == 3
    assert [use for use in uses if ":?" not in use] == []


def test_every_process_of_ours_gets_what_is_in_the_file():
    given = {name: service.get("env_file") for name, service in SERVICES.items()}
    expected = [{"path": ".env", "required": False}]
    assert given == {name: expected if name in OURS else None for name in SERVICES}


@pytest.mark.parametrize("name", OURS)
def test_the_file_moves_neither_folders_nor_servers(name):
    environment = SERVICES[name]["environment"]
    assert (environment["HOST"], environment["PORT"]) == ("0.0.0.0", "8000")
    assert (environment["DATA_DIR"], environment["STATIC_ROOT"]) == ("/data", "/app/staticfiles")
    assert environment["DATABASE_URL"].endswith("@postgres:5432/notebook")
    assert environment["REDIS_URL"] == "redis://valkey:6379/0"


def test_only_who_makes_the_first_user_knows_its_password():
    knows = [name for name in OURS if SERVICES[name]["environment"]["ADMIN_PASSWORD"]]
    assert knows == ["migrate"]


def test_only_the_web_server_is_published_and_only_to_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}


def test_the_same_processes_give_way_as_under_the_supervisor():
    giving = [name for name, service in SERVICES.items() if service.get("cpu_shares") == 341]
    assert giving == ["embedder", "worker"]
    assert processes.worker({}).background
    assert not processes.web({}, host="", port=0).background


@pytest.mark.parametrize("name", ["embedder", "migrate", "web"])
def test_modules_that_are_run_exist(name):
    python, flag, module = words(name)[:3]
    assert (python, flag) == ("python", "-m")
    assert find_spec(module)


def test_the_worker_is_started_as_the_supervisor_starts_it():
    own = processes.worker({})
    options = {word for word in own.arguments if word.startswith("-")} - {"-m"}
    assert {word for word in words("worker") if word.startswith("-")} == options
    environment = SERVICES["worker"]["environment"]
    assert own.variables.items() <= environment.items()


def test_a_worker_has_as_many_slots_as_the_setting_however_it_is_started():
    assert app.conf.worker_concurrency == settings.WORKER_CONCURRENCY
    assert "--concurrency" not in processes.worker({}).arguments


def test_images_are_pinned():
    images = [service["image"] for service in SERVICES.values() if service["image"] != "notebook"]
    images += re.findall(r"^FROM (\S+)", (PROJECT_DIR / "Dockerfile").read_text(), re.MULTILINE)
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


def test_docker_and_make_install_with_the_same_uv():
    dockerfile = (PROJECT_DIR / "Dockerfile").read_text()
    makefile = (PROJECT_DIR / "Makefile").read_text()
    version = re.search(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)[1]
    assert f"uv=={version}\n" in dockerfile
