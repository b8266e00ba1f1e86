"""Custom fields in a whole extraction: asked in the same calls, proven, rejected, absent, or read
by rules alone.
"""

import pytest
from pydantic import BaseModel, Field

from extractor import Extractor
from extractor.assembly.claims import check_claim
from extractor.concepts.own.models import read_fields
from extractor.language.passage import read_passage
from extractor.schemas import (
    AbsenceReason,
    FindingKind,
    Origin,
    Period,
    Quantity,
    Support,
    TimePoint,
)
from extractor.schemas.values import list_item_values
from tests.llm.stub import serve
from tests.trust import answering, trial

from .models import FIELDS, make

pytestmark = pytest.mark.filterwarnings("ignore:your own fields without a pattern")
RECORD = trial(
    title="Examplumab in lung cancer",
    eligibility=(
        "Inclusion Criteria:\n\n* PD-L1 TPS >= 50 % by 22C3\n* Left ventricular ejection fraction "
        "below 40 %\n\n"
        "Exclusion Criteria:\n\n* Active brain metastases, unless treated and stable for at least "
        "4 weeks"
    ),
    arms_0="Examplumab 200 mg intravenously every 3 weeks with food",
    interventions_0="Examplumab",
)
BRAIN = {
    "quote": "treated and stable for at least 4 weeks",
    "status": "allowed_if_treated",
    "stable_for": "4 week",
}
DOSE = {
    "quote": "Examplumab 200 mg intravenously every 3 weeks",
    "agent": "Examplumab",
    "dose": ["200 mg"],
}


def extract(answers, **more):
    """The extraction by a model that answers so, and the requests that it got."""
    with serve(answering(answers)) as stub:
        return Extractor(stub.spec, fields=FIELDS, **more).extract(
            RECORD
        ), stub.requests


def values_of(extraction, name):
    return [item.values for item in extraction.custom[name]]


def test_fields_are_asked_in_the_call_of_the_built_in_ones_and_defined_once():
    extraction, requests = extract(
        {"brain": {"brain_metastases": BRAIN}, "22C3": {"assay": {"name": "22C3"}}}
    )

    (request,) = requests
    system = request["messages"][0]["content"]
    assert system.count("The test by which the marker is measured, as named.") == 1
    assert '"HER2 3+ by Examplassay" gives {"assay": {"name": "Examplassay"}}' in system

    assert values_of(extraction, "assay") == [{"name": "22C3"}]


class Contradicted(BaseModel, json_schema_extra={"mentions": ["PD-L1"]}):
    """The assay, under a name that answers also have for their own use."""

    name: str


def test_a_field_may_have_the_name_of_what_contradicts_itself():
    answers = {"22C3": {"contradicted": {"name": "22C3"}}}
    with serve(answering(answers)) as stub:
        extraction = Extractor(stub.spec, fields=[Contradicted]).extract(RECORD)
    assert values_of(extraction, "contradicted") == [{"name": "22C3"}]


def test_each_value_points_at_its_own_characters():
    extraction, _ = extract({"brain": {"brain_metastases": BRAIN}})
    (item,) = extraction.custom["brain_metastases"]
    text = RECORD.raw_text("eligibility")
    assert [
        (piece.field, text[piece.start : piece.end], piece.support)
        for piece in item.evidence
    ] == [
        ("values.status", "treated and stable for at least 4 weeks", Support.INFERRED),
        ("values.stable_for", "4 weeks", Support.PARSED),
    ]
    assert item.origin == Origin.MODEL
    assert item.confidence == 0.85
    assert item.calibrated is False
    assert item.of is None
    shown = [
        (value.path, value.name)
        for value in list_item_values("custom.brain_metastases[0]", item)
    ]
    assert shown[0] == ("custom.brain_metastases[0].values.status", "status")


@pytest.mark.parametrize(
    ("altered", "kind"),
    [
        (
            {"quote": "treated and stable for at least 6 weeks"},
            FindingKind.QUOTE_CONFLICT,
        ),
        ({"quote": "brain metastases are welcome"}, FindingKind.QUOTE_NOT_FOUND),
        ({"stable_for": "6 week"}, FindingKind.QUOTE_CONFLICT),
        ({"stable_for": "4 month"}, FindingKind.QUOTE_CONFLICT),
        ({"quote": ""}, FindingKind.QUOTE_NOT_FOUND),
        # the words are in the line, but prove nothing
        ({"quote": "and"}, FindingKind.QUOTE_NOT_FOUND),
        ({"status": "welcome"}, FindingKind.ANSWER_MISSING),
        ({"stable_for": "a while"}, FindingKind.ANSWER_MISSING),
    ],
)
def test_an_altered_answer_is_kept_out(altered, kind):
    extraction, requests = extract({"brain": {"brain_metastases": BRAIN | altered}})

    assert len(requests) == 1
    assert kind in [finding.kind for finding in extraction.findings]
    kept = values_of(extraction, "brain_metastases")
    for values in kept:
        assert "stable_for" not in values
    if set(altered) != {"stable_for"}:
        assert not kept


def test_a_number_outside_a_quote_with_another_number_is_not_sure():
    (field,) = read_fields(make(Period))
    claim = {"quote": "Two methods", "value": Period(value=6, unit="month")}
    line = read_passage("Two methods of contraception until 6 months later")
    reading = check_claim(claim, field, line)[0]["value"]
    assert reading.support is Support.INFERRED
    assert reading.confidence < 0.85


