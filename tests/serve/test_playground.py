"""The page to try the service: a text beside what is extracted of it."""

import json
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

from .running import TOKEN, check_policy, check_problem, one

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


LABELS = """Key inclusion criteria: Age > 18 years;\tECOG 0-1
Key exclusion criteria: pregnancy

Intervention: Fictumab 300 mg every 4 weeks
Primary endpoint: Survival at week 52"""
TEXTS = {
    "indents, tabs and blank lines": PASTED,
    "line ends of Windows": PASTED.replace("\n", "\r\n"),
    "labels": LABELS,
    "blank lines at both ends": f"\n\n  \n{LABELS}\n\n  \n",
    "no heading": "   - Age 18 years or older\n   - HbA1c > 7.5 %\n",
    "a flattened record": "A Trial\nA summary.\nAsthma|COPD\nDRUG: Fictumab 5 mg|OTHER: Visit\n"
    "Pain, on a scale, 4 weeks|Sleep, 8 weeks\n",
    "escapes and HTML": "Inclusion criteria:<br>- Age &gt;= 18 years\n- Weight \\> 50 kg",
}


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_page_shows_what_was_pasted(page, text):
    assert extract(page, text) == ""
    pasted = page.get_by_label("Text of a trial").input_value()
    assert pasted == text.replace("\r\n", "\n")
    shown = page.locator(".text-pane pre")
    assert shown.all_text_contents() == [pasted]
    # Every character has its place on the screen: none is folded away.
    assert shown.first.inner_text() == pasted
    assert "character by character" in page.locator(".told").inner_text()
    assert page.get_by_text("As it was given", exact=True).count() == 0
    assert list_violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert fits_its_window(page)


@needs_browser
@pytest.mark.slow
def test_a_value_marks_its_words_behind_their_label(page):
    assert extract(page, LABELS) == ""
    page.locator(".endpoints a.value", has_text="Survival").first.click()
    (chosen,) = page.locator(".text-pane .mark.chosen").all()
    assert chosen.inner_text() == "Survival"
    before = chosen.evaluate("(mark) => mark.previousSibling.previousSibling.data")
    assert before.endswith("\nPrimary endpoint: ")
    said = page.locator("#record .chosen[role=status]").inner_text()
    assert said.endswith("“Survival” in primary_outcomes[0]")


@needs_browser
@pytest.mark.slow
def test_the_reader_says_what_a_text_without_headings_is(page):
    line = "  HbA1c > 7.5 %, or platelets of at least 100,000 per µL"
    assert extract(page, "ECOG") == (
        "This cannot be read: an unknown format; give a text with headings such as "
        '"Inclusion Criteria", or say that its section is eligibility (in Python, in JSON, and on '
        "the page to try texts), or a download of a registry (docs/reference/formats.md), plain, "
        "in gzip or in zip"
    )
    page.get_by_label("Read the text as").select_option("eligibility: criteria alone")
    assert extract(page, line) == ""
    assert page.locator(".text-pane pre").all_text_contents() == [line]
    value = page.locator("a.value", has_text="HbA1c > 7.5 %").last
    value.click()
    assert page.locator(".text-pane .mark.chosen").all_inner_texts() == [
        "HbA1c > 7.5 %"
    ]


@needs_browser
@pytest.mark.slow
def test_a_text_without_a_value_is_shown_with_the_reasons(page):
    text = "The weather is fine today, and nothing else is to be said of it."
    assert extract(page, text) == ""
    assert page.locator(".text-pane pre").all_text_contents() == [text]
    said = page.locator(".values-pane").inner_text()
    assert "Structure doubtful" in said
    for lacking in ("No criterion", "No regimen", "No endpoint"):
        assert f"{lacking}: " in said
    assert page.locator(".record-title").inner_text() == "Text without a title"
    facts = page.locator(".record-facts span").all_inner_texts()
    assert facts[1:] == [
        "0 % of the words are quoted (without headings and list marks)"
    ]


@needs_browser
@pytest.mark.slow
def test_a_file_of_text_is_shown_as_it_is(page):
    written = PASTED.replace("\n", "\r\n")
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": written.encode()}
    page.get_by_label("Or a file").set_input_files(files=[file])
    assert extract(page) == ""
    assert page.locator(".text-pane pre").all_text_contents() == [written]


@needs_browser
@pytest.mark.slow
def test_a_record_in_json_is_shown_by_its_fields(page):
    record = one().decode()
    assert extract(page, record) == ""
    assert page.get_by_label("Text of a trial").input_value() == record
    assert "field by field" in page.locator(".told").inner_text()
    titles = page.locator(".text-pane .section-name").all_inner_texts()
    assert titles[:3] == ["Title", "Brief summary", "Eligibility"]
    passages = "\n".join(page.locator(".text-pane pre").all_text_contents())
    study = json.loads(record)["protocolSection"]
    assert study["eligibilityModule"]["eligibilityCriteria"] in passages


@needs_browser
@pytest.mark.slow
def test_what_is_shown_is_never_of_another_text(page):
    assert extract(page, PASTED) == ""
    page.get_by_label("Text of a trial").press_sequentially(" ")
    said = page.locator("#try .status").inner_text()
    assert said == "The text has changed since it was extracted."
    assert extract(page, "{}").startswith("This cannot be read")
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
    assert said.startswith("This cannot be read: line 1: JSON that is not a study")
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
    shown = page.locator(".text-pane pre").inner_text()
    assert "Primary endpoint\tPASI 90 at week 16" in shown
    assert "The text of your file" in page.locator(".told").inner_text()
    page.locator("a.value", has_text="PASI 90").first.click()
    chosen = page.locator(".text-pane .mark.chosen").all_inner_texts()
    assert "".join(chosen) == "PASI 90"
    page.get_by_role("button", name="Clear").click()
    assert page.get_by_label("Text of a trial").is_enabled()


@needs_browser
@pytest.mark.slow
def test_the_pages_lead_to_each_other(page):
    page.get_by_role("link", name="All operations").click()
    page.get_by_role("link", name="Try a text").click()
    assert page.get_by_label("Text of a trial").is_visible()


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
