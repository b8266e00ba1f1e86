"""A browser for page tests. It starts once per module, and reports errors and forbidden requests of
each page.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files

import pytest

# Debian's wrapper first; the others are what other systems call it.
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
REQUIRED = bool(os.environ.get("EXTRACTOR_REQUIRE_BROWSER"))
# A loaded machine is slow, not wrong.
PATIENCE = 120_000
# Root in a container can have no sandbox, and little shared memory; the pages are our own.
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]

needs_browser = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED,
    reason="no chromium here; install it, for instance: apt-get install chromium",
)


@contextmanager
def launch() -> Iterator:
    """A running chromium. While it runs there can be no other event loop in this thread."""
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - heavy, and most tests need none

    assert CHROMIUM, (
        "EXTRACTOR_REQUIRE_BROWSER is set and there is no chromium: apt-get install chromium"
    )
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield launched
        launched.close()


def open_context(chromium, **options):
    """A browser with storage of its own, in a window of a desk unless another ``viewport`` is
    given.
    """
    settings = {
        "viewport": {"width": 1440, "height": 900},
        "reduced_motion": "reduce",
    } | options
    context = chromium.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    return context


class Watch:
    """Notes what pages ask for and complain of."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.requests: set[str] = set()
        self._pages = []

    def follow(
        self, page, is_expected: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Note a page's requests, errors of scripts, and what its console says unless that is
        expected.
        """
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "console",
            lambda said: is_expected(said.text) or self.troubles.append(said.text),
        )
        page.on(
            "request", lambda request: self.requests.add(request.url.partition("#")[0])
        )
        self._pages.append(page)

    def check(self) -> None:
        """No script failed or complained, and no record's text ran."""
        for page in self._pages:
            if not page.is_closed():
                assert page.evaluate("window.broken") is None
        assert self.troubles == [], self.troubles


def list_violations(page) -> list[tuple[str, str, list[str]]]:
    """What axe finds in a page: rule, impact and elements. Evaluation by the driver is not bound
    by a page's policy.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(
            (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
        )
    found = page.evaluate("axe.run().then((result) => result.violations)")
    return [
        (
            violation["id"],
            violation["impact"],
            [node["html"][:120] for node in violation["nodes"]],
        )
        for violation in found
    ]


def fits_its_window(page) -> bool:
    """Whether nothing of a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")
