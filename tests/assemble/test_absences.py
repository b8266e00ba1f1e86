"""Every reason for an empty field, through the whole pipeline."""

import pytest

from extractor import Extractor
from extractor.errors import BudgetReached
from extractor.model.client import Route
from extractor.model.cost.budget import Reservation
from extractor.schemas import AbsenceReason
from tests.llm.stub import completion, serve
from tests.trust import answering, trial

PRODUCT = {"title": "Drugamab in hay fever", "arms_0": "Study product 5 mg twice daily"}
OUTCOME = "Zinc in plasma by flame photometry, 4 weeks"


def reasons(extraction):
    return {absence.field: absence.reason for absence in extraction.absences}


def ask(script, record, tasks, effort="full"):
    with serve(script) as stub:
        return Extractor(stub.spec, effort=effort, tasks=tasks).extract(record)


def test_not_reported_names_the_sections_that_were_searched():
    record = trial(
        title="A trial",
        brief_summary="We look.",
        eligibility="Inclusion Criteria:\n\n* Consent",
    )
    [gap] = [
        absence
        for absence in Extractor(effort="none").extract(record).absences
        if absence.field == "eligibility.sex"
    ]

    assert gap.reason is AbsenceReason.NOT_REPORTED
    assert set(gap.sections) == {"title", "brief_summary", "eligibility"}


def test_contradictory():
    text = "Inclusion Criteria:\n\n* At least 65 years of age\n* Consent\n* No older than 18 years"
    extraction = Extractor(effort="none").extract(
        trial(title="A trial", eligibility=text)
    )

    found = reasons(extraction)

    assert (
        found["eligibility.minimum_age"]
        is found["eligibility.maximum_age"]
        is AbsenceReason.CONTRADICTORY
    )
    assert extraction.eligibility.minimum_age is None
    assert extraction.eligibility.maximum_age is None


@pytest.mark.parametrize(
    "refusal",
    [
        completion(None, message={"refusal": "I cannot help with that"}),
        completion("", finish_reason="content_filter"),
    ],
)
def test_model_refused(refusal):
    extraction = ask([refusal], trial(**PRODUCT), ["dosing"])
    assert reasons(extraction)["dosing"] is AbsenceReason.MODEL_REFUSED
    assert extraction.usage.open_questions == extraction.usage.questions == 2


class Budgeted:
    """A budget that allows a request where ``may_ask`` returns True."""

    def __init__(self, may_ask):
        self._may_ask = may_ask

    async def reserve(self, call):
        if not self._may_ask():
            raise BudgetReached("spent")
        return Reservation()

    def try_reserve(self, call):
        return Reservation() if self._may_ask() else None

    def settle(self, reservation, usage):
        pass


@pytest.mark.parametrize(
    ("sections", "tasks", "field", "reason"),
    [
        (
            {"title": "A trial", "primary_outcomes_0": OUTCOME},
            None,
            "dosing",
            AbsenceReason.SECTION_ABSENT,
        ),
        (
            {"primary_outcomes_0": OUTCOME},
            None,
            "eligibility.criteria",
            AbsenceReason.SECTION_ABSENT,
        ),
        (
            {"primary_outcomes_0": OUTCOME},
            ["endpoints"],
            "dosing",
            AbsenceReason.NOT_ASKED,
        ),
        (PRODUCT, None, "dosing", AbsenceReason.NOT_ASKED),
        ({"title": "A trial"}, None, "endpoints", AbsenceReason.SECTION_ABSENT),
    ],
)
def test_an_empty_field_that_no_model_was_asked_about(sections, tasks, field, reason):
    options = {"tasks": tasks} if tasks else {}
    assert (
        reasons(Extractor(effort="none", **options).extract(trial(**sections)))[field]
        is reason
    )


def test_an_answer_that_is_not_stated():
    answer = {"agent": "Moonumab", "dose": ["7 mg"], "quote": "7 mg of Moonumab"}
    extraction = ask(answering({"5 mg": answer}), trial(**PRODUCT), ["dosing"])
    assert reasons(extraction)["dosing"] is AbsenceReason.UNSUPPORTED_ANSWER


