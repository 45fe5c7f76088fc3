"""A browser, signed in to the whole stack."""

import os

import pytest
from playwright.sync_api import sync_playwright

from notebook.tests.browsing import CHROMIUM, opened, sign_in

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("Chromium is not installed")
    # Not for the whole run: while it lives, nothing else may run an event loop in this thread.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def session(browser, live_stack):
    """The cookies of one sign-in, so that each test starts signed in."""
    context = browser.new_context()
    sign_in(context.new_page(), live_stack, live_stack.password)
    yield context.storage_state()
    context.close()


@pytest.fixture
def context(browser, session, live_stack, embedder):
    context = browser.new_context(
        base_url=live_stack.url, storage_state=session, viewport={"width": 1280, "height": 900}
    )
    yield context
    context.close()


@pytest.fixture
def page(context):
    yield from opened(context)
