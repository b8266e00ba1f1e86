"""A report of many records: what is drawn and opened does not grow with them."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import needs_browser

from .conftest import write_page
from .runs import run_many

pytestmark = needs_browser
FEW, MANY = 20, 150


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """A page of few and one of many records."""
    folder = tmp_path_factory.mktemp("sizes")
    found = {}
    for count in (FEW, MANY):
        (folder / str(count)).mkdir()
        found[count] = write_page(run_many(folder / str(count) / "records", count), folder / str(count))
    return found


@pytest.fixture(scope="module")
def made_before_browser(sizes):
    """Both runs."""


def test_many_records_are_opened_one_chunk_at_a_time(visit, sizes):
    nodes, index = {}, {}
    for count, address in sizes.items():
        page = visit(address, "#?")
        expect(page.locator(".status")).to_have_text(f"{count} of {count} records")
        assert page.evaluate("opened.chunks") == 0
        nodes[count] = page.locator("body :not(script)").count()
        index[count] = page.evaluate("opened.characters") / count
        page.locator(".rows a").first.click()
        expect(page.locator(".value").first).to_be_visible()
        assert page.evaluate("opened.chunks") == 1
    # The list holds the lines in sight, and the index grows with the records alone.
    assert nodes[MANY] <= nodes[FEW] + 20
    assert index[MANY] <= 1.2 * index[FEW]


def test_a_search_opens_no_record_and_draws_what_is_in_sight(visit, sizes):
    read, drawn = {}, {}
    for count, address in sizes.items():
        page = visit(address, "#?")
        expect(page.locator(".status")).to_have_text(f"{count} of {count} records")
        assert page.locator("[id^=chunk-]").count() > (4 if count == MANY else 0)
        before = page.evaluate("opened.characters")
        search_for(page, f"part {count - 1}", f"1 of {count} records")
        read[count] = page.evaluate("opened.characters") - before
        search_for(page, "many trials", f"{count} of {count} records")
        drawn[count] = page.locator(".rows li").count()
        search_for(page, "no such words", f"0 of {count} records")
        # The words of all records are opened at the first search, and the records never.
        assert page.evaluate("opened.characters") - before == read[count]
        assert page.evaluate("opened.chunks") == 0
    assert read[MANY] / MANY <= 1.2 * read[FEW] / FEW
    assert drawn[MANY] <= drawn[FEW] + 10


def search_for(page, words, status):
    page.get_by_role("searchbox").fill(words)
    expect(page.locator(".status")).to_have_text(status)


def test_the_last_of_many_records_is_a_key_away(visit, sizes):
    page = visit(sizes[MANY], "#?")
    page.locator(".rows a").first.focus()
    page.keyboard.press("End")
    last = page.locator(f"li[aria-posinset='{MANY}'] a")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    assert page.locator(".rows li").count() < 60
    page.keyboard.press("Home")
    expect(page.locator("li[aria-posinset='1'] a")).to_be_focused()
    assert re.search(r"part 0$", page.locator("li[aria-posinset='1'] .row-title").inner_text())
