"""Outcomes of whole records, and of flattened cells."""

import json
from itertools import count
from pathlib import Path

import pytest

from extractor.parse.drafts import CERTAIN, ChunkKind
from extractor.parse.endpoints import Outcome, read_outcomes, split_outcomes
from extractor.schemas import Instrument, Part, Rank, Section, Source, TimeKind, TimePoint, TrialRecord
from extractor.text.passage import read_section


def read(*sections):
    record = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=sections)
    return read_outcomes(record, {s.name: read_section(s.name, s.text) for s in sections}, count(7)), record


def test_the_fields_of_a_structured_time_to_event_outcome():
    parts = {
        "measure": "Overall survival",
        "description": "The time from infusion to death or last visit (censored).",
        "time_frame": "Up to 2 years",
    }
    text = "\n".join(parts.values())
    places = [Part(name=n, start=text.index(p), end=text.index(p) + len(p)) for n, p in parts.items()]
    (outcome,), _ = read(Section(name="primary_outcomes[0]", text=text, parts=tuple(places)))
    assert (outcome.rules["measure"].value, outcome.rules["time_frame"].value) == ("Overall survival", "Up to 2 years")
    assert outcome.rules["measure"].confidence == outcome.rules["description"].confidence == 1.0
    assert (outcome.rules["concept"].value, outcome.rules["category"].value) == ("overall_survival", "efficacy")
    assert (outcome.rules["start_event"].value, outcome.rules["end_events"].value) == ("infusion", ("death",))
    assert outcome.rules["censored"].value is True
    assert outcome.rules["time_points"].value == (TimePoint(value=2, unit="year"),)
    assert outcome.rules["time_kind"].value is TimeKind.UP_TO


def test_ranks_come_in_order_and_are_numbered_from_zero():
    outcomes, _ = read(
        Section(name="secondary_outcomes", text="Pain, 1 week|Sleep, 2 weeks"),
        Section(name="primary_outcomes", text="Survival, 1 year"),
    )
    assert [tuple(o.rules[name].value for name in ("rank", "index", "measure")) for o in outcomes] == [
        (Rank.PRIMARY, 0, "Survival"),
        (Rank.SECONDARY, 0, "Pain"),
        (Rank.SECONDARY, 1, "Sleep"),
    ]
    assert [o.chunk.number for o in outcomes] == [7, 8, 9]
    assert {o.chunk.kind for o in outcomes} == {ChunkKind.OUTCOME}


def test_every_span_quotes_the_raw_text():
    section = Section(name="primary_outcomes", text=r"IgE \[serum\], Measured by ELISA., Day 30 (Â±2)")
    (outcome,), record = read(section)
    for name in ("measure", "description", "time_frame"):
        reading = outcome.rules[name]
        (span,) = reading.spans
        assert record.section(span.section).text[span.start : span.end] == reading.value
    (point,) = outcome.rules["time_points"].spans
    assert section.text[point.start : point.end] == "Day 30"
    assert outcome.rules["specimens"].value == ("serum",)
    assert outcome.rules["methods"].value == ("ELISA",)


def test_other_concepts_have_no_events_for_certain():
    (outcome,), _ = read(Section(name="primary_outcomes", text="Adverse events, Graded by CTCAE v5.0., 2 years"))
    assert (outcome.rules["start_event"].value, outcome.rules["end_events"].value) == (None, ())
    assert outcome.rules["end_events"].confidence >= CERTAIN
    assert outcome.rules["instrument"].value == Instrument(name="CTCAE", version="5.0")


def test_a_length_of_time_has_events_with_any_concept():
    text = "Hospital length of stay, Days in hospital., From the end of surgery until discharge"
    (outcome,), _ = read(Section(name="primary_outcomes", text=text))
    assert (outcome.rules["start_event"].value, outcome.rules["end_events"].value) == ("end of surgery", ("discharge",))


@pytest.mark.parametrize(
    ("text", "unsure"),
    [
        ("Overall survival, Death since enrollment is counted., 2 years", ("start_event", "end_events")),
        ("Zorp, 2 years", ("concept", "category")),
    ],
)
def test_unread_hints_make_an_absence_uncertain(text, unsure):
    (outcome,), _ = read(Section(name="primary_outcomes", text=text))
    assert not any(outcome.rules[name].certain for name in unsure)


SEEDS = Path(__file__).parents[3] / "seeds"
LABELLED = Path(__file__).parents[4] / "shared" / "data" / "outcome_split" / "dev.jsonl"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("Overall survival, 2 years", ("Overall survival", None, "2 years")),
        ("Pain", ("Pain", None, None)),
        (
            "Response rate (CR, PR), Response rate is the share of patients with CR, or PR., Up to 6 months",
            ("Response rate (CR, PR)", "Response rate is the share of patients with CR, or PR.", "Up to 6 months"),
        ),
        (
            "Lung function, FEV1 will be measured at weeks 4, 8, and 12., Baseline, weeks 4, 8, 12",
            ("Lung function", "FEV1 will be measured at weeks 4, 8, and 12.", "Baseline, weeks 4, 8, 12"),
        ),
        (
            "Survival (OS), OS is the time to death, whatever the cause., From infusion to death, up to 5 years",
            ("Survival (OS)", "OS is the time to death, whatever the cause.", "From infusion to death, up to 5 years"),
        ),
    ],
)
def test_cuts_an_item_into_its_parts(item, expected):
    assert split_outcomes(item) == [Outcome(*expected)]


def test_an_empty_cell_has_no_outcomes():
    assert split_outcomes(" ") == []


@pytest.mark.parametrize("gold", sorted((SEEDS / "gold").glob("*.json")), ids=lambda path: path.stem[:3])
def test_seeds_split_as_annotated(gold):
    endpoints = json.loads(gold.read_text("utf-8"))["endpoints"]
    lines = (SEEDS / "records" / f"{gold.stem}.txt").read_text("utf-8").split("\n")
    for rank in ("primary", "secondary"):
        expected = [Outcome(e["measure"], e["description"], e["time_frame"]) for e in endpoints if e["rank"] == rank]
        if expected:
            cell = next(line for line in lines if line.startswith(f"{expected[0].measure}, "))
            assert split_outcomes(cell) == expected


@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled cells are not part of the project")
def test_nine_of_ten_labelled_items_split_exactly():
    right = total = 0
    with LABELLED.open(encoding="utf-8") as lines:
        for line in list(lines)[::20]:
            row = json.loads(line)
            expected = [Outcome(i["measure"], i["description"], i["time_frame"]) for i in row["items"]]
            right += sum(a == b for a, b in zip(split_outcomes(row["flat"]), expected, strict=True))
            total += len(expected)
    assert right / total > 0.93
