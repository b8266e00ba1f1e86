"""The page to try the service: a text beside what is extracted of it."""

import json
from pathlib import Path

import pytest

from extractor.schemas import TrialExtraction
from tests.browser import Watch, list_violations, needs_browser, open_context

from .running import TOKEN, check_policy, check_problem

EXAMPLE = Path("extractor/apps/serve/assets/synopsis.txt").read_text("utf-8")
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_only_browsers_get_the_page_at_the_root(anybody):
    page = anybody.get("/", headers=BROWSER)
    assert "Haemoglobin at least 13 g/dL" in page.text
    check_policy(page)
    assert anybody.get("/").json()["name"] == "Extractor"


def test_the_page_gets_what_the_service_extracts(served):
    headers = {"content-type": "text/plain"}
    tried = served.client.post(
        "/playground", content=EXAMPLE, headers=headers, params={"effort": "none"}
    ).json()
    plain = served.client.post(
        "/v1/extractions", content=EXAMPLE, headers=headers, params={"effort": "none"}
    )
    assert tried["extraction"] == plain.json()
    assert tried["shown"]["title"] == "A Trial of Fictumab in Severe Asthma"


def test_the_page_takes_a_file(served):
    body = Path("tests/read/samples/documents/synopsis_table.pdf").read_bytes()
    for kind in ("application/pdf", "application/octet-stream"):
        query = {"effort": "none", "name": "synopsis.pdf"}
        answer = served.client.post(
            "/playground", content=body, headers={"content-type": kind}, params=query
        )
        assert answer.status_code == 200, answer.text
        extraction = answer.json()["extraction"]
        assert extraction["record_id"] == "synopsis"
        assert {one["page"] for one in extraction["dosing"][0]["evidence"]} == {1}


@pytest.mark.parametrize(
    ("content", "query", "status", "kind"),
    [
        ("%PDF-1.7 broken", {}, 422, "unreadable"),
        ("{", {}, 422, "unreadable"),
        (EXAMPLE, {"tasks": "doses"}, 422, "wrong-parameter"),
        (EXAMPLE, {"limit": "1"}, 422, "wrong-parameter"),
        ("x" * 300_001, {}, 413, "too-large"),
    ],
)
def test_it_refuses_what_extractions_refuse(served, content, query, status, kind):
    headers = {"content-type": "text/plain"}
    check_problem(
        served.client.post(
            "/playground", content=content, headers=headers, params=query
        ),
        status,
        kind,
    )


def test_it_needs_a_key(anybody):
    check_problem(anybody.post("/playground", content=EXAMPLE), 401, "no-key")


@pytest.fixture
def page(chromium, served):
    """The page in a browser. Afterwards checks that no script failed, and that no other server
    was asked.
    """
    watch = Watch()
    context = open_context(chromium)
    page = context.new_page()
    watch.follow(page, lambda said: "status of 4" in said)
    page.goto(served.url)
    yield page
    assert list_violations(page) == []
    watch.check()
    assert all(address.startswith((served.url, "blob:")) for address in watch.requests)
    context.close()


def extract(page, text=None, key=TOKEN):
    """Fill in the form, send it, and return what the page says of it."""
    if text is not None:
        page.get_by_label("Text of a trial").fill(text)
    page.get_by_label("Key of the service").fill(key)
    if page.locator("[name=effort]").count():
        page.locator("[name=effort]").select_option("none")
    page.get_by_role("button", name="Extract", exact=True).click()
    page.wait_for_function(
        "() => !document.querySelector('#try button:not([type])').disabled"
    )
    return page.locator("#try .status").inner_text()


@needs_browser
@pytest.mark.slow
def test_a_value_leads_to_its_characters(page):
    assert extract(page) == ""
    page.locator("a.value", has_text="oral steroids: ≤ 30 days").click()
    chosen = page.locator(".text-pane .mark.chosen").all_inner_texts()
    assert [piece.strip() for piece in chosen] == [
        "oral steroids",
        "within 30 days",
        "before randomization",
    ]
    page.go_back()
    assert page.locator(".chosen:not(p)").count() == 0
    with page.expect_download() as saving:
        page.get_by_text("Save the extraction as JSON").click()
    saved = TrialExtraction.model_validate(
        json.loads(Path(saving.value.path()).read_text("utf-8"))
    )
    assert saving.value.suggested_filename == f"{saved.record_id}.json"


@needs_browser
@pytest.mark.slow
def test_a_text_stays_text(page):
    hostile = (
        "Inclusion criteria:\n- <script>window.broken = 1</script> age > 18 <img src=x "
        "onerror='window.broken=1'>"
    )
    assert extract(page, hostile) == ""
    assert "<img src=x onerror=" in page.locator(".text-pane").inner_text()


PASTED = """A Trial of Fictumab
   Inclusion criteria:

   1. Adults, 18 to 65 years
      a) with ECOG 0-1

Exclusion criteria:
\t- Pregnancy
\t\t- Surgery within 4 weeks  before   enrolment

Primary endpoint: Survival at week 52
"""


@needs_browser
@pytest.mark.slow
def test_the_text_has_the_lines_and_blanks_with_which_it_was_pasted(page):
    assert extract(page, PASTED) == ""
    passages = page.locator(".text-pane pre").all_text_contents()
    title, eligibility, outcome = passages
    assert title == "A Trial of Fictumab"
    start = PASTED.index("Inclusion")
    end = PASTED.index("\n\nPrimary")
    assert eligibility == PASTED[start:end]
    assert outcome == "Survival at week 52"
    assert page.get_by_text("As it was given").count() == 0


@needs_browser
@pytest.mark.slow
def test_what_is_shown_is_never_of_another_text(page):
    assert extract(page, PASTED) == ""
    page.get_by_label("Text of a trial").press_sequentially(" ")
    said = page.locator("#try .status").inner_text()
    assert said == "The text has changed since it was extracted."
    assert extract(page, "{}").startswith("The body is not a trial record")
    assert page.locator("#record").is_hidden()
    assert extract(page, PASTED) == ""
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#record").is_hidden()


@needs_browser
@pytest.mark.slow
def test_what_is_wrong_is_said_with_its_remedy(page):
    assert extract(page, key="wrong") == "A valid key is needed: this key is not valid"
    assert page.locator("[name=key]").evaluate(
        "(input) => input === document.activeElement"
    )
    said = extract(page, "{}")
    assert said.startswith(
        "The body is not a trial record: line 1: JSON that is not a study"
    )
    assert "; download the record from its registry, or export it from the WHO" in said
    assert page.locator("#record").is_hidden()


@needs_browser
@pytest.mark.slow
def test_a_file_is_sent_instead_of_the_text(page):
    page.get_by_label("Or a file").set_input_files(
        "tests/read/samples/documents/synopsis_table.docx"
    )
    assert page.get_by_label("Text of a trial").is_disabled()
    assert extract(page) == ""
    assert "PASI 90" in page.locator(".text-pane").inner_text()
    page.get_by_role("button", name="Clear").click()
    assert page.get_by_label("Text of a trial").is_enabled()


@needs_browser
@pytest.mark.slow
def test_keys_send_and_a_click_stops(page):
    page.get_by_label("Key of the service").fill(TOKEN)
    page.route("**/playground?*", lambda route: None)
    page.get_by_label("Text of a trial").press("Control+Enter")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function(
        "() => document.querySelector('#try .status').textContent === 'Stopped.'"
    )
    page.get_by_role("button", name="Clear").click()
    assert page.get_by_label("Text of a trial").input_value() == ""
