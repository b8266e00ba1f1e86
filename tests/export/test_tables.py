"""The cells of the tables: canonical limits and whom they admit, people, drugs and doses, times,
values, and the fields of the user's own.
"""

import json
from pathlib import Path

import pytest

from docs.hooks import describe_tables
from extractor import Extractor, read_records
from extractor.apps.export import choose_tables, list_tables, tabulate
from extractor.apps.export.agents import AgentNamer
from extractor.apps.export.registered import Intervention
from extractor.concepts.limits.canonical import name_limit
from extractor.concepts.limits.instruments import find_instrument_key
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.models import read_fields
from extractor.schemas import (
    Constraint,
    RegisteredTerm,
    RegistryFields,
    Source,
    TrialExtraction,
    TrialRecord,
)
from tests.pages.invented import make_doubtful
from tests.pages.invented import read_trial as read_invented
from tests.snapshots import check_json, check_lines
from tests.tables import read_cases

from .samples import fill

CASES = read_cases(__file__)

PROOF = {
    "section": "eligibility",
    "start": 0,
    "end": 4,
    "quote": "22C3",
    "origin": "model",
    "support": "literal",
}


def make(*criteria, dosing=(), endpoints=(), **people):
    """An extraction; each criterion is an inclusion about fever, but for what is given."""
    base = {"kind": "inclusion", "section": "eligibility", "quote": "fever"}
    criteria = [base | criterion for criterion in criteria]
    drug = {"agent": "a", "section": "arms[0]", "quote": "a"}
    data = {
        "record_id": "A",
        "eligibility": {"criteria": criteria, **people},
        "dosing": [drug | regimen for regimen in dosing],
        "endpoints": [
            {"rank": "primary", "index": index, **endpoint}
            for index, endpoint in enumerate(endpoints)
        ],
    }
    return TrialExtraction.model_validate(data)


def pick(rows, *names):
    return [[row[name] for name in names] for row in rows]


@pytest.mark.parametrize(("text", "value", "unit", "name"), CASES["names"])
def test_the_name_of_a_limit_is_one_that_its_words_bear_out(text, value, unit, name):
    given = {"quantity": text, "comparator": ">=", "value": value, "unit": unit}
    assert name_limit(Constraint(**given)).quantity_canonical == name


LIMITS = """\
- Haemoglobin: men > 13 g/dL, women > 12 g/dL
- ALT or bilirubin < 3 x ULN
- Weight change of more than 5 kg
- Xylotine > 5 ng/mL
"""


def test_a_limit_says_the_name_that_tables_give_it():
    """Also in JSON; gold keeps only a name that a reviewer gave."""
    trial = Extractor().extract_text(LIMITS, section="eligibility")
    written = json.loads(trial.model_dump_json())
    assert TrialExtraction.model_validate(written) == trial
    limits = [
        limit
        for criterion in written["eligibility"]["criteria"]
        for limit in criterion["constraints"]
    ]
    names = [limit.pop("quantity_canonical", None) for limit in limits]
    of_change = ["alt|total_bilirubin", "weight_change", None]
    assert names == ["haemoglobin", "haemoglobin", *of_change]
    gold = json.dumps(trial.to_gold())
    assert "quantity_canonical" not in gold

    # results of a version without names have the same tables
    older = TrialExtraction.model_validate(written)
    assert tabulate([older]) == tabulate([trial])


@pytest.mark.parametrize(
    ("text", "value", "note"),
    CASES["a_word_that_may_be_a_unit_leaves_no_canonical_value"],
)
def test_a_word_that_may_be_a_unit_leaves_no_canonical_value(text, value, note):
    table = Extractor().table("constraints", text, section="eligibility")
    row = table.astype(object).where(table.notna(), None).iloc[0]
    assert (row.value_canonical, row.canonical_note) == (value, note)


