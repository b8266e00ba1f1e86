"""Cohort definitions: what a criterion becomes, what is refused, and whom the SQL finds in a database."""

import json
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.errors import StoreError
from extractor.export import find_results, read_results
from extractor.export.cohorts import export_cohorts, read_rules
from extractor.export.omop_circe import CriteriaGroup, MeasurementLimit, Reason, check_cohort
from extractor.export.omop_vocabulary import WordLists, open_vocabulary
from extractor.schemas import RegistryFields, Section, Source, TrialExtraction, TrialRecord
from extractor.text.book import read_table
from tests.commands import invoke, read_lines

from .omop_database import write_vocabulary

ELIGIBILITY = """Inclusion Criteria:

* Women aged 18 to 65 years
* Diagnosis of asthma
* Platelet count >= 100 x 10^9/L
* ALT <= 3 x ULN
* No prior treatment with rituximab
* Able to give informed consent

Exclusion Criteria:

* Myocardial infarction or stroke within 6 months before screening
* BMI > 35 kg/m2
* Hemoglobin < 9 g/dL
* Received methotrexate within 4 weeks before enrollment
* History of kidney transplant
* Uncontrolled hypertension
"""


def extract(text, record_id="NCT90000001"):
    section = Section(name="eligibility", text=text)
    source = Source(path="x", format="flat")
    return Extractor().extract(TrialRecord(record_id=record_id, source=source, sections=(section,)))


def write_run(folder, *extractions):
    folder.mkdir()
    lines = [one.model_dump_json() + "\n" for one in extractions]
    (folder / "extractions.jsonl").write_text("".join(lines), "utf-8")
    return folder


def export(run, to, **options):
    return export_cohorts(((one, None) for one in read_results(find_results(run))), to, **options)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    return write_vocabulary(tmp_path_factory.mktemp("athena") / "vocabulary [1]")


@pytest.fixture(scope="module")
def names(vocabulary):
    with open_vocabulary(vocabulary) as opened:
        yield opened


def test_the_vocabulary_gives_standard_valid_concepts_and_the_most_general_one_of_a_name(names):
    for name, expected in (("Asthma", [101]), ("heart attacks", [103]), ("stroke", [105]), ("Cold", None)):
        found = names.find_set(name)
        assert (found and [one.id for one in found.concepts]) == expected, name


def test_without_a_vocabulary_concept_sets_have_names_and_units_have_ids(tmp_path):
    run = write_run(tmp_path / "run", extract(ELIGIBILITY))
    counts = export(run, tmp_path / "cohorts")
    cohort = json.loads((tmp_path / "cohorts" / "NCT90000001.json").read_text("utf-8"))
    assert check_cohort(cohort) == []
    assert counts.expressed == 10
    listed = read_lines(tmp_path / "cohorts" / "unmapped.jsonl")
    reasons = [(row["criterion_index"], row["reason"], row["detail"]) for row in listed]
    assert reasons == [(5, "category", "consent_compliance"), (11, "present_state", "uncontrolled")]
    named = {one["name"] for one in cohort["ConceptSets"]}
    assert named >= {"asthma", "rituximab", "platelet count (LOINC 777-3, 26515-7)"}
    assert not any(one["expression"]["items"] for one in cohort["ConceptSets"])
    rule = next(one for one in cohort["InclusionRules"] if "Platelet" in one["description"])
    measured = [one["Criteria"]["Measurement"] for one in rule["expression"]["Groups"][0]["CriteriaList"]]
    written = {(one["CONCEPT_ID"], each["ValueAsNumber"]["Value"]) for each in measured for one in each["Unit"]}
    assert written >= {(9444, 100), (8848, 100), (8647, 100_000), (8784, 100_000)}
    summary = json.loads((tmp_path / "cohorts" / "summary.json").read_text("utf-8"))
    assert (summary["share"], summary["vocabulary"]) == (0.8333, False)


