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

from .runs import CRITERION, HOSTILE_ID, SCRIPT, TEXT, run_hostile, run_many, run_own

pytestmark = [needs_browser, pytest.mark.slow]
SEED = "003_b184c860ed2ef927"
OTHER = "002_2baf81115b3b9652"
FEW = 20
MANY = 150


@pytest.fixture(scope="module")
def seeds(seed_run, tmp_path_factory):
    return write_page(seed_run, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return write_page(run_hostile(folder := tmp_path_factory.mktemp("hostile")), folder)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return write_page(run_own(folder := tmp_path_factory.mktemp("own")), folder)


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    return write_page(make_run(folder := tmp_path_factory.mktemp("invented")), folder)


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """A page with few records and one with many."""
    folders = {count: tmp_path_factory.mktemp(f"many-{count}") for count in (FEW, MANY)}
    return {
        count: write_page(run_many(folder / "records", count), folder)
        for count, folder in folders.items()
    }


@pytest.fixture(scope="module")
def made_before_browser(seeds, hostile, own, invented, sizes):
    """All pages."""


@pytest.fixture(scope="module")
def context(chromium):
    opened = open_context(chromium, offline=True)
    yield opened
    opened.close()


def write_page(run, folder):
    path = folder / "page.html"
    write_report(run, path)
    return path.as_uri()


@pytest.fixture
def visit(context):
    """Opens pages. Afterwards checks that no script failed, no other address was requested, and
    no text ran.
    """
    pages = []
    addresses = set()
    watch = Watch()

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
    """Return the words of the chosen evidence."""
    expect(page.locator(".mark.chosen").first).to_be_visible()
    return "".join(page.locator(".mark.chosen").all_text_contents())


def measure(page, words):
    """The width of words in the letters of a menu."""
    return page.evaluate(
        """(words) => {
        const pencil = document.createElement("canvas").getContext("2d");
        pencil.font = getComputedStyle(document.querySelector("select")).font;
        return pencil.measureText(words).width;
        }""",
        words,
    )


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_what_stands_under_the_search_field_is_not_cut(visit, seeds, width):
    page = visit(seeds, "#?text=nowhere")
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.locator(".status")).to_have_text("0 of 5 records")
    said = page.get_by_text("No record matches.")
    box = page.locator(".scroller").bounding_box()
    words = said.bounding_box()
    assert box["y"] <= words["y"]
    assert words["y"] + words["height"] <= box["y"] + box["height"]
    if not page.locator("[name=sort]").is_visible():
        page.locator(".choices summary").click()
    page.locator("[name=field]").select_option(label="criteria.introductory line (1)")
    page.locator("[name=origin]").select_option(label="rules or a model: it is filled")
    for name in ("field", "origin"):
        menu = page.locator(f"[name={name}]")
        # The menu is as wide as what is chosen, or wraps to a line of its own.
        assert (
            menu.evaluate("(menu) => getComputedStyle(menu).fieldSizing") == "content"
        )
        label = menu.evaluate("(menu) => menu.selectedOptions[0].label")
        assert menu.bounding_box()["width"] > measure(page, label)
    assert fits_its_window(page)


def test_the_overview_counts_and_leads_to_the_records(page):
    expect(page.locator(".tile dd:not(.note)").first).to_have_text("5")
    page.get_by_role("link", name="endpoint not registered").click()
    expect(page.locator(".status")).to_have_text("1 of 5 records")
    expect(list_records(page)).to_have_text([SEED])
    page.go_back()
    expect(page.locator("#overview")).to_be_visible()
    page.locator(".fields").get_by_role("link", name="constraints").click()
    expect(page.locator("[name=field]")).to_have_value(
        "eligibility.criteria.constraints"
    )
    expect(list_records(page)).to_have_text([SEED])


def test_filters_and_search_are_in_the_address(visit, seeds):
    page = visit(seeds, "#?")
    for filters, found in (
        ("field=dosing&absence=not_reported", 5),
        ("field=dosing&origin=rule", 0),
        ("field=eligibility.criteria&origin=rule", 1),
        ("field=eligibility.criteria.constraints&origin=filled", 1),
        ("field=eligibility.criteria.lead_in&origin=filled", 0),
        ("finding=time_points_differ", 1),
        ("field=eligibility&finding=time_points_differ", 0),
        ("absence=not_reported&text=CD19%20MRD", 1),
        ("text=three%20months%20heavily", 1),
        ("text=no%20such%20word%20anywhere", 0),
        ("below=0.2", 0),
        ("field=eligibility&below=0.8", 1),
    ):
        page.goto(f"{seeds}#?text=nowhere-{filters}")
        expect(page.locator(".status")).to_have_text("0 of 5 records")
        page.goto(f"{seeds}#?{filters}")
        expect(page.locator(".status")).to_have_text(f"{found} of 5 records")
        expect(list_records(page)).to_have_count(found)


