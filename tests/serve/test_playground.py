"""The page to try the service: a text beside what is extracted of it."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from extractor.schemas import TrialExtraction
from tests.browser import (
    Watch,
    fits_its_window,
    list_violations,
    needs_browser,
    open_context,
)

from .running import TOKEN, check_problem

EXAMPLE = Path("extractor/apps/serve/assets/synopsis.txt").read_text("utf-8")
DOCUMENTS = Path("tests/read/samples/documents")


def test_the_page_loads_nothing_and_allows_only_its_own_style_and_script(anybody):
    page = anybody.get("/")
    assert "Haemoglobin at least 13 g/dL" in page.text
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page.text)
    policy = unescape(policy)
    parts = [re.sub(r"'sha256-[^']*'", "OWN", part) for part in policy.split("; ")]
    assert parts[:3] == ["default-src 'none'", "style-src OWN", "script-src OWN"]
    assert "connect-src 'self'" in parts


def test_the_page_gets_what_the_service_extracts(served):
    query = {"effort": "none", "name": "synopsis.pdf"}
    for body in (EXAMPLE.encode(), (DOCUMENTS / "synopsis_table.pdf").read_bytes()):
        given = {"content": body, "params": query}
        tried = served.client.post("/playground", **given).json()
        assert tried["extraction"] == (
            served.client.post("/v1/extractions", **given).json()
        )
        assert tried["shown"]["sections"]
    answer = served.client.post("/playground", content="{", params=query)
    check_problem(answer, 422, "unreadable")


def extract(page, text=None):
    """Fill in the form, send it, and wait for the answer."""
    if text is not None:
        page.get_by_label("Text of a trial").fill(text)
    page.get_by_label("Key or token of the service").fill(TOKEN)
    page.locator("[name=effort]").select_option("none")
    page.get_by_role("button", name="Extract", exact=True).click()
    page.wait_for_function(
        "() => !document.querySelector('#try button').disabled", timeout=120_000
    )
    assert page.locator("#try .status").inner_text() == ""


@needs_browser
@pytest.mark.slow
def test_a_value_leads_to_its_characters_and_the_extraction_is_saved(chromium, served):
    """No script fails, the page is accessible, and no other server is asked."""
    watch = Watch()
    context = open_context(chromium)
    page = context.new_page()
    watch.follow(page, lambda said: "status of 4" in said)
    page.goto(served.url)
    extract(page)
    page.locator("a.value", has_text="oral steroids: ≤ 30 days").click()
    chosen = page.locator(".text-pane .mark.chosen").all_inner_texts()
    pieces = ["oral steroids", "within 30 days", "before randomization"]
    assert [piece.strip() for piece in chosen] == pieces
    page.go_back()
    assert page.locator(".chosen:not(p)").count() == 0
    with page.expect_download() as saving:
        page.get_by_text("Save the extraction as JSON").click()
    saved = json.loads(Path(saving.value.path()).read_text("utf-8"))
    record_id = TrialExtraction.model_validate(saved).record_id
    assert saving.value.suggested_filename == f"{record_id}.json"
    page.set_viewport_size({"width": 390, "height": 800})
    assert fits_its_window(page)
    pasted = "  HbA1c > 7.5 % <img src=x onerror='window.broken=1'>\n\tor  platelets"
    page.get_by_label("Read the text as").select_option("eligibility: criteria only")
    extract(page, pasted)
    # every character has its place on the screen: none is folded away
    assert page.locator(".text-pane pre").first.inner_text() == pasted
    assert list_violations(page) == []
    watch.check()
    assert all(address.startswith((served.url, "blob:")) for address in watch.requests)
    context.close()