INCLUDED, EXCLUDED = "Inclusion Criteria:\n\n* {}\n", "Exclusion Criteria:\n\n* {}\n"
REFUSED = [
    (EXCLUDED, "Severe asthma", "qualifier"),
    (EXCLUDED, "Active tuberculosis", "present_state"),
    (EXCLUDED, "Asthma requiring hospitalization", "present_state"),
    (EXCLUDED, "Tuberculosis other than latent tuberculosis", "qualifier"),
    (EXCLUDED, "Family history of stroke", "qualifier"),
    (EXCLUDED, "Hepatitis B or C", "name"),
    (EXCLUDED, "Asthma and epilepsy", "conjunction"),
    (INCLUDED, "Asthma, epilepsy", "conjunction"),
    (EXCLUDED, "Epilepsy in a parent", "clause"),
    (EXCLUDED, "Warfarin", "treatment_time"),
    (EXCLUDED, "Stroke within 7 days of surgery", "window"),
    (EXCLUDED, "No history of stroke", "negation"),
    (EXCLUDED, "Hemoglobin < 9 g/dL despite transfusion", "words_left"),
    (EXCLUDED, "Sitting systolic blood pressure > 160 mmHg", "words_left"),
    (INCLUDED, "Hematocrit less than 30% (before transfusion)", "words_left"),
    (INCLUDED, "Age 18 and older than 18 years old", "conjunction"),
    (EXCLUDED, "Vaccination against influenza", "clause"),
    (INCLUDED, "Hemoglobin >= 13 g/dL in men and >= 12 g/dL in women", "sex_or_group"),
    (EXCLUDED, "ALT > 3 x ULN and creatinine > 2 mg/dL", "conjunction"),
    (EXCLUDED, "Body mass index > 30 g/dL", "quantity"),
    (EXCLUDED, "Hemoglobin < 9 mg/dL", "value"),
    (INCLUDED, "Age up to 24 months", "age_unit"),
    (EXCLUDED, "Pneumonia", "present_state"),
    (EXCLUDED, "Diagnosis of femoral fractures", "present_state"),
    (INCLUDED, "No urinary tract infection", "present_state"),
    (EXCLUDED, "Exposure to measles within 14 days before screening", "clause"),
    (EXCLUDED, "More than 3 relapses", "quantity"),
    (EXCLUDED, "A decrease in hemoglobin of more than 2 g/dL", "quantity"),
    (INCLUDED, "Willing to use contraception", "category"),
    (EXCLUDED, "Platelets < 100,000", "unsure"),
]


@pytest.mark.parametrize(("section", "line", "reason"), REFUSED)
def test_a_criterion_is_refused_with_a_reason_rather_than_loosened(section, line, reason):
    rules, undecided = read_rules(extract(section.format(line)), WordLists())
    assert not any(rule.name[0].isdigit() for rule in rules)
    assert undecided[0].reason == reason


EXPRESSED = [
    (INCLUDED, "Male or female, 18 years or older", ["all: age >= 18"]),
    (INCLUDED, "Men older than 40 years", ["all: male, age > 40"]),
    (INCLUDED, "Age >= 18 and <= 65 years", ["all: age between 18 and 65"]),
    (INCLUDED, "Ages 3 to < 9 years", ["all: age >= 3, age < 9"]),
    (INCLUDED, "Age higher than 18 and less or equal to 65 years", ["all: age > 18, age <= 65"]),
    (INCLUDED, "WBC: 3.54 - 9.06 x 10^3/uL", ["all: white blood cell count between 3540 and 9060 and in 3 more units"]),
    (
        EXCLUDED,
        "Platelets > 20 and < 50 x 10^9/L",
        ["none: all(platelet count > 20 and in 2 more units, platelet count < 50 and in 2 more units)"],
    ),
    (EXCLUDED, "Age < 18 or > 70 years", ["none: age < 18, age > 70"]),
    (INCLUDED, "History of asthma", ["all: asthma"]),
    (EXCLUDED, "History of hysterectomy", ["none: hysterectomy"]),
    (INCLUDED, "No history of asthma or epilepsy", ["none: asthma, epilepsy"]),
    (EXCLUDED, "HIV infection, tuberculosis or cirrhosis", ["none: HIV infection, tuberculosis, cirrhosis"]),
    (EXCLUDED, "Previous pneumonia", ["none: pneumonia"]),
    (EXCLUDED, "Has ever had a stroke", ["none: stroke"]),
    (INCLUDED, "Albumin >= 3 g/dL (30 g/L)", ["all: albumin >= 3 and in 2 more units"]),
    (INCLUDED, "HbA1c <= 8 %", ["all: any(hba1c <= 8, hba1c <= 63.93)"]),
    (INCLUDED, "Karnofsky score >= 60%", ["all: karnofsky >= 60"]),
    (EXCLUDED, "Stroke within the past 2 years", ["none: Stroke in 730 days"]),
    (EXCLUDED, "ALT or AST > 3 x ULN", ["none: any(alt > 3 {ULN}, ast > 3 {ULN})"]),
    (INCLUDED, "ECOG performance status 0-2", ["all: ecog performance status between 0 and 2"]),
    (INCLUDED, "Males and females", []),
]