@pytest.mark.parametrize(
    ("given", "value", "unit", "note"), CASES["a_limit_has_a_canonical_value_or_a_note"]
)
def test_a_limit_has_a_canonical_value_or_a_note(given, value, unit, note):
    quantity, number, written = given
    limit = {"quantity": quantity, "comparator": ">=", "value": number, "unit": written}
    trial = make({"constraints": [limit]})
    (row,) = tabulate([trial])["constraints"]
    names = ("value_canonical", "unit_canonical", "canonical_note")
    assert pick([row], *names) == [[value, unit, note]]


@pytest.mark.parametrize(
    ("criterion", "limits", "admits", "admits_some"),
    CASES["a_limit_of_some_never_admits_all"],
)
def test_a_limit_of_some_never_admits_all(criterion, limits, admits, admits_some):
    groups = [
        {"id": "all", "rule": "all"},
        {"id": "any", "rule": "any"},
        {"id": "two", "rule": "at_least", "n": 2},
    ]
    rows = tabulate([make(criterion | {"constraints": limits}, groups=groups)])
    assert [row["admits"] for row in rows["constraints"]] == admits
    assert [row["admits_some"] for row in rows["constraints"]] == admits_some
    decides = criterion.get("group", "all") == "all"
    assert rows["criteria"][0]["decides"] is decides


@pytest.mark.parametrize(
    ("criteria", "excluded"), CASES["a_trial_says_whether_pregnant_people_are_excluded"]
)
def test_a_trial_says_whether_pregnant_people_are_excluded(criteria, excluded):
    lines = [line.split(": ") for line in criteria.splitlines()]
    trial = make(
        *(
            {"kind": kind, "quote": quote, "demanded": "must" in quote}
            for kind, quote in lines
        )
    )
    assert tabulate([trial])["eligibility"][0]["excludes_pregnancy"] is excluded


def read_trial(line, **modules):
    """The tables of a study with one line of criteria, and other modules."""
    study = {
        "protocolSection": {
            "identificationModule": {"nctId": "NCT00000001"},
            "eligibilityModule": {"eligibilityCriteria": line, **modules},
        }
    }
    path = Path("study.json")
    path.write_text(json.dumps(study), "utf-8")
    records = list(read_records(path))
    return tabulate([Extractor(effort="none").extract(one) for one in records], records)


