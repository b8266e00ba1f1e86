"""The score page: its content as a file, and in a real browser without network."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.page import write_score_page
from tests.browser import (
    Watch,
    list_violations,
    needs_browser,
    open_context,
)

from .annotations import criterion, limit, make_gold

HOSTILE = (
    "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' "
    "onerror='window.broken = 1'>"
)
QUOTE = f"Platelet count of at least 100 x 10^9/L {HOSTILE}"
PEANUTS = "Known allergy to peanuts"
# The first line has a character that takes two units of UTF-16, so that wrong offsets show.
FILLER = "* Likes to read\n" * 60
TEXT = (
    f"Inclusion:\n\n* Smiles \U0001f600\n{FILLER}* {QUOTE}\n\nExclusion:\n\n* {PEANUTS}"
)
NAME = 'R"><img src=x onerror=window.broken=1>'


def _prove(field, quote):
    start = TEXT.index(quote)
    place = {"section": "eligibility", "start": start, "end": start + len(quote)}
    origin = {"origin": "rule", "support": "parsed"}
    return {"field": field, "quote": quote, **place, **origin}


def render(folder: Path, *, with_texts=True, **options):
    """Render the page of a wrong number, a wrong category, a missed criterion and a missed sex."""
    record = folder / f"{NAME}.json"
    study = {
        "identificationModule": {"briefTitle": "Smiles"},
        "eligibilityModule": {"eligibilityCriteria": TEXT},
    }
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    right = [
        criterion(QUOTE, constraints=[limit("Platelet count", ">=", 1e11, "/L")]),
        criterion(PEANUTS, "exclusion", "allergy"),
        criterion("No fever", category="infection"),
    ]
    wrong = right[0] | {"constraints": [limit("Platelet count", ">=", 100, "/L")]}
    number = _prove("constraints[0]", "100 x 10^9/L")
    wrong["evidence"] = [number, _prove("quote", QUOTE)]
    other = right[1] | {"category": "comorbidity"}
    gold = {"record_id": NAME, "eligibility": {"sex": "all", "criteria": right}}
    found = {"record_id": NAME, "eligibility": {"criteria": [wrong, other]}}
    report = evaluate(
        [gold, make_gold("B")], [found, make_gold("B")], resamples=20, **options
    )
    page = folder / "page.html"
    write_score_page(page, report, [record] if with_texts else [])
    return page.read_text("utf-8")


def _read_data(page):
    (data,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(data)


def test_every_error_is_there_and_no_text_breaks_out_of_the_page(tmp_path):
    page = render(tmp_path, compare=[make_gold("B")])
    assert HOSTILE not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    data = _read_data(page)
    assert [(error["kind"], error["field"]) for error in data["errors"]] == [
        ("number", "eligibility.criteria.constraints"),
        ("missed", "eligibility.criteria"),
        ("missed", "eligibility.sex"),
        ("wrong category", "eligibility.criteria.category"),
    ]
    assert ">its interval</th>" in page


def test_the_page_counts_what_it_leaves_out_and_gives_a_remedy(tmp_path):
    page = render(tmp_path, examples=1, with_texts=False)
    assert "errors of each kind, 3 of 4." in page
    assert "The texts of 1 record could not be read" in page
    assert _read_data(page)["views"] == {}


def test_the_page_of_two_annotators_has_neutral_words(tmp_path):
    page = render(tmp_path, neutral=True)
    assert "Agreement of <code>gold</code> and <code>predicted</code>" in page
    kinds = {error["kind"] for error in _read_data(page)["errors"]}
    assert kinds == {"number", "only in gold", "wrong category"}
    assert "harm" not in page.partition("<main>")[2].partition("<script")[0]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "page.html"
    path.write_text(render(folder), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(chromium, address):
    """The opened page. Afterwards checks that no script failed and nothing else was requested."""
    size = {"width": 1280, "height": 800}
    context = open_context(chromium, viewport=size, offline=True)
    page = context.new_page()
    watch = Watch()
    watch.follow(page)
    page.goto(address)
    yield page
    watch.check()
    assert watch.requests == {address}
    context.close()


@needs_browser
@pytest.mark.slow
def test_filters_narrow_the_list_and_go_into_the_address(page):
    rows = page.locator(".list a .field")
    page.locator("[name=kind]").select_option("number")
    expect(rows).to_have_text(["eligibility.criteria.constraints"])
    page.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(4)
    page.locator("[name=text]").fill("PEANUTS allergy")
    expect(rows).to_have_text(["eligibility.criteria.category"])
    expect(page.locator(".status")).to_have_text("1 of 4")
    assert "text=PEANUTS+allergy" in page.url


@needs_browser
@pytest.mark.slow
def test_an_error_shows_both_values_and_the_words_in_the_text(page):
    page.locator(".list a", has_text="constraints").click()
    expect(page.get_by_role("region", name="Gold")).to_contain_text("100,000,000,000")
    expect(page.get_by_role("region", name="Predicted")).to_contain_text(
        "eligibility.criteria[0].constraints"
    )
    marks = page.locator("mark").evaluate_all(
        "(all) => all.map((mark) => [mark.className, mark.childNodes[1].data])"
    )
    before, after = QUOTE.split("100 x 10^9/L")
    number = ["gold predicted", "100 x 10^9/L"]
    assert marks == [["gold", before], number, ["gold", after]]
    # A long text opens at its first mark, and a record's markup is text.
    box = page.locator(".passage > pre").bounding_box()
    mark = page.locator("mark").first.bounding_box()
    assert box["y"] < mark["y"] < box["y"] + box["height"]
    expect(page.locator(".detail")).to_contain_text(HOSTILE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert list_violations(page) == [], scheme
