"""FHIR R5 resources: valid, linked, in UCUM, and complete together with the list of unmapped
values.
"""

import json
import re
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from fhir.resources import get_fhir_model_class

from extractor import TrialExtraction, TrialRecord, read_records
from extractor.apps.export import export_fhir
from extractor.apps.export.fhir import KINDS
from extractor.apps.export.fhir_study import build_trial
from extractor.language.book import read_table
from extractor.schemas import RegistryFields, Source
from tests.commands import extract, invoke, read_lines
from tests.pages.invented import make_doubtful, read_trial
from tests.snapshots import check_json
from tests.tables import read_cases

from .samples import SMALL, fill

CASES = read_cases(__file__)

UCUM = "http://unitsofmeasure.org"
# fmt: off


def make_record(**registry):
    source = Source(path="a.json", format="ctgov_json")
    return TrialRecord(record_id="A", source=source, sections=(), registry=RegistryFields(**registry))


def build(record=None, **parts):
    """The resources of an extraction, and what has no place in them."""
    stated = {"record_id": "A", "eligibility": {}} | parts
    return build_trial(TrialExtraction.model_validate(stated), record)


def find(trial, kind):
    return [one for one in trial.resources if one["resourceType"] == kind]


def read_resources(folder):
    return {path.stem: read_lines(path) for path in folder.glob("*.ndjson")}


def list_objects(value):
    """All objects in a value as JSON."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from list_objects(member)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Real records, exported twice by the command line: resources, what has no place in them, and
    what the command prints.
    """
    folder = tmp_path_factory.mktemp("fhir")
    run = extract("tests/records", folder / "run")
    for name in ("again", "out"):
        done = invoke("export", run, "--to", folder / name, "--format", "fhir")
        assert (done.exit_code, done.stdout) == (0, "")
    out = folder / "out"
    assert all((folder / "again" / path.name).read_bytes() == path.read_bytes() for path in out.iterdir())
    return read_resources(out), read_lines(out / "unmapped.jsonl"), done.stderr


def check_words(model):
    """Check that each code of a required value set is in it, which the library does not."""
    for name, field in type(model).model_fields.items():
        words = (field.json_schema_extra or {}).get("enum_values")
        value = getattr(model, name)
        if words and value is not None and type(model).__name__ != "Reference":
            assert value in words, (name, value)
        for member in value if isinstance(value, list) else (value,):
            if hasattr(type(member), "model_fields"):
                check_words(member)


def check_resource(resource):
    """Check a resource by the library, and by the rules of FHIR that the library leaves out."""
    check_words(get_fhir_model_class(resource["resourceType"]).model_validate(resource))
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"])
    for part in list_objects(resource):
        assert not [name for name, value in part.items() if value in ("", [], {}, None)]
        if "url" in part:
            assert len([name for name in part if name.startswith(("value", "ext"))]) == 1  # ext-1
        if "code" in part and "value" in part:
            assert part["system"] == UCUM  # qty-3
        if "low" in part and "high" in part:
            assert part["low"]["value"] <= part["high"]["value"]  # rng-2


def test_every_resource_is_valid_and_every_reference_leads_to_one(exported):
    resources, _, _ = exported
    assert set(resources) == set(KINDS)
    assert len(resources["ResearchStudy"]) == 12
    names = []
    for kind, rows in resources.items():
        for row in rows:
            check_resource(row)
            names.append(f"{kind}/{row['id']}")
    assert len(names) == len(set(names))
    found = [part.get("reference") for part in list_objects([*resources.values()])]
    linked = {name for name in found if isinstance(name, str)}
    assert linked == {name for name in names if not name.startswith("Provenance")}


def test_the_resources_of_a_trial_are_these(tmp_path):
    record, _ = read_trial(tmp_path)
    extraction = TrialExtraction.model_validate(make_doubtful())
    counts = export_fhir([(extraction, record)], tmp_path / "out")
    resources = read_resources(tmp_path / "out")
    listed = read_lines(tmp_path / "out" / "unmapped.jsonl")
    found = {**resources, "unmapped": listed, "described": [*counts.describe()]}
    check_json(Path(__file__).with_name("fhir.json"), found)


