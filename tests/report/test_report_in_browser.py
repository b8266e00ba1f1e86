"""The report as a reader goes through it: overview, list, a record, its values and their evidence."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import needs_browser

from .conftest import OTHER, SEED, list_records, read_chosen

pytestmark = needs_browser


def test_the_overview_counts_and_leads_to_the_records(page):
    expect(page.locator(".tile dd:not(.note)").first).to_have_text("5")
    page.get_by_role("link", name="endpoint not registered").click()
    expect(page.locator(".status")).to_have_text("1 of 5 records")
    expect(list_records(page)).to_have_text([SEED])
    page.go_back()
    expect(page.locator("#overview")).to_be_visible()
    page.locator(".fields").get_by_role("link", name="constraints").click()
    expect(page.locator("[name=field]")).to_have_value("eligibility.criteria.constraints")
    expect(list_records(page)).to_have_text([SEED])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("field=dosing&absence=not_reported", 5),
        ("field=dosing&origin=rule", 0),
        ("field=eligibility.criteria&origin=rule", 1),
        ("finding=time_points_differ", 1),
        ("field=eligibility&finding=time_points_differ", 0),
        ("absence=not_reported&text=CD19%20MRD", 1),
        ("text=three%20months%20heavily", 1),
        ("text=no%20such%20word%20anywhere", 0),
        ("below=0.2", 0),
        ("field=eligibility&below=0.8", 1),
    ],
)
def test_filters_and_search_are_in_the_address(visit, seeds, filters, found):
    page = visit(seeds, f"#?{filters}")
    expect(page.locator(".status")).to_have_text(f"{found} of 5 records")
    expect(list_records(page)).to_have_count(found)


def test_a_filter_changes_the_address_and_is_cleared(page):
    page.keyboard.press("/")
    page.keyboard.type("leukemia children")
    expect(list_records(page)).to_have_text([SEED])
    assert "text=leukemia+children" in page.url
    page.get_by_role("button", name="Clear").click()
    expect(list_records(page)).to_have_count(5)
    page.locator("[name=sort]").select_option("findings")
    expect(list_records(page).first).to_have_text(SEED)


def test_a_record_shows_its_text_as_it_stands_in_the_file(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    summary = page.locator("[data-section=brief_summary] p")
    expect(summary).to_contain_text("(\\>95% CD19 and \\>95% CD22). After CAR")


def test_a_value_leads_to_its_evidence_and_back(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    value = page.get_by_role("link", name="CD22 > 95 %")
    value.hover()
    expect(page.locator(".mark.lit")).to_have_text(["\\>95% CD22"])
    value.click()
    assert read_chosen(page) == "\\>95% CD22"
    assert page.url.endswith(f"#{SEED}/eligibility.criteria[1].constraints[1]")
    mark = page.locator(".mark", has_text="for more than three months")
    mark.hover()
    expect(page.locator(".value.lit", has_text="> 3 months")).to_be_visible()
    mark.click()
    expect(page.locator(".value.chosen")).to_contain_text("> 3 months")
    assert page.url.endswith("eligibility.criteria[1].time_window")


def test_words_that_several_values_quote_are_chosen_in_turn(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    mark = page.locator(".mark", has_text="\\>95% CD19")
    chosen = []
    for _ in range(3):
        mark.click()
        chosen.append(page.locator(".value.chosen").get_attribute("data-path"))
    assert chosen[0].endswith("constraints[0]")
    assert len(set(chosen)) == 3


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("endpoints[3].time_points", "30"),
        ("endpoints[3].time_points[2]", "90"),
        ("findings[0]", "ORR(CR+CRi) on days 45, 90, 120day 30, day 45, day 90"),
    ],
)
def test_a_value_has_an_address_of_its_own(visit, seeds, path, words):
    page = visit(seeds, f"#{OTHER}/{path}")
    assert read_chosen(page) == words
    expect(page.locator("[data-path].chosen, .chosen-card").first).to_be_in_viewport()
    expect(page.locator(".mark.chosen").first).to_be_in_viewport()


def test_an_absence_has_an_address_and_its_reason(visit, seeds):
    page = visit(seeds, f"#{OTHER}/endpoints[0].instrument")
    expect(page.locator("li.chosen")).to_contain_text("No instrument: not reported; searched: primary_outcomes")
    page.goto(f"{seeds}#{OTHER}/dosing")
    expect(page.locator(".lone.chosen")).to_contain_text("No regimen: not reported")


def test_addresses_that_lead_nowhere_are_told(visit, seeds):
    page = visit(seeds, f"#{SEED}/endpoints[99].concept")
    expect(page.locator(".record-notes")).to_have_text("There is no endpoints[99].concept in this record.")
    page.goto(f"{seeds}#no-such-record")
    expect(page.locator(".status")).to_have_text("This page has no record no-such-record.")


def test_the_page_works_by_keyboard(visit, seeds):
    page = visit(seeds, "#?")
    list_records(page).first.wait_for()
    page.locator(".rows a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{seeds}#{SEED}")
    expect(page.locator(".record-title")).to_have_text("Study of Sequential CAR-T Cell Treating Leukemia Children")
    page.keyboard.press("n")
    expect(page.locator(".value.chosen")).to_be_focused()
    page.keyboard.press("n")
    path = page.locator(".value.chosen").get_attribute("data-path")
    page.keyboard.press("Enter")
    expect(page.locator(".mark.chosen").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".value.chosen")).to_be_focused()
    page.keyboard.press("p")
    assert page.locator(".value.chosen").get_attribute("data-path") != path
    page.keyboard.press("k")
    expect(page).to_have_url(f"{seeds}#{OTHER}")
    page.keyboard.press("j")
    expect(page).to_have_url(f"{seeds}#{SEED}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#records")).to_be_visible()
    expect(page.locator(".rows a", has_text=SEED)).to_be_focused()
    page.keyboard.press("o")
    expect(page.locator("#overview")).to_be_visible()


def test_the_search_is_a_key_away_from_a_record(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    page.keyboard.press("/")
    page.keyboard.type("time points")
    expect(page.locator(".status")).to_have_text(re.compile("^[1-4] of 5 records"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.go_back()
    expect(page.locator("#record")).to_be_visible()
