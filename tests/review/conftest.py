"""A spoilt run under review: without a browser, and in pages of one."""

import pytest
from playwright.sync_api import expect

from tests.browser import Watch, open_context

from .reviewing import Client, make_run, serve


@pytest.fixture(scope="session")
def spoilt_run(tmp_path_factory, seed_run):
    return make_run(seed_run, tmp_path_factory.mktemp("reviewed") / "run")


@pytest.fixture
def served(spoilt_run, tmp_path):
    with serve(spoilt_run, tmp_path / "gold") as review:
        yield review


@pytest.fixture
def client(served):
    return Client(served)


@pytest.fixture
def visit(chromium):
    """Opens reviews, each in its own browser. Afterwards checks that no script failed and no
    other address was used.
    """
    watch = Watch()
    contexts = []
    addresses = []

    def open_review(review):
        contexts.append(open_context(chromium))
        page = contexts[-1].new_page()

        def is_expected(said):
            """Whether the review refused a request, or the page asked it for changes after the
            test had ended it.
            """
            is_late = review.ended.is_set() and "ERR_CONNECTION_REFUSED" in said
            return is_late or "409" in said or "422" in said

        watch.follow(page, is_expected)
        addresses.append(f"http://127.0.0.1:{review.port}/")
        page.goto(review.address)
        expect(page.locator(".list li").first).to_be_visible()
        return page

    yield open_review
    watch.check()
    for context in contexts:
        context.close()
    assert [
        request
        for request in watch.requests
        if not request.startswith((*addresses, "data:"))
    ] == []
