"""The review in a real browser: with the mouse, by keyboard, on a phone."""

import json
import re

import pytest
from playwright.sync_api import expect

from extractor.apps.evaluation import check_gold_files
from extractor.language.clean import clean_text
from extractor.schemas import TrialExtraction
from tests.browser import fits_its_window, list_violations, needs_browser, press_at_once
from tests.commands import extract
from tests.pages.invented import ARMS, TRIAL, make_extraction, make_run

from .reviewing import OWN, SEED, make_custom, make_many, read_gold, serve

pytestmark = [needs_browser, pytest.mark.slow]
CRITERION = clean_text(read_gold()["eligibility"]["criteria"][1]["quote"]).text
HOSTILE = (
    "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' "
    "onerror='window.broken = 1'>"
)
TEXT = (
    f"Inclusion Criteria:\n\n* Fever {HOSTILE}\n* No {{{{fever}}}} \u202egnp.exe\n* Platelets "
    "\\>= 100 x 10\\^9/L"
)
NAME = 'R"><img src=x onerror=window.broken=1>'
_FIND_ENDS = """([section, words]) => {
  const pre = document.querySelector(`pre[data-section="${section}"]`);
  const at = pre.textContent.indexOf(words);
  const rect = (offset) => {
    const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
    let left = offset;
    while (walker.nextNode() && left >= walker.currentNode.length) left -= walker.currentNode.length;
    const range = document.createRange();
    range.setStart(walker.currentNode, left);
    range.setEnd(walker.currentNode, left + 1);
    return range;
  };
  rect(at).startContainer.parentElement.scrollIntoView({ block: "center" });
  const [first, last] = [rect(at), rect(at + words.length - 1)].map((one) => one.getBoundingClientRect());
  return [first.left + 1, first.top + first.height / 2, last.right - 1, last.top + last.height / 2];
}"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A record whose every text is hostile, and a run of it."""
    folder = tmp_path_factory.mktemp("hostile")
    record = folder / f"{NAME}.json"
    study = {
        "identificationModule": {"briefTitle": HOSTILE},
        "eligibilityModule": {"eligibilityCriteria": TEXT},
    }
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    return record, extract(record, folder / "run")


@pytest.fixture(scope="module")
def made_before_browser(spoilt_run, hostile, many, own, invented):
    """All runs."""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return make_many(tmp_path_factory.mktemp("many"), 200)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return make_custom(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("invented"))


@pytest.fixture
def page(served, visit):
    opened = visit(served)
    open_record(opened)
    return opened


def open_record(page, record=SEED):
    page.locator(".queue a", has=page.get_by_text(record, exact=True)).click()
    expect(page.locator(".title code")).to_have_text(record)
    expect(page.locator(".card.opened")).to_be_visible()


def card(page, name):
    return page.locator(f".card[data-path='{name}']")


def expect_state(page, name, state):
    expect(card(page, name).locator(".chip").first).to_have_text(state)


def unfold(page, name):
    if card(page, name).locator(".form").count() == 0:
        card(page, name).locator(".head").click()
    return card(page, name)


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def drag_over(page, section, words):
    """Select words with the mouse, from their first character to their last."""
    ends = page.evaluate(_FIND_ENDS, [section, words])
    page.mouse.move(*ends[:2])
    was_visible = page.locator(".uses").is_visible()
    page.mouse.down()
    page.mouse.move(*ends[2:], steps=5)
    # The uses of words are offered after the selection, not during it.
    assert page.locator(".uses").is_visible() is was_visible
    page.mouse.up()
    expect(page.locator(".chosen")).to_be_visible()


