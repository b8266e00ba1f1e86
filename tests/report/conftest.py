"""Reports in a browser without network."""

import pytest
from playwright.sync_api import expect

from extractor.report import write_report
from tests.browser import Watch, open_context

SEED = "003_b184c860ed2ef927"
OTHER = "002_2baf81115b3b9652"


@pytest.fixture(scope="module")
def made_before_browser(seed_run):
    """The run that most tests look at."""


@pytest.fixture(scope="module")
def context(chromium):
    opened = open_context(chromium, offline=True)
    yield opened
    opened.close()


def write_page(run, folder):
    path = folder / "page.html"
    write_report(run, path)
    return path.as_uri()


@pytest.fixture(scope="module")
def seeds(seed_run, tmp_path_factory):
    return write_page(seed_run, tmp_path_factory.mktemp("page"))


@pytest.fixture
def visit(context):
    """Opens pages. Afterwards: no script failed, nothing was asked of another address, no record's text ran."""
    pages, addresses, watch = [], set(), Watch()

    def open_page(address, place=""):
        page = context.new_page()
        watch.follow(page)
        page.goto(address + place)
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        addresses.add(address)
        pages.append(page)
        return page

    yield open_page
    watch.check()
    for page in pages:
        assert page.locator("img, iframe, object").count() == 0
        page.close()
    assert watch.requests <= addresses


@pytest.fixture
def page(visit, seeds):
    return visit(seeds)


def list_records(page):
    return page.locator(".rows a code")


def read_chosen(page):
    """The words of the evidence that is chosen."""
    expect(page.locator(".mark.chosen").first).to_be_visible()
    return "".join(page.locator(".mark.chosen").all_text_contents())
