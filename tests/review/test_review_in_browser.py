"""The review in a real browser, as a curator works with it."""

import json
import os
import shutil
from importlib.resources import files

import pytest
from playwright.sync_api import expect, sync_playwright

from extractor.evaluation import check_gold_files

from .runs import SEED, extract, make_run, read_gold, serve

# Debian's wrapper first; the others are what other systems call it.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = bool(os.environ.get("EXTRACTOR_REQUIRE_BROWSER"))
# A loaded machine is slow, not wrong.
_PATIENCE = 20_000
expect.set_options(timeout=_PATIENCE)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED, reason="no chromium here; install it, for instance: apt-get install chromium"
)
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
CRITERION = read_gold()["eligibility"]["criteria"][1]["quote"]
HOSTILE = "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' onerror='window.broken = 1'>"
NAME = 'R"><img src=x onerror=window.broken=1>'


@pytest.fixture(scope="module")
def chromium():
    assert CHROMIUM, "EXTRACTOR_REQUIRE_BROWSER is set and there is no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        # Root in a container can have no sandbox, and little shared memory; the page is our own.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("reviewed"))


@pytest.fixture
def served(run, tmp_path):
    with serve(run, tmp_path / "gold") as review:
        yield review


@pytest.fixture
def visit(chromium):
    """Opens reviews, each in a browser of its own. Afterwards: no script failed, nothing else was asked for."""
    troubles, contexts = [], []

    def open_review(review):
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(_PATIENCE)
        contexts.append(context)
        page = context.new_page()
        own = f"http://127.0.0.1:{review.port}/"
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console", lambda message: "409" in message.text or "422" in message.text or troubles.append(message.text)
        )
        page.on("request", lambda request: request.url.startswith((own, "data:")) or troubles.append(request.url))
        page.goto(review.address)
        expect(page.locator(".queue li").first).to_be_visible()
        return page

    yield open_review
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.broken") is None
        context.close()
    assert troubles == []


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
    return page.locator(f".card[data-id='{name}']")


def unfold(page, name):
    if card(page, name).locator(".form").count() == 0:
        card(page, name).locator(".head").click()
    return card(page, name)


def drag_over(page, section, words):
    """Select words with the mouse, from their first character to their last."""
    ends = page.evaluate(
        """([section, words]) => {
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
        }""",
        [section, words],
    )
    page.mouse.move(*ends[:2])
    page.mouse.down()
    page.mouse.move(*ends[2:], steps=5)
    page.mouse.up()
    expect(page.locator(".chosen")).to_be_visible()