@pytest.mark.parametrize(
    ("quote", "kept"),
    [("No prior regimens", True), ("No limit on regimens", False)],
)
def test_a_quote_of_none_states_zero(quote, kept):
    (field,) = read_fields(make(int))
    claim = {"quote": quote, "value": 0}
    readings, _ = check_claim(claim, field, read_passage(f"{quote} for the disease"))
    assert bool(readings) is kept


def test_a_regimens_field_stands_with_its_regimen():
    answer = DOSE | {"with_food": {"quote": "with food", "taken": True}}

    extraction, _ = extract({"200 mg": answer})

    (item,) = extraction.custom["with_food"]
    assert (item.of, item.values) == ("dosing[0]", {"taken": True})
    assert extraction.dosing[0].agent == "Examplumab"


def test_rules_read_without_a_model_and_the_model_confirms_them():
    alone = Extractor(fields=FIELDS).extract(RECORD)
    (item,) = alone.custom["ejection_fraction"]
    assert item.origin == Origin.RULE
    assert item.of == "eligibility.criteria[1]"
    assert item.values == {"limit": Quantity(comparator="<", value=40, unit="%")}
    assert {absence.field: absence.reason for absence in alone.absences}[
        "custom.brain_metastases"
    ] is AbsenceReason.NOT_ASKED
    both, _ = extract(
        {"ejection": {"ejection_fraction": {"quote": "below 40 %", "limit": "< 40 %"}}}
    )
    (agreed,) = both.custom["ejection_fraction"]
    assert (agreed.origin, agreed.confidence) == (Origin.BOTH, 0.95)
    silent, _ = extract({})
    (unconfirmed,) = silent.custom["ejection_fraction"]
    assert (item.confidence, unconfirmed.confidence) == (0.85, 0.6)


def test_all_members_of_a_list_on_which_pattern_and_model_agree_are_equally_sure():
    class Own(BaseModel):
        """Something."""

        at: list[TimePoint] = Field(json_schema_extra={"pattern": r"day \d+"})

    said = {"Seen": {"own": _claim("on day 3 and on day 5", [3, 5]), "cat": "other"}}
    record = trial(eligibility="Inclusion Criteria:\n\n* Seen on day 3 and on day 5")
    with serve(answering(said)) as stub:
        (item,) = Extractor(stub.spec, fields=Own).extract(record).custom["own"]
    assert [piece.confidence for piece in item.evidence] == [0.95, 0.95]


def test_patterns_of_different_attributes_add_up_and_a_list_has_all_that_they_find():
    class Own(BaseModel):
        """Something."""

        allowed: bool | None = Field(
            None, json_schema_extra={"pattern": {False: "pregnant"}}
        )
        contraception: bool | None = Field(
            None, json_schema_extra={"pattern": {"true": "contraception"}}
        )
        methods: list[str] = Field(
            [], json_schema_extra={"pattern": "by (?P<methods>MRI|CT)"}
        )

    record = trial(
        brief_summary="Seen by CT.",
        eligibility="Exclusion Criteria:\n\n* pregnant women\n* contraception by MRI, by CT, by MRI",
    )
    (item,) = Extractor(fields=Own).extract(record).custom["own"]
    assert item.values == {
        "allowed": False,
        "contraception": True,
        "methods": ("CT", "MRI"),
    }
    proofs = {
        piece.field: (piece.section, piece.quote, piece.support)
        for piece in item.evidence
    }
    assert proofs["values.methods[0]"] == ("brief_summary", "CT", Support.LITERAL)
    assert proofs["values.methods[1]"] == ("eligibility", "MRI", Support.LITERAL)
    assert proofs["values.allowed"] == ("eligibility", "pregnant", Support.INFERRED)
    assert item.confidence == 0.85


class Doses(BaseModel, json_schema_extra={"name": "own"}):
    """Something."""

    at: list[TimePoint] = []
    dose: str | None = None


def _claim(quote, at=(), dose=None):
    return {"quote": quote, "at": [f"{day} day" for day in at]} | (
        {"dose": dose} if dose else {}
    )


@pytest.mark.parametrize(
    ("declared", "said", "kept", "confidence"),
    [
        # A list of one claim takes no members of another.
        (
            Doses,
            {
                "First dose on Day 3": _claim("First dose on Day 3", [3], "First dose"),
                "Seen on Day 3 and Day 28": _claim("Seen on Day 3 and Day 28", [3, 28]),
            },
            [[3]],
            0.9,
        ),
        # A claim counts once.
        (
            make(str, many=True),
            {"the HER9 test": ["HER9 test"], "HER9 test again": ["HER9 test"] * 2},
            ["HER9 test"],
            0.9,
        ),
        # Claims that contradict each other are doubtful.
        (make(str), {"Seen by MRI": "MRI", "Seen by CT": "CT"}, ["MRI"], 0.5),
    ],
)
def test_claims_of_several_lines_are_put_together(declared, said, kept, confidence):
    record = trial(
        eligibility="Inclusion Criteria:\n" + "".join(f"\n* {line}" for line in said)
    )
    answers = {line: {"own": answer, "cat": "other"} for line, answer in said.items()}

    with serve(answering(answers)) as stub:
        items = Extractor(stub.spec, fields=declared).extract(record).custom["own"]

    shown = [
        item.values.get("value", [point.value for point in item.values.get("at", ())])
        for item in items
    ]
    assert shown == kept
    assert {item.confidence for item in items} == {confidence}
