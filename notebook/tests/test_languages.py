"""Whatever a person reads is there in both languages."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from string import Formatter

import polib
import pytest
from axes.models import AccessAttempt, AccessLog
from django.urls import reverse
from django.utils import translation
from django_celery_results.models import TaskResult
from knox.models import AuthToken
from lxml import html

from documents.exceptions import (
    EmbeddingDown,
    ImageTooLarge,
    TooMuchText,
    UnsupportedButHelpable,
    UnsupportedType,
)
from notebook.models import ApiToken
from tasks import events, services
from tasks.admin import details
from tasks.exceptions import TaskError, WorkerLost, WrongState
from tasks.models import OutboxMessage, Task, TaskDetail
from tasks.sentences import TRIES_AGAIN, errors, templates, translated
from tasks.tests.factories import Script, make_document, make_task, register, send_nothing

PROJECT = Path(__file__).resolve().parent.parent.parent
CHINESE = PROJECT / "locale" / "zh_Hans" / "LC_MESSAGES"
READ = ("notebook", "documents", "tasks", "templates", "locale")
IN_SCRIPTS = re.compile(r'\btn?\(\s*"((?:[^"\\]|\\.)*)"')


def catalogue(name="django"):
    return polib.pofile(CHINESE / f"{name}.po")


def untranslated(entries):
    return [e.msgid for e in entries if e.fuzzy or not (e.msgstr or e.msgstr_plural)]


@pytest.mark.skipif(
    not shutil.which("xgettext") and not os.environ.get("CI"), reason="gettext is not installed"
)
def test_makemessages_finds_nothing_untranslated(tmp_path):
    ignored = shutil.ignore_patterns("tests", "__pycache__")
    for name in READ:
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "zh_Hans"]
    bare = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([*command, "--no-location"], cwd=tmp_path, env=bare, check=True)
    found = polib.pofile(tmp_path / CHINESE.relative_to(PROJECT) / "django.po")
    assert len(found) > 80
    assert untranslated(e for e in found if not e.obsolete) == []


def test_the_pages_scripts_say_nothing_untranslated():
    scripts = (PROJECT / "static" / "notebook").rglob("*.js")
    said = {text for path in scripts for text in IN_SCRIPTS.findall(path.read_text("utf-8"))}
    known = {entry.msgid for entry in catalogue("djangojs")}
    assert len(said) > 80
    assert said - known - {"Page {page}"} == set()  # an example in a comment
    assert untranslated(catalogue("djangojs")) == []


def test_what_a_step_finds_out_is_told_in_chinese():
    readers = (PROJECT / "documents" / "extraction").rglob("*.py")
    texts = [path.read_text("utf-8") for path in readers]
    named = re.compile(r'\b(?:details|found)\["(\w+)"\] \+?= ')
    keys = {key for text in texts for key in named.findall(text)} - {"picture"}
    assert {"encoding", "sheets", "dropped_repeats", "hidden_slides"} < keys
    keys |= {"comments", "endnotes", "footnotes", "pictures"}  # Word's are named by its parts
    with translation.override("zh-hans"):
        assert [key for key in keys if details._label(key).isascii()] == []
    page = PROJECT / "static" / "notebook"
    said = (page / "status.js").read_text() + (page / "views" / "quality.js").read_text()
    lists = {"attachments", "links", "page_labels"}  # too long for a line
    assert [key for key in keys - lists if not re.search(rf"\b{key}\b", said)] == []


def test_each_error_has_its_sentence_in_chinese_with_the_same_values():
    chinese = {entry.msgid: entry.msgstr for entry in catalogue()}
    of_tests = {e.__doc__ for e in errors(TaskError) if ".tests." in e.__module__}
    ours = templates() - of_tests
    assert ours - set(chinese) == set()
    for template in ours:
        assert names(template) == names(chinese[template]), template
        # The values come from the English sentence, written already.
        assert not any(spec for *_, spec, _ in Formatter().parse(chinese[template])), template


def names(template):
    return {name for _, name, *_ in Formatter().parse(template) if name}


def test_no_error_is_raised_with_a_sentence_that_translators_do_not_see():
    kinds = {kind.__name__ for kind in errors(TaskError)} | {"StepPaused"}
    sources = [
        path
        for room in ("documents", "tasks", "notebook")
        for path in (PROJECT / room).rglob("*.py")
    ]
    calls = [
        (path.name, node.lineno, node.func.id)
        for path in sources
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds
        for argument in node.args
        if isinstance(argument, ast.JoinedStr | ast.Constant) and not is_number(argument)
    ]
    assert calls == []


def is_number(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


@pytest.mark.parametrize("name", ["django", "djangojs"])
def test_what_is_compiled_is_what_is_written(name):
    compiled = {entry.msgid: entry.msgstr for entry in polib.mofile(CHINESE / f"{name}.mo")}
    assert compiled == {entry.msgid: entry.msgstr for entry in catalogue(name)}


@pytest.mark.parametrize(
    ("error", "chinese"),
    [
        (UnsupportedType(), "不支持此类型的文件。"),
        (UnsupportedButHelpable(hint="the file is damaged"), "不支持此类型的文件（文件已损坏）。"),
        (ImageTooLarge(megapixels=120.4, limit=100), "图片有 120 百万像素，上限为 100。"),
        (TooMuchText(limit=1234567), "文档文字超过 1,234,567 个字符。"),
        (WorkerLost(tries=3), "工作进程在此步骤中途停止了 3 次。"),
        (WrongState(status="cancelled"), "任务状态为“已取消”，现在无法执行此操作。"),
        (WrongState("The task has no step left to run."), "该任务没有剩余步骤可运行。"),
        (WrongState("A sentence of nobody's."), "A sentence of nobody's."),
    ],
)
def test_an_error_is_told_in_the_language_of_who_reads_it(error, chinese):
    with translation.override("en"):
        assert translated(error.message) == error.message
    with translation.override("zh-hans"):
        assert translated(error.message) == chinese


def test_a_sentence_in_a_sentence_is_told_too():
    with translation.override("zh-hans"):
        told = translated(TRIES_AGAIN.format(sentence=EmbeddingDown().message))
    assert told == "无法连接向量服务。系统会自动重试。"


@pytest.fixture
def failed(user, monkeypatch):
    """A task, and its document, that failed."""
    send_nothing(monkeypatch)
    register(Script())
    document = make_document(user)
    task = make_task(user, document)
    step = services.dispatch(task.pk, 1, worker="w")
    services.fail(step, UnsupportedType())
    return task


@pytest.mark.django_db
def test_the_api_tells_why_it_failed_in_the_language_of_the_request(api, failed):
    for language, sentence in (
        ("en", "This type of file is not supported."), ("zh-CN,zh;q=0.9", "不支持此类型的文件。"),
    ):  # fmt: skip
        headers = {"accept-language": language}
        document = api.get(f"/api/documents/{failed.document_id}/", headers=headers).json()
        task = api.get(f"/api/tasks/{failed.pk}/", headers=headers).json()
        (*_, told) = api.get(f"/api/tasks/{failed.pk}/history/", headers=headers).json()["results"]
        rows = (document, document["task"], task, task["task_details"][0])
        assert [row["error_message"] for row in rows] == [sentence] * 4
        assert told["reason"] == sentence
        assert document["error_code"] == task["error_code"] == "unsupported_type"


@pytest.mark.django_db
def test_a_push_is_in_no_language_until_somebody_hears_it(failed):
    with translation.override("zh-hans"):
        push = events._push(failed.pk)
        here = events.localised(push)
    assert push["snapshot"]["error_message"] == "This type of file is not supported."
    assert here["error_message"] == "不支持此类型的文件。"
    with translation.override("en"):
        assert events.localised(push)["error_message"] == "This type of file is not supported."


@pytest.mark.django_db
def test_why_it_waits_is_told_in_each_language(user, monkeypatch):
    send_nothing(monkeypatch)
    register(Script())
    task = make_task(user)
    OutboxMessage.objects.filter(task=task).update(position=1, problem="no_worker")
    with translation.override("zh-hans"):
        push = events._push(task.pk)
        assert "没有正在运行的工作进程" in json.dumps(events.localised(push), ensure_ascii=False)
    with translation.override("en"):
        assert "No worker is running" in json.dumps(events.localised(push))


@pytest.mark.django_db
def test_a_problem_is_told_in_the_language_of_the_request(api, failed):
    headers = {"accept-language": "zh-hans"}
    api.post(f"/api/tasks/{failed.pk}/retry/")
    refused = api.post(f"/api/tasks/{failed.pk}/retry/", headers=headers).json()
    assert (refused["code"], refused["detail"]) == (
        "wrong_state", "任务状态为“等待中”，现在无法执行此操作。",
    )  # fmt: skip
    lost = api.get("/api/documents/nothing/", headers=headers).json()
    assert (lost["code"], lost["detail"]) == ("not_found", "此处没有内容，或不属于您。")


@pytest.mark.django_db
def test_the_admin_and_the_page_speak_chinese(admin_client, failed):
    headers = {"accept-language": "zh-hans"}
    for path in (
        "/admin/tasks/task/",
        f"/admin/tasks/task/{failed.pk}/change/",
        f"/admin/documents/document/{failed.document_id}/change/",
    ):
        page = admin_client.get(path, headers=headers).content.decode()
        assert "不支持此类型的文件。" in page, path
        assert "This type of file" not in page, path
    page = admin_client.get("/", headers=headers).content.decode()
    assert 'lang="zh-hans"' in page
    assert "退出登录" in page
    assert not TaskDetail.objects.filter(error_message__contains="不支持").exists()
    assert not Task.objects.filter(error_message__contains="不支持").exists()


@pytest.fixture
def rows_of_others(user):
    TaskResult.objects.create(task_id="1", task_name="a", status="FAILURE")
    AuthToken.objects.create(user)
    seen = {"username": "eve", "path_info": "/login/", "ip_address": "127.0.0.1"}
    AccessAttempt.objects.create(**seen, get_data="", post_data="", failures_since_start=1)
    AccessLog.objects.create(**seen)


@pytest.mark.parametrize("model", [TaskResult, AccessAttempt, AccessLog, ApiToken])
def test_admin_pages_of_other_packages_are_told_in_chinese(admin_client, rows_of_others, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    addresses = [
        reverse(f"{name}_changelist"),
        reverse(f"{name}_change", args=[model.objects.first().pk]),
    ]
    for address in addresses:
        page = html.fromstring(
            admin_client.get(address, headers={"Accept-Language": "zh-CN"}).content
        )
        said = page.xpath(
            "//thead//th|//label|//fieldset//h2|//summary|//option|//div[contains(@class, 'help')]"
            "|//td[@class='field-status']"
        )
        words = {" ".join(each.text_content().split()).rstrip(":") for each in said}
        assert len(words) > 3
        assert {each for each in words if each.isascii() and re.search("[a-z]{2}", each)} == set()