def test_a_value_leads_to_its_evidence_and_back(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    summary = page.locator("[data-section=brief_summary]")
    expect(summary).to_contain_text("(>95% CD19 and >95% CD22). After CAR")
    raw = page.locator(".passage", has=summary).locator(".raw")
    raw.locator("summary").click()
    expect(raw.locator("pre")).to_contain_text(
        "(\\>95% CD19 and \\>95% CD22). After CAR"
    )  # as it stands in the file
    value = page.get_by_role("link", name="CD22 > 95 %")
    expect(value).to_have_attribute("title", "brief_summary, characters 1040 to 1050")
    value.hover()
    expect(page.locator(".mark.lit")).to_have_text([">95% CD22"])
    value.click()
    assert read_chosen(page) == ">95% CD22"
    assert page.url.endswith(f"#{SEED}/eligibility.criteria[1].constraints[1]")
    mark = page.locator(".mark", has_text="for more than three months")
    mark.hover()
    expect(page.locator(".value.lit", has_text="> 3 months")).to_be_visible()
    mark.click()
    expect(page.locator(".value.chosen")).to_contain_text("> 3 months")
    assert page.url.endswith("eligibility.criteria[1].time_windows[0]")


def test_values_and_absences_have_addresses_and_wrong_addresses_are_reported(
    visit, seeds
):
    for path, words in (
        ("endpoints[3].time_points", "day 30"),
        ("endpoints[3].time_points[2]", "day 90"),
        ("findings[0]", "ORR(CR+CRi) on days 45, 90, 120day 30, day 45, day 90"),
        # Excel takes an address for the path of a file.
        ("\\findings[0]", "ORR(CR+CRi) on days 45, 90, 120day 30, day 45, day 90"),
        ("%5Cendpoints[3].time_points", "day 30"),
    ):
        between = "" if path.startswith(("\\", "%")) else "/"
        page = visit(seeds, f"#{OTHER}{between}{path}")
        expect(
            page.locator("[data-path].chosen, .chosen-card").first
        ).to_be_in_viewport()
        expect(page.locator(".mark.chosen").first).to_be_in_viewport()
        assert read_chosen(page) == words
    page.goto(f"{seeds}#{OTHER}/endpoints[0].instrument")
    expect(page.locator("li.chosen")).to_contain_text(
        "No instrument: not reported; searched: primary outcomes"
    )
    page.goto(f"{seeds}#{OTHER}/dosing")
    expect(page.locator(".lone.chosen")).to_contain_text("No regimen: not reported")
    page.goto(f"{seeds}#{SEED}/endpoints[99].concept")
    expect(page.locator(".record-notes")).to_have_text(
        "There is no endpoints[99].concept in this record."
    )
    page.goto(f"{seeds}#no-such-record")
    expect(page.locator(".status")).to_have_text(
        "This page has no record no-such-record."
    )
    page.goto(f"{seeds}#/records?finding=age_differs")
    expect(page.locator(".status")).to_have_text(
        "Nothing has the address #/records?finding=age_differs."
    )


def test_the_page_works_by_keyboard(visit, seeds):
    page = visit(seeds, "#?")
    list_records(page).first.wait_for()
    page.locator(".rows a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{seeds}#{SEED}")
    expect(page.locator(".record-title")).to_have_text(
        "Study of Sequential CAR-T Cell Treating Leukemia Children"
    )
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
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    views = page.get_by_role("navigation", name="Views", include_hidden=True)
    assert views.get_by_role("button", include_hidden=True).count() == 0
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#records")).to_be_visible()
    expect(page.locator(".rows a", has_text=SEED)).to_be_focused()
    page.keyboard.press("o")
    expect(page.locator("#overview")).to_be_visible()


def test_values_of_own_fields_stand_in_the_card_of_their_item(visit, own):
    page = visit(own, "#NCT00000001")
    card = page.get_by_role("group", name="eligibility.criteria[0]", exact=True)
    expect(card.get_by_role("group").locator(".facts")).to_have_text(
        "least weight40parsed"
    )
    expect(card.locator(".empties summary")).to_contain_text("platelets")
    card = page.get_by_role("group", name="eligibility.criteria[1]", exact=True)
    expect(card.get_by_role("group").locator(".value").first).to_have_text(
        "75,000parsed"
    )
    section = page.get_by_role("region", name="Your own fields")
    expect(section.locator(".card")).to_have_count(1)
    expect(section).to_contain_text("1 value")
    section.get_by_role("link", name="12").click()
    assert read_chosen(page) == "12"
    expect(page.locator(".mark.eligibility", has_text="40").first).to_be_visible()
    for filters, found in (
        ("field=custom.least_weight&origin=rule", 1),
        ("field=custom.platelets&absence=not_asked", 1),
        ("text=75,000", 1),
        ("field=custom.sites&below=0.5", 0),
    ):
        page.goto(f"{own}#?{filters}")
        expect(page.locator(".status")).to_have_text(f"{found} of 1 record")
    page.goto(f"{own}#NCT00000001/custom.least_weight[0].values.value")
    expect(page.locator(".value.chosen")).to_be_in_viewport()


def test_a_table_tells_what_each_arm_gets(visit, invented):
    page = visit(invented, f"#{TRIAL}")
    grid = page.get_by_role("table", name="What each arm gets")
    expect(grid.get_by_role("columnheader")).to_have_text(
        ["arm", "drugamide BID", "testimab Q3W"]
    )
    rows = [
        ["High > 5 mg", "10 mg", "200 mg"],
        ["Low", "5 mg", "200 mg"],
        ["Placebo", "not given", "200 mg"],
    ]
    for row, cells in zip(
        grid.locator("tbody").get_by_role("row").all(), rows, strict=True
    ):
        expect(row.get_by_role("rowheader")).to_have_text(cells[0])
        expect(row.get_by_role("cell")).to_have_text(cells[1:])
    expect(page.get_by_role("region", name="What each arm gets")).to_contain_text(
        "Arms not told:Paracetamol 500 mg"
    )
    grid.get_by_role("link", name="testimab").click()
    expect(page.locator(".chosen-card")).to_have_attribute("data-path", "dosing[1]")
    expect(page.locator(".mark.chosen", has_text="Placebo")).to_be_visible()


def test_criteria_of_a_group_stand_under_its_rule_and_lead_in(visit, invented):
    page = visit(invented, f"#{TRIAL}")
    outer = page.get_by_role(
        "region", name="at least 2 of “High risk, at least two of:”"
    )
    inner = outer.get_by_role("region", name="any of “One of these events:”")
    for group, names in (
        (outer, [2, 3, 4, 5]),
        (inner, [4, 5]),
        (page.get_by_role("region", name="any of these"), [7, 8]),
    ):
        paths = [
            card.get_attribute("data-path") for card in group.locator(".card").all()
        ]
        assert paths == [f"eligibility.criteria[{number}]" for number in names]

    inner.get_by_role("link", name="any of “One").click()

    assert read_chosen(page) == "One of these events:"
    assert page.url.endswith("eligibility.groups[1]")


def test_a_records_markup_is_shown_as_text(visit, hostile):
    page = visit(hostile, "#?")
    expect(list_records(page)).to_have_text([HOSTILE_ID])
    page.locator(".rows a").click()
    expect(page.locator("[data-section=brief_summary]")).to_have_text(
        clean_text(f"Before. {TEXT} After.").text
    )
    expect(page.locator(".values-pane")).to_contain_text(SCRIPT)
    page.locator("a.value", has_text="Weight over 40 kg <").first.click()
    assert read_chosen(page) == f"* \N{GRINNING FACE} {CRITERION}"
    page.locator("a.value", has_text="Age 18 or older").first.click()
    assert read_chosen(page) == "Age 18 or older"
    assert page.locator(".text-pane :is(script, b, style)").count() == 0


@pytest.mark.parametrize(
    ("name", "place"),
    [("seeds", ""), ("seeds", "#?"), ("seeds", f"#{SEED}/eligibility.criteria[1].constraints"),
     ("own", "#NCT00000001/custom.platelets[0]"), ("invented", f"#{TRIAL}/dosing[0]")],
)  # fmt: skip
def test_axe_finds_no_violation_and_no_page_is_too_wide(request, visit, name, place):
    page = visit(request.getfixturevalue(name), place)
    for width, scheme in ((1440, "light"), (1440, "dark"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
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


def test_a_printed_page_is_complete(visit, seeds):
    page = visit(seeds, f"#{SEED}")
    page.emulate_media(media="print")

    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    for name in (".text-pane", ".values-pane", ".empties li"):
        expect(page.locator(name).first).to_be_visible()
    for name in (".views", ".steps"):
        expect(page.locator(name)).to_be_hidden()
    assert page.locator(".text-pane").evaluate(
        "(pane) => pane.scrollHeight <= pane.clientHeight + 1"
    )


def test_a_search_opens_no_record_and_draws_only_visible_lines(visit, sizes):
    read = {}
    drawn = {}
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
        # The first search opens the words of all records, and no search opens records.
        assert page.evaluate("opened.characters") - before == read[count]
        assert page.evaluate("opened.chunks") == 0

    assert read[MANY] / MANY <= 1.2 * read[FEW] / FEW
    assert drawn[MANY] <= drawn[FEW] + 10


def search_for(page, words, status):
    page.get_by_role("searchbox").fill(words)
    expect(page.locator(".status")).to_have_text(status)