def test_a_curator_mends_a_record_and_it_becomes_gold(page, served):
    # A wrong time point.
    endpoint = unfold(page, "endpoints[0]")
    endpoint.get_by_label("value", exact=True).fill("3")
    endpoint.get_by_label("value", exact=True).press("Enter")
    expect(endpoint.locator(".before")).to_have_text("was: 6 months")
    expect_state(
        page, "endpoints[0]", "to decide"
    )  # other fields of it are still doubtful
    doubt = re.compile(
        r"^40 % sure of the item as a whole; also in doubt: kind of time, .*specimens$"
    )
    expect(endpoint.locator(".head .doubt")).to_have_text(doubt)
    click(page, "Accept endpoint")
    expect_state(page, "endpoints[0]", "corrected")
    # A criterion that was missed.
    drag_over(page, "brief_summary", CRITERION)
    click(page, "New criterion")
    added = page.locator(".card.added")
    expect(added.locator("> .form > [data-field=quote] textarea")).to_have_value(
        CRITERION
    )
    expect(added.locator("[data-field=constraints] textarea").first).to_have_value(
        "CD19"
    )
    expect(added.locator(".head .doubt")).to_have_text("category guessed")
    click(page, "Accept criterion")
    expect(added.locator(".chip").first).to_have_text("added")
    # An invented dose: rejected, taken back, rejected again.
    unfold(page, "dosing[0]").get_by_role("button", name="Reject").click()
    expect_state(page, "dosing[0]", "rejected")
    page.get_by_role("button", name="Undo").click()
    expect_state(page, "dosing[0]", "to decide")
    page.get_by_role("button", name="Redo").click()
    expect_state(page, "dosing[0]", "rejected")
    # A reload of the page loses nothing.
    page.reload()
    expect_state(page, "endpoints[0]", "corrected")
    expect(page.locator(".progress")).to_have_text("3 of 5 decided")
    # All other items are right.
    page.get_by_role("button", name="Accept 2 certain").click()
    expect(page.locator(".progress")).to_have_text("5 of 5 decided")
    expect(page.locator(".message")).to_have_text(
        "2 accepted: who may take part, inclusion criterion 1."
    )
    page.get_by_role("button", name="History").click()
    expect(page.locator("dialog tbody tr").nth(-3)).to_contain_text(
        "added inclusion criterion"
    )
    expect(page.locator("dialog tbody tr").nth(-3)).to_contain_text(
        f"to decide: “{CRITERION}”"
    )
    press(page, "Escape")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".message")).to_contain_text("its gold is written")
    assert json.loads((served.gold / f"{SEED}.json").read_text("utf-8")) == read_gold()
    assert check_gold_files(served.gold, "seeds/records") == []
    page.get_by_role("link", name="Next record").click()
    expect(page.locator(".title code")).not_to_have_text(SEED)


def test_a_message_goes_when_it_is_no_longer_true(page):
    press(page, "f")
    expect(page.locator(".message")).to_have_text("4 items are not decided yet.")
    press(page, "a")
    expect(page.locator(".progress")).to_have_text("1 of 4 decided")
    expect(page.locator(".message")).to_be_hidden()