def show(node):
    if isinstance(node, CriteriaGroup):
        if len({getattr(one, "concepts", one) for one in node.members}) == 1 < len(node.members):
            return f"{show(node.members[0])} and in {len(node.members) - 1} more units"
        return f"{node.operator.value}({', '.join(map(show, node.members))})"
    if hasattr(node, "sex"):
        return node.sex.value
    bound = getattr(node, "bound", None)
    name = "age" if not hasattr(node, "concepts") else node.concepts.name.partition(" (")[0]
    if bound is None:
        return f"{name} in {node.days} days" if node.days else name
    unit = f" {node.reference}" if isinstance(node, MeasurementLimit) and node.reference else ""
    return f"{name} {bound.comparator.value} {bound.value:g}{unit}" + (f" and {bound.high:g}" if bound.high else "")


@pytest.mark.parametrize(("section", "line", "expected"), EXPRESSED)
def test_a_criterion_becomes_one_rule_with_all_of_its_parts(section, line, expected):
    rules, undecided = read_rules(extract(section.format(line)), WordLists())
    written = [f"{rule.group.operator.value}: {', '.join(map(show, rule.group.members))}" for rule in rules]
    assert (written, dict(undecided)) == (expected, {})


def test_each_criterion_is_a_rule_or_is_listed_with_its_reason(tmp_path):
    lines = {
        kind: [line for section, line, _ in REFUSED + EXPRESSED if section is kind] for kind in (INCLUDED, EXCLUDED)
    }
    text = "\n\n".join(kind.format("\n* ".join(found)) for kind, found in lines.items())
    trial = extract(text)
    export(write_run(tmp_path / "run", trial), tmp_path / "cohorts")
    cohort = json.loads((tmp_path / "cohorts" / "NCT90000001.json").read_text("utf-8"))
    rules = {int(name) - 1 for rule in cohort["InclusionRules"] if (name := rule["name"].split()[0]).isdigit()}
    unmapped = read_lines(tmp_path / "cohorts" / "unmapped.jsonl")
    listed = {row["criterion_index"] for row in unmapped} - {None}
    (free,) = (at for at, one in enumerate(trial.eligibility.criteria) if one.quote == "Males and females")
    assert sorted([*rules, *listed, free]) == list(range(len(trial.eligibility.criteria)))
    assert {row["reason"] for row in unmapped} <= set(Reason)


def test_a_criterion_that_is_not_sure_is_left_to_a_person():
    trial = extract("Exclusion Criteria:\n\n* History of asthma\n* Hemoglobin < 9 g/dL\n").model_dump(mode="json")
    for criterion, name in zip(trial["eligibility"]["criteria"], ("category", "constraints[0]"), strict=True):
        next(one for one in criterion["evidence"] if one["field"] == name)["confidence"] = 0.79
    rules, undecided = read_rules(TrialExtraction.model_validate(trial), WordLists())
    assert [rule.text for rule in rules] == ["History of asthma"]
    assert {at: one.reason for at, one in undecided.items()} == {1: "unsure"}


def test_a_definition_without_a_rule_says_so(tmp_path):
    export(write_run(tmp_path / "run", extract("Inclusion Criteria:\n\n* Able to walk\n")), tmp_path / "cohorts")
    cohort = json.loads((tmp_path / "cohorts" / "NCT90000001.json").read_text("utf-8"))
    summary = json.loads((tmp_path / "cohorts" / "summary.json").read_text("utf-8"))
    assert (cohort["InclusionRules"], cohort["Title"]) == ([], "NCT90000001: has no rule and takes everybody")
    assert summary["empty"] == ["NCT90000001"]


def test_lines_joined_by_or_and_limits_of_several_groups_are_refused():
    text = "Inclusion Criteria:\n\n* Hemoglobin < 9 g/dL or\n* Platelet count < 50 x 10^9/L\n"
    _, undecided = read_rules(extract(text), WordLists())
    assert [undecided[at].reason for at in (0, 1)] == ["alternative", "alternative"]
    text = "Inclusion Criteria:\n\n* Arthritis\n* Heart failure\n* Diagnosis of asthma\n"
    rules, undecided = read_rules(extract(text), WordLists())
    assert ([rule.text for rule in rules], undecided.keys()) == (["Diagnosis of asthma"], {0, 1})
    text = "Inclusion Criteria:\n\n* Age 18-45 years\n* Age 65-80 years\n"
    rules, undecided = read_rules(extract(text), WordLists())
    assert [undecided[at].reason for at in (0, 1)] == ["other_age", "other_age"]
    assert [show(rule.group) for rule in rules] == ["all(age >= 18)", "all(age <= 80)"]  # the widest of both


