"""Marked words of gold and prediction on the score page."""

import pytest

from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.highlight import Clue, RecordText
from extractor.apps.evaluation.report import ErrorExample, ErrorSide
from extractor.schemas import Citation, Section, Source, TrialRecord

from .annotations import regimen

RECORD = TrialRecord(
    record_id="A",
    source=Source(path="a.txt", format="flat"),
    sections=(
        Section(name="brief_summary", text="Weight counts. Height counts."),
        Section(name="arms", text="Experimental: 5 mg a day|Control: 5 mg a week"),
        Section(
            name="primary_outcomes",
            text="Weight, Taken by nurses, 2 years|Height, Taken by nurses, 2 years",
        ),
        Section(
            name="eligibility", text="Weight \\> 40  kg\nNo fever. No fever today."
        ),
    ),
)
TEXT = RecordText(RECORD)


@pytest.mark.parametrize(
    ("clue", "found"),
    [
        (Clue("eligibility", "No fever", 3), (17, 25)),
        (Clue("eligibility", "weight > 40 kg"), (0, 16)),
        (Clue("arms[1]", "5 mg"), (34, 38)),
        (Clue("primary_outcomes[1]", "2 years"), (58, 65)),
        (Clue("eligibility", "No feve"), (17, 24)),
        (Clue("eligibility", "No cough"), None),
    ],
)
def test_words_are_found_at_their_offset_or_in_the_text(clue, found):
    span = TEXT.locate(clue, ())
    assert (span and (span.start, span.end)) == found


def side(section, quote, start=None):
    """A side of an error; with ``start``, the quote is evidence."""
    known = {
        "path": "eligibility.criteria[0]",
        "value": None,
        "section": section,
        "quote": quote,
    }
    if start is None:
        return ErrorSide(**known)
    cited = Citation(section=section, start=start, end=start + len(quote), quote=quote)
    return ErrorSide(**known, evidence=(cited,))


def mark(gold, predicted):
    error = {
        "kind": "wording",
        "harm": 1,
        "record_id": "A",
        "field": "eligibility.criteria.quote",
    }
    return TEXT.mark(ErrorExample(**error, gold=gold, predicted=predicted))


def test_both_sides_are_marked_together():
    found = mark(
        side("eligibility", "No fever"), side("eligibility", "No fever today", 27)
    )
    assert [span.start for span in found.gold] == [27]  # beside the prediction
    assert [span.start for span in found.predicted] == [27]


@pytest.mark.parametrize(
    ("gold", "sections"),
    [
        (side("arms[0]", "7 mg"), ["arms"]),
        (side(None, None), ["eligibility"]),
        (None, ["eligibility"]),
    ],
)
def test_without_words_in_the_text_the_section_of_the_item_is_shown(gold, sections):
    assert mark(gold, None) == (sections, [], [])


def test_a_member_of_a_list_has_its_own_evidence():
    predicted = regimen("aspirin", "5 or 10 mg aspirin", 5, "mg")
    predicted["amounts"].append({"low": 10, "high": 10, "unit": "mg"})
    predicted["evidence"] = [
        {
            "field": field,
            "section": "arms[0]",
            "start": start,
            "end": start + len(quote),
        }
        | {"quote": quote, "origin": "rule", "support": "parsed"}
        for field, start, quote in (("amounts[0]", 0, "5"), ("amounts[1]", 5, "10 mg"))
    ]

    gold = regimen("aspirin", "5 or 10 mg aspirin", 5, "mg")

    gold, predicted = (
        {"record_id": "A", "eligibility": {}, "dosing": [one]}
        for one in (gold, predicted)
    )
    (invented,) = evaluate([gold], [predicted], resamples=0).errors
    (example,) = invented.examples
    assert [piece.quote for piece in example.predicted.evidence] == ["10 mg"]
