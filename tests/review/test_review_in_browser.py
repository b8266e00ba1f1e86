"""The review in a real browser, as a curator works with it."""

import json
import re

from playwright.sync_api import expect

from extractor.evaluation import check_gold_files
from tests.browser import needs_browser

from .driving import card, drag_over, open_record, unfold
from .many import make_many
from .runs import SEED, read_gold, serve

pytestmark = needs_browser
CRITERION = read_gold()["eligibility"]["criteria"][1]["quote"]


def test_a_curator_mends_a_record_and_it_becomes_gold(page, served):
    # A wrong time point.
    endpoint = unfold(page, "endpoint-0")
    endpoint.get_by_label("value", exact=True).fill("3")
    endpoint.get_by_label("value", exact=True).press("Enter")
    expect(endpoint.locator(".before")).to_have_text("was: 6 month")
    # Other fields of it are doubtful still.
    expect(endpoint.locator(".pill").first).to_have_text("to decide")
    expect(endpoint.locator(".head .doubt")).to_have_text(
        re.compile(r"^\d+ % sure of .*kind of time.* and that no specimen is stated$")
    )
    endpoint.get_by_role("button", name="Accept outcome").click()
    expect(endpoint.locator(".pill").first).to_have_text("corrected")
    # A criterion that was missed.
    drag_over(page, "brief_summary", CRITERION)
    page.get_by_role("button", name="New criterion").click()
    added = page.locator(".card.added")
    expect(added.locator("> .form > [data-field=quote] textarea")).to_have_value(CRITERION)
    expect(added.locator("[data-field=constraints] textarea").first).to_have_value("CD19")
    expect(added.locator(".head .doubt")).to_have_text("category guessed")
    added.get_by_role("button", name="Accept criterion").click()
    expect(added.locator(".pill").first).to_have_text("added")
    # An invented dose: rejected, taken back, rejected again.
    unfold(page, "regimen-0").get_by_role("button", name="Reject").click()
    expect(card(page, "regimen-0").locator(".pill").first).to_have_text("rejected")
    page.get_by_role("button", name="Undo").click()
    expect(card(page, "regimen-0").locator(".pill").first).to_have_text("to decide")
    page.get_by_role("button", name="Redo").click()
    expect(card(page, "regimen-0").locator(".pill").first).to_have_text("rejected")
    # Nothing is lost when the page is loaded again.
    page.reload()
    expect(card(page, "endpoint-0").locator(".pill").first).to_have_text("corrected")
    expect(page.locator(".card.added")).to_have_count(1)
    expect(page.locator(".progress")).to_have_text("3 of 5 decided")
    # The rest is right.
    page.get_by_role("button", name="Accept 2 certain").click()
    expect(page.locator(".progress")).to_have_text("5 of 5 decided")
    expect(page.locator(".message")).to_have_text("2 accepted: Who may take part, inclusion criterion 1.")
    page.get_by_role("button", name="History").click()
    expect(page.locator("dialog tbody tr").nth(-3)).to_contain_text("added inclusion criterion")
    expect(page.locator("dialog tbody tr").nth(-3)).to_contain_text(f"nothing → to decide: “{CRITERION}”")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".message")).to_contain_text("its gold is written")
    written = json.loads((served.gold / f"{SEED}.json").read_text("utf-8"))
    assert written == read_gold()
    assert check_gold_files(served.gold, "seeds/records") == []
    page.get_by_role("link", name="Next record").click()
    expect(page.locator(".title code")).not_to_have_text(SEED)


def test_a_record_is_reviewed_by_keyboard_alone(page, served):
    expect(card(page, "people").locator(".form")).to_be_visible()
    page.keyboard.press("a")
    expect(card(page, "criterion-0").locator(".form")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(card(page, "regimen-0").locator(".pill").first).to_have_text("rejected")
    page.keyboard.press("u")
    expect(card(page, "regimen-0").locator(".pill").first).to_have_text("to decide")
    page.keyboard.press("r")
    page.keyboard.press("n")
    expect(card(page, "endpoint-0").locator(".form")).to_be_visible()
    page.keyboard.press("e")
    expect(card(page, "endpoint-0").locator(":focus")).to_be_visible()
    page.keyboard.press("a")  # a letter of a field now, or nothing: no item is accepted
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator(".message")).to_contain_text("2 items are not decided yet")
    expect(card(page, "criterion-0").locator(".form")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("accept the item")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Find in the text")).to_be_focused()
    page.keyboard.type("heavily treated")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("1 of 2")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("2 of 2")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("1 of 2, from the top")
    expect(page.locator(".uses")).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".chosen")).to_have_text("“heavily treated”")
    page.keyboard.press("q")
    expect(page.locator(".queue .begun")).to_have_text("begun")


def test_keys_are_the_page_s_in_a_closed_menu_and_escape_takes_back(page):
    menu = unfold(page, "endpoint-0").get_by_label("Concept")
    menu.focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(card(page, "endpoint-0").locator("[data-field=concept] .before")).to_be_visible()
    expect(menu).to_be_focused()
    expect(menu).to_have_value('"time_to_response"')
    page.keyboard.press("Escape")
    expect(menu).to_have_value('"response_rate"')
    expect(card(page, "endpoint-0").locator(".pill").first).to_have_text("to decide")
    menu.focus()
    page.keyboard.press("a")
    expect(card(page, "endpoint-0").locator(".pill").first).to_have_text("accepted")
    expect(card(page, "people").locator(".form")).to_be_visible()
    page.keyboard.press("u")  # back to the item that was open
    expect(card(page, "endpoint-0").locator(".form")).to_be_visible()
    expect(card(page, "endpoint-0").locator(".pill").first).to_have_text("to decide")
    assert (
        card(page, "endpoint-0")
        .get_by_label("Measure")
        .evaluate("(box) => box.getBoundingClientRect().bottom < innerHeight")
    )