def test_registered_ages_and_conditions_shape_the_rules():
    text = (
        "Inclusion Criteria:\n\n* Over 18 years\n* In the second cohort, participants are younger than 40 years\n\n"
        "Exclusion Criteria:\n\n* Diabetes\n* Hypertension\n"
    )
    sections = (Section(name="eligibility", text=text), Section(name="conditions", text="Diabetes Mellitus, Type 2"))
    registry = RegistryFields(minimum_age="18 Years", maximum_age="75 Years", sex="FEMALE")
    source = Source(path="x", format="flat")
    record = TrialRecord(record_id="NCT90000001", source=source, sections=sections, registry=registry)
    rules, undecided = read_rules(Extractor(effort="none").extract(record), WordLists(), record)
    shown = [show(rule.group) for rule in rules]
    assert shown == ["all(age > 18)", "none(Hypertension)", "all(age <= 75)", "all(female)"]
    assert undecided[2].reason == "target_condition"
    assert undecided["maximum_age"].reason == "registry_decides"


def test_hostile_ids_and_texts_reach_neither_paths_nor_sql(tmp_path):
    quote = "'; DROP TABLE person; -- @cdm {1 == 1}?{x}:{y}"
    base = extract(ELIGIBILITY)
    bad = base.model_dump(mode="json", exclude={"record_id"})
    bad["eligibility"]["criteria"] = [
        {"kind": "exclusion", "section": "eligibility", "quote": quote, "category": "comorbidity"},
        {"kind": "exclusion", "section": "eligibility", "quote": f"Stroke {quote} disease", "category": "comorbidity"},
        *bad["eligibility"]["criteria"][:2],
    ]
    ids = ["../../evil", "..", "a/b", "a?b", "SUMMARY", "nul", "N" * 500]
    run = write_run(tmp_path / "run", *(TrialExtraction.model_validate(bad | {"record_id": one}) for one in ids[:-1]))
    export(run, tmp_path / "out" / "cohorts")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cohorts"]
    files = sorted(path.name for path in (tmp_path / "out" / "cohorts").glob("*.json"))
    assert files == ["SUMMARY-2.json", "_.json", "_evil.json", "a_b-2.json", "a_b.json", "nul-2.json", "summary.json"]
    only = write_run(tmp_path / "only", TrialExtraction.model_validate(bad | {"record_id": ids[-1]}))
    export(only, tmp_path / "sql", dialect="duckdb")
    (sql,) = [path.read_text("utf-8") for path in (tmp_path / "sql").glob("*.sql")]
    assert "DROP TABLE person" not in sql
    assert "evil" not in sql


def test_what_the_schema_of_ohdsi_refuses_is_named():
    assert "PrimaryCriteria: Field required" in check_cohort({"ConceptSets": []})


def test_the_command_reports_the_share_and_the_reasons(tmp_path, vocabulary):
    run = write_run(tmp_path / "run", extract(ELIGIBILITY))
    words = ("export", run / "extractions.jsonl", "--to", tmp_path / "cohorts", "--format", "omop")
    done, meanings = invoke(*words, "--vocabulary", vocabulary), read_table("cohorts")["reasons"]
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "1 cohort definition; 10 of 12 criteria expressed (83.3%), 0 rules from ages and sex alone",
        f"unmapped category: 1. {meanings['category']}",
        f"unmapped present_state: 1. {meanings['present_state']}",
    ]
    assert invoke(*words).exit_code == 1
    assert invoke(*words, "--force", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "omop", "--dialect", "basic"], "basic: no such dialect; choose from "),
        (["--format", "omop", "--tables", "criteria"], "--format omop writes no tables; drop --tables"),
        (["--format", "omop", "--tasks", "dosing"], "made from eligibility; drop --tasks"),
        (["--format", "csv", "--dialect", "duckdb"], "--dialect needs --format omop"),
    ],
)
def test_wrong_options_are_usage_errors(tmp_path, words, message):
    run = write_run(tmp_path / "run", extract("Inclusion Criteria:\n\n* Age 18 years or older\n"))
    done = invoke("export", run / "extractions.jsonl", "--to", tmp_path / "c", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "c").exists()


def test_an_incomplete_or_broken_vocabulary_is_named(tmp_path):
    broken = write_vocabulary(tmp_path / "broken")
    (broken / "CONCEPT.csv").write_text("no\theader\n1\t2\n", "utf-8")
    with pytest.raises(StoreError, match=r"CONCEPT\.csv: .*domain_id.*from Athena"), open_vocabulary(broken):
        pass
    whole = write_vocabulary(tmp_path / "incomplete")
    (whole / "CONCEPT_SYNONYM.csv").unlink()
    with pytest.raises(StoreError, match=r"CONCEPT_SYNONYM\.csv: .*from Athena"), open_vocabulary(whole):
        pass


def test_every_reason_is_documented():
    documented = Path("docs/how-to/cohorts.md").read_text("utf-8")
    meanings = read_table("cohorts")["reasons"]
    assert [reason for reason in Reason if f"| `{reason}` | {meanings[reason]} |" not in documented] == []