def test_units_are_ucum(exported):
    parser = pytest.importorskip("ucumvert").get_ucum_parser()
    parts = list_objects([*exported[0].values()])
    codes = {part["code"] for part in parts if part.get("system") == UCUM}
    assert codes >= {"a", "mg"}
    assert all(map(parser.parse, codes))


PLACE = re.compile(r' [|] (?=(\S+)#char=(\d+),(\d+) ")')


def test_evidence_has_the_characters_of_each_value_and_their_place(exported):
    records = {record.record_id: record for record in read_records("tests/records")}
    checked = 0
    for provenance in exported[0]["Provenance"]:
        assert provenance["entity"][0]["role"] == "source"
        record = records.get(provenance["id"])
        for text in (extension["valueString"] for extension in provenance["extension"]):
            for found in PLACE.finditer(text) if record else ():
                quote = record.raw_text(found[1])[int(found[2]) : int(found[3])]
                assert text[found.end() :].partition(" ")[2].startswith(f'"{quote}" ')
                checked += 1
    assert checked > 50


def test_the_counts_are_those_of_the_files_and_every_reason_is_documented(exported):
    resources, unmapped, said = exported
    for kind, rows in resources.items():
        assert f"{kind}: {len(rows)}\n" in said
    counts = re.findall(r"^unmapped .*: (\d+) \(", said, re.MULTILINE)
    assert sum(map(int, counts)) == len(unmapped)
    meanings = read_table("fhir")["reasons"]
    assert {row["reason"] for row in unmapped} <= set(meanings)
    page = Path("docs/how-to/export.md").read_text("utf-8")
    for reason, meaning in meanings.items():
        assert f"| `{reason}` | {meaning} |" in page


UNSAID = frozenset({
    "absences", "findings", "coverage", "usage", "registered_terms", "origin", "support", "confidence", "evidence",
    "index", "scored", "record_id", "notes", "section", "turned", "demanded", "has_exception", "negated", "time_window", "limits",
})
"""What the export leaves out or only repeats, what a quote states, and what another test looks at."""
OTHERS = {
    "kind": "exclusion", "category": "other", "comparator": ">", "unit": "month", "sex": "male", "role": "placebo",
    "route": "topical", "frequency": "BID", "rank": "secondary", "concept": "other", "time_kind": "up_to", "rule": "any",
    "step_kind": "taper", "per": "week",
}
"""Another word of each closed set."""


def fill_linked():
    """An extraction with a value in every field, whose criteria are of its groups."""
    filled = fill(TrialExtraction)
    groups = filled["eligibility"]["groups"]
    for number, (group, criterion) in enumerate(zip(groups, filled["eligibility"]["criteria"], strict=True)):
        group |= {"id": f"g{number}", "rule": "at_least", "parent": "g0" if number else None}
        criterion["group"] = group["id"]
    return TrialExtraction.model_validate(filled).model_dump(mode="json")


def strip(value, names):
    """A copy of an extraction as JSON without the values of some fields."""
    if isinstance(value, dict):
        return {key: strip(member, names) for key, member in value.items() if key not in names}
    return [strip(member, names) for member in value] if isinstance(value, list) else value


def list_changes(value, path=()):
    """Every stated value of an extraction as JSON, with its path and another value of its kind."""
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            if key not in UNSAID:
                yield from list_changes(member, (*path, key))
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int | float):
        yield path, value + 1
    elif value is not None:
        yield path, OTHERS.get(path[-1], f"other {value}")


