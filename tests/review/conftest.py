"""A spoilt run under review: at desks without a browser, and in pages of one."""

import pytest
from playwright.sync_api import expect

from extractor.review.changes import Review
from extractor.review.journal import Journal
from extractor.review.queue import RunRecords
from tests.browser import Watch, open_context

from .driving import open_record
from .runs import make_run, serve


@pytest.fixture(scope="session")
def spoilt_run(tmp_path_factory, seed_run):
    return make_run(seed_run, tmp_path_factory.mktemp("reviewed") / "run")


@pytest.fixture(scope="session")
def records(spoilt_run):
    return RunRecords(spoilt_run)


@pytest.fixture
def start_review(records, tmp_path):
    """A review for each reviewer, all over one folder of gold."""
    journals = []

    def start(reviewer="anna"):
        folder = tmp_path / "gold" / ".review"
        folder.mkdir(parents=True, exist_ok=True)
        journals.append(Journal(folder / "journal.sqlite"))
        return Review(records, tmp_path / "gold", journals[-1], reviewer)

    yield start
    for journal in journals:
        journal.close()


@pytest.fixture(scope="module")
def made_before_browser(spoilt_run):
    """The run that most tests review."""


@pytest.fixture
def served(spoilt_run, tmp_path):
    with serve(spoilt_run, tmp_path / "gold") as review:
        yield review


@pytest.fixture
def visit(chromium):
    """Opens reviews, each in a browser of its own. Afterwards: no script failed, nothing else was asked for."""
    watch, contexts, addresses = Watch(), [], []

    def open_review(review):
        contexts.append(open_context(chromium))
        page = contexts[-1].new_page()
        # What the review refuses is in the console too.
        watch.follow(page, lambda said: "409" in said or "422" in said)
        addresses.append(f"http://127.0.0.1:{review.port}/")
        page.goto(review.address)
        expect(page.locator(".queue li").first).to_be_visible()
        return page

    yield open_review
    watch.check()
    for context in contexts:
        context.close()
    assert [one for one in watch.requests if not one.startswith((*addresses, "data:"))] == []


@pytest.fixture
def page(served, visit):
    opened = visit(served)
    open_record(opened)
    return opened