def test_selected_words_fill_the_field_of_the_opened_item(page):
    unfold(page, "criterion-0")
    drag_over(page, "brief_summary", "for more than three months")
    page.locator(".uses").get_by_role("button", name="time window").click()
    window = card(page, "criterion-0").locator("[data-field=time_window]")
    expect(window.get_by_label("quote")).to_have_value("for more than three months")
    expect(window.get_by_label("value", exact=True)).to_have_value("3")
    expect(page.locator(".uses")).to_be_hidden()
    drag_over(page, "brief_summary", "heavily treated")
    expect(page.locator(".uses").get_by_role("button", name="New dose")).to_be_visible()
    expect(page.locator(".uses").get_by_role("button", name="New outcome")).to_have_count(0)
    unfold(page, "endpoint-0")  # what is selected stays
    page.locator(".uses").get_by_role("button", name="specimens").click()
    expect(card(page, "endpoint-0").locator("[data-field=specimens] textarea")).to_have_value("heavily treated")


def test_findings_and_items_lead_to_their_words(page):
    page.locator(".findings summary").click()
    cited = page.locator(".cite").first
    words = cited.inner_text().strip("“”…")
    cited.click()
    assert page.evaluate("getSelection().toString()").startswith(words[:60])
    expect(page.locator(".uses")).to_be_hidden()
    unfold(page, "criterion-0")
    marked = page.locator("mark.current").all_inner_texts()
    assert "".join(marked) == read_gold()["eligibility"]["criteria"][0]["quote"]
    drag_over(page, "brief_summary", "matched the diagnostic")
    expect(page.locator(".uses")).to_contain_text("Quoted already by:inclusion criterion 1")
    page.locator("pre[data-section=primary_outcomes] mark").first.click()
    expect(card(page, "endpoint-0").locator(".form")).to_be_visible()


def test_two_reviewers_see_each_other_s_value_and_choose(spoilt_run, served, visit):
    with serve(spoilt_run, served.gold, "ben") as other:
        anna, ben = visit(served), visit(other)
        # Ben's page asks every few seconds what others did; here it does not learn it until he has acted himself.
        ben.route("**/api/version?*", lambda route: route.fulfill(json={"version": 0, "by": None}))
        for page in (anna, ben):
            open_record(page)
            unfold(page, "endpoint-0")
        card(anna, "endpoint-0").get_by_label("Category").select_option(label="safety – whether it harms; MTD too")
        expect(card(anna, "endpoint-0").locator("[data-field=category] .before")).to_have_text("was: efficacy")
        card(ben, "endpoint-0").get_by_label("Category").select_option(label="other – none of these")
        expect(ben.get_by_role("dialog")).to_contain_text("anna changed this item in the meantime")
        ben.unroute("**/api/version?*")
        expect(ben.locator("dialog tbody tr")).to_have_text("categorysafetyother")
        ben.get_by_role("button", name="Use mine").click()
        expect(card(ben, "endpoint-0").locator("[data-field=category] .before")).to_have_text("was: efficacy")
        # Anna is shown what Ben did.
        expect(anna.locator(".message")).to_contain_text("ben changed this record")
        expect(card(anna, "endpoint-0").get_by_label("Category")).to_have_value('"other"')
        ben.get_by_role("button", name="History").click()
        expect(ben.locator("dialog tbody tr")).to_have_count(2)
        expect(ben.locator("dialog tbody tr").first).to_contain_text("safety → other")


def test_many_records_come_a_page_at_a_time(visit, tmp_path):
    with serve(make_many(tmp_path, 2000), tmp_path / "gold") as review:
        page = visit(review)
        expect(page.locator(".queue li")).to_have_count(50)
        page.get_by_role("button", name="Show 50 more").click()
        expect(page.locator(".queue li")).to_have_count(100)
        expect(page.locator(".queue a").nth(50)).to_be_focused()
        page.keyboard.press("j")
        expect(page.locator(".queue a").nth(51)).to_be_focused()
        page.keyboard.press("/")
        page.keyboard.type("part 1999")
        expect(page.locator(".queue code")).to_have_text(["NCT00001999"])
        expect(page.locator(".status")).to_have_text("0 of 2,000 finished; 1 shown here")
        open_record(page, "NCT00001999")
        page.keyboard.press("[")
        expect(page.locator(".title code")).to_have_text("NCT00001998")
        page.keyboard.press("a")
        expect(page.locator(".progress")).to_have_text("1 of 1 decided")
        page.keyboard.press("f")
        expect(page.get_by_role("link", name="Next record")).to_have_attribute("href", "#record=NCT00001999")
        page.keyboard.press("q")
        # What was searched is still there, and the record from which one comes is left alone where it is not listed.
        expect(page.get_by_label("Search")).to_have_value("part 1999")
        page.get_by_label("Search").fill("")
        page.get_by_label("Only what is left to do").check()
        expect(page.locator(".status")).to_have_text("1 of 2,000 finished; 1,999 shown here")