def test_no_value_is_lost():
    """A sure value that changes is seen in a resource or in the list."""
    stated = strip(fill_linked(), {"demanded", "confidence"})
    def tell(extraction):
        trial = build_trial(TrialExtraction.model_validate(extraction))
        return json.dumps([trial.resources, trial.unmapped], default=str)
    before = tell(stated)
    changes = list(list_changes(stated))
    assert len(changes) > 60
    for path, other in changes:
        changed = json.loads(json.dumps(stated))
        holder = reduce(getitem, path[:-1], changed)
        if holder[path[-1]] != other:
            holder[path[-1]] = other
            assert tell(changed) != before, path


STEPS = [
    {"step": 1, "amounts": [{"low": 400, "high": 400, "unit": "mg"}], "route": "oral", "frequency": "once"},
    {
        "step": 2, "amounts": [{"low": 1, "high": 2, "unit": "mg/kg"}], "frequency": "BID", "as_needed": True,
        "duration": {"value": 4, "unit": "week"},
        "maximum": [{"value": 9, "unit": "mg", "per": "dose"}, {"value": 30, "unit": "mg", "per": "day"}],
    },
    {
        "amounts": [
            {"low": 5, "high": 5, "unit": "mg", "condition": "below 40 kg"},
            {"low": 9, "high": 9, "unit": "mg", "condition": "above 40 kg"},
        ]
    },
]


def test_steps_are_the_dosages_of_one_treatment_in_sequence():
    common = {"agent": "Fictumab", "section": "arms[0]", "quote": "Fictumab"}
    steps, bands = find(build(dosing=[common | step for step in STEPS]), "ActivityDefinition")
    first, second = steps["dosage"]
    assert [first["sequence"], second["sequence"]] == [1, 2]
    assert first["timing"]["repeat"] == {"count": 1}
    assert first["route"]["text"] == "oral"
    assert first["doseAndRate"][0]["doseQuantity"]["value"] == 400
    assert second["asNeeded"] is True
    assert second["timing"]["repeat"]["boundsDuration"]["code"] == "wk"
    assert second["timing"]["repeat"]["frequency"] == 2
    assert shorten(second["doseAndRate"][0]["doseRange"]) == [[1, "mg/kg"], [2, "mg/kg"]]
    assert second["maxDosePerAdministration"]["value"] == 9
    assert shorten(second["maxDosePerPeriod"][0]["numerator"]) == [30, "mg"]
    assert [one["additionalInstruction"][0]["text"] for one in bands["dosage"]] == ["below 40 kg", "above 40 kg"]


def shorten(value):
    """A quantity, range or concept by its numbers and codes."""
    if not value:
        return value
    if "low" in value:
        return [shorten(value["low"]), shorten(value["high"])]
    if "comparator" in value:
        return [value["comparator"], value["value"], value["code"]]
    code = value["coding"][0]["code"] if value.get("coding") else value.get("code")
    return [value.get("value", value.get("text")), code]


SAID = "creatinine <= 1.5 mg/dL"
CREATININE = {"quantity": "creatinine", "comparator": "<=", "value": 1.5, "unit": "mg/dL"}
WINDOW = {"quote": "within 2 weeks", "comparator": "<=", "value": 2, "unit": "week"}
PROOF = {"section": "eligibility", "start": 0, "end": 1, "quote": "x", "origin": "rule", "support": "parsed"}


def make_criterion(quote, limit=CREATININE, proof=SAID, **more):
    """A criterion with a limit, whose evidence are the words of ``proof``."""
    evidence = [PROOF | {"field": "quote", "quote": quote}, PROOF | {"field": "constraints[0]", "quote": proof}]
    stated = {"kind": "inclusion", "section": "eligibility", "category": "organ_function", "quote": quote}
    return stated | {"constraints": [limit], "evidence": evidence} | more


def describe(*criteria, **more):
    """The characteristics of criteria by id, and the reasons of what is listed."""
    trial = build(eligibility={"criteria": list(criteria)} | more)
    (group,) = find(trial, "Group")
    return {part["id"]: part for part in group["characteristic"]}, {row["field"]: row["reason"] for row in trial.unmapped}


