"""How the report looks: on a large screen, a phone and paper, by day and by night, and with a hostile record."""

import pytest
from playwright.sync_api import expect

from tests.browser import fits_its_window, list_violations, needs_browser

from .conftest import SEED, list_records, read_chosen, write_page
from .runs import CRITERION, HOSTILE_ID, SCRIPT, TEXT, run_hostile

pytestmark = needs_browser


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return write_page(run_hostile(folder), folder)


@pytest.fixture(scope="module")
def made_before_browser(seed_run, hostile):
    """Runs of the seeds and of the hostile record."""


def test_what_a_record_says_is_text(visit, hostile):
    page = visit(hostile, "#?")
    expect(list_records(page)).to_have_text([HOSTILE_ID])
    page.locator(".rows a").click()
    expect(page.locator("[data-section=brief_summary] p")).to_have_text(f"Before. {TEXT} After.")
    expect(page.locator(".values-pane")).to_contain_text(SCRIPT)
    page.locator("a.value", has_text="Weight over 40 kg <").first.click()
    assert read_chosen(page) == f"* \N{GRINNING FACE} {CRITERION}"
    page.locator("a.value", has_text="Age 18 or older").first.click()
    assert read_chosen(page) == "Age 18 or older"
    assert page.locator(".text-pane :is(script, b, style)").count() == 0


@pytest.mark.parametrize("place", ["", "#?", f"#{SEED}/eligibility.criteria[1].constraints"])
def test_axe_finds_nothing_and_nothing_is_too_wide(visit, seeds, place):
    page = visit(seeds, place)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert fits_its_window(page), (width, scheme)
            assert list_violations(page) == [], (width, scheme)


def test_a_phone_shows_the_text_or_the_values(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".text-pane")).to_be_visible()
    expect(page.locator(".values-pane")).to_be_hidden()
    page.get_by_role("button", name="Values").click()
    expect(page.locator(".text-pane")).to_be_hidden()
    page.get_by_role("link", name="CD22 > 95 %").click()
    expect(page.locator(".mark.chosen")).to_be_in_viewport()
    page.locator(".mark.chosen").click()
    expect(page.locator(".value.chosen")).to_be_in_viewport()


def test_on_paper_all_is_there(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for name in (".text-pane", ".values-pane", ".empties li"):
        expect(page.locator(name).first).to_be_visible()
    for name in (".views", ".steps"):
        expect(page.locator(name)).to_be_hidden()
    assert page.locator(".text-pane").evaluate("(pane) => pane.scrollHeight <= pane.clientHeight + 1")
