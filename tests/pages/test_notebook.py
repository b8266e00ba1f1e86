"""What a notebook displays: values, quotes, and the evidence marked in the text."""

import html
import json
import re
from pathlib import Path

import pytest

from extractor import Extractor, read_records, show
from extractor.apps.pages.notebook import show_results
from extractor.apps.pages.view import name_shown_section
from extractor.language.clean import clean_text
from extractor.schemas import TrialExtraction
from tests.snapshots import check_json

from .invented import read_trial

HOSTILE = "Weight over 40 kg </mark></td></div> & <b>strong</b>"


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    study = {
        "identificationModule": {"nctId": "NCT00000001", "briefTitle": HOSTILE},
        "eligibilityModule": {
            "eligibilityCriteria": f"Inclusion:\n\n* {HOSTILE}\n* Age 18 or older\n"
        },
        "outcomesModule": {
            "primaryOutcomes": [{"measure": "Overall survival", "timeFrame": "2 years"}]
        },
    }
    path = tmp_path_factory.mktemp("shown") / "a.json"
    path.write_text(json.dumps({"protocolSection": study}), "utf-8")
    return next(read_records(path))


@pytest.fixture(scope="module")
def extraction(record):
    return Extractor().extract(record)


def test_the_text_is_whole_and_all_evidence_in_it_is_marked(record, extraction):
    page = show(extraction, record)._repr_html_()
    passages = {}
    for name, text in re.findall(r"<h4>(.*?)</h4>\n<p>(.*?)</p>", page, re.DOTALL):
        marked = "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", text, re.DOTALL))
        whole = re.sub(r"</?mark[^>]*>", "", text)
        passages[name] = html.unescape(whole), html.unescape(marked)
    assert passages.keys() == {"Eligibility", "Primary outcome 1"}
    for _, item in extraction.list_items():
        for piece in item.evidence:
            text, marked = passages[name_shown_section(piece.section)]
            assert text == clean_text(record.raw_text(piece.section)).text
            quote = clean_text(piece.quote).text
            assert "".join(quote.split()) in "".join(marked.split())


def test_what_is_shown_of_a_trial_is_this(tmp_path):
    record, extraction = read_trial(tmp_path)
    empty = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}})
    shown = [show(extraction, record), extraction, empty]
    pages = [one._repr_html_().splitlines() for one in shown]
    check_json(Path(__file__).with_name("notebook.json"), pages)


def test_the_text_of_a_record_never_becomes_markup(record, extraction):
    hostile = {"record_id": HOSTILE}
    pages = [
        show(extraction, record),
        show(extraction.model_copy(update=hostile), record.model_copy(update=hostile)),
    ]
    shown = [one._repr_html_() for one in pages]
    assert html.escape(HOSTILE) in shown[1]
    for page in shown:
        assert "<b>strong" not in page
        assert page.count("<div") == page.count("</div>") == 3


def test_a_run_shows_its_first_records_and_failures(extraction):
    failures = [{"message": f"broken {number}"} for number in range(21)]
    page = show_results([extraction] * 21, failures, "done")
    assert page.count(f"<td>{extraction.record_id}</td>") == page.count("broken") == 20
    assert "and 1 record more" in page
    assert "and 1 failure more" in page
    assert "more</small>" not in show_results([extraction] * 20, failures[:20], "done")


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"record_id": "B"}, "belongs to NCT00000001, the record is B"),
        ({"sections": ()}, "has changed; extract"),
    ],
)
def test_another_record_or_another_text_is_refused(record, extraction, update, message):
    with pytest.raises(ValueError, match=message):
        show(extraction, record.model_copy(update=update))