@pytest.mark.parametrize(('limit', 'proof', 'value'), CASES["a_criterion_that_is_one_limit_has_a_value"])
def test_a_criterion_that_is_one_limit_has_a_value(limit, proof, value):
    quote = f"Patients with {proof}."
    parts, reasons = describe(make_criterion(quote, CREATININE | limit, proof, kind="exclusion"))
    part = parts["criterion-0"]
    assert part["code"]["coding"] == [{"system": "http://loinc.org", "code": "2160-0"}]
    assert (part["exclude"], part["extension"][0]["valueMarkdown"]) == (True, quote)
    if value:
        assert part["valueQuantity"] == value | {"system": UCUM, "code": "mg/dL"}
    else:
        assert shorten(part["valueRange"]) == [[1.5, "mg/dL"], [3, "mg/dL"]]
    assert "eligibility.criteria[0].constraints[0]" not in reasons


@pytest.mark.parametrize(("quote", "more"), CASES["a_criterion_that_is_more_than_a_limit_is_a_text"])
def test_a_criterion_that_is_more_than_a_limit_is_a_text_and_its_limit_is_listed(quote, more):
    parts, reasons = describe(make_criterion(quote, **more))
    part = parts["criterion-0"]
    assert part["valueCodeableConcept"]["text"].endswith(quote)
    assert ("valueQuantity" in part, part["exclude"]) == (False, False)
    assert reasons["eligibility.criteria[0].constraints[0]"] == "compound"


@pytest.mark.parametrize(('kind', 'rules', 'expected'), CASES["alternatives_are_one_text"])
def test_alternatives_are_one_text(kind, rules, expected):
    groups = [{"id": f"g{number}", "parent": f"g{number - 1}", **rule} for number, rule in enumerate(rules)]
    shared = {"kind": kind, "section": "eligibility", "group": groups[-1]["id"]}
    parts, reasons = describe(shared | {"quote": "a"}, shared | {"quote": "b"}, groups=groups)
    assert expected == {
        name: [part["code"]["text"], part["valueCodeableConcept"]["text"], part["exclude"]]
        for name, part in parts.items()
    }
    assert reasons["eligibility.groups[0]"] == "no_element"


@pytest.mark.parametrize(('stated', 'registered', 'expected'), CASES["ages_sex_and_healthy_people_are_of_the_text_or_registered"])
def test_ages_sex_and_healthy_people_are_of_the_text_or_registered(stated, registered, expected):
    words = PROOF | {"field": "minimum_age", "quote": "over", "comparator": ">"}
    trial = build(make_record(**registered), eligibility=stated | {"evidence": [words]})
    parts = [part for group in find(trial, "Group") for part in group["characteristic"]]
    values = [next(value for name, value in part.items() if name.startswith("value")) for part in parts]
    assert [shorten(value) for value in values] == expected


REGIMEN = {"agent": "ibuprofen", "section": "arms[0]", "quote": "ibuprofen"}


def test_a_study_has_the_registered_fields_and_its_arms_refer_to_what_they_get(tmp_path):
    record = TrialRecord.model_validate(CASES["a_study_has_the_registered_fields"][0])
    doubtful = PROOF | {"field": "arms[0]", "confidence": 0.5}
    dosing = [REGIMEN | {"arms": ["high", "Low"]}, REGIMEN | {"arms": ["High"], "evidence": [doubtful]}]
    extraction = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}, "dosing": dosing})
    export_fhir([(extraction, record)], tmp_path / "out")
    (study,) = read_resources(tmp_path / "out")["ResearchStudy"]
    check_resource(study)
    check_json(Path(__file__).with_name("study.json"), study)


@pytest.mark.parametrize(('stated', 'name', 'expected'), CASES["a_regimen_is_an_evidence_variable"])
def test_a_regimen_is_an_evidence_variable(stated, name, expected):
    (variable,) = find(build(dosing=[REGIMEN | stated]), "EvidenceVariable")
    agent, value = variable["characteristic"]
    assert agent["definitionCodeableConcept"]["text"] == variable["title"] == "ibuprofen"
    assert shorten(value["definitionByTypeAndValue"][name]) == expected