def test_what_the_rules_read_and_the_model_leaves_out_is_ambiguous():
    record = trial(title="A trial", primary_outcomes_0=OUTCOME)
    assert Extractor().extract(record).endpoints[0].specimens == ("plasma",)
    answer = {"concept": "biomarker", "specimens": [], "instrument": None}
    script = answering({"Zinc": answer})
    extraction = ask(script, record, ["endpoints"])
    assert extraction.endpoints[0].specimens == ()
    found = reasons(extraction)
    assert found["endpoints[0].specimens"] is AbsenceReason.AMBIGUOUS
    assert found["endpoints[0].instrument"] is AbsenceReason.NOT_REPORTED


async def test_budget_exhausted():
    with serve(answering({})) as stub:
        extractor = Extractor(stub.spec, effort="full", tasks=["dosing"])
        async with extractor.setup.open(
            route=Route(Budgeted(lambda: False))
        ) as extract:
            extraction = await extract(trial(**PRODUCT))
    assert not stub.requests
    assert reasons(extraction)["dosing"] is AbsenceReason.BUDGET_EXHAUSTED
    assert extraction.usage.open_questions == 2


def dose(text):
    return {
        "interventions_0": {"type": "DRUG", "name": "Drugamab", "description": text}
    }


def outcome(frame):
    parts = {"measure": "Change in pain"}
    if frame:
        parts["time_frame"] = frame
    return {"title": "A trial", "primary_outcomes_0": parts}


def criterion(text):
    return {"eligibility": f"Inclusion Criteria:\n\n* {text}\n* Consent"}


@pytest.mark.parametrize(
    ("sections", "field", "reason"),
    [
        (dose("Drugamab 5 squirts twice daily"), "[0].amounts", "unread_number"),
        (dose("Drugamab 300 XU every 2 weeks"), "[0].amounts", "unread_number"),
        (dose("Drugamab by mouth twice daily"), "[0].amounts", "not_reported"),
        (dose("Drugamab orally on days 1, 8 and 15"), "[0].amounts", "not_reported"),
        (dose("Drugamab IV daily with citabine 80"), "[0].amounts", "not_reported"),
        (dose("Drugamab 5 mg for six moons"), "[0].duration", "unread_number"),
        (dose("Drugamab 5 mg by mouth"), "[0].duration", "not_reported"),
        (dose("Drugamab IV over 2 hours"), "[0].duration", "not_reported"),
        (dose("Drugamab 5 mg for six moons"), "duration", "unread_number"),
        (dose("Drugamab 5 mg, repeated after a time"), "frequency", "ambiguous"),
        (dose("Drugamab 5 mg as a single drip"), "frequency", "ambiguous"),
        (dose("Drugamab 5 mg, through the sixth month"), "duration", "ambiguous"),
        (dose("Drugamab 5 mg. The night nurse helps"), "timing", "not_reported"),
        (dose("Drugamab twice daily in 100 mL saline"), "amounts", "not_reported"),
        (
            dose("Drugamab to the maximum tolerated dose of 8 mg daily"),
            "amounts",
            "unread_number",
        ),
        (dose("Drugamab 80"), "dosing", "unread_number"),
        (dose("Drugamab in cohort 2"), "dosing", "not_reported"),
        (outcome("During the third trimester"), "time_points", "unread_number"),
        (outcome("six and twelve m."), "time_points", "unread_number"),
        (outcome("T0, T1 and T2"), "time_points", "unread_number"),
        (outcome("Every 2 cycles"), "time_points", "not_reported"),
        (outcome(""), "time_points", "not_reported"),
        (criterion("Two or so blips"), "[0].constraints", "unread_number"),
        (criterion("CrCl 30:60"), "[0].constraints", "unread_number"),
        (criterion("Two study groups"), "[0].constraints", "not_reported"),
        (criterion("Able to walk"), "[0].constraints", "not_reported"),
        (criterion("Adults in their sixties"), "minimum_age", "unread_number"),
        (criterion("Adults in their sixties"), "maximum_age", "unread_number"),
        (criterion("Adults"), "minimum_age", "not_reported"),
        (criterion("Aged 18 years or older"), "maximum_age", "not_reported"),
    ],
)
def test_not_reported_is_said_only_where_the_text_holds_nothing_unread(
    sections, field, reason
):
    found = reasons(Extractor().extract(trial(**sections)))
    assert next(found[path] for path in found if path.endswith(field)) == reason
