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


def _cut(span):
    return RECORD.section(span.section).text[span.start : span.end]


def _show(gold=(), predicted=()):
    return RecordText(RECORD).highlight(gold, predicted)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("eligibility", RECORD.section("eligibility").text),
        ("arms[1]", "Control: 5 mg a week"),
        ("primary_outcomes[1]", "Height, Taken by nurses, 2 years"),
    ],
)
def test_places_that_gold_names(section, text):
    assert _cut(RecordText(RECORD).find_place(section)) == text


@pytest.mark.parametrize("section", ["arms[2]", "secondary_outcomes[0]", "interventions[0]", "brief_summary[0]", ""])
def test_places_that_are_not_there(section):
    assert RecordText(RECORD).find_place(section) is None


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
def test_words_are_found_at_their_offset_or_where_they_stand(clue, found):
    span = RecordText(RECORD).locate(clue, ())
    assert (span and (span.start, span.end)) == found


def test_of_several_places_gold_is_marked_where_the_prediction_is():
    found = _show(gold=((Clue("eligibility", "No fever"),),), predicted=((Clue("eligibility", "No fever today", 27),),))
    assert [span.start for span in found.gold] == [27]


def test_the_first_set_of_words_that_is_found_counts():
    found = _show(gold=((Clue("arms[0]", "7 mg"),), (Clue("arms[0]", "5 mg"), Clue("arms[0]", "a day"))))
    assert [_cut(span) for span in found.gold] == ["5 mg", "a day"]
    assert (found.sections, found.predicted) == (("arms",), ())


def test_without_any_words_the_eligibility_is_shown():
    assert _show() == _show(gold=((Clue("nowhere", "words"),),))
    assert _show().sections == ("eligibility",)


def _prove(field, start, quote):
    place = {"section": "arms[0]", "start": start, "end": start + len(quote), "quote": quote}
    return Evidence(field=field, **place, origin="rule", support="parsed")


def test_a_member_of_a_list_has_its_own_proof():
    levels = tuple(Amount(low=number, high=number, unit="mg") for number in (5, 10))
    proof = (_prove("amounts[0]", 0, "5"), _prove("amounts[1]", 5, "10 mg"), _prove("agent", 20, "aspirin"))
    item = Regimen(agent="aspirin", section="arms[0]", quote="5 or 10 mg aspirin", amounts=levels, evidence=proof)
    quotes = [[clue.quote for clue in clues] for clues in list_clues(item, "amounts", levels[1])]
    assert quotes == [["10 mg"], ["5 or 10 mg aspirin"]]


@pytest.mark.parametrize(
    ("attribute", "value", "quotes"),
    [
        (None, "label", ["label", "Weight", "Taken", "2 years"]),
        ("time_kind", None, ["2 years"]),
        ("concept", None, ["Weight"]),
        ("start_event", "surgery", ["surgery", "Weight"]),
    ],
)
def test_an_outcome_without_proof_is_known_by_its_parts(attribute, value, quotes):
    item = Endpoint(rank="primary", index=0, measure="Weight", description="Taken", time_frame="2 years")
    clues = [clue for clues in list_clues(item, attribute, value) for clue in clues]
    assert [clue.quote for clue in clues] == quotes
    assert {clue.section for clue in clues} == {"primary_outcomes[0]"}