def shorten_time(time):
    if "range" in time:
        return [end and end["value"] for end in (time["range"].get("low"), time["range"]["high"])]
    return time["quantity"]["value"] if "quantity" in time else None


@pytest.mark.parametrize(('kind', 'points', 'expected'), CASES["time_points_are_moments_or_spans"])
def test_time_points_are_moments_or_spans(kind, points, expected):
    endpoint = {"rank": "primary", "index": 0, "measure": "Pain", "time_frame": "in time", "start_event": "surgery"}
    times = [{"value": value, "unit": unit} for value, unit in points]
    trial = build(endpoints=[endpoint | {"time_kind": kind, "time_points": times}])
    (variable,) = find(trial, "EvidenceVariable")
    found = variable["characteristic"][0]["timeFromEvent"]
    assert [shorten_time(time) for time in found] == expected
    for time in found:
        assert (time["description"], time["eventCodeableConcept"]["text"]) == ("in time", "surgery")
    listed = [row for row in trial.unmapped if "time_points" in row["field"]]
    assert len(listed) == (len(points) if expected == [None] else 0)
    (measure,) = find(trial, "ResearchStudy")[0]["outcomeMeasure"]
    assert measure["type"][0]["coding"][0]["code"] == "primary"


def test_values_below_080_are_listed():
    evidence = [PROOF | {"field": "route", "confidence": 0.8}, PROOF | {"field": "amounts[0]", "confidence": 0.79}]
    amount = {"low": 5, "high": 5, "unit": "mg"}
    trial = build(dosing=[REGIMEN | {"amounts": [amount], "route": "oral", "evidence": evidence}])
    (variable,) = find(trial, "EvidenceVariable")
    assert [part.get("description") for part in variable["characteristic"]] == [None, "oral"]
    assert {row["field"]: row["reason"] for row in trial.unmapped} == {"registry": "input_missing", "dosing[0].amounts[0]": "unsure"}


def test_hostile_ids_and_texts_become_valid_ones(tmp_path):
    endpoint = {"rank": "other", "index": 0, "measure": "a\x00b\x0b" + "c" * 2**20, "description": " \n "}
    names = ["../../etc/passwd", "a_b", "a b", "é" * 300]
    stated = [{"record_id": name, "eligibility": {}, "endpoints": [endpoint]} for name in names]
    export_fhir([(TrialExtraction.model_validate(one), None) for one in stated], tmp_path / "out")
    resources = read_resources(tmp_path / "out")
    studies = resources["ResearchStudy"]
    assert [study["identifier"][0]["value"] for study in studies] == names
    ids = {study["id"] for study in studies}
    assert (len(ids), max(map(len, ids))) == (4, 49)
    variables = resources["EvidenceVariable"]
    assert {len(variable["title"]) for variable in variables} == {2**20}
    for row in (*studies, *variables):
        check_resource(row)


def test_gold_is_exported_with_the_chosen_tasks_and_own_fields_are_listed(tmp_path):
    limit = {"comparator": "<", "value": 40, "value_high": None, "unit": "%"}
    gold = tmp_path / "A.json"
    own = {"marker": [{"of": None, "values": {"limit": limit}}]}
    gold.write_text(json.dumps(SMALL.to_gold() | {"custom": own}), "utf-8")
    out = tmp_path / "out"
    done = invoke("export", gold, "--to", out, "--format", "fhir", "--tasks", "dosing", "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert set(read_resources(out)) == {
        "ResearchStudy", "ActivityDefinition", "EvidenceVariable", "Provenance"
    }
    assert invoke("export", gold, "--to", tmp_path / "a.csv", "--format", "fhir").exit_code == 2
    listed = {"record_id": "NCT90000001", "field": "custom.marker[0].values.limit", "value": limit}
    assert listed | {"reason": "no_element", "detail": ""} in read_lines(out / "unmapped.jsonl")
