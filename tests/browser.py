"""The browser that tests look through: the machine's Chromium, driven by Playwright, which installs none of its own.

    with browser.page() as page:
        page.goto(path.as_uri())

Where either is missing the test is skipped; `.ci/run` says so in capitals.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# No sandbox, since CI runs as root; no GPU, since there is none; and nothing that calls home.
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")


@contextmanager
def page() -> Iterator["Page"]:
    """An empty page. A script that fails in it fails the test."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    driver = pytest.importorskip("playwright.sync_api")
    errors: list[object] = []
    with driver.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        try:
            opened = chromium.new_page()
            opened.on("pageerror", lambda error: errors.append(error))  # Playwright marks what it is given
            yield opened
        finally:
            chromium.close()
    assert errors == []
