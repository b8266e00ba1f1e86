"""The page of changes in a real browser, without network."""

import pytest
from playwright.sync_api import expect

from extractor import Extractor
from extractor.apps.diff import diff_trials
from extractor.apps.diff.page import write_diff_page
from tests.browser import (
    Watch,
    fits_its_window,
    list_violations,
    needs_browser,
    open_context,
)

from .planting import PLANTS, make_study, to_record

pytestmark = [needs_browser, pytest.mark.slow]
TOLD = ("floor raised", "promoted", "synonym", "amount", "outcome added")
SIGNS = "Headache score <5 & no <b>'other'</b> pain"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page of a trial with several changes and of two with one change; of the last, one text
    is missing.
    """
    rules = Extractor(effort="none")
    path = tmp_path_factory.mktemp("page") / "diff.html"
    plants = {plant.name: plant for plant in PLANTS}
    studies = [make_study(), plants["age raised"].plant(), plants["measure"].plant()]
    for name in TOLD:
        plants[name].change(studies[0])
    studies[0]["secondary"].append([SIGNS, None, "1 week"])
    old = to_record(make_study())
    diffs = []
    texts = {}
    before = rules.extract(old)
    for number, new in enumerate(map(to_record, studies)):
        found = diff_trials(before, rules.extract(new), old, new)
        diffs.append(found.model_copy(update={"record_id": f"NCT9000000{number}"}))
        texts[diffs[-1].record_id] = (old, new if number < 2 else None)
    write_diff_page(
        path, diffs, old="old.json", new="new.json", compared=len(diffs), texts=texts
    )
    return path.as_uri()


@pytest.fixture
def page(chromium, address):
    """The page, watched: it requests nothing, and no text of a record runs."""
    context = open_context(chromium, offline=True)
    watch = Watch()
    page = context.new_page()
    watch.follow(page)
    page.goto(address)
    yield page
    watch.check()
    assert watch.requests == {address}
    assert page.locator("img").count() == 0
    context.close()


def test_a_change_leads_to_its_places_in_both_texts(page, address):
    page.get_by_role("link", name="criterion tightened").click()
    expect(page.locator(".status")).to_have_text("1 of 3 records")
    page.locator(".rows a").click()
    expect(page.locator(".card")).to_have_count(len(TOLD) + 1)
    page.locator("a.value", has_text="1,500").click()
    for side, words in (("old", "1,500/mm3"), ("new", "2,000/mm3")):
        mark = page.locator(f"[data-side={side}] .mark.chosen")
        expect(mark).to_have_text(f"Absolute neutrophil count of at least {words}")
        expect(mark).to_be_in_viewport()
    expect(page.locator("a.value.chosen .old em")).to_have_text("1,500")
    expect(page.locator("[data-side=new]")).to_contain_text(SIGNS)
    page.locator("[data-side=new] .mark", has_text="400 mg").click()
    expect(page.locator("a.value.chosen em").first).to_have_text("200")
    page.goto(f"{address}#NCT90000000/changes[99]")
    expect(page.locator(".record-notes")).to_have_text(
        "There is no changes[99] in this record."
    )


def test_without_its_text_a_version_is_shown_by_its_quotes(page, address):
    page.goto(f"{address}#NCT90000002/changes[0]")
    expect(page.locator(".record-notes")).to_contain_text(
        "The text of the new version is not at hand"
    )
    expect(page.locator("[data-side=old]")).to_contain_text("Creatinine")
    expect(page.locator("[data-side=new] .mark.chosen")).to_have_text(
        "Confirmed complete objective response rate"
    )
    expect(page.locator("[data-side=new]")).not_to_contain_text("Creatinine")


def test_the_page_is_readable_in_every_window(page, address):
    for place in ("", "#?", "#NCT90000000/changes[1]"):
        page.goto(f"{address}{place}")
        for width, scheme in ((1280, "light"), (360, "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert fits_its_window(page), (place, width)
            assert list_violations(page) == [], (place, scheme)
    expect(
        page.locator("[data-side=old]")
    ).to_be_hidden()  # a phone shows one of the three
    page.locator("a.value", has_text="1,500").click()
    expect(page.locator("[data-side=old] .mark.chosen")).to_be_in_viewport()
    page.get_by_role("button", name="New").click()
    expect(page.locator("[data-side=new] .mark.chosen")).to_be_visible()