@pytest.mark.parametrize(
    ("line", "low", "high"), CASES["ages_keep_the_comparators_of_the_text"]
)
def test_ages_keep_the_comparators_of_the_text(line, low, high, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = f"Inclusion Criteria:\n\n* {line}\n* Asthma"
    (row,) = read_trial(text, minimumAge="2 Years", sex="MALE")["eligibility"]
    assert (row["minimum_age_comparator"], row["maximum_age_comparator"]) == (low, high)
    assert row["minimum_age_days"] == 18 * 365.25
    assert row["registered_minimum_age_days"] == 2 * 365.25
    assert (row["registered_sex"], row["admits_sex"]) == ("MALE", "male")


@pytest.mark.parametrize(
    ("stated", "section", "registered", "admits"),
    CASES["healthy_people_are_those_of_the_text_else_of_the_register"],
)
def test_healthy_people_are_those_of_the_text_else_of_the_register(
    stated, section, registered, admits
):
    proof = PROOF | {"field": "healthy_volunteers", "section": section}
    evidence = [proof] if section else []
    trial = make(healthy_volunteers=stated, evidence=evidence)
    fields = RegistryFields(healthy_volunteers=registered)
    source = Source(path="a.json", format="ctgov_json")
    record = TrialRecord(record_id="A", source=source, sections=(), registry=fields)
    (row,) = tabulate([trial], [record])["eligibility"]
    assert row["admits_healthy"] is admits


@pytest.mark.parametrize(
    ("registered", "names"), CASES["agents_of_a_record_have_one_name"]
)
def test_agents_of_a_record_have_one_name(registered, names):
    interventions = [Intervention(name, "DRUG", others) for name, *others in registered]
    mesh = [
        RegisteredTerm(kind="intervention", name=name)
        for name in ("fictuzole", "samplin")
    ]
    namer = AgentNamer(interventions, mesh)
    assert {agent: namer.name(agent) for agent in names} == names


@pytest.mark.parametrize(
    ("amount", "frequency", "canonical", "daily"),
    CASES["doses_have_canonical_units_and_a_daily_amount"],
)
def test_doses_have_canonical_units_and_a_daily_amount(
    amount, frequency, canonical, daily
):
    low, high, unit = amount
    stated = {"low": low, "high": high, "unit": unit}
    trial = make(dosing=[{"frequency": frequency, "amounts": [stated]}])
    (row,) = tabulate([trial])["amounts"]
    names = ("low_canonical", "high_canonical", "unit_canonical")
    assert pick([row], *names) == [canonical]
    names = ("daily_low", "daily_high", "daily_unit", "daily_note")
    assert pick([row], *names) == [daily]


@pytest.mark.parametrize(
    ("frequency", "cycle", "timing", "note"),
    [
        ("BID", None, "before meals", None),
        ("BID", None, "on days 1-14", "while given"),
        ("BID", (21, "day"), None, "while given"),
        ("Q3W", (21, "day"), "on day 1 of each cycle", "on average"),
        ("Q2W", (24, "week"), "on days 1 and 15", "while given"),
    ],
)
def test_a_daily_amount_says_that_it_may_pause(frequency, cycle, timing, note):
    regimen = {"frequency": frequency, "timing": timing}
    if cycle:
        value, unit = cycle
        regimen["cycle"] = {"value": value, "unit": unit}
    stated = {"low": 5, "high": 5, "unit": "mg"}
    (row,) = tabulate([make(dosing=[{**regimen, "amounts": [stated]}])])["amounts"]
    assert row["daily_note"] == note


def test_a_daily_amount_is_as_sure_as_its_amount_and_its_frequency():
    records = list(read_records("tests/records"))
    extractions = [Extractor(effort="none").extract(record) for record in records]
    daily = [row for row in tabulate(extractions)["amounts"] if row["daily_unit"]]
    for row in daily:
        (extraction,) = (
            one for one in extractions if one.record_id == row["record_id"]
        )
        regimen = extraction.dosing[row["regimen_index"]]
        sure = [piece.confidence for piece in regimen.evidence_for("frequency")]
        assert row["daily_confidence"] == min([*sure, row["confidence"]])
    assert daily


def test_an_amount_is_as_sure_in_each_table_and_less_sure_if_its_arms_are():
    parts = {"amounts[0]": 0.9, "amounts[0].arms": 0.6}
    evidence = [
        PROOF | {"field": field, "confidence": sure} for field, sure in parts.items()
    ]
    stated = {"low": 5, "high": 5, "unit": "mg", "arms": ["A"]}
    rows = tabulate([make(dosing=[{"amounts": [stated], "evidence": evidence}])])
    values = {row["field"]: row["confidence"] for row in rows["values"]}
    (amount,) = rows["amounts"]
    assert amount["confidence"] == values["dosing[0].amounts[0]"] == 0.6
    assert amount["words"] == PROOF["quote"]
    assert {row["amount_confidence"] for row in rows["doses"]} == {0.9}


@pytest.mark.parametrize(
    ("amount", "quote", "content"),
    CASES["a_volume_has_a_content_if_one_strength_is_stated"],
)
def test_a_volume_has_a_content_if_one_strength_is_stated(amount, quote, content):
    low, high, unit = amount
    stated = {"low": low, "high": high, "unit": unit}
    (row,) = tabulate([make(dosing=[{"quote": quote, "amounts": [stated]}])])["amounts"]
    names = ("content_low", "content_high", "content_unit", "content_note")
    assert pick([row], *names) == [content]


@pytest.mark.parametrize(
    ("arms", "of_amounts", "links"), CASES["arms_are_linked_with_what_they_receive"]
)
def test_arms_are_linked_with_what_they_receive(arms, of_amounts, links):
    amounts = [
        {"low": number, "high": number, "unit": "mg", "arms": some}
        for number, some in enumerate(of_amounts)
    ]
    rows = tabulate([make(dosing=[{"arms": arms, "amounts": amounts}])])
    found = pick(rows["regimen_arms"], "amount_index", "arm_index")
    assert [list(link) for link in dict.fromkeys(map(tuple, found))] == links


ARMS = {
    "High dose": "Fictumab 300 mg SC every 2 weeks for 16 weeks",
    "Low dose": "Fictumab 100 mg SC every 2 weeks for 16 weeks",
    "Two steps": "Samplinib 5 mg orally once daily for 2 weeks, then 10 mg once daily",
    "Levels": "Testamab 10, 20 or 40 mg weekly",
    "Usual care": "No study drug",
}


@pytest.fixture(scope="module")
def doses():
    """The rows of a study with a dose in each arm but the last, and a dose without an arm."""
    groups = [{"label": name, "description": text} for name, text in ARMS.items()]
    agents = ["Fictumab", "Samplinib", "Testamab", "Paracetamol"]
    interventions = [{"type": "DRUG", "name": name} for name in agents]
    interventions[-1]["description"] = "500 mg on demand"
    study = {
        "protocolSection": {
            "identificationModule": {"nctId": "NCT00000001"},
            "armsInterventionsModule": {
                "armGroups": groups,
                "interventions": interventions,
            },
        }
    }
    table = Extractor(effort="none").table("doses", study, to="arrow")
    return table.to_pylist()


def test_doses_are_rows_of_arm_agent_and_step(doses):
    names = ("arm", "agent", "step", "low", "unit", "route", "frequency")
    assert pick(doses, *names) == [
        [None, "Paracetamol", None, 500, "mg", None, "PRN"],
        ["High dose", "Fictumab", None, 300, "mg", "subcutaneous", "Q2W"],
        ["Low dose", "Fictumab", None, 100, "mg", "subcutaneous", "Q2W"],
        ["Two steps", "Samplinib", 1, 5, "mg", "oral", "QD"],
        ["Two steps", "Samplinib", 2, 10, "mg", "oral", "QD"],
        ["Levels", "Testamab", None, 10, "mg", None, "QW"],
        ["Levels", "Testamab", None, 20, "mg", None, "QW"],
        ["Levels", "Testamab", None, 40, "mg", None, "QW"],
        ["Usual care", None, None, None, None, None, None],
    ]


STEPS = [
    {
        "step": 1,
        "step_kind": "loading",
        "amounts": [{"low": 400, "high": 400, "unit": "mg"}],
        "frequency": "once",
    },
    {
        "step": 2,
        "amounts": [{"low": 200, "high": 200, "unit": "mg"}],
        "duration": {"value": 8, "unit": "week"},
    },
    {
        "step": 3,
        "amounts": [{"low": 100, "high": 100, "unit": "mg"}],
        "total_duration": {"value": 1, "unit": "year"},
    },
]
LIMIT = {"quantity": "weight", "unit": "kg"}
BANDS = [
    {
        "low": low,
        "high": low,
        "unit": "mg",
        "condition": "by weight",
        "limits": [LIMIT | limit for limit in limits],
    }
    for low, limits in (
        (10, [{"comparator": "<", "value": 20}]),
        (20, [{"comparator": ">=", "value": 20}, {"comparator": "<=", "value": 30}]),
        (25, [{"comparator": "between", "value": 31, "value_high": 40}]),
        (30, [{"comparator": ">", "value": 40}]),
    )
]


def list_doses(*regimens):
    common = {"agent": "Fictumab", "section": "arms[0]", "quote": "Fictumab"}
    return tabulate([make(dosing=[common | regimen for regimen in regimens])])["doses"]


def test_steps_begin_where_the_steps_before_them_end():
    names = ("step", "step_kind", "from_day", "to_day", "total_days")
    assert pick(list_doses(*STEPS), *names) == [
        [1, "loading", 0, 0, None],
        [2, None, 0, 56, None],
        [3, None, 56, None, 365.25],
    ]


@pytest.mark.parametrize(
    ("timing", "from_day"),
    [
        ("from week 8 through week 44", None),
        ("starting at month 3", None),
        ("from day 1", 0),
        ("at weeks 8, 16 and 24", 0),
    ],
)
def test_what_begins_at_a_later_time_has_no_first_day(timing, from_day):
    assert pick(list_doses({"timing": timing}), "from_day") == [[from_day]]


def test_conditions_and_maxima_are_numbers():
    caps = [
        {"value": 2, "unit": "mg", "per": "dose"},
        {"value": 10, "unit": "mg", "per": "day"},
    ]
    rows = list_doses({"amounts": BANDS, "maximum": caps, "as_needed": True})
    sides = ("at_least", "more_than", "at_most", "less_than")
    assert pick(rows, "low", *(f"condition_{side}" for side in sides)) == [
        [10, None, None, None, 20],
        [20, 20, None, 30, None],
        [25, 31, None, 40, None],
        [30, None, 40, None, None],
    ]
    assert pick(
        rows[:1],
        "condition_unit",
        "maximum_dose",
        "maximum_day",
        "maximum_unit",
        "daily_note",
    ) == [["kg", 2, 10, "mg", "no frequency"]]


def test_a_dose_is_as_sure_as_its_least_sure_value_and_says_what_is_missing(doses):
    *given, _ = doses
    for row in given:
        sure = [row[name] for name in row if name.endswith("_confidence")]
        assert row["confidence"] == min(value for value in sure if value is not None)
        gaps = [gap.split(": ") for gap in row["gaps"].split("|")]
        assert all(row.get(f"{name}_confidence") is None for name, _ in gaps)
        assert ("arms" in dict(gaps)) == (row["arm"] is None)
        assert row["words"] in {**ARMS, None: "500 mg on demand"}[row["arm"]]


def test_a_dose_is_no_surer_than_its_maximum_and_its_condition():
    sure = {
        "agent": 0.95,
        "amounts[0]": 0.9,
        "amounts[1]": 0.92,
        "amounts[0].condition": 0.6,
        "maximum[0]": 0.8,
        "arms[0]": 0.91,
    }
    evidence = [
        PROOF | {"field": field, "confidence": value} for field, value in sure.items()
    ]
    rows = list_doses(
        {
            "arms": ["A"],
            "amounts": [BANDS[0], {"low": 5, "high": 5, "unit": "mg"}],
            "maximum": [{"value": 10, "unit": "mg", "per": "day"}],
            "evidence": evidence,
        }
    )
    assert pick(rows, "amount_confidence", "condition_confidence", "confidence") == [
        [0.9, 0.6, 0.6],
        [0.92, None, 0.8],
    ]


def measure(frame, kind, points, cycle=None, **parts):
    """The rows of the times of an endpoint."""
    times = [dict(zip(("value", "unit"), one.split(), strict=True)) for one in points]
    endpoint = {"time_frame": frame, "time_kind": kind, "time_points": times, **parts}
    dosing = [{"cycle": {"value": cycle, "unit": "day"}}] if cycle else []
    return tabulate([make(endpoints=[endpoint], dosing=dosing)])["time_points"]


@pytest.mark.parametrize(
    ("frame", "kind", "points", "cycle", "days"), CASES["times_of_endpoints_have_days"]
)
def test_times_of_endpoints_have_days(frame, kind, points, cycle, days):
    assert pick(measure(frame, kind, points, cycle), "days", "days_high") == days


@pytest.mark.parametrize(
    ("window", "days", "days_high"), CASES["windows_have_days_classes_and_confidences"]
)
def test_windows_have_days_classes_and_confidences(window, days, days_high):
    words = {"quote": "within", "comparator": "<=", "of": "steroids or insulin"}
    evidence = [
        PROOF | {"field": "time_windows[0]", "confidence": 0.9},
        PROOF | {"field": "time_windows[0].of", "confidence": 0.7},
    ]
    stated = words | window | {"anchor": "before screening"}
    rows = tabulate([make({"time_windows": [stated], "evidence": evidence})])
    (row,) = rows["windows"]
    assert (row["days"], row["days_high"]) == (days, days_high)
    assert row["anchor_class"] == "screening_or_consent"
    assert (row["time_confidence"], row["confidence"]) == (0.9, 0.7)
    assert (row["section"], row["char_start"], row["char_end"]) == ("eligibility", 0, 4)
    assert pick(rows["window_things"], "thing") == [["steroid"], ["insulin"]]


@pytest.mark.parametrize(
    ("written", "key"), CASES["spellings_of_an_instrument_have_one_key"]
)
def test_spellings_of_an_instrument_have_one_key(written, key):
    assert find_instrument_key(written) == key


def declare(name, /, **attributes):
    named = [{"name": key, **attribute} for key, attribute in attributes.items()]
    return CustomField(name=name, definition="A field.", attributes=named)


LIMIT = {"comparator": ">=", "value": 50, "value_high": None, "unit": "%"}


def state(field, values, **more):
    items = {field: [{"of": "eligibility.criteria[0]", "values": values, **more}]}
    return TrialExtraction.model_validate(make().model_dump() | {"custom": items})


def test_a_field_of_your_own_has_a_table_with_its_attributes():
    kinds = {"marker": "quote", "cutoff": "quantity", "assay": "quote"}
    field = declare(
        "biomarker", **{name: {"type": kind} for name, kind in kinds.items()}
    )
    values = {"marker": "PD-L1", "cutoff": LIMIT, "assay": "22C3"}
    evidence = [PROOF | {"field": "values.assay", "confidence": 0.9}]
    proven = {"evidence": evidence, "origin": "model", "confidence": 0.9}
    trial = state("biomarker", values, **proven)

    rows = tabulate([trial], fields=[field])

    place = {"record_id": "A", "item_index": 0, "of": "eligibility.criteria[0]"}
    said = {"marker": "PD-L1", "assay": "22C3"}
    cutoff = {f"cutoff_{name}": value for name, value in LIMIT.items()}
    known = {"origin": "model", "confidence": 0.9, "calibrated": False}
    assert rows["custom_biomarker"] == [place | said | cutoff | known]
    assert "custom_biomarker" not in tabulate([trial])
    assert "custom.biomarker[0].values.assay" in [
        row["field"] for row in rows["values"]
    ]


def test_attributes_may_have_any_names_lists_and_values():
    quotes = ("of", "of_", "origin", "record_id", "item_index", "select")
    field = declare(
        "values",
        **{name: {"type": "quote"} for name in quotes},
        days={"type": "integer", "many": True},
        share={"type": "quantity"},
    )
    values = {name: f"said {name}" for name in quotes}
    trial = state("values", values | {"days": [30, 90], "share": "at least 50 %"})

    (row,) = tabulate([trial], fields=field)["custom_values"]

    assert {f"said {name}" for name in quotes} <= set(row.values())
    assert (row["days"], row["share_value"]) == ("30|90", None)


def test_tasks_and_names_choose_tables():
    fields = read_fields("extractor.catalogue:Blinding,Washout")
    names = [table.name for table in choose_tables(["dosing"], [], fields)]
    assert {"records", "regimens", "values", "custom_blinding"} <= set(names)
    assert not {"criteria", "endpoints", "custom_washout"} & set(names)
    with pytest.raises(ValueError, match="custom_blindin"):
        choose_tables([], ["custom_blindin"], fields)


def test_the_tables_of_a_trial_and_of_every_field_are_these(tmp_path):
    record, _ = read_invented(tmp_path)
    extraction = TrialExtraction.model_validate(make_doubtful())
    filled = TrialExtraction.model_validate(fill(TrialExtraction))
    tables = tabulate([extraction, filled], [record])
    check_json(Path(__file__).with_name("tables.json"), tables)


def test_a_page_describes_the_columns_of_every_table():
    page = Path("extractor/apps/export/tables.md")
    title = "# Columns of the exported tables"
    check_lines(page, [title, "", *describe_tables().splitlines()])


def test_every_column_is_filled_by_some_record():
    records = list(read_records("tests/records"))
    extractions = [Extractor(effort="none").extract(record) for record in records]
    extractions.append(TrialExtraction.model_validate(fill(TrialExtraction)))
    tables = tabulate(extractions, records)
    empty = {
        f"{table.name}.{column.name}"
        for table in list_tables()
        for column in table.columns
        if all(row[column.name] is None for row in tables[table.name])
    }
    assert empty == set(CASES["columns_that_no_record_fills"])
