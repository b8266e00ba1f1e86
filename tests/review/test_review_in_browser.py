"""The review in a real browser: with the mouse, by keyboard, on a phone."""

import json
import re

import pytest
from playwright.sync_api import expect

from extractor.apps.evaluation import check_gold
from extractor.formats import read_records
from extractor.language.clean import clean_text
from tests.browser import fits_its_window, list_violations, needs_browser
from tests.commands import extract
from tests.serve.running import wait_until

from .reviewing import SEED, serve

pytestmark = [needs_browser, pytest.mark.slow]
HOSTILE = (
    "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' "
    "onerror='window.broken = 1'>"
)
TEXT = (
    f"Inclusion Criteria:\n\n* Fever {HOSTILE}\n* No {{{{fever}}}} \u202egnp.exe\n* Platelets "
    "\\>= 100 x 10\\^9/L"
)
NAME = 'R"><img src=x onerror=window.broken=1>'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A record whose every text is hostile, and a run of it."""
    folder = tmp_path_factory.mktemp("hostile")
    record = folder / f"{NAME}.json"
    criteria = {"eligibilityCriteria": TEXT}
    title = {"briefTitle": HOSTILE}
    study = {"identificationModule": title, "eligibilityModule": criteria}
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    return record, extract(record, folder / "run")


@pytest.fixture(scope="module")
def made_before_browser(seed_run, hostile):
    """All runs."""


@pytest.fixture
def page(served, visit):
    opened = visit(served)
    open_record(opened)
    return opened


def open_record(page, record=SEED):
    page.locator(".list a", has=page.get_by_text(record, exact=True)).click()
    expect(page.locator("#record-title code")).to_have_text(record)
    expect(page.locator(".card.open")).to_be_visible()


def unfold(page, path):
    card = page.locator(f".card[data-path='{path}']")
    if card.locator(".field").count() == 0:
        card.locator(".head").click()
    return card


def field(page, path, name):
    return unfold(page, path).locator(f"[data-field='{name}']")


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def select(page, words):
    """Select words by the search in the text."""
    box = page.get_by_label("Find in the text")
    box.fill(words)
    box.press("Enter")
    expect(page.locator(".uses")).to_be_visible()


def test_a_curator_corrects_a_record_and_it_becomes_gold(page, served, gold):
    second = page.locator(".card[data-path='eligibility.criteria[1]']")
    unfold(page, "eligibility.criteria[1]").get_by_role("button", name="Delete").click()
    expect(second).to_have_count(0)
    page.keyboard.press("u")
    expect(second).to_have_count(1)
    page.keyboard.press("j")
    expect(page.locator(".card.open .head")).to_be_focused()
    page.keyboard.press("k")
    click(page, "Next limit of some")
    expect(page.locator(".message")).to_have_text(
        "This record has no limit that may hold for some people only."
    )
    unfold(page, "eligibility.criteria[1]").get_by_role("button", name="Delete").click()
    expect(second).to_have_count(0)
    field(page, "endpoints[0]", "category").locator("select").select_option(
        label="safety"
    )
    missed = gold["eligibility"]["criteria"][1]
    select(page, clean_text(missed["quote"]).text)
    click(page, "New criterion")
    added = page.locator(".card.open")
    expect(added.locator("[data-field=quote] textarea")).to_have_value(missed["quote"])
    added.get_by_label("category").select_option(label=missed["category"])
    for number, limit in enumerate(missed["constraints"]):
        click(page, "Add to constraints")
        row = added.get_by_role("group", name=f"constraints {number + 1}")
        row.get_by_label("quantity", exact=True).fill(limit["quantity"])
        row.get_by_label("comparator").select_option(json.dumps(limit["comparator"]))
        row.get_by_label("value", exact=True).fill(str(limit["value"]))
        row.get_by_label("unit").fill(limit["unit"])
    for window in missed["time_windows"]:
        click(page, "Add to time windows")
        row = added.get_by_role("group", name="time windows 1")
        row.get_by_label("quote").focus()
        select(page, window["quote"])
        click(page, "Use as time windows")
        row.get_by_label("comparator").select_option(json.dumps(window["comparator"]))
        row.get_by_label("value", exact=True).fill(str(window["value"]))
        row.get_by_label("unit").select_option(json.dumps(window["unit"]))
        row.get_by_label("of", exact=True).fill(window["of"])
    added.locator(".head").focus()
    page.keyboard.press("c")
    expect(page.locator(".progress")).to_have_text("1 of 4 checked")
    page.reload()
    expect(page.locator(".progress")).to_have_text("1 of 4 checked")
    page.keyboard.press("f")
    expect(page.locator(".message")).to_contain_text("is written")
    written = json.loads((served.gold / f"{SEED}.json").read_text("utf-8"))
    gold["endpoints"][0]["category"] = "safety"
    assert written == gold
    assert check_gold(served.gold, read_records("seeds/records")) == []
    page.keyboard.press("q")
    expect(page.locator(".status")).to_have_text("1 of 5 records finished; 5 found")
    page.get_by_label("Unfinished records only").check()
    page.get_by_label("Search").fill("donor bridged")
    expect(page.locator(".list a")).to_have_count(1)


def test_typed_text_is_saved_when_the_page_is_left(page, served, visit, seed_run):
    box = field(page, "endpoints[0]", "measure").locator("textarea")
    written = box.input_value()
    box.press("End")
    box.press_sequentially(" typed")
    page.close(run_before_unload=True)
    wait_until((served.gold / ".review" / f"{SEED}.jsonl").exists)
    served.stop()
    with serve(seed_run, served.gold) as again:
        later = visit(again)
        open_record(later)
        saved = field(later, "endpoints[0]", "measure")
        expect(saved.locator("textarea")).to_have_value(f"{written} typed")
        expect(saved.locator(".notes")).to_contain_text("saved while typing")


def test_what_cannot_be_saved_stays_in_the_page(page, served):
    menu = field(page, "endpoints[0]", "category").locator("select")
    served.stop()
    menu.select_option(label="safety")
    expect(page.locator(".message")).to_contain_text("is not responding")
    expect(menu).to_have_value('"safety"')


def test_hostile_text_of_a_record_is_shown_as_it_is_written(visit, hostile, tmp_path):
    record, run = hostile
    with serve(run, tmp_path / "gold") as review:
        page = visit(review)
        expect(page.locator(".row-title")).to_contain_text(HOSTILE)
        open_record(page, NAME)
        expect(page.locator("pre[data-section=eligibility]")).to_have_text(
            clean_text(TEXT).text, use_inner_text=False
        )
        expect(page.locator("#record-title")).to_contain_text(HOSTILE)
        assert page.locator("img, #record script").count() == 0
        limit = field(page, "eligibility.criteria[0]", "constraints")
        limit.get_by_label("value", exact=True).fill("100 x 10^9")
        page.once("dialog", lambda dialog: dialog.accept())
        click(page, "Finish")
        expect(page.locator(".message")).to_contain_text("is written")
    assert check_gold(tmp_path / "gold", read_records(record)) == []


def test_axe_finds_no_violation_in_light_and_dark_and_on_a_phone(page):
    def list_in_both():
        found = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += list_violations(page)
        return found

    field(page, "eligibility.criteria[0]", "quote").locator("textarea").focus()
    select(page, "heavily treated")
    assert list_in_both() == []
    unfold(page, "endpoints[0]")
    assert list_in_both() == []
    for name, hidden in (("Text", ".items-pane"), ("Items", ".text-pane")):
        page.set_viewport_size({"width": 390, "height": 844})
        click(page, name)
        expect(page.locator(hidden)).to_be_hidden()
        assert fits_its_window(page)
    assert list_in_both() == []
    page.keyboard.press("q")
    expect(page.locator(".list li").first).to_be_visible()
    assert fits_its_window(page)
    assert list_in_both() == []
    page.goto(re.sub("/#.*", "/guideline", page.url))
    expect(page.locator("#guideline h1")).to_be_visible()
    assert fits_its_window(page)
    assert list_in_both() == []
