"""Marked words of gold and prediction on the score page."""

import pytest

from extractor.apps.evaluation.highlight import Clue, RecordText, list_clues
from extractor.schemas import Amount, Evidence, Regimen, Section, Source, TrialRecord

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
        Section(name="eligibility", text="Weight \\> 40  kg\nNo fever. No fever today."),
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


def test_both_sides_are_marked_together():
    today = [[Clue("eligibility", "No fever today", 27)]]
    _, gold, _ = TEXT.highlight([[Clue("eligibility", "No fever")]], today)
    assert [span.start for span in gold] == [27]  # beside the prediction
    clues = [[Clue("arms[0]", "7 mg")], [Clue("arms[0]", "5 mg"), Clue("arms[0]", "a day")]]
    sections, gold, predicted = TEXT.highlight(clues, [])
    assert [(span.start, span.end) for span in gold] == [(14, 18), (19, 24)]  # the first set found
    assert (sections, predicted) == (["arms"], [])
    assert TEXT.highlight([], [])[0] == ["eligibility"]


def test_a_member_of_a_list_has_its_own_evidence():
    levels = tuple(Amount(low=number, high=number, unit="mg") for number in (5, 10))
    proof = tuple(
        Evidence(field=field, section="arms[0]", start=start, end=start + len(quote), quote=quote, origin="rule",
                 support="parsed")
        for field, start, quote in (("amounts[0]", 0, "5"), ("amounts[1]", 5, "10 mg"), ("agent", 20, "aspirin"))
    )  # fmt: skip
    item = Regimen(
        agent="aspirin",
        section="arms[0]",
        quote="5 or 10 mg aspirin",
        amounts=levels,
        evidence=proof,
    )
    quotes = [[clue.quote for clue in clues] for clues in list_clues(item, "amounts", levels[1])]
    assert quotes == [["10 mg"], ["5 or 10 mg aspirin"]]
