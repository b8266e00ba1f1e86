"""A user's own fields through a whole extraction: asked in the same calls, proven, refused,
absent, by rules alone.
"""

from enum import StrEnum

import pytest

from extractor import Extractor, TrialExtraction
from extractor.concepts.own import CriterionField, Duration, RecordField, read_fields
from extractor.concepts.own.value_forms import show_value
from extractor.schemas import AbsenceReason, FindingKind, Origin, Quantity, Severity, Support
from extractor.schemas.values import list_values
from tests.llm.stub import completion, items, serve
from tests.trust import answering, read_lines, trial

from .test_declaration import TOML, BrainMetastases

FIELDS = (
    TOML
    + """
[[field]]
name = "assay"
of = "criterion"
when = "category = biomarker"
type = "quote"
definition = "The test by which the marker is measured, as named."
examples = [{ text = "HER2 3+ by Examplassay", value = "Examplassay" }, { text = "HER2 negative" }]

[[field]]
name = "ejection_fraction"
of = "criterion"
mentions = ["ejection"]
type = "quantity"
definition = "The limit of the ejection fraction."
[[field.rules]]
pattern = "ejection fraction value=( ( below | above | at least ) # % )"
examples = ["ejection fraction below 30 %"]

[[field]]
name = "with_food"
of = "regimen"
type = "boolean"
definition = "Whether it is taken with food."

[[field]]
name = "well_designed"
type = "boolean"
definition = "Whether the trial is well designed."
sections = ["title"]
judgement = true
"""
)
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


