"""The page of changes in a real browser, without network."""

import pytest
from playwright.sync_api import expect

from tests.browser import (
    Watch,
    fits_its_window,
    list_violations,
    needs_browser,
    open_context,
)
from tests.commands import extract, invoke

from .test_diff import STUDY, edit

pytestmark = [needs_browser, pytest.mark.slow]
HOSTILE = "blood <5 & 'b' <img"


@pytest.fixture(scope="module")
def made_before_browser(tmp_path_factory):
    """Pages of a changed record, with both texts and with the new one alone."""
    folder = tmp_path_factory.mktemp("page")
    first = edit(folder / "old.json", {})
    new = edit(
        folder / "new.json",
        {"18 to 75 years": "18 to 65 years", "peripheral blood": HOSTILE},
    )
    old = extract(first, folder / "old")
    first.unlink()
    invoke("diff", STUDY, new, "--html", folder / "both.html")
    invoke("diff", old, new, "--html", folder / "one.html")
    return {name: (folder / f"{name}.html").as_uri() for name in ("both", "one")}


@pytest.fixture
def visit(chromium, made_before_browser):
    context = open_context(chromium, offline=True)
    watch = Watch()

    def open_page(name, place):
        page = context.new_page()
        watch.follow(page)
        page.goto(made_before_browser[name] + place)
        return page

    yield open_page
    watch.check()
    assert watch.requests <= set(made_before_browser.values())
    context.close()


def test_a_change_leads_to_its_places_in_both_texts(visit):
    page = visit("both", "#?field=eligibility")
    expect(page.locator(".status")).to_have_text("1 of 1 record")
    page.locator(".rows a").click()
    page.locator("a.value", has_text="65 years").first.click()
    for side, words in (("old", "18 to 75 years"), ("new", "18 to 65 years")):
        mark = page.locator(f"[data-side={side}] .mark.chosen").first
        expect(mark).to_contain_text(words)
        expect(mark).to_be_in_viewport()
    expect(page.locator("a.value.chosen .old em")).to_have_text("75")
    page.locator("[data-side=new] .mark", has_text="<5 & 'b'").first.click()
    expect(page.locator("a.value.chosen .new em").first).to_be_visible()
    assert page.locator("img").count() == 0


def test_the_page_is_readable_in_every_window(visit):
    for place in ("#", "#?", "#NCT90000001/changes[1]"):
        page = visit("both", place)
        for width, scheme in ((1280, "light"), (360, "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert fits_its_window(page), (place, width)
            assert list_violations(page) == [], (place, scheme)
    # a phone shows one of the three
    expect(page.locator("[data-side=old]")).to_be_hidden()
    page.get_by_role("button", name="New").click()
    expect(page.locator("[data-side=new] .mark.chosen").first).to_be_visible()
