"""A run under review: over HTTP, and in pages of a browser."""

import pytest
from playwright.sync_api import expect

from extractor.run.finished import FinishedRun
from tests.browser import Watch, open_context

from .reviewing import SEED, Client, serve


@pytest.fixture
def gold(seed_run):
    """The gold of a record whose values the rules read without an error."""
    return FinishedRun(seed_run).read(SEED).to_gold()


@pytest.fixture
def served(seed_run, tmp_path):
    with serve(seed_run, tmp_path / "gold") as review:
        yield review


@pytest.fixture
def client(served):
    return Client(served)


@pytest.fixture
def visit(chromium):
    """Opens reviews, each in its own browser; no script may fail, and no other address be used."""
    watch = Watch()
    contexts = []
    addresses = ["data:"]

    def open_review(review):
        def is_expected(said):
            """A refusal, or a request after the test has ended the review."""
            is_late = review.ended.is_set() and "ERR_CONNECTION_REFUSED" in said
            return is_late or "409" in said or "422" in said

        contexts.append(open_context(chromium))
        page = contexts[-1].new_page()
        watch.follow(page, is_expected)
        addresses.append(f"http://127.0.0.1:{review.port}/")
        page.goto(review.address)
        expect(page.locator(".list li").first).to_be_visible()
        return page

    yield open_review
    watch.check()
    for context in contexts:
        context.close()
    assert [url for url in watch.requests if not url.startswith(tuple(addresses))] == []