def list_troubles(page):
    """What axe finds that is serious."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    found = page.evaluate("axe.run().then((result) => result.violations)")
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_curator_mends_a_record_and_it_becomes_gold(page, served):
    # A wrong time point.
    endpoint = unfold(page, "endpoint-0")
    endpoint.get_by_label("value", exact=True).fill("3")
    endpoint.get_by_label("value", exact=True).press("Enter")
    expect(endpoint.locator(".pill").first).to_have_text("corrected")
    expect(endpoint.locator(".before")).to_have_text("was: 6 month")
    # A criterion that was missed.
    drag_over(page, "brief_summary", CRITERION)
    page.get_by_role("button", name="New criterion").click()
    added = page.locator(".card.added")
    expect(added.locator("> .form > [data-field=quote] textarea")).to_have_value(CRITERION)
    expect(added.locator("[data-field=constraints] textarea").first).to_have_value("CD19")
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
    expect(page.locator(".chosen")).to_have_text("“heavily treated”")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    expect(page.locator(".queue .begun")).to_have_text("begun")


def test_menus_say_what_their_words_mean(page):
    menu = unfold(page, "endpoint-0").get_by_label("Concept")
    expect(menu.locator("option:checked")).to_have_text(
        "response rate – remission, benefit or disease control, however counted; share reaching a threshold"
    )
    assert menu.locator("option").count() == 33


def test_what_is_wrong_is_said_at_its_field(page):
    endpoint = unfold(page, "endpoint-0")
    endpoint.get_by_label("value", exact=True).fill("three")
    endpoint.get_by_label("value", exact=True).press("Enter")
    expect(endpoint.locator("[data-field=time_points] .flaw")).to_have_text(
        'no. 1 value: "three" is no number; write a plain number'
    )
    expect(endpoint.get_by_label("value", exact=True)).to_have_value("three")
    expect(endpoint.get_by_label("value", exact=True)).to_have_attribute("aria-invalid", "true")


def test_selected_words_fill_the_field_of_the_opened_item(page):
    unfold(page, "criterion-0")
    drag_over(page, "brief_summary", "for more than three months")
    page.locator(".uses").get_by_role("button", name="time window").click()
    window = card(page, "criterion-0").locator("[data-field=time_window]")
    expect(window.get_by_label("quote")).to_have_value("for more than three months")
    expect(window.get_by_label("value", exact=True)).to_have_value("3")
    expect(page.locator(".uses")).to_be_hidden()


def test_what_is_selected_stays_when_another_item_is_opened(page):
    unfold(page, "criterion-0")
    drag_over(page, "brief_summary", "heavily treated")
    unfold(page, "endpoint-0")
    page.locator(".uses").get_by_role("button", name="specimens").click()
    expect(card(page, "endpoint-0").locator("[data-field=specimens] textarea")).to_have_value("heavily treated")


def test_a_finding_leads_to_its_words(page):
    page.locator(".findings summary").click()
    cited = page.locator(".cite").first
    words = cited.inner_text().strip("“”…")
    cited.click()
    expect(page.locator(".chosen")).to_contain_text(words[:60])


def test_the_words_of_the_opened_item_are_marked(page):
    unfold(page, "criterion-0")
    marked = page.locator("mark.current").all_inner_texts()
    assert "".join(marked) == read_gold()["eligibility"]["criteria"][0]["quote"]
    page.locator("pre[data-section=primary_outcomes] mark").first.click()
    expect(card(page, "endpoint-0").locator(".form")).to_be_visible()


def test_the_focus_stays_where_it_is_when_something_is_saved(page):
    endpoint = unfold(page, "endpoint-0")
    endpoint.get_by_label("Measure").fill("Objective response rate")
    page.keyboard.press("Tab")
    expect(endpoint.locator(".pill").first).to_have_text("corrected")
    expect(page.locator("[id='endpoint-0|description']")).to_be_focused()


def test_two_reviewers_see_each_other_s_value_and_choose(run, served, visit):
    with serve(run, served.gold, "ben") as other:
        anna, ben = visit(served), visit(other)
        for page in (anna, ben):
            open_record(page)
            unfold(page, "endpoint-0")
        card(anna, "endpoint-0").get_by_label("Category").select_option(label="safety – whether it harms; MTD too")
        expect(card(anna, "endpoint-0").locator(".pill").first).to_have_text("corrected")
        card(ben, "endpoint-0").get_by_label("Category").select_option(label="other – none of these")
        expect(ben.get_by_role("dialog")).to_contain_text("anna changed this item in the meantime")
        expect(ben.locator("dialog tbody tr")).to_have_text("categorysafetyother")
        ben.get_by_role("button", name="Use mine").click()
        expect(card(ben, "endpoint-0").locator("[data-field=category] .before")).to_have_text("was: efficacy")
        # Anna is shown what Ben did.
        expect(anna.locator(".message")).to_contain_text("ben changed this record")
        expect(card(anna, "endpoint-0").get_by_label("Category")).to_have_value('"other"')
        ben.get_by_role("button", name="History").click()
        expect(ben.locator("dialog tbody tr")).to_have_count(2)
        expect(ben.locator("dialog tbody tr").first).to_contain_text("safety → other")


def test_what_a_record_says_is_text(visit, tmp_path):
    record = tmp_path / f"{NAME}.json"
    text = f"Inclusion Criteria:\n\n* Platelets at least 100 x 10^9/L {HOSTILE}\n* No {{{{fever}}}} \u202egnp.exe"
    study = {"identificationModule": {"briefTitle": HOSTILE}, "eligibilityModule": {"eligibilityCriteria": text}}
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    with serve(extract(record, tmp_path / "run"), tmp_path / "gold") as review:
        page = visit(review)
        expect(page.locator(".row-title")).to_have_text(HOSTILE)
        open_record(page, NAME)
        expect(page.locator("pre[data-section=eligibility]")).to_have_text(text, use_inner_text=False)
        expect(page.locator(".title h1")).to_have_text(HOSTILE)
        assert page.locator("img, .record script").count() == 0
        page.get_by_role("button", name="Accept", exact=True).click()
        page.get_by_role("button", name="History").click()
        expect(page.locator("dialog tbody tr")).to_have_count(1)
        page.keyboard.press("Escape")
        for shut in page.locator(".card:not(.opened) .head").all():
            shut.click()
        while page.locator(".card.open").count():
            unfold(page, page.locator(".card.open").first.get_attribute("data-id"))
            page.keyboard.press("a")
            page.wait_for_timeout(300)
        page.get_by_role("button", name="Finish").click()
        expect(page.locator(".message")).to_contain_text("its gold is written")
    assert check_gold_files(tmp_path / "gold", record) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, scheme):
    page.emulate_media(color_scheme=scheme)
    unfold(page, "criterion-0")
    page.locator(".findings summary").click()
    drag_over(page, "brief_summary", "for more than three months")
    page.locator(".uses").get_by_role("button", name="constraints").click()
    drag_over(page, "brief_summary", "heavily treated")
    assert list_troubles(page) == []
    page.get_by_role("button", name="History").click()
    assert list_troubles(page) == []
    page.keyboard.press("Escape")
    page.goto(page.url.partition("#")[0] + "#queue")
    expect(page.locator(".queue li").first).to_be_visible()
    assert list_troubles(page) == []


def test_a_phone_shows_the_text_or_the_items(page):
    page.set_viewport_size({"width": 390, "height": 844})
    fits = "document.documentElement.scrollWidth <= innerWidth"
    expect(page.locator(".text")).to_be_hidden()
    unfold(page, "endpoint-0")
    assert page.evaluate(fits)
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.locator(".items")).to_be_hidden()
    drag_over(page, "brief_summary", "heavily treated")
    assert page.evaluate(fits)
    page.get_by_role("button", name="New criterion").click()
    expect(page.locator(".card.added.opened")).to_be_visible()
    assert list_troubles(page) == []
    page.goto(page.url.partition("#")[0] + "#queue")
    expect(page.locator(".queue li").first).to_be_visible()
    assert page.evaluate(fits)
