"""Where the score page marks the words of gold and of a prediction."""

import pytest

from extractor.evaluation.highlight import Clue, RecordText, list_clues
from extractor.schemas import Amount, Endpoint, Evidence, Regimen, Section, Source, TrialRecord

RECORD = TrialRecord(
    record_id="A",
    source=Source(path="a.txt", format="flat"),
    sections=(
        Section(name="brief_summary", text="Weight counts. Height counts."),
        Section(name="arms", text="Experimental: 5 mg a day|Control: 5 mg a week"),
        Section(name="primary_outcomes", text="Weight, Taken by nurses, 2 years|Height, Taken by nurses, 2 years"),
        Section(name="eligibility", text="Weight \\> 40  kg\nNo fever. No fever today."),
    ),
)
TEXT = RecordText(RECORD)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eligibility", RECORD.section("eligibility").text),
        ("arms[1]", "Control: 5 mg a week"),
        ("primary_outcomes[1]", "Height, Taken by nurses, 2 years"),
        *((name, None) for name in ("arms[2]", "secondary_outcomes[0]", "interventions[0]", "brief_summary[0]", "")),
    ],
)
def test_places_that_gold_names(name, words):
    span = TEXT.find_place(name)
    assert (span and RECORD.section(span.section).text[span.start : span.end]) == words


@pytest.mark.parametrize(
    ("clue", "found"),
    [
        (Clue("eligibility", "No fever", 27), (27, 35)),
        (Clue("eligibility", "No fever", 3), (17, 25)),
        (Clue("eligibility", "weight > 40 kg"), (0, 16)),
        (Clue("arms[1]", "5 mg"), (34, 38)),
        (Clue("primary_outcomes[1]", "2 years"), (58, 65)),
        (Clue("eligibility", "No feve"), (17, 24)),
        (Clue("eligibility", "No cough"), None),
        (Clue("nowhere", "No fever", 16), None),
    ],
)
def test_words_are_found_at_their_offset_or_in_the_text(clue, found):
    span = TEXT.locate(clue, ())
    assert (span and (span.start, span.end)) == found


def test_both_sides_are_marked_together():
    found = TEXT.highlight(((Clue("eligibility", "No fever"),),), ((Clue("eligibility", "No fever today", 27),),))
    assert [span.start for span in found.gold] == [27]  # beside the prediction
    found = TEXT.highlight(((Clue("arms[0]", "7 mg"),), (Clue("arms[0]", "5 mg"), Clue("arms[0]", "a day"))), ())
    assert [(span.start, span.end) for span in found.gold] == [(14, 18), (19, 24)]  # the first set that is found
    assert (found.sections, found.predicted) == (("arms",), ())
    assert TEXT.highlight((), ()).sections == ("eligibility",)


def test_a_member_of_a_list_has_its_own_proof():
    levels = tuple(Amount(low=number, high=number, unit="mg") for number in (5, 10))
    proof = tuple(
        Evidence(field=field, section="arms[0]", start=start, end=start + len(quote), quote=quote, origin="rule",
                 support="parsed")
        for field, start, quote in (("amounts[0]", 0, "5"), ("amounts[1]", 5, "10 mg"), ("agent", 20, "aspirin"))
    )  # fmt: skip
    item = Regimen(agent="aspirin", section="arms[0]", quote="5 or 10 mg aspirin", amounts=levels, evidence=proof)
    quotes = [[clue.quote for clue in clues] for clues in list_clues(item, "amounts", levels[1])]
    assert quotes == [["10 mg"], ["5 or 10 mg aspirin"]]


@pytest.mark.parametrize(
    ("attribute", "value", "quotes"),
    [
        (None, "label", ["label", "Weight", "Taken", "2 years"]),
        ("time_kind", None, ["2 years"]),
        ("start_event", "surgery", ["surgery", "Weight"]),
    ],
)
def test_an_outcome_without_proof_is_known_by_its_parts(attribute, value, quotes):
    item = Endpoint(rank="primary", index=0, measure="Weight", description="Taken", time_frame="2 years")
    clues = [clue for clues in list_clues(item, attribute, value) for clue in clues]
    assert [(clue.section, clue.quote) for clue in clues] == [("primary_outcomes[0]", quote) for quote in quotes]