@pytest.mark.parametrize("width", [920, 1100, 1280])
def test_the_bar_of_a_record_stays_on_one_line(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    buttons = page.locator(".topbar button:visible, .topbar a:visible")
    tops = {round(box["y"] + box["height"] / 2) for box in boxes(buttons)}
    assert max(tops) - min(tops) < 12
    assert fits_its_window(page)


def boxes(locator):
    return [element.bounding_box() for element in locator.all()]


def test_a_record_with_a_red_field_is_finished_all_the_same_if_told_to(page, served):
    criterion = unfold(page, "eligibility.criteria[0]")
    limits = criterion.locator("[data-field=constraints]")
    limits.get_by_role("button", name="Add").click()
    expect(limits.locator(".flaw")).to_have_text(
        "no. 1: nothing is filled in; fill it in, or remove it"
    )
    limits.get_by_role("button", name="Remove").click()
    expect(limits.locator(".flaw")).to_have_count(0)
    expect_state(page, "eligibility.criteria[0]", "to decide")
    limits.get_by_role("button", name="Add").click()
    limits.get_by_label("quantity").fill("age")
    limits.get_by_label("quantity").press("Tab")
    limits.get_by_label("comparator").select_option(value='">"')
    limits.get_by_label("value", exact=True).fill("99")
    limits.get_by_label("value", exact=True).press("Enter")
    expect(limits.locator(".flaw")).to_contain_text("99 does not stand in the quote")
    expect(limits.locator("[aria-invalid]")).to_have_count(1)
    endpoint = unfold(page, "endpoints[0]")
    endpoint.get_by_role("button", name="Accept endpoint").click()
    # the page goes on to the next item before it shows this state
    expect_state(page, "endpoints[0]", "accepted")
    unfold(page, "dosing[0]").get_by_role("button", name="Reject").click()
    expect_state(page, "dosing[0]", "rejected")
    page.get_by_role("button", name="Accept 1 certain").click()
    expect(page.locator(".progress")).to_have_text("4 of 4 decided")
    page.get_by_role("button", name="Finish").click()
    dialog = page.locator("dialog.dialog")
    expect(dialog).to_contain_text("1 field is still red: inclusion criterion 1")
    # Enter must not write what the page has just warned of.
    expect(dialog.get_by_role("button", name="Show the field")).to_be_focused()
    press(page, "Enter")
    expect(limits.get_by_label("value", exact=True)).to_be_focused()
    assert list(served.gold.glob("*.json")) == []
    page.get_by_role("button", name="Finish").click()
    click(page, "Finish all the same")
    expect(page.locator(".message")).to_contain_text("its gold is written")
    assert [path.stem for path in served.gold.glob("*.json")] == [SEED]


def test_an_answer_to_an_earlier_entry_takes_no_later_one_away(page):
    criterion = unfold(page, "eligibility.criteria[0]")
    limits = criterion.locator("[data-field=constraints]")
    limits.get_by_role("button", name="Add").click()
    expect(limits.locator(".flaw")).to_have_count(1)
    quantity = limits.get_by_label("quantity")
    comparator = limits.get_by_label("comparator")
    value = limits.get_by_label("value", exact=True)

    # two entries leave before the first one is answered
    with page.expect_response("**/change?*"):
        quantity.fill("age")
        quantity.press("Tab")
        comparator.select_option(value='">"')
    value.fill("99")
    value.press("Enter")

    expect(limits.locator(".flaw")).to_have_text(re.compile("99 does not stand"))
    expect(quantity).to_have_value("age")
    expect(comparator).to_have_value('">"')


def test_a_record_is_reviewed_by_keyboard_alone(page):
    expect(card(page, "eligibility").locator(".form")).to_be_visible()
    press(page, "a")
    expect(card(page, "eligibility.criteria[0]").locator(".form")).to_be_visible()
    press(page, "j", "x")
    expect_state(page, "dosing[0]", "rejected")
    press(page, "u")
    expect_state(page, "dosing[0]", "to decide")
    press(page, "r", "n")
    expect(card(page, "endpoints[0]").locator(".form")).to_be_visible()
    press(page, "e")
    expect(card(page, "endpoints[0]").locator(":focus")).to_be_visible()
    press(page, "Escape")
    card(page, "endpoints[0]").get_by_role("textbox").first.focus()
    press(
        page, "a", "Escape", "f"
    )  # "a" is a letter of a field now: no item is accepted
    expect(page.locator(".message")).to_contain_text("2 items are not decided yet")
    expect(card(page, "eligibility.criteria[0]").locator(".form")).to_be_visible()
    press(page, "?")
    expect(page.get_by_role("dialog")).to_contain_text("accept the item")
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    press(page, "/")
    expect(page.get_by_label("Find in the text")).to_be_focused()
    page.keyboard.type("heavily treated")
    for count in ("1 of 2", "2 of 2", "1 of 2, from the top"):
        press(page, "Enter")
        expect(page.locator(".count")).to_have_text(count)
    expect(page.locator(".uses")).to_be_hidden()
    press(page, "Tab", "Enter")
    expect(page.locator(".chosen")).to_have_text("“heavily treated”")
    press(page, "q")
    expect(page.locator(".queue .state-begun .chip")).to_have_text("begun")


def test_keys_that_are_faster_than_answers_each_count(page):
    press_at_once(page, "aaa")
    expect(page.locator(".progress")).to_contain_text("3 of ")
    press_at_once(page, "uu")
    expect(page.locator(".progress")).to_contain_text("1 of ")


def test_a_record_that_cannot_be_opened_leaves_no_other_in_its_place(page, served):
    page.evaluate("location.hash = '#record=nobody'")
    expect(page.locator(".card")).to_have_count(0)


def test_escape_takes_back_what_was_chosen_in_a_menu_and_nothing_before(page):
    menu = unfold(page, "endpoints[0]").get_by_label("Category")
    before = unfold(page, "endpoints[0]").locator("[data-field=category] .before")
    unfold(page, "endpoints[0]").get_by_label("Censored").select_option(label="yes")
    menu.focus()
    for label in ("safety – whether it harms; MTD too", "other – none of these"):
        menu.select_option(label=label)
        expect(menu).to_have_value(f'"{label.split()[0]}"')
        expect(before).to_have_text("was: efficacy")
    menu.press("Escape")
    expect(menu).to_have_value('"efficacy"')
    expect(page.locator("[data-field=censored] .before")).to_have_text("was: no")


def test_selected_words_fill_the_field_of_the_opened_item(page):
    uses = page.locator(".uses")
    unfold(page, "eligibility.criteria[0]")
    drag_over(page, "brief_summary", "for more than three months")
    uses.get_by_role("button", name="time windows").click()
    window = card(page, "eligibility.criteria[0]").locator("[data-field=time_windows]")
    expect(window.get_by_label("quote")).to_have_value("for more than three months")
    expect(window.get_by_label("value", exact=True)).to_have_value("3")
    expect(uses).to_be_hidden()
    drag_over(page, "brief_summary", "heavily treated")
    expect(uses.get_by_role("button", name="New regimen")).to_be_visible()
    expect(uses.get_by_role("button", name="New endpoint")).to_have_count(0)
    unfold(page, "endpoints[0]")  # what is selected stays
    uses.get_by_role("button", name="specimens").click()
    expect(
        card(page, "endpoints[0]").locator("[data-field=specimens] textarea")
    ).to_have_value("heavily treated")


def test_two_reviewers_see_each_other_s_value_and_choose(spoilt_run, served, visit):
    def category(page):
        return card(page, "endpoints[0]").get_by_label("Category")

    with serve(spoilt_run, served.gold, "ben") as other:
        anna = visit(served)
        ben = visit(other)
        # Ben's page polls for others' changes every few seconds; here it learns of them only when
        # he acts.
        ben.route(
            "**/api/version?*",
            lambda route: route.fulfill(json={"version": 0, "by": None}),
        )
        for page in (anna, ben):
            open_record(page)
            unfold(page, "endpoints[0]")
        category(anna).select_option(label="safety – whether it harms; MTD too")
        expect(
            card(anna, "endpoints[0]").locator("[data-field=category] .before")
        ).to_have_text("was: efficacy")
        category(ben).select_option(label="other – none of these")
        expect(ben.get_by_role("dialog")).to_contain_text(
            "anna changed this item in the meantime"
        )
        ben.unroute("**/api/version?*")
        expect(ben.locator("dialog tbody tr")).to_have_text("categorysafetyother")
        click(ben, "Use mine")
        expect(
            card(ben, "endpoints[0]").locator("[data-field=category] .before")
        ).to_have_text("was: efficacy")
        # Anna's page shows Ben's change.
        expect(anna.locator(".message")).to_contain_text("ben changed this record")
        expect(category(anna)).to_have_value('"other"')
        ben.close()  # his page asks his server for changes, which ends with this block


def test_of_many_records_only_visible_lines_are_drawn_and_a_search_finds_all(
    visit, many, tmp_path
):
    with serve(many, tmp_path / "gold") as review:
        page = visit(review)
        expect(page.locator(".queue li").first).to_be_visible()
        assert page.locator(".queue li").count() < 60
        press(page, "j", "End")
        expect(page.locator(".queue li[aria-posinset='200'] a")).to_be_focused()
        press(page, "k")
        expect(page.locator(".queue li[aria-posinset='199'] a")).to_be_focused()
        press(page, "/")
        for words, found in (
            ("MANY one", "200 shown here"),
            ("nct00000012", "1 shown here"),
            (
                "sure",
                "190 shown here",
            ),  # the last twentieth of many are certain: they give no reason
            ("no such", "no record matches"),
            ("part 199", "1 shown here"),
        ):
            page.get_by_label("Search").fill(words)
            expect(page.locator(".status")).to_have_text(f"0 of 200 finished; {found}")
        expect(page.locator(".queue code")).to_have_text(["NCT00000199"])
        press(page, "Enter")
        expect(page.locator(".title code")).to_have_text("NCT00000199")
        press(page, "[")
        expect(page.locator(".title code")).to_have_text("NCT00000198")
        press(page, "a")
        expect(page.locator(".progress")).to_have_text("1 of 1 decided")
        press(page, "f")
        expect(page.get_by_role("link", name="Next record")).to_have_attribute(
            "href", "#record=NCT00000199"
        )
        press(page, "q")
        # The search is still there, and a record that is not listed does not get the focus.
        expect(page.get_by_label("Search")).to_have_value("part 199")
        page.get_by_label("Search").fill("")
        page.get_by_label("Only what is left to do").check()
        expect(page.locator(".status")).to_have_text(
            "1 of 200 finished; 199 shown here"
        )


def test_a_records_markup_and_numbers_are_shown_as_they_are_written(
    visit, hostile, tmp_path
):
    record, run = hostile
    with serve(run, tmp_path / "gold") as review:
        page = visit(review)
        expect(page.locator(".row-title")).to_have_text(HOSTILE)
        open_record(page, NAME)
        expect(page.locator("pre[data-section=eligibility]")).to_have_text(
            clean_text(TEXT).text, use_inner_text=False
        )
        expect(page.locator(".title h1")).to_have_text(HOSTILE)
        assert page.locator("img, .record script").count() == 0
        limit = unfold(page, "eligibility.criteria[0]").locator(
            "[data-field=constraints]"
        )
        box = limit.get_by_label("value", exact=True)
        expect(box).to_have_value("100 x 10^9")
        expect(limit.locator(".exact")).to_have_text("= 100,000,000,000")
        assert box.evaluate("(box) => box.scrollWidth <= box.clientWidth")
        box.fill("50 x 10^9")
        box.press("Enter")
        expect(limit.locator(".before")).to_contain_text("100 x 10^9 (100,000,000,000)")
        click(page, "Undo")
        expect(box).to_have_value("100 x 10^9")
        for shut in page.locator(".card:not(.opened) .head").all():
            shut.click()
        while left := page.locator(".card.open").count():
            unfold(page, page.locator(".card.open").first.get_attribute("data-path"))
            press(page, "a")
            expect(page.locator(".card.open")).to_have_count(left - 1)
        page.get_by_role("button", name="Finish").click()
        expect(page.locator(".message")).to_contain_text("its gold is written")
    assert check_gold_files(tmp_path / "gold", record) == []


def test_axe_finds_no_violation_in_light_and_dark_and_on_a_phone(page):
    def list_in_both():
        found = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += list_violations(page)
        return found

    page.locator(".findings summary").click()
    unfold(page, "eligibility.criteria[0]")
    drag_over(page, "brief_summary", "heavily treated")
    assert list_in_both() == []
    page.get_by_role("button", name="History").click()
    assert list_in_both() == []
    press(page, "Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    click(page, "Items")
    expect(page.locator(".text")).to_be_hidden()
    unfold(page, "endpoints[0]")
    assert fits_its_window(page)
    click(page, "Text")
    expect(page.locator(".items")).to_be_hidden()
    drag_over(page, "brief_summary", "for more than three months")
    assert fits_its_window(page)
    click(page, "New criterion")
    expect(page.locator(".card.added.opened")).to_be_visible()
    assert list_violations(page) == []
    page.goto(page.url.partition("#")[0] + "#queue")
    expect(page.locator(".queue li").first).to_be_visible()
    assert fits_its_window(page)
    assert list_in_both() == []


def test_values_of_custom_fields_are_corrected_and_added_from_selected_words(
    own, tmp_path, visit
):
    with serve(own, tmp_path / "gold") as review:
        page = visit(review)
        open_record(page, OWN)
        tags = card(page, "eligibility.criteria[0]").locator(".tag")
        expect(tags.filter(has_text="ejection fraction: < 40 %")).to_be_visible()
        limit = unfold(page, "eligibility.criteria[0]").locator(".card")
        limit.locator(".head").click()
        expect(limit.locator(".name")).to_have_text(
            "ejection fraction of inclusion criterion 1"
        )
        box = limit.get_by_label("ejection fraction")
        expect(box).to_have_value("< 40 %")
        box.fill("rather low")
        box.press("Enter")
        expect(limit.locator(".flaw")).to_contain_text("comparator number unit")
        box.fill("<= 35 %")
        box.press("Enter")
        expect(limit.locator(".before")).to_have_text("was: < 40 %")
        assert list_violations(page) == []
        drag_over(page, "title", "two week washout")
        click(page, "New lead in phase")
        added = page.locator(".card.added.opened")
        expect(added.locator(".name")).to_have_text("lead in phase")
        added.get_by_label("kind").select_option(label="washout")
        added.get_by_label("fixed").select_option(label="no")
        drag_over(page, "title", "examplumab")
        click(page, "drugs")
        expect(added.locator(".flaw")).to_have_count(0)
        press(page, "n")
        for decided in range(
            2, 6
        ):  # the last criterion is accepted with what is said of it
            expect(page.locator(".progress")).to_have_text(f"{decided} of 7 decided")
            press(page, "a")
        expect(page.locator(".progress")).to_have_text("7 of 7 decided")
        expect(page.locator(".items > .card")).to_have_count(5)
        click(page, "Finish")
        expect(page.locator("dialog.dialog")).to_contain_text(
            "nothing in the record states <= 35 %"
        )
        click(page, "Finish all the same")
        expect(page.locator(".message")).to_contain_text("its gold is written")
    gold = json.loads((tmp_path / "gold" / f"{OWN}.json").read_text("utf-8"))["custom"]
    assert gold["ejection_fraction"][0]["values"]["value"]["value"] == 35
    values = {"kind": "washout", "drugs": ["examplumab"], "fixed": False}
    assert gold["lead_in_phase"] == [{"of": None, "values": values}]


def test_arms_windows_and_groups_are_corrected_in_their_forms(
    invented, tmp_path, visit
):
    with serve(invented, tmp_path / "gold") as review:
        page = visit(review)
        open_record(page, TRIAL)
        arms = unfold(page, "dosing[0]").locator("[data-field=arms]")
        for label in (
            "Low",
            "Placebo",
        ):  # at once: the second click comes before the answer to the first
            arms.get_by_label(label).dispatch_event("click")
        expect(arms.locator(".before")).to_have_text("was: High > 5 mg, Low")
        expect(arms.get_by_label("Low")).not_to_be_checked()
        expect(arms.get_by_label("Placebo")).to_be_checked()
        level = page.get_by_role("group", name="amounts 2: arms")
        level.get_by_label("Low").uncheck()
        expect(page.locator("[data-field=amounts] .before")).to_have_text(
            "was: 10 mg (High > 5 mg), 5 mg (Low)"
        )
        groups = unfold(page, "eligibility").locator("[data-field=groups]")
        groups.get_by_role("button", name="Add groups").click()
        expect(groups.get_by_label("name").last).to_have_text("group 4")
        expect(groups.locator(".flaw")).to_contain_text("no. 4: nothing is filled in")
        groups.get_by_label("within").last.select_option(
            label="group 1: at least 2 of “High risk, at least two of:”"
        )
        groups.get_by_label("rule").last.select_option(
            label="any – one is enough"
        )  # at once, as above
        expect(groups.locator(".flaw")).to_contain_text(
            "no criterion and no group is in group 4; choose it as the group of its criteria"
        )
        criterion = unfold(page, "eligibility.criteria[0]")
        criterion.get_by_label("Group").select_option(label="group 4: any of these")
        expect(groups.locator(".flaw")).to_have_count(0)
        expect(criterion.locator("[data-field=group] .before")).to_have_text(
            "was: not stated"
        )
        window = unfold(page, "eligibility.criteria[6]").locator(
            "[data-field=time_windows]"
        )
        window.get_by_label("comparator").last.select_option(label="between – a range")
        words = (
            "was: Aspirin: ≤ 3 days before biopsy, warfarin: ≤ 10 days before biopsy"
        )
        expect(window.locator(".before")).to_have_text(words)
        window.get_by_label("upper value").last.fill("12")
        window.get_by_label("upper value").last.press("Enter")
        expect(window.get_by_label("upper value").last).to_have_js_property(
            "defaultValue", "12"
        )
        while page.locator(".card.open").count():
            unfold(page, page.locator(".card.open").first.get_attribute("data-path"))
            left = page.locator(".card.open").count()
            press(page, "a")
            expect(page.locator(".card.open")).to_have_count(left - 1)
        assert list_violations(page) == []
        click(page, "Finish")
        expect(page.locator(".message")).to_contain_text("its gold is written")
    gold = json.loads((tmp_path / "gold" / f"{TRIAL}.json").read_text("utf-8"))
    assert gold["dosing"][0]["arms"] == [ARMS[0], ARMS[2]]
    assert "arms" not in gold["dosing"][0]["amounts"][1]
    assert gold["eligibility"]["groups"][3] | {"lead_in": None, "n": None, "n_high": None} == {
        "id": "g4", "lead_in": None, "rule": "any", "n": None, "n_high": None, "parent": "g1"
    }  # fmt: skip
    assert gold["eligibility"]["criteria"][0]["group"] == "g4"
    window = gold["eligibility"]["criteria"][6]["time_windows"][1]
    assert window["comparator"] == "between"
    assert window["value"] == 10
    assert window["value_high"] == 12


@pytest.mark.parametrize(
    "button", ["Add time windows", "Reject", "Remove Constraints 1", "next card"]
)
def test_a_button_stays_under_the_mouse_that_presses_it(page, button):
    criterion = unfold(page, "eligibility.criteria[0]")
    criterion.get_by_role("button", name="Add constraints").click()
    expect(criterion.get_by_label("quantity")).to_be_visible()
    criterion.get_by_label("category").focus()
    if button == "next card":
        pressed = page.locator(".card[data-path='dosing[0]'] .head")
    else:
        pressed = criterion.get_by_role(
            "button", name=re.compile(button, re.IGNORECASE)
        )
    pressed.scroll_into_view_if_needed()
    box = pressed.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    assert pressed.bounding_box() == box
    page.mouse.up()
    effects = {
        "Add time windows": criterion.get_by_label("comparator").first,
        "Reject": criterion.get_by_role("button", name="Take rejection back"),
        "Remove Constraints 1": criterion.get_by_role("button", name="Add constraints"),
        "next card": page.locator(".card.opened[data-path='dosing[0]']"),
    }
    expect(effects[button]).to_be_visible()


@pytest.mark.parametrize("leaves", ["closed", "hidden"])
def test_text_of_a_field_that_is_being_edited_is_saved_when_the_page_is_left(
    page, served, visit, spoilt_run, leaves
):
    box = unfold(page, "endpoints[0]").locator("[data-field=measure] textarea")
    written = box.input_value()
    box.press("End")
    box.press_sequentially(" typed")
    if leaves == "closed":
        page.close(run_before_unload=True)
    else:
        hide = """() => {
          Object.defineProperty(document, "visibilityState", { value: "hidden" });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
        page.evaluate(hide)
    with serve(spoilt_run, served.gold, "ben") as other:
        later = visit(other)
        open_record(later)
        saved = unfold(later, "endpoints[0]").locator("[data-field=measure] textarea")
        expect(saved).to_have_value(f"{written} typed")
        # It may be half of what the reviewer meant.
        expect_state(later, "endpoints[0]", "to decide")
        field = card(later, "endpoints[0]").locator("[data-field=measure]")
        expect(field.locator(".doubt")).to_have_text("to check")
        saved.fill(f"{written} typed in full")
        saved.press("Enter")
        expect(field.locator(".doubt")).to_have_count(0)
        later.close()


def test_what_another_annotator_says_is_shown_and_taken_over(invented, tmp_path, visit):
    anna = TrialExtraction.model_validate(make_extraction()).to_gold()
    ben = json.loads(json.dumps(anna))
    ben["eligibility"]["criteria"][1]["constraints"][0]["value"] = 5
    ben["eligibility"]["criteria"][0]["constraints"][0]["quantity"] = (
        "Serum haemoglobin"
    )
    folders = tmp_path / "anna", tmp_path / "ben"
    for folder, gold in zip(folders, (anna, ben), strict=True):
        folder.mkdir()
        (folder / f"{TRIAL}.json").write_text(json.dumps(gold), "utf-8")
    with serve(invented, tmp_path / "agreed", "cleo", folders) as review:
        page = visit(review)
        expect(page.locator(".lead")).to_contain_text("between anna and ben")
        expect(page.locator(".row-note")).to_contain_text("1 difference")
        expect(page.locator(".row-note")).to_contain_text("1 value in other words")
        open_record(page, TRIAL)
        alike = card(page, "eligibility.criteria[0]").locator(".head")
        expect(alike).to_contain_text("other words in ben: constraints")
        opened = card(page, "eligibility.criteria[1]")
        expect(opened.locator(".head .doubt")).to_have_text("differ in: constraints")
        expect(opened.locator(".other")).to_contain_text("ben: ALT ≤ 5 x ULN")
        assert list_violations(page) == []
        opened.get_by_role("button", name="Take ben's constraints").click()
        expect_state(page, "eligibility.criteria[1]", "corrected")
        click(page, "Finish")
        expect(page.locator(".message")).to_contain_text("its gold is written")
        page.goto(page.url.partition("#")[0] + "guideline#eligibility.sex")
        expect(page.locator(":target")).to_contain_text("male or female")
        assert list_violations(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert fits_its_window(page)
