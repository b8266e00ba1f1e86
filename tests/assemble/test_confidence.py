"""Only values below the minimum confidence are dropped, and the rest stays consistent for any
minimum.
"""

import random
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from extractor import Extractor, read_records
from extractor.assembly.doubtful import drop_doubtful
from extractor.schemas import (
    Constraint,
    Criterion,
    Eligibility,
    Evidence,
    FieldRef,
    Origin,
    Regimen,
    Support,
    TimeWindow,
    TrialExtraction,
)

PROVENANCE = {"evidence", "origin", "support", "confidence"}
UNPROVEN = {
    "rank",
    "index",
    "section",
    "criteria",
    "turned",
    "demanded",
    "has_exception",
}
"""What the layout says, or what follows from other fields."""
SAMPLES = ("tests/records", "seeds/records")


@cache
def read_samples():
    """Read records with their extractions, with random confidences, since few are really low."""
    chance = random.Random(0)
    extract = Extractor(effort="none").extract
    return [
        (record, _shuffle(extract(record), chance)) for record in read_records(*SAMPLES)
    ]


def _shuffle(extraction, chance):
    def doubt(item):
        confidences = {}
        evidence = []
        for piece in item.evidence:
            drawn = round(chance.random(), 4)
            confidence = confidences.setdefault(piece.field, drawn)
            evidence.append(piece.model_copy(update={"confidence": confidence}))
        least = min((piece.confidence for piece in evidence), default=1.0)
        return item.model_copy(
            update={"evidence": tuple(evidence), "confidence": least}
        )

    people = doubt(extraction.eligibility)
    people = people.model_copy(update={"criteria": tuple(map(doubt, people.criteria))})
    return extraction.model_copy(
        update={
            "eligibility": people,
            "dosing": tuple(map(doubt, extraction.dosing)),
            "endpoints": tuple(map(doubt, extraction.endpoints)),
        }
    )


def draw_sample(number):
    samples = read_samples()
    return samples[number % len(samples)]


def list_values(extraction):
    """Return each value with the place of its quote, sorted, without the number of its item."""
    for path, item in extraction.list_items():
        for piece in item.evidence:
            value = _find(item, piece.field)
            if isinstance(value, TimeWindow):
                value = value.model_copy(update={"of": None, "anchor": None})
            member, _, part = piece.field.partition(".")
            if member.startswith("groups") and not part:
                # the one around it may be dropped
                value = value.model_copy(update={"parent": None})
            name = FieldRef(piece.field).path
            yield path.split("[")[0], name, value, piece.section, piece.start


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(0, 100))
@example(0, 0)
def test_remaining_values_are_confident_and_proven(minimum, number):
    """Every value has a quote, every empty field a reason, and every confidence is high enough."""
    record, extraction = draw_sample(number)

    left = drop_doubtful(extraction, minimum)

    assert TrialExtraction.model_validate(left.model_dump()) == left
    explained = {absence.field for absence in left.absences}
    for path, item in left.list_items():
        check_confidences(item, minimum)
        check_quotes(item, record)
        check_fields(item, path, explained)
    check_groups(left.eligibility)
    assert left.dosing or "dosing" in explained
    assert left.endpoints or "endpoints" in explained
    for absence in left.absences:
        assert _find(left, absence.field) in (None, ()), absence.field


def _find(extraction, path):
    """Return the value at a path."""
    value = extraction
    for step in path.replace("[", ".").replace("]", "").split("."):
        value = value[int(step)] if step.isdecimal() else getattr(value, step)
    return value


def check_confidences(item, minimum):
    if item.confidence is not None:
        assert item.confidence >= minimum
    for piece in item.evidence:
        assert piece.confidence >= minimum


def check_quotes(item, record):
    for piece in item.evidence:
        text = record.section(piece.section).text
        assert text[piece.start : piece.end] == piece.quote


def check_fields(item, path, explained):
    """Each field has a proof, or a reason why it is empty."""
    proven = {piece.field.split("[")[0] for piece in item.evidence}
    for name in set(type(item).model_fields) - PROVENANCE - {"group", "groups"}:
        if getattr(item, name) in (None, ()):
            assert f"{path}.{name}" in explained
        elif name not in UNPROVEN:
            assert name in proven


def check_groups(eligibility):
    """What names a group names one that is left."""
    names = {group.id for group in eligibility.groups} | {None}
    assert {group.parent for group in eligibility.groups} <= names
    assert {criterion.group for criterion in eligibility.criteria} <= names


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 100))
def test_a_higher_minimum_keeps_a_subset_of_the_values(minimum, other, number):
    low, high = sorted((minimum, other))
    _, extraction = draw_sample(number)

    some = drop_doubtful(extraction, low)
    few = drop_doubtful(extraction, high)

    values = list(list_values(some))
    for value in list_values(few):
        values.remove(value)

    again = drop_doubtful(some, high)
    assert again.eligibility == few.eligibility
    assert again.dosing == few.dosing
    assert again.endpoints == few.endpoints
    assert set(find(again)) == set(find(few))
    assert again.findings == few.findings


def prove(field, confidence, quote="x", **more):
    place = {"section": "eligibility", "start": 0, "end": len(quote), "quote": quote}
    return Evidence(
        field=field,
        confidence=confidence,
        **{"origin": "rule", "support": "parsed"} | place | more,
    )


def criterion(confidence, **more):
    evidence = (
        prove("kind", 1.0),
        prove("quote", confidence),
        *more.pop("evidence", ()),
    )
    return Criterion(
        kind="inclusion", section="eligibility", quote="x", evidence=evidence, **more
    )


def make(**parts):
    return TrialExtraction(
        record_id="a", eligibility=parts.pop("eligibility", Eligibility()), **parts
    )


def find(extraction):
    return [(absence.field, absence.reason.value) for absence in extraction.absences]


def test_gold_stays_since_it_has_no_evidence():
    regimen = Regimen(agent="A", section="arms[0]", quote="x", role="placebo")
    gold = make(dosing=(regimen,))

    assert drop_doubtful(gold, 1.0) is gold


def test_confidence_and_support_of_an_item_come_from_its_remaining_fields():
    doubtful = prove("category", 0.4, origin="model", support="inferred")
    item = criterion(0.9, category="age", evidence=[doubtful]).model_copy(
        update={
            "origin": Origin.BOTH,
            "support": Support.INFERRED,
            "confidence": 0.4,
        }
    )
    extraction = make(eligibility=Eligibility(criteria=(item,)))

    (kept,) = drop_doubtful(extraction, 0.5).eligibility.criteria

    assert kept.category is None
    assert kept.origin == "rule"
    assert kept.support == "parsed"
    assert kept.confidence == 0.9


def doubt_part(part, **fields):
    """A criterion of which only one part of one value is doubtful, after the doubtful was
    dropped.
    """
    (name,) = fields
    evidence = (prove(f"{name}[0]", 0.9), prove(f"{name}[0].{part}", 0.5))
    doubtful = criterion(0.9, evidence=evidence, **fields).model_copy(
        update={"confidence": 0.5}
    )
    extraction = make(eligibility=Eligibility(criteria=(doubtful,)))
    (left,) = drop_doubtful(extraction, 0.7).eligibility.criteria
    return getattr(left, name), [piece.field for piece in left.evidence][2:]


def test_without_its_condition_a_limit_says_too_much():
    limit = Constraint(quantity="Hb", comparator=">", value=12, condition="x")
    assert doubt_part("condition", constraints=(limit,)) == ((), [])