@pytest.fixture
def fields(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(FIELDS, "utf-8")
    return path


def extract(fields, answers, **more):
    """The extraction by a model that answers so, and the requests that it got."""
    with serve(answering(answers)) as stub:
        return Extractor(stub.spec, fields=fields, **more).extract(RECORD), stub.requests


def values_of(extraction, name):
    return [item.values for item in extraction.custom[name]]


def test_fields_are_asked_in_the_call_of_the_built_in_ones_and_defined_once(fields):
    extraction, requests = extract(
        fields, {"brain": {"brain_metastases": BRAIN}, "22C3": {"assay": "22C3"}}
    )
    assert len(requests) == 1
    system = requests[0]["messages"][0]["content"]
    assert system.count("The test by which the marker is measured, as named.") == 1
    assert '"HER2 3+ by Examplassay" gives {"assay": "Examplassay"}' in system
    lines = {line["text"]: line["keys"].split() for line in read_lines(requests[0])}
    assert "assay" in next(keys for text, keys in lines.items() if "22C3" in text)
    assert [text for text, keys in lines.items() if "brain_metastases" in keys] == [
        "Active brain metastases, unless treated and stable for at least 4 weeks"
    ]
    assert values_of(extraction, "assay") == [{"value": "22C3"}]


def test_each_value_points_at_its_own_characters(fields):
    extraction, _ = extract(fields, {"brain": {"brain_metastases": BRAIN}})
    (item,) = extraction.custom["brain_metastases"]
    text = RECORD.raw_text("eligibility")
    assert [(one.field, text[one.start : one.end], one.support) for one in item.evidence] == [
        ("values.status", "treated and stable for at least 4 weeks", Support.INFERRED),
        ("values.stable_for", "4 weeks", Support.PARSED),
    ]
    assert (item.origin, item.confidence, item.calibrated, item.of) == (
        Origin.MODEL,
        0.85,
        False,
        None,
    )
    shown = [(one.path, one.name) for one in list_values("custom.brain_metastases[0]", item)]
    assert shown[0] == ("custom.brain_metastases[0].values.status", "status")


@pytest.mark.parametrize(
    ("altered", "kind"),
    [
        ({"quote": "treated and stable for at least 6 weeks"}, FindingKind.QUOTE_CONFLICT),
        ({"quote": "brain metastases are welcome"}, FindingKind.QUOTE_NOT_FOUND),
        ({"stable_for": "6 week"}, FindingKind.QUOTE_CONFLICT),
        ({"stable_for": "4 month"}, FindingKind.QUOTE_CONFLICT),
        ({"quote": ""}, FindingKind.QUOTE_NOT_FOUND),
        ({"status": "welcome"}, FindingKind.ANSWER_MISSING),
        ({"stable_for": "a while"}, FindingKind.ANSWER_MISSING),
    ],
)
def test_an_altered_answer_is_kept_out(fields, altered, kind):
    extraction, requests = extract(fields, {"brain": {"brain_metastases": BRAIN | altered}})
    assert len(requests) == 1
    assert kind in [finding.kind for finding in extraction.findings]
    kept = values_of(extraction, "brain_metastases")
    assert not kept or set(altered) == {"stable_for"}
    assert all("stable_for" not in one for one in kept)


def test_a_denied_quote_is_no_quote(fields):
    record = trial(eligibility="Exclusion Criteria:\n\n* No brain metastases that are treated")
    answer = {
        "brain_metastases": {"quote": "brain metastases that are treated", "status": "allowed"}
    }
    with serve(answering({"brain": answer})) as stub:
        extraction = Extractor(stub.spec, fields=fields).extract(record)
    assert extraction.custom["brain_metastases"] == ()
    (absence,) = [one for one in extraction.absences if one.field == "custom.brain_metastases"]
    assert absence.reason is AbsenceReason.UNSUPPORTED_ANSWER


def test_silence_is_an_answer_and_costs_no_second_question(fields):
    extraction, requests = extract(fields, {"": {"cat": "other"}})
    reasons = {one.field: one.reason for one in extraction.absences}
    assert reasons["custom.brain_metastases"] is AbsenceReason.NOT_REPORTED
    assert not any("brain_metastases" in str(one["messages"][-1]) for one in requests[1:])


def test_a_regimens_field_stands_with_its_regimen(fields):
    answer = DOSE | {"with_food": {"quote": "with food", "value": True}}
    extraction, _ = extract(fields, {"200 mg": answer})
    (item,) = extraction.custom["with_food"]
    assert (item.of, item.values) == ("dosing[0]", {"value": True})
    assert extraction.dosing[0].agent == "Examplumab"


def test_rules_read_without_a_model_and_the_model_confirms_them(fields):
    alone = Extractor(fields=fields).extract(RECORD)
    (item,) = alone.custom["ejection_fraction"]
    assert (item.origin, item.of) == (Origin.RULE, "eligibility.criteria[1]")
    assert item.values == {"value": Quantity(comparator="<", value=40, unit="%")}
    assert {one.field: one.reason for one in alone.absences}[
        "custom.brain_metastases"
    ] is AbsenceReason.NOT_ASKED
    both, _ = extract(
        fields, {"ejection": {"ejection_fraction": {"quote": "below 40 %", "value": "< 40 %"}}}
    )
    assert both.custom["ejection_fraction"][0].origin is Origin.BOTH
    silent, _ = extract(fields, {})
    assert silent.custom["ejection_fraction"][0].confidence < item.confidence


def test_a_judgement_without_words_is_kept_and_marked(fields):
    extraction, _ = extract(fields, {"Examplumab in lung": {"well_designed": {"value": True}}})
    (item,) = extraction.custom["well_designed"]
    assert (item.values, item.support, item.evidence) == ({"value": True}, Support.UNPROVEN, ())


def test_values_survive_the_way_through_json_and_come_back_typed(fields):
    extraction, _ = extract(fields, {"brain": {"brain_metastases": BRAIN}})
    again = TrialExtraction.model_validate_json(extraction.model_dump_json())
    assert again == extraction
    (found,) = BrainMetastases.find_in(again)
    assert (found.status, found.stable_for) == (
        "allowed_if_treated",
        Duration(value=4, unit="week"),
    )
    assert isinstance(found, RecordField)


def test_doubtful_values_are_left_out_with_the_reason(fields):
    extraction, _ = extract(fields, {"brain": {"brain_metastases": BRAIN}}, min_confidence=0.88)
    assert extraction.custom["brain_metastases"] == ()
    assert ("custom.brain_metastases", AbsenceReason.LOW_CONFIDENCE) in [
        (a.field, a.reason) for a in extraction.absences
    ]


def _field(tmp_path, text):
    path = tmp_path / "one.toml"
    path.write_text(f'[[field]]\nname = "own"\ndefinition = "Something."\n{text}', "utf-8")
    return path


def _ask(fields, record, answer, **more):
    with serve(answering({"": {"cat": "other", **answer}})) as stub:
        return Extractor(stub.spec, fields=fields, **more).extract(record)


QUANTITY, DURATION, YES_NO = (
    'type = "quantity"',
    'type = "duration"',
    'type = "choice"\nchoices = ["yes", "no"]',
)
QUOTES, TIMES = 'type = "quote"\nmany = true', 'type = "time_point"\nmany = true'


@pytest.mark.parametrize(
    ("declared", "text", "answer", "kept"),
    [
        (TIMES, "Seen on Day -14 and Day 3", ["14 day"], []),
        (DURATION, "Stopped for 4 weeks", ("for 4 weeks", "less than 4 weeks"), []),
        (DURATION, "Visits twice weekly", ("twice weekly", "1 week"), []),
        (
            DURATION,
            "Seen at one-monthly intervals",
            ("one-monthly intervals", "1 month"),
            ["1 month"],
        ),
        (DURATION, "Seen at 6-monthly visits", ("6-monthly visits", "6 month"), ["6 month"]),
        (QUANTITY, "LVEF < 40 % and BMI < 30", ("LVEF < 40 %", "< 30"), []),
        (YES_NO, "Use of the drug", ("of the", "yes"), []),
        (YES_NO, "HIV", ("HIV", "yes"), ["yes"]),
        (QUOTES, "IL-17 and IL-1 are measured", ["IL-17", "IL-1"], ["IL-17", "IL-1"]),
        (QUOTES, "Assay 22C3 is used", ["22C3", "22C3"], ["22C3"]),
        # None is zero where the quote denies and states no number.
        (
            QUANTITY,
            "No prior chemotherapy, 3 cycles at most",
            ("No prior chemotherapy", "= 0"),
            ["= 0"],
        ),
        (QUANTITY, "Prior chemotherapy, no surgery", ("Prior chemotherapy", "= 0"), []),
        (QUANTITY, "No more than 2 prior lines", ("No more than 2 prior lines", "= 0"), []),
        (QUANTITY, "Number of prior lines is 0", ("Number of prior lines", "= 0"), ["= 0"]),
        (
            QUANTITY,
            "Naive adults with HIV-1, stage IV",
            ("Naive adults with HIV-1, stage IV", "= 0"),
            ["= 0"],
        ),
        (QUANTITY, "No limit on prior lines", ("No limit on prior lines", "= 0"), []),
        (
            QUANTITY,
            "Naive and treatment-experienced",
            ("Naive and treatment-experienced", "= 0"),
            [],
        ),
        (
            QUANTITY,
            "Prior therapy that is not effective",
            ("Prior therapy that is not effective", "= 0"),
            [],
        ),
    ],
)
def test_values_that_the_quote_does_not_state_stay_out_and_each_stands_once(
    tmp_path, declared, text, answer, kept
):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {text}")
    said = (
        dict(zip(("quote", "value"), answer, strict=True)) if isinstance(answer, tuple) else answer
    )
    found = _ask(_field(tmp_path, declared), record, {"own": said}).custom["own"]
    assert [show_value(item.values["value"]) for item in found] == kept
    is_concluded = declared not in (QUOTES, TIMES)
    assert {item.support for item in found} <= {Support.INFERRED} or not is_concluded


def test_a_refused_member_moves_no_proof(tmp_path):
    fields = _field(tmp_path, 'attributes = { at = { type = "time_point", many = true } }')
    record = trial(eligibility="Inclusion Criteria:\n\n* Vaccinated on Day 0, Day 28 and Day 180")
    at = ["5 day", "28 day", "180 day"]
    (item,) = _ask(
        fields, record, {"own": {"quote": "Vaccinated on Day 0, Day 28 and Day 180", "at": at}}
    ).custom["own"]
    assert [value.value for value in item.values["at"]] == [28, 180]
    proofs = [(one.field, one.quote) for one in item.evidence]
    assert proofs == [("values.at[0]", "Day 28"), ("values.at[1]", "Day 180")]


def test_two_regimens_of_one_agent_keep_their_own_answers(fields):
    text = "Examplumab 400 mg once with food, then Examplumab 200 mg daily without food"
    record = trial(title="Examplumab", arms_0=text, interventions_0="Examplumab")
    doses = [
        DOSE
        | {
            "quote": "400 mg once",
            "dose": ["400 mg"],
            "with_food": {"quote": "with food", "value": True},
        },
        DOSE
        | {
            "quote": "200 mg daily",
            "dose": ["200 mg"],
            "with_food": {"quote": "without food", "value": False},
        },
    ]

    def answer(request):
        lines = [line for line in read_lines(request) if "400 mg" in line["text"]]
        found = [{"n": int(line["number"]), **dose} for line in lines for dose in doses]
        return completion(items(*found))

    with serve(answer) as stub:
        extraction = Extractor(stub.spec, fields=fields).extract(record)
    foods = {item.of: item.values["value"] for item in extraction.custom["with_food"]}
    amounts = {
        f"dosing[{at}]": regimen.amounts[0].high for at, regimen in enumerate(extraction.dosing)
    }
    assert {amounts[of]: food for of, food in foods.items()} == {400: True, 200: False}


def test_rules_for_different_attributes_add_up(tmp_path):
    fields = _field(
        tmp_path,
        """
attributes = { allowed = { type = "boolean" }, contraception = { type = "boolean" } }
rules = [
  { pattern = "pregnant", gives = { allowed = false }, examples = ["pregnant women"], confidence = 0.7 },
  { pattern = "contraception", gives = { contraception = true }, examples = ["use contraception"] },
]
""",
    )
    record = trial(eligibility="Exclusion Criteria:\n\n* pregnant women\n* contraception is used")
    (item,) = Extractor(fields=fields).extract(record).custom["own"]
    assert item.values == {"allowed": False, "contraception": True}
    assert [one.confidence for one in item.evidence] == [0.7, 0.85]
    assert item.confidence == 0.7


LISTS = 'attributes = { at = { type = "time_point", many = true }, dose = { type = "quote" } }'


def _claim(quote, at=(), dose=None):
    return {"quote": quote, "at": [f"{day} day" for day in at]} | ({"dose": dose} if dose else {})


@pytest.mark.parametrize(
    ("declared", "said", "kept"),
    [
        # A list of one claim takes no members of another.
        (
            LISTS,
            {
                "First dose on Day 3": _claim("First dose on Day 3", [3], "First dose"),
                "Seen on Day 3 and Day 28": _claim("Seen on Day 3 and Day 28", [3, 28]),
            },
            [[3]],
        ),
        # A shorter list is another value; fewer words are none.
        (
            f"many = true\n{LISTS}",
            {
                "Doses on Day 1 and 22": [_claim("Doses on Day 1 and 22", [1, 22], "Doses")],
                "two Doses on Day 1, 22 and 142": [
                    _claim("Day 1, 22 and 142", [1, 22, 142], "two Doses")
                ],
                "Doses again": [_claim("Doses again", dose="Doses")],
            },
            [[1, 22], [1, 22, 142]],
        ),
        # Fewer words are left out in any order.
        (
            QUOTES,
            {"the HER9 test": ["the HER9 test"], "HER9 test again": ["HER9 test"]},
            ["the HER9 test"],
        ),
        (
            QUOTES,
            {"HER9 test again": ["HER9 test"], "the HER9 test": ["the HER9 test"]},
            ["the HER9 test"],
        ),
    ],
)
def test_claims_of_several_lines_are_put_together(tmp_path, declared, said, kept):
    record = trial(eligibility="Inclusion Criteria:\n" + "".join(f"\n* {line}" for line in said))
    with serve(
        answering({line: {"own": answer, "cat": "other"} for line, answer in said.items()})
    ) as stub:
        found = (
            Extractor(stub.spec, fields=_field(tmp_path, declared)).extract(record).custom["own"]
        )
    shown = [
        item.values.get("value", [one.value for one in item.values.get("at", ())]) for item in found
    ]
    assert shown == kept


def test_a_value_comes_back_in_the_class_that_declares_it(tmp_path):
    class Phase(StrEnum):
        EARLY = "early"

    class Named(CriterionField, name="own"):
        """A phase."""

        phase: Phase
        words: list[str]

    record = trial(eligibility="Inclusion Criteria:\n\n* early phase")
    extraction = _ask(
        Named, record, {"own": {"quote": "early phase", "phase": "early", "words": ["early"]}}
    )
    (found,) = Named.find_in(extraction)
    assert (found.phase is Phase.EARLY, found.words) == (True, ["early"])


def test_a_regimen_that_mentions_nothing_is_not_asked(tmp_path):
    fields = _field(tmp_path, 'of = "regimen"\ntype = "boolean"\nmentions = ["food"]')
    record = trial(
        title="Examplumab", arms_0="Examplumab 200 mg daily", interventions_0="Examplumab"
    )
    with serve(answering({})) as stub:
        Extractor(stub.spec, fields=fields).extract(record)
    assert not [
        line for request in stub.requests for line in read_lines(request) if "own" in line["keys"]
    ]


def test_a_rule_reads_nothing_that_is_denied(tmp_path):
    record = trial(title="Trial", brief_summary="This is not a double-blind trial.")
    assert Extractor(fields="blinding").extract(record).custom["blinding"] == ()


def test_fields_of_items_that_are_not_extracted_are_not_asked(fields):
    with serve(answering({})) as stub:
        extraction = Extractor(stub.spec, fields=fields, tasks=["endpoints"]).extract(RECORD)
    assert not any(
        "assay|" in str(one["messages"][-1]) or " assay" in str(one["messages"][-1])
        for one in stub.requests
    )
    assert {one.field: one.reason for one in extraction.absences}[
        "custom.assay"
    ] is AbsenceReason.NOT_ASKED


def test_without_fields_an_extraction_is_what_it_was():
    assert "custom" not in Extractor().extract(RECORD).model_dump(mode="json")
    assert read_fields(()) == ()


def test_a_second_value_beside_one_of_the_rules_is_a_warning_where_no_model_was_asked(tmp_path):
    rule = '{ pattern = "value=( # g / dl )(?= \\\\()", examples = ["12 g/dL (women)"] }'
    path = _field(tmp_path, f'of = "criterion"\ntype = "quantity"\nmany = true\nrules = [{rule}]')
    text = "Inclusion Criteria:\n\n* Haemoglobin of 12 g/dL (women) or 13 g/dL in men aged 18"
    extraction = Extractor(effort="none", fields=path).extract(
        trial(title="A trial", eligibility=text)
    )
    assert [one.values["value"].value for one in extraction.custom["own"]] == [12]
    (finding,) = [one for one in extraction.findings if one.severity is Severity.WARNING]
    assert finding.field == "eligibility.criteria[0].custom.own"
    assert [one.quote for one in finding.citations] == ["13"]


def test_a_field_of_regimens_asks_for_all_regimens_or_for_none(tmp_path):
    """A model's list is the list of the record's regimens, so it must have read all passages."""
    path = _field(tmp_path, 'of = "regimen"\ntype = "quote"\nmentions = ["pen"]')
    arms = {
        "arms_0": "Examplumab 300 mg subcutaneously every 4 weeks by a pen.",
        "arms_1": "Testimab 20 mg orally once daily for 12 weeks.",
    }
    with serve(answering({})) as stub:
        Extractor(stub.spec, fields=path, tasks=["dosing"]).extract(trial(title="A trial", **arms))
    lines = [line for request in stub.requests for line in read_lines(request)]
    assert [
        ("own" in line["keys"], "regimens" in line["keys"])
        for line in lines
        if "mg" in line["text"]
    ] == [
        (True, True),
        (False, True),
    ]
