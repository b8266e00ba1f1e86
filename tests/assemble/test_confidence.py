"""Only values below the minimum confidence are dropped, and the rest stays consistent for any
minimum.
"""

from functools import cache
from zlib import crc32

from hypothesis import example, given, settings
from hypothesis import strategies as st

from extractor import Extractor, read_records
from extractor.assembly.doubtful import drop_doubtful
from extractor.schemas import Eligibility, Regimen, TrialExtraction
from tests.snapshots import QUIET, check_snapshot, describe

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
# an empty one has no reason
SELDOM = {
    "group",
    "groups",
    "step",
    "step_kind",
    "maximum",
    "total_duration",
    "as_needed",
}


@cache
def read_samples():
    """Read records with their extractions, with arbitrary confidences, since few are really low."""
    extract = Extractor(effort="none").extract
    return [(record, _doubt(extract(record))) for record in read_records(*SAMPLES)]


def _doubt(extraction):
    people = _doubt_item(extraction.eligibility)
    criteria = tuple(map(_doubt_item, people.criteria))
    return extraction.model_copy(
        update={
            "eligibility": people.model_copy(update={"criteria": criteria}),
            "dosing": tuple(map(_doubt_item, extraction.dosing)),
            "endpoints": tuple(map(_doubt_item, extraction.endpoints)),
        }
    )


def _doubt_item(item):
    evidence = []
    for piece in item.evidence:
        drawn = crc32(f"{piece.field} {item.evidence[-1].quote}".encode()) % 1000
        evidence.append(piece.model_copy(update={"confidence": drawn / 1000}))
    least = min((piece.confidence for piece in evidence), default=1.0)
    return item.model_copy(update={"evidence": tuple(evidence), "confidence": least})


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(0, 100))
@example(0, 0)
def test_remaining_values_are_confident_and_proven(minimum, number):
    """Every value has a quote, every empty field a reason, and every confidence is high enough."""
    samples = read_samples()
    _, extraction = samples[number % len(samples)]

    left = drop_doubtful(extraction, minimum)

    assert TrialExtraction.model_validate(left.model_dump()) == left
    explained = {absence.field for absence in left.absences}
    for path, item in left.list_items():
        check_confidences(item, minimum)
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


def check_fields(item, path, explained):
    """Each field has a proof, or a reason why it is empty."""
    proven = {piece.field.split("[")[0] for piece in item.evidence}
    for name in set(type(item).model_fields) - PROVENANCE - SELDOM:
        if getattr(item, name) in (None, ()):
            assert f"{path}.{name}" in explained
        elif name not in UNPROVEN:
            assert name in proven


def check_groups(eligibility):
    """What names a group names one that is left."""
    names = {group.id for group in eligibility.groups} | {None}
    assert {group.parent for group in eligibility.groups} <= names
    assert {criterion.group for criterion in eligibility.criteria} <= names


def test_what_remains_is_as_before():
    lines = []
    for record, extraction in read_samples():
        lines += ["", f"# {record.record_id}"]
        lines += describe(drop_doubtful(extraction, 0.4), quiet=QUIET)
    check_snapshot("doubtful", lines)


def test_gold_stays_since_it_has_no_evidence():
    regimen = Regimen(agent="A", section="arms[0]", quote="x", role="placebo")
    gold = TrialExtraction(record_id="a", eligibility=Eligibility(), dosing=(regimen,))

    assert drop_doubtful(gold, 1.0) is gold


def test_an_exception_in_doubt_still_qualifies_its_criterion():
    text = "Exclusion criteria:\n- Active infection, except for mild colds"
    extraction = Extractor(effort="none").extract_text(text)
    (criterion,) = extraction.eligibility.criteria
    evidence = []
    for piece in criterion.evidence:
        sure = 0.1 if piece.field == "has_exception" else 0.9
        evidence.append(piece.model_copy(update={"confidence": sure}))
    doubtful = criterion.model_copy(update={"evidence": tuple(evidence)})
    people = extraction.eligibility.model_copy(update={"criteria": (doubtful,)})

    left = drop_doubtful(extraction.model_copy(update={"eligibility": people}), 0.5)

    (kept,) = left.eligibility.criteria
    assert kept.has_exception
    assert [one.quote for one in kept.evidence_for("has_exception")] == [
        "except for mild colds"
    ]
