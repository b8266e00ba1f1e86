"""How the review looks: by day and by night, on a phone, and with a hostile record."""

import json

import pytest
from playwright.sync_api import expect

from extractor.evaluation import check_gold_files
from tests.browser import fits_its_window, list_violations, needs_browser
from tests.commands import extract

from .driving import drag_over, open_record, unfold
from .runs import serve

pytestmark = needs_browser
HOSTILE = "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' onerror='window.broken = 1'>"
TEXT = f"Inclusion Criteria:\n\n* Platelets at least 100 x 10^9/L {HOSTILE}\n* No {{{{fever}}}} \u202egnp.exe"
NAME = 'R"><img src=x onerror=window.broken=1>'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A record whose every text is hostile, and a run of it."""
    folder = tmp_path_factory.mktemp("hostile")
    record = folder / f"{NAME}.json"
    study = {"identificationModule": {"briefTitle": HOSTILE}, "eligibilityModule": {"eligibilityCriteria": TEXT}}
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    return record, extract(record, folder / "run")


@pytest.fixture(scope="module")
def made_before_browser(spoilt_run, hostile):
    """Both runs."""


def test_what_a_record_says_is_text(visit, hostile, tmp_path):
    record, run = hostile
    with serve(run, tmp_path / "gold") as review:
        page = visit(review)
        expect(page.locator(".row-title")).to_have_text(HOSTILE)
        open_record(page, NAME)
        expect(page.locator("pre[data-section=eligibility]")).to_have_text(TEXT, use_inner_text=False)
        expect(page.locator(".title h1")).to_have_text(HOSTILE)
        assert page.locator("img, .record script").count() == 0
        page.get_by_role("button", name="Accept facts").click()
        page.get_by_role("button", name="History").click()
        expect(page.locator("dialog tbody tr")).to_have_count(1)
        page.keyboard.press("Escape")
        for shut in page.locator(".card:not(.opened) .head").all():
            shut.click()
        while page.locator(".card.open").count():
            unfold(page, page.locator(".card.open").first.get_attribute("data-id"))
            left = page.locator(".card.open").count()
            page.keyboard.press("a")
            expect(page.locator(".card.open")).to_have_count(left - 1)
        page.get_by_role("button", name="Finish").click()
        expect(page.locator(".message")).to_contain_text("its gold is written")
    assert check_gold_files(tmp_path / "gold", record) == []


def test_axe_finds_nothing_by_day_and_by_night(page):
    unfold(page, "criterion-0")
    page.locator(".findings summary").click()
    drag_over(page, "brief_summary", "for more than three months")
    page.locator(".uses").get_by_role("button", name="constraints").click()
    drag_over(page, "brief_summary", "heavily treated")
    assert list_in_both(page) == []
    page.get_by_role("button", name="History").click()
    assert list_in_both(page) == []
    page.keyboard.press("Escape")
    page.goto(page.url.partition("#")[0] + "#queue")
    expect(page.locator(".queue li").first).to_be_visible()
    assert list_in_both(page) == []


def list_in_both(page):
    """What axe finds in the light and in the dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += list_violations(page)
    return found


def test_a_phone_shows_the_text_or_the_items(page):
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".text")).to_be_hidden()
    unfold(page, "endpoint-0")
    assert fits_its_window(page)
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.locator(".items")).to_be_hidden()
    drag_over(page, "brief_summary", "heavily treated")
    assert fits_its_window(page)
    page.get_by_role("button", name="New criterion").click()
    expect(page.locator(".card.added.opened")).to_be_visible()
    assert list_violations(page) == []
    page.goto(page.url.partition("#")[0] + "#queue")
    expect(page.locator(".queue li").first).to_be_visible()
    assert fits_its_window(page)
