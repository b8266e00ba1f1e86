"""The report in a browser without network: navigation, accessibility, and many records."""

import pytest
from playwright.sync_api import expect

from extractor.apps.report import write_report
from extractor.language.clean import clean_text
from tests.browser import (
    Watch,
    fits_its_window,
    list_violations,
    needs_browser,
    open_context,
)
from tests.pages.invented import TRIAL, make_run

from .runs import CRITERION, HOSTILE_ID, SCRIPT, TEXT, run_hostile, run_many

pytestmark = [needs_browser, pytest.mark.slow]
SEED = "003_b184c860ed2ef927"
OTHER = "002_2baf81115b3b9652"
MANY = 150


@pytest.fixture(scope="module")
def pages(seed_run, tmp_path_factory):
    def write(run):
        path = tmp_path_factory.mktemp("page") / "page.html"
        write_report(run, path)
        return path.as_uri()

    def make(function, *given):
        return write(function(tmp_path_factory.mktemp("run"), *given))

    return {
        "seeds": write(seed_run),
        "hostile": make(run_hostile),
        "invented": make(make_run),
        "many": write(run_many(tmp_path_factory.mktemp("many") / "records", MANY)),
    }


@pytest.fixture(scope="module")
def made_before_browser(pages):
    """All pages."""


@pytest.fixture(scope="module")
def context(chromium):
    opened = open_context(chromium, offline=True)
    yield opened
    opened.close()


@pytest.fixture
def visit(context, pages):
    """Opens pages. Afterwards no script may have failed, and no other address been requested."""
    watch = Watch()
    opened = []

    def open_page(name, place=""):
        page = context.new_page()
        watch.follow(page)
        page.goto(pages[name] + place)
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        opened.append(page)
        return page

    yield open_page
    watch.check()
    assert watch.requests <= set(pages.values())
    for page in opened:
        assert page.locator("img, iframe, object").count() == 0
        page.close()


def list_records(page):
    return page.locator(".rows a code")


def read_chosen(page):
    """Return the words of the chosen evidence."""
    expect(page.locator(".mark.chosen").first).to_be_visible()
    return "".join(page.locator(".mark.chosen").all_text_contents())


def test_the_overview_leads_to_the_records(visit):
    page = visit("seeds")
    expect(page.locator(".tile dd:not(.note)").first).to_have_text("5")
    page.get_by_role("link", name="endpoint not registered").click()
    expect(page.locator(".status")).to_have_text("1 of 5 records")
    expect(list_records(page)).to_have_text([SEED])
    page.go_back()
    page.locator(".fields").get_by_role("link", name="constraints").click()
    expect(page.locator("[name=field]")).to_have_value(
        "eligibility.criteria.constraints"
    )
    expect(list_records(page)).to_have_text([SEED])


def test_filters_and_search_are_in_the_address(visit, pages):
    page = visit("seeds", "#?")
    for filters, found in (
        ("field=dosing&absence=not_reported", 5),
        ("field=dosing&origin=rule", 0),
        ("field=eligibility.criteria.constraints&origin=filled", 1),
        ("finding=time_points_differ", 1),
        ("field=eligibility&finding=time_points_differ", 0),
        ("absence=not_reported&text=CD19%20MRD", 1),
        ("field=dosing&below=0.85", 0),
        ("field=endpoints&below=0.85", 4),
        ("field=endpoints&doubt=value", 4),
        ("doubt=doubt", 5),
        ("doubt=item", 0),
    ):
        page.goto(f"{pages['seeds']}#?text=nowhere-{filters}")
        expect(page.locator(".status")).to_have_text("0 of 5 records")
        page.goto(f"{pages['seeds']}#?{filters}")
        expect(page.locator(".status")).to_have_text(f"{found} of 5 records")
        expect(list_records(page)).to_have_count(found)


def test_a_value_leads_to_its_evidence_and_back(visit):
    page = visit("seeds", f"#{SEED}")
    summary = page.locator("[data-section=brief_summary]")
    expect(summary).to_contain_text("(>95% CD19 and >95% CD22). After CAR")
    raw = page.locator(".passage", has=summary).locator(".raw")
    raw.locator("summary").click()
    expect(raw.locator("pre")).to_contain_text("(\\>95% CD19 and \\>95% CD22). After")
    value = page.get_by_role("link", name="CD22 > 95 %")
    expect(value).to_have_attribute("title", "brief_summary, characters 1040 to 1050")
    value.hover()
    expect(page.locator(".mark.lit")).to_have_text([">95% CD22"])
    value.click()
    assert read_chosen(page) == ">95% CD22"
    assert page.url.endswith(f"#{SEED}/eligibility.criteria[1].constraints[1]")
    page.locator(".mark", has_text="for more than three months").click()
    expect(page.locator(".value.chosen")).to_contain_text("> 3 months")
    assert page.url.endswith("eligibility.criteria[1].time_windows[0]")


def test_the_page_works_by_keyboard(visit, pages):
    page = visit("seeds", "#?")
    page.locator(".rows a").first.focus()
    for key in ("ArrowDown", "End", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(f"{pages['seeds']}#{SEED}")
    expect(page.locator(".record-title")).to_contain_text("Sequential CAR-T Cell")
    page.keyboard.press("n")
    expect(page.locator(".value.chosen")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".mark.chosen").first).to_be_focused()
    page.keyboard.press("k")
    expect(page).to_have_url(f"{pages['seeds']}#{OTHER}")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".rows a", has_text=SEED)).to_be_focused()
    page.keyboard.press("o")
    expect(page.locator("#overview")).to_be_visible()


def test_a_records_markup_is_shown_as_text(visit):
    page = visit("hostile", "#?")
    expect(list_records(page)).to_have_text([HOSTILE_ID])
    page.locator(".rows a").click()
    expect(page.locator("[data-section=brief_summary]")).to_have_text(
        clean_text(f"Before. {TEXT} After.").text
    )
    expect(page.locator(".values-pane")).to_contain_text(SCRIPT)
    page.locator("a.value", has_text="Weight over 40 kg <").first.click()
    assert read_chosen(page) == f"* \N{GRINNING FACE} {CRITERION}"
    assert page.locator(".text-pane :is(script, b, style)").count() == 0


@pytest.mark.parametrize(
    ("name", "place"),
    [("seeds", ""), ("seeds", "#?"), ("seeds", f"#{SEED}/eligibility.criteria[1].constraints"), ("invented", f"#{TRIAL}")],
)  # fmt: skip
def test_axe_finds_no_violation_and_no_page_is_too_wide(visit, name, place):
    page = visit(name, place)
    for width, scheme in ((1440, "light"), (1440, "dark"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert fits_its_window(page), (width, scheme)
        assert list_violations(page) == [], (width, scheme)


def test_a_search_opens_no_record_and_draws_only_visible_lines(visit):
    page = visit("many", "#?")
    expect(page.locator(".status")).to_have_text(f"{MANY} of {MANY} records")
    assert page.locator("[id^=chunk-]").count() > 4
    for words, found in (("part 149", 1), ("many trials", MANY), ("no such words", 0)):
        page.get_by_role("searchbox").fill(words)
        expect(page.locator(".status")).to_have_text(f"{found} of {MANY} records")
        assert page.locator(".rows li").count() < 40
    assert page.evaluate("opened.chunks") == 0
