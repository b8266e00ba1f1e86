"""FHIR R5 resources: valid, linked, in UCUM, and complete together with the list of what has no
place in them.
"""

import json
import re
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import get_args

import pytest
from fhir.resources import get_fhir_model_class

from extractor import Extractor
from extractor.apps.export import export_fhir, read_results
from extractor.apps.export.fhir import KINDS, list_terms
from extractor.apps.export.fhir_study import build_trial
from extractor.apps.export.fhir_types import UnmappedReason
from extractor.language.book import read_table
from extractor.language.units import list_units, read_unit
from extractor.run.store import digest_record
from extractor.schemas import (
    Part,
    RegistryFields,
    Section,
    Source,
    Task,
    TrialExtraction,
    TrialRecord,
)
from tests.commands import extract, invoke, read_lines

from .samples import SMALL, fill


def fill_linked():
    """An extraction with a value in every field, in which criteria and groups name groups that
    there are.
    """
    filled = fill(TrialExtraction) | {"record_id": "NCT90000009"}
    groups = filled["eligibility"]["groups"]
    criteria = filled["eligibility"]["criteria"]
    for number, (group, criterion) in enumerate(zip(groups, criteria, strict=True)):
        group["id"] = f"g{number}"
        group["rule"] = "at_least"
        group["parent"] = "g0" if number else None
        criterion["group"] = group["id"]
    return TrialExtraction.model_validate(filled)


FULL = fill_linked()
UNSAID = {"absences", "coverage", "usage", "origin", "support", "confidence", "index"}
UNSAID |= {"scored"}
"""Fields that say nothing of a trial, and a position that is the place in a list."""


def build(**parts):
    extraction = TrialExtraction.model_validate(
        {"record_id": "NCT90000001", "eligibility": {}} | parts
    )
    return build_trial(extraction)


def find(trial, kind):
    return [
        resource for resource in trial.resources if resource["resourceType"] == kind
    ]


def write(tmp_path, *pairs):
    counts = export_fhir(pairs, tmp_path / "fhir")
    return read_resources(tmp_path / "fhir"), counts


def read_resources(folder):
    return {kind: read_lines(folder / f"{kind}.ndjson") for kind in KINDS}


def walk(value):
    """A value as JSON and all values in it."""
    yield value
    if isinstance(value, dict):
        members = value.values()
    elif isinstance(value, list):
        members = value
    else:
        members = ()
    for member in members:
        yield from walk(member)


def list_objects(value):
    """All objects in a value as JSON."""
    return [member for member in walk(value) if isinstance(member, dict)]


def list_references(value):
    found = (member.get("reference") for member in list_objects(value))
    return {reference for reference in found if isinstance(reference, str)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A run of real records, exported by the command line: resources, what has no place in them,
    and what the command says.
    """
    folder = tmp_path_factory.mktemp("fhir")
    run = extract("tests/records", folder / "run")
    done = invoke("export", run, "--to", folder / "out", "--format", "fhir")
    assert (done.exit_code, done.stdout) == (0, "")
    resources = read_resources(folder / "out")
    unmapped = read_lines(folder / "out" / "unmapped.jsonl")
    return resources, unmapped, done.stderr.splitlines()


def check_words(model):
    """Check that each code of a required value set is in it, which the library does not."""
    kind = model.__class__.__name__
    for name, field in model.__class__.model_fields.items():
        words = (field.json_schema_extra or {}).get("enum_values")
        value = getattr(model, name)
        if words and value is not None and kind != "Reference":
            assert value in words, (kind, name, value)
        for member in value if isinstance(value, list) else (value,):
            if hasattr(member.__class__, "model_fields"):
                check_words(member)


def check_resource(resource):
    """Check a resource by the library, and by the rules of FHIR that the library leaves out."""
    kind = resource["resourceType"]
    check_words(get_fhir_model_class(kind).model_validate(resource))
    for value in walk(resource):
        assert value not in ("", [], {}, None)
    for part in list_objects(resource):
        if "url" in part and kind in ("Group", "Provenance"):
            contents = [
                name for name in part if name.startswith(("value", "extension"))
            ]
            assert len(contents) == 1  # ext-1
        if "code" in part and "value" in part:
            assert part["system"] == "http://unitsofmeasure.org"  # qty-3
        if "low" in part and "high" in part:
            assert part["low"]["value"] <= part["high"]["value"]  # rng-2
        if "period" in part:
            assert part["periodUnit"]  # tim-2


def test_every_resource_is_valid(exported):
    resources, _, _ = exported
    for rows in resources.values():
        assert rows
        for row in rows:
            check_resource(row)


def test_ids_are_unique_and_references_lead_to_a_resource(exported):
    resources, _, _ = exported

    names = [f"{kind}/{row['id']}" for kind, rows in resources.items() for row in rows]
    assert len(names) == len(set(names))
    for study in resources["ResearchStudy"]:
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", study["id"])

    everything = [*resources.values()]
    assert list_references(everything) <= set(names)

    definitions = resources["ActivityDefinition"]
    urls = {row["url"] for row in definitions}
    assert len(urls) == len(definitions)
    links = {part.get("definitionCanonical") for part in list_objects(everything)}
    assert links - {None} == urls


def test_units_are_ucum(exported):
    resources, _, _ = exported
    parser = pytest.importorskip("ucumvert").get_ucum_parser()

    codes = {
        part["code"]
        for part in list_objects([*resources.values()])
        if part.get("system") == "http://unitsofmeasure.org"
    }
    units = list_units()
    texts = ["cells/kg", "mg/kg/day", "ug/kg/h"]
    texts += [unit.dose for unit in units if unit.dose]
    texts += [f"mg/{unit.per}" for unit in units if unit.per]
    written = {read_unit(text) for text in texts}

    assert codes >= {"a", "mg"}
    assert written >= {"mg", "[IU]", "{cells}/kg", "mg/kg/d", "ug/kg/h"}
    for code in codes | (written - {None}):
        parser.parse(code)


def test_evidence_is_one_provenance_a_trial_with_the_place_of_each_value(exported):
    resources, _, _ = exported
    assert len(resources["Provenance"]) == len(resources["ResearchStudy"])
    for row in resources["Provenance"]:
        assert row["entity"][0]["role"] == "source"
        targets = [target["reference"] for target in row["target"]]
        assert targets[0] == f"ResearchStudy/{row['id']}"
        assert len(targets) == len(set(targets))
        for extension in row["extension"]:
            item, *places = re.split(r" \| (?=\S+#char=)", extension["valueString"])
            assert ITEM.fullmatch(item)
            for place in places:
                check_place(place)


ITEM = re.compile(r"eligibility(\.criteria\[\d+\])?|(dosing|endpoints)\[\d+\]")


PLACE = re.compile(r'\S+#char=(\d+),(\d+) ("(.*)" )?([^"]+)', re.S)


VALUE = re.compile(
    r"[a-z_]+(\[\d+\])?(\.[a-z_]+)?( (rule|model|both) [a-z]+( [\d.e-]+)?)?"
)


"""A field, and how its value was won: by whom, with which support and confidence."""


def check_place(place):
    start, end, _, quote, values = PLACE.fullmatch(place).groups()
    if quote is not None:
        assert len(quote) == int(end) - int(start)
    for value in values.split("; "):
        assert VALUE.fullmatch(value)


def test_bundles_are_transactions_of_the_same_resources(tmp_path):
    export_fhir([(SMALL, None)], tmp_path / "files")
    export_fhir([(SMALL, None)], tmp_path / "bundles", bundles=True)

    names = sorted(path.name for path in (tmp_path / "bundles").iterdir())
    assert names == ["Bundle.ndjson", "unmapped.jsonl"]

    in_files = {}
    for path in (tmp_path / "files").glob("*.ndjson"):
        for row in read_lines(path):
            in_files[f"{row['resourceType']}/{row['id']}"] = row
    in_bundles = {}
    bundles = read_lines(tmp_path / "bundles" / "Bundle.ndjson")
    for bundle in bundles:  # the terms, and the trial
        check_words(get_fhir_model_class("Bundle").model_validate(bundle))
        own = {entry["request"]["url"]: entry["resource"] for entry in bundle["entry"]}
        assert list_references(bundle) <= own.keys()
        in_bundles |= own
    assert in_bundles == in_files


def test_our_own_codes_are_defined(exported):
    resources, _, _ = exported
    terms = list(list_terms())
    for term in terms:
        check_words(get_fhir_model_class(term["resourceType"]).model_validate(term))
    defined = set()
    for term in terms:
        defined |= {(term["url"], word["code"]) for word in term.get("concept", ())}
    structures = {
        term["url"] for term in terms if term["resourceType"] == "StructureDefinition"
    }

    used = set()
    extensions = set()
    for part in list_objects([*resources.values()]):
        if str(part.get("system")).startswith("urn:"):
            used.add((part["system"], part["code"]))
        if str(part.get("url")).startswith("urn:") and "valueString" in part:
            extensions.add(part["url"])

    assert used
    assert used <= defined
    assert extensions == structures


def test_the_counts_are_those_of_the_files(exported):
    resources, unmapped, lines = exported
    of_kinds = lines[: len(KINDS)]
    of_codes = lines[len(KINDS)]
    of_unmapped = lines[len(KINDS) + 2 :]

    assert of_kinds == [f"{kind}: {len(resources[kind])}" for kind in KINDS]
    assert of_codes.startswith("CodeSystem: ")
    assert len(resources["ResearchStudy"]) == 12
    counts = [int(re.search(r": (\d+)", line)[1]) for line in of_unmapped]
    assert sum(counts) == len(unmapped)
    assert {row["reason"] for row in unmapped} <= set(get_args(UnmappedReason))


def test_every_reason_is_documented():
    page = Path("docs/how-to/fhir.md").read_text("utf-8")
    meanings = read_table("fhir")["reasons"]
    for reason in get_args(UnmappedReason):
        assert f"| `{reason}` | {meanings[reason]} |" in page


def list_changes(value, path=()):
    """Every stated value of an extraction as JSON, with its path and another value of the same
    kind.
    """
    if isinstance(value, dict):
        for key, member in value.items():
            if key in (*UNSAID, "evidence", "record_id"):
                continue
            if key == "section" and value.get("evidence"):
                continue
            yield from list_changes(member, (*path, key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from list_changes(member, (*path, number))
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int | float):
        yield path, value + 1
    elif value is not None:
        yield path, OTHERS.get(path[-1], f"other {value}")


OTHERS = {
    "kind": "exclusion", "category": "other", "comparator": ">", "unit": "month", "sex": "male", "role": "placebo",
    "route": "topical", "frequency": "BID", "rank": "secondary", "concept": "other", "time_kind": "up_to",
    "severity": "note", "rule": "any",
}  # fmt: skip
"""Another word of each closed set."""


def strip(value, names):
    """A copy of an extraction as JSON without the values of some fields."""
    if isinstance(value, dict):
        kept = {key: member for key, member in value.items() if key not in names}
        return {key: strip(member, names) for key, member in kept.items()}
    if isinstance(value, list):
        return [strip(member, names) for member in value]
    return value


def tell(extraction):
    """All that the export says of an extraction: resources, and what has no place in them."""
    trial = build_trial(TrialExtraction.model_validate(extraction))
    unmapped = [(row.field, row.value, row.reason) for row in trial.unmapped]
    return json.dumps([trial.resources, unmapped], default=str)


OTHERWISE = {
    "findings",
    "notes",
    "registered_terms",
    "turned",
    "demanded",
    "has_exception",
    "time_window",
}
"""What another test looks at, or what FHIR says in other words."""
WHOLE = strip(FULL.model_dump(mode="json"), OTHERWISE)
SURE = strip(WHOLE, {"confidence"})


@pytest.mark.parametrize(
    "stated", [WHOLE, SURE, strip(SURE, {"evidence"})], ids=["unsure", "sure", "gold"]
)
def test_each_value_of_an_extraction_makes_a_difference(stated):
    before = tell(stated)
    changes = list(list_changes(stated))

    assert len(changes) > 60
    for path, other in changes:
        changed = json.loads(json.dumps(stated))
        *way, last = path
        holder = reduce(getitem, way, changed)
        if holder[last] != other:
            holder[last] = other
            assert tell(changed) != before, path


REGIMEN = {"agent": "ibuprofen", "section": "arms[0]", "quote": "ibuprofen"}
PLAIN = {"kind": "inclusion", "section": "eligibility", "category": "organ_function"}


def criterion(quote, limit, *proofs, **more):
    """A criterion with its limits, of which the first words of each proof tell the place."""
    evidence = [{"field": "quote", "start": 0, "end": len(quote), "quote": quote}]
    for number, proof in enumerate(proofs):
        start = quote.index(proof)
        piece = {"start": start, "end": start + len(proof), "quote": proof}
        evidence.append({"field": f"constraints[{number}]"} | piece)
    shared = {"section": "eligibility", "origin": "rule", "support": "parsed"}
    stated = {
        "quote": quote,
        "constraints": [limit],
        "evidence": [piece | shared for piece in evidence],
    }
    return {"criteria": [PLAIN | stated | more]}


CREATININE = {
    "quantity": "creatinine",
    "comparator": "<=",
    "value": 1.5,
    "unit": "mg/dL",
}
SAID = "creatinine <= 1.5 mg/dL"
TWO_WEEKS = {
    "quote": "within 2 weeks",
    "comparator": "<=",
    "value": 2,
    "unit": "week",
}
PROOF = {
    "section": "arms[0]",
    "start": 0,
    "end": 1,
    "quote": "x",
    "origin": "rule",
    "support": "parsed",
}


def test_a_criterion_that_is_one_limit_is_a_quantity():
    people = criterion(f"Patients with {SAID}.", CREATININE, SAID, kind="exclusion")

    trial = build(eligibility=people)

    (characteristic,) = find(trial, "Group")[0]["characteristic"]
    assert characteristic["valueQuantity"] == {
        "value": 1.5,
        "comparator": "<=",
        "unit": "mg/dL",
        "system": "http://unitsofmeasure.org",
        "code": "mg/dL",
    }
    assert characteristic["exclude"] is True
    assert characteristic["code"]["coding"] == [
        {"system": "http://loinc.org", "code": "2160-0"}
    ]
    assert {row.reason for row in trial.unmapped if "constraints" in row.field} == set()


def test_the_limits_of_gold_are_found_in_its_quotes(tmp_path):
    stated = {"quote": f"Patients with {SAID}", "constraints": [CREATININE]}
    gold = {"record_id": "A", "eligibility": {"criteria": [PLAIN | stated]}}
    path = tmp_path / "A.json"
    path.write_text(json.dumps(gold), "utf-8")

    resources, _ = write(tmp_path, *((result, None) for result in read_results(path)))

    (characteristic,) = resources["Group"][0]["characteristic"]
    assert characteristic["valueQuantity"]["value"] == 1.5
    assert resources["Provenance"] == []


HB = [
    {"quantity": "Haemoglobin", "comparator": "<", "value": value, "unit": "g/dL"}
    for value in (12.5, 11.5)
]
HB_BY_SEX = "Haemoglobin < 12.5 g/dL (men) or < 11.5 g/dL (women)"


@pytest.mark.parametrize(
    ("quote", "more"),
    [
        pytest.param(f"{SAID} in patients with diabetes", {}, id="of some patients"),
        pytest.param(f"{SAID} (or 133)", {}, id="another number"),
        pytest.param(f"{SAID} 男性", {}, id="words of another script"),
        pytest.param(
            SAID, {"lead_in": "At least one of the following:"}, id="introduced"
        ),
        pytest.param(SAID, {"negated": True}, id="negated"),
        pytest.param(SAID, {"time_window": TWO_WEEKS}, id="window"),
        pytest.param(
            f"Participants must have {SAID}.",
            {"kind": "exclusion", "demanded": True},
            id="exclusion of what must be",
        ),
        pytest.param(SAID, {"time_windows": [TWO_WEEKS]}, id="list of windows"),
        pytest.param(HB_BY_SEX, {"constraints": HB}, id="a limit for each sex"),
        pytest.param(
            SAID,
            {"constraints": [CREATININE | {"condition": "if on dialysis"}]},
            id="a limit of some",
        ),
    ],
)
def test_a_criterion_that_says_more_is_a_text_and_its_limit_is_listed(quote, more):
    limits = (SAID, "Haemoglobin < 12.5 g/dL", "< 11.5 g/dL")
    proofs = [limit for limit in limits if limit in quote]

    trial = build(eligibility=criterion(quote, CREATININE, *proofs, **more))

    (characteristic,) = find(trial, "Group")[0]["characteristic"]
    assert "valueQuantity" not in characteristic
    assert characteristic["valueCodeableConcept"]["text"].endswith(quote)
    assert characteristic["exclude"] is False
    listed = {(row.field, row.reason) for row in trial.unmapped}
    assert ("eligibility.criteria[0].constraints[0]", "compound") in listed


def list_groups(resources):
    """The Groups of a trial, each as its method, its threshold if it has one, and its
    characteristics.
    """
    groups = {}
    for resource in resources:
        told = []
        for extension in resource["extension"]:
            (value,) = (part for name, part in extension.items() if name != "url")
            told.append(value)
        for characteristic in resource["characteristic"]:
            if "valueReference" in characteristic:
                words = characteristic["valueReference"]["reference"]
            else:
                words = characteristic["valueCodeableConcept"]["text"]
            told.append(f"{words} excluded" if characteristic["exclude"] else words)
        groups[resource["id"].removeprefix("NCT90000001-")] = told
    return groups


ANY = {"rule": "any"}
ALL = {"rule": "all"}
TWO = {"rule": "at_least", "n": 2}
FIRST = "Group/NCT90000001-group-0"
SECOND = "Group/NCT90000001-group-1"


@pytest.mark.parametrize(
    ("kind", "rules", "expected"),
    [
        pytest.param(
            "inclusion",
            [ANY],
            {"group-0": ["any-of", "a", "b"], "eligibility": ["all-of", FIRST]},
            id="any must be",
        ),
        pytest.param(
            "inclusion",
            [TWO],
            {"group-0": ["at-least", 2, "a", "b"], "eligibility": ["all-of", FIRST]},
            id="two must be",
        ),
        pytest.param(
            "exclusion",
            [ALL],
            {
                "group-0": ["all-of", "a", "b"],
                "eligibility": ["all-of", f"{FIRST} excluded"],
            },
            id="all exclude together",
        ),
        pytest.param(
            "inclusion", [ALL], {"eligibility": ["all-of", "a", "b"]}, id="all must be"
        ),
        pytest.param(
            "exclusion",
            [ANY],
            {"eligibility": ["all-of", "a excluded", "b excluded"]},
            id="each excludes",
        ),
        pytest.param(
            "exclusion",
            [TWO, ALL],
            {
                "group-0": ["at-least", 2, SECOND],
                "group-1": ["all-of", "a", "b"],
                "eligibility": ["all-of", f"{FIRST} excluded"],
            },
            id="a group in a group",
        ),
    ],
)
def test_alternatives_are_a_group_with_a_method_of_its_own(
    tmp_path, kind, rules, expected
):
    groups = [
        {"id": f"g{number}", "parent": f"g{number - 1}", **rule}
        for number, rule in enumerate(rules)
    ]
    shared = {"kind": kind, "section": "eligibility", "group": groups[-1]["id"]}
    criteria = [shared | {"quote": "a"}, shared | {"quote": "b"}]
    extraction = TrialExtraction.model_validate(
        {
            "record_id": "NCT90000001",
            "eligibility": {"groups": groups, "criteria": criteria},
        }
    )

    resources, counts = write(tmp_path, (extraction, None))

    assert list_groups(resources["Group"]) == expected
    assert not [kind for kind, _ in counts.unmapped if kind.startswith("eligibility")]


@pytest.mark.parametrize(
    ("confidence", "value", "listed"),
    [
        pytest.param(0.9, "valueQuantity", [], id="sure"),
        pytest.param(
            0.5, "valueCodeableConcept", ["eligibility.groups[0]"], id="unsure"
        ),
    ],
)
def test_a_group_whose_rule_is_not_sure_is_listed_and_its_limits_stay_text(
    confidence, value, listed
):
    proof = PROOF | {
        "field": "groups[0].lead_in",
        "section": "eligibility",
        "confidence": confidence,
    }
    people = criterion(f"Patients with {SAID}", CREATININE, SAID, group="g0")
    people["groups"] = [{"id": "g0", "rule": "any"}]
    people["evidence"] = [proof]

    trial = build(eligibility=people)

    characteristic = find(trial, "Group")[0]["characteristic"][0]
    values = {"valueQuantity", "valueCodeableConcept"}
    assert values & characteristic.keys() == {value}
    unsure = [row.field for row in trial.unmapped if row.reason == "unsure"]
    assert unsure == listed


def test_each_time_window_has_its_words_and_its_event():
    first = {
        "quote": "within 4 weeks",
        "comparator": "<=",
        "value": 4,
        "unit": "week",
        "of": "rituximab",
    }
    second = {
        "quote": "5 half-lives",
        "comparator": "<=",
        "value": 5,
        "unit": "half_life",
        "anchor": "before the first dose",
    }
    windows = {"time_window": first, "time_windows": [first, second]}
    people = {"criteria": [PLAIN | {"quote": "Rituximab"} | windows]}

    trial = build(eligibility=people)

    (characteristic,) = find(trial, "Group")[0]["characteristic"]
    of_first, of_second = (part["extension"] for part in characteristic["extension"])
    event = {"text": "before the first dose"}
    assert of_first == [{"url": "text", "valueString": "rituximab: within 4 weeks"}]
    assert of_second == [
        {"url": "text", "valueString": "5 half-lives"},
        {"url": "contextCode", "valueCodeableConcept": event},
    ]
    assert [
        row.field.partition("].")[2]
        for row in trial.unmapped
        if row.reason == "no_direction"
    ] == ["time_windows[0]", "time_windows[1]"]


def build_from(eligibility):
    """The characteristics of a record of adults below 75 years with allergic asthma, and what has
    no place in them.
    """
    sections = (
        Section(name="eligibility", text=eligibility),
        Section(name="conditions", text="Asthma, Allergic"),
    )
    record = TrialRecord(
        record_id="NCT90000001",
        source=Source(path="a.json", format="ctgov_json"),
        sections=sections,
        registry=RegistryFields(minimum_age="18 Years", maximum_age="75 Years"),
    )
    trial = build_trial(Extractor(effort="none").extract(record), record)
    characteristics = find(trial, "Group")[0]["characteristic"]
    by_id = {characteristic["id"]: characteristic for characteristic in characteristics}
    return by_id, trial.unmapped


def test_a_criterion_of_age_is_stated_once_with_its_comparator():
    characteristics, unmapped = build_from(
        "Inclusion Criteria:\n\n* Older than 18 years\n* Age below 65 years\n* Wheeze\n"
    )

    assert list(characteristics) == ["minimum-age", "maximum-age", "criterion-2"]
    lower = characteristics["minimum-age"]["valueQuantity"]
    upper = characteristics["maximum-age"]["valueQuantity"]
    assert (lower["comparator"], lower["value"]) == (">", 18)
    assert (upper["comparator"], upper["value"]) == ("<", 65)
    listed = {(row.field, row.reason) for row in unmapped}
    assert ("eligibility.criteria[0]", "age_bound") in listed


def test_an_age_of_others_is_no_bound_of_the_group():
    characteristics, _ = build_from(
        "Inclusion Criteria:\n\n* In the second cohort, participants are younger than 40 years"
    )

    assert list(characteristics) == ["minimum-age", "maximum-age", "criterion-0"]
    assert characteristics["maximum-age"]["valueQuantity"]["value"] == 75


def list_exposures(resources):
    """What each arm gets: the words, and the ids of the resources."""
    variables = {
        f"EvidenceVariable/{row['id']}": row for row in resources["EvidenceVariable"]
    }
    ids = {row["url"]: row["id"] for row in resources["ActivityDefinition"]}
    exposures = {}
    for arm in resources["ResearchStudy"][0]["comparisonGroup"]:
        words = []
        activities = []
        if "intendedExposure" in arm:
            variable = variables[arm["intendedExposure"][0]["reference"]]
            words = [
                part["definitionCodeableConcept"]["text"]
                for part in variable["characteristic"]
            ]
            activities = [ids[part["resource"]] for part in variable["relatedArtifact"]]
        exposures[arm["name"]] = (words, activities)
    return exposures


def make_arm(number, label):
    part = Part(name="label", start=0, end=len(label))
    return Section(name=f"arms[{number}]", text=label, parts=(part,))


def test_arms_refer_to_what_they_get(tmp_path):
    high = {"low": 10, "high": 10, "unit": "mg", "arms": ["High"]}
    low = {"low": 5, "high": 5, "unit": "mg", "arms": ["Low"]}
    drug = REGIMEN | {"arms": ["High", "Low"], "amounts": [high, low]}
    water = REGIMEN | {"agent": "water", "arms": ["low"]}
    extraction = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}, "dosing": [drug, water]}
    )
    record = TrialRecord(
        record_id="A",
        source=Source(path="a", format="ctgov_json"),
        sections=(make_arm(0, "High"), make_arm(1, "Low"), make_arm(2, "Nothing")),
        registry=RegistryFields(),
    )

    resources, _ = write(tmp_path, (extraction, record))

    assert list_exposures(resources) == {
        "High": (["ibuprofen 10 mg"], ["A-dosing-0"]),
        "Low": (["ibuprofen 5 mg", "water"], ["A-dosing-0", "A-dosing-1"]),
        "Nothing": ([], []),
    }
    levels = resources["ActivityDefinition"][0]["dosage"][0]["doseAndRate"]
    assert [level["type"]["text"] for level in levels] == [
        "dose level of High",
        "dose level of Low",
    ]


def test_an_arm_that_only_a_regimen_names_is_one_and_a_doubtful_link_is_listed(
    tmp_path,
):
    sure = PROOF | {"field": "arms[0]", "confidence": 0.9}
    doubtful = PROOF | {"field": "arms[1]", "confidence": 0.5}
    regimen = REGIMEN | {"arms": ["A", "B"], "evidence": [sure, doubtful]}

    trial = build(dosing=[regimen])

    resources, _ = write(tmp_path, (trial.extraction, None))
    assert list_exposures(resources) == {
        "A": (["ibuprofen"], ["NCT90000001-dosing-0"]),
        "B": ([], []),
    }
    (unsure,) = [row for row in trial.unmapped if row.reason == "unsure"]
    assert unsure.field == "dosing[0].arms[1]"
    assert unsure.value == "B"


def test_mesh_terms_are_coded_and_other_terms_are_listed():
    terms = [
        {"kind": "condition", "name": "Asthma", "id": "D001249"},
        {"kind": "intervention", "name": "Fictumab"},
        {"kind": "condition_ancestor", "name": "Lung Diseases", "id": "D008171"},
        {"kind": "other_name", "name": "FCT-1", "section": "interventions[0]"},
    ]
    extraction = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}, "registered_terms": terms}
    )

    trial = build_trial(extraction)

    (study,) = find(trial, "ResearchStudy")
    (condition,) = study["condition"]
    (focus,) = study["focus"]
    assert condition["coding"] == [
        {"system": "https://www.nlm.nih.gov/mesh", "code": "D001249"}
    ]
    assert condition["text"] == "Asthma"
    assert focus["concept"]["text"] == "Fictumab"
    left_out = [
        row.field for row in trial.unmapped if row.field.startswith("registered_terms")
    ]
    assert left_out == ["registered_terms[2]", "registered_terms[3]"]


@pytest.fixture(scope="module")
def registered_study():
    """The ResearchStudy of a record of which only the register's fields are known."""
    fields = RegistryFields(
        study_type="Interventional", allocation="RANDOMIZED", assignment="PARALLEL", primary_purpose="SUPPORTIVE_CARE",
        phases=("PHASE1", "PHASE2"), masking="TRIPLE", who_masked=("PARTICIPANT", "INVESTIGATOR"), acronym="FICTU",
        status="ACTIVE_NOT_RECRUITING",
        start_date="March 2019", completion_date="2021-04-05", sponsor="Example University",
    )  # fmt: skip
    arm = Section(
        name="arms[0]",
        text="Low dose\nEXPERIMENTAL\n5 mg daily",
        parts=(
            Part(name="label", start=0, end=8),
            Part(name="type", start=9, end=21),
            Part(name="description", start=22, end=32),
        ),
    )
    sections = (
        arm,
        Section(name="title", text="A study"),
        Section(name="conditions", text="Asthma\nCough"),
        Section(name="brief_summary", text="Aid"),
        Section(name="interventions[0]", text="Fictumab"),
    )
    source = Source(path="a", format="ctgov_json")
    record = TrialRecord(
        record_id="A", source=source, sections=sections, registry=fields
    )
    empty = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}})
    (study,) = find(build_trial(empty, record), "ResearchStudy")
    return study


def test_the_design_is_as_registered(registered_study):
    designs = registered_study["studyDesign"]
    codes = [(design.get("coding") or [{}])[0].get("code") for design in designs]
    assert codes == [
        "SEVCO:01001",
        "SEVCO:01003",
        "SEVCO:01011",
        None,
        "SEVCO:01060",
        None,
    ]
    masked = [design["text"].partition(": ")[2] for design in designs[3:]]
    assert masked == ["TRIPLE", "PARTICIPANT", "INVESTIGATOR"]
    assert registered_study["phase"]["coding"][0]["code"] == "phase-1-phase-2"
    purpose = registered_study["primaryPurposeType"]["coding"][0]
    assert purpose["code"] == "supportive-care"


def test_the_topic_is_as_registered(registered_study):
    assert registered_study["title"] == "A study"
    conditions = [condition["text"] for condition in registered_study["condition"]]
    assert conditions == ["Asthma", "Cough"]
    assert registered_study["label"][0]["value"] == "FICTU"
    assert registered_study["descriptionSummary"] == "Aid"
    assert registered_study["focus"] == [{"concept": {"text": "Fictumab"}}]


def test_status_dates_and_sponsor_are_as_registered(registered_study):
    state = registered_study["progressStatus"][0]["state"]["coding"][0]
    assert state["code"] == "active-but-not-recruiting"
    assert registered_study["period"] == {"start": "2019-03", "end": "2021-04-05"}
    assert registered_study["associatedParty"][0]["name"] == "Example University"


def test_arms_are_as_registered(registered_study):
    (group,) = registered_study["comparisonGroup"]
    assert group["name"] == "Low dose"
    assert group["type"]["coding"][0]["code"] == "experimental"
    assert group["description"] == "5 mg daily"


def test_unsure_values_are_texts_and_listed():
    sure_route = PROOF | {"field": "route", "confidence": 0.9}
    unsure_amount = PROOF | {"field": "amounts[0]", "confidence": 0.7}
    regimen = REGIMEN | {
        "amounts": [{"low": 5, "high": 5, "unit": "mg"}],
        "route": "oral",
        "evidence": [sure_route, unsure_amount],
    }
    people = criterion(f"Patients must have {SAID}.", CREATININE, SAID)
    people["criteria"][0]["evidence"][1]["confidence"] = 0.79
    endpoint = {
        "rank": "primary",
        "index": 0,
        "time_points": [{"value": 2, "unit": "week"}],
        "time_frame": "week 2",
        "time_kind": "at",
        "evidence": [PROOF | {"field": "time_points[0]", "confidence": 0.5}],
    }

    trial = build(dosing=[regimen], eligibility=people, endpoints=[endpoint])

    (dosage,) = find(trial, "ActivityDefinition")[0]["dosage"]
    assert dosage["doseAndRate"] == []
    assert dosage["route"]["text"] == "oral"
    assert "valueCodeableConcept" in find(trial, "Group")[0]["characteristic"][0]
    assert {row.field for row in trial.unmapped if row.reason == "unsure"} == {
        "dosing[0].amounts[0]",
        "eligibility.criteria[0].constraints[0]",
        "endpoints[0].time_points[0]",
        "endpoints[0].time_kind",
    }


HAEMOGLOBIN = {
    "quantity": "haemoglobin",
    "comparator": ">",
    "value": 9,
    "unit": "g/dL",
}


def build_two_limits(kind, word):
    """Two limits joined by a word: the characteristics, and why limits are listed."""
    other = "haemoglobin > 9 g/dL"
    people = criterion(
        f"{SAID} {word} {other}",
        CREATININE,
        SAID,
        other,
        kind=kind,
        constraints=[CREATININE, HAEMOGLOBIN],
    )
    trial = build(eligibility=people)
    reasons = [row.reason for row in trial.unmapped if "constraints" in row.field]
    return find(trial, "Group")[0]["characteristic"], reasons


@pytest.mark.parametrize(
    ("kind", "word", "several"),
    [
        ("exclusion", "or", True),
        ("inclusion", "and", True),
        ("exclusion", "and", False),
        ("inclusion", "or", False),
    ],
)
def test_limits_that_decide_each_for_itself_are_characteristics(kind, word, several):
    characteristics, reasons = build_two_limits(kind, word)

    ids = [characteristic["id"] for characteristic in characteristics]
    if several:
        assert ids == ["criterion-0", "criterion-0-1"]
        assert reasons == []
    else:
        assert ids == ["criterion-0"]
        assert reasons == ["compound", "compound"]
    for characteristic in characteristics:
        assert ("valueQuantity" in characteristic) is several


def shorten(quantity):
    """A quantity or a range of FHIR by its numbers and codes."""
    if not quantity:
        return None
    if "low" in quantity or "high" in quantity:
        return shorten(quantity["low"]), shorten(quantity["high"])
    return quantity["value"], quantity.get("code")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"low": 400, "high": 400, "unit": "mg"}, {"doseQuantity": (400, "mg")}),
        (
            {"low": 1, "high": 3, "unit": "mg/kg"},
            {"doseRange": ((1, "mg/kg"), (3, "mg/kg"))},
        ),
        (
            {"low": None, "high": 3, "unit": "cells/kg"},
            {"doseRange": (None, (3, "{cells}/kg"))},
        ),
        ({"low": 5, "high": 5, "unit": "mg/kg/day"}, {"rateQuantity": (5, "mg/kg/d")}),
        ({"low": 5, "high": 5, "unit": "ug/kg/h"}, {"rateQuantity": (5, "ug/kg/h")}),
        ({"low": 5, "high": 5, "unit": "sip"}, {"doseQuantity": (5, None)}),
    ],
)
def test_amounts_are_doses_or_rates(given, expected):
    trial = build(dosing=[REGIMEN | {"amounts": [given]}])

    (amount,) = find(trial, "ActivityDefinition")[0]["dosage"][0]["doseAndRate"]
    amount.pop("type", None)
    assert {name: shorten(part) for name, part in amount.items()} == expected
    reasons = {row.reason for row in trial.unmapped}
    assert ("no_ucum" in reasons) is (given["unit"] == "sip")


@pytest.mark.parametrize(
    ("given", "repeat", "cycles", "listed"),
    [
        ({"frequency": "BID"}, {"frequency": 2, "period": 1, "periodUnit": "d"}, {}, {}),
        ({"frequency": "once"}, {"count": 1}, {}, {}),
        ({"frequency": "PRN"}, {}, {}, {}),
        ({"cycle": {"value": 21, "unit": "day"}}, {}, {"frequency": 1, "period": 21, "periodUnit": "d"}, {}),
        ({"cycle": {"value": 3, "unit": "week"}, "duration": {"value": 6, "unit": "cycle"}}, {},
         {"frequency": 1, "period": 3, "periodUnit": "wk", "count": 6}, {}),
        ({"frequency": "continuous", "duration": {"value": 6, "unit": "cycle"}}, {}, {},
         {"frequency": "no_element", "duration": "no_time_unit"}),
    ],
)  # fmt: skip
def test_frequencies_and_cycles_are_timings(given, repeat, cycles, listed):
    trial = build(dosing=[REGIMEN | given])

    (dosage,) = find(trial, "ActivityDefinition")[0]["dosage"]
    assert dosage["timing"]["repeat"] == repeat
    assert dosage["asNeeded"] is (True if given.get("frequency") == "PRN" else None)
    (action,) = find(trial, "PlanDefinition")[0]["action"]
    assert action["timingTiming"]["repeat"] == cycles
    reasons = {
        row.field.removeprefix("dosing[0]."): row.reason for row in trial.unmapped
    }
    reasons.pop("section", None)
    reasons.pop("registry", None)
    assert reasons == listed


def shorten_time(time):
    if "range" in time:
        low = time["range"].get("low")
        high = time["range"].get("high")
        return {"range": (low and low["value"], high and high["value"])}
    if "quantity" in time:
        return {"quantity": time["quantity"]["value"]}
    return {}


@pytest.mark.parametrize(
    ("kind", "points", "expected", "listed"),
    [
        ("at", [(4, "week"), (8, "week")], [{"quantity": 4}, {"quantity": 8}], 0),
        ("up_to", [(2, "year")], [{"range": (None, 2)}], 0),
        ("from_to", [(4, "week"), (12, "week")], [{"range": (4, 12)}], 0),
        ("from_to", [(120, "day"), (2, "year")], [{}], 2),
        ("at", [], [{}], 0),
    ],
    ids=["moments", "up to", "from to", "from to in other units", "no point"],
)
def test_time_points_are_moments_or_spans(kind, points, expected, listed):
    endpoint = {
        "rank": "primary",
        "index": 0,
        "measure": "Pain",
        "time_frame": "in time",
        "time_kind": kind,
        "time_points": [{"value": value, "unit": unit} for value, unit in points],
    }

    trial = build(endpoints=[endpoint])

    times = find(trial, "EvidenceVariable")[0]["characteristic"][0]["timeFromEvent"]
    assert [shorten_time(time) for time in times] == expected
    assert {time["description"] for time in times} == {"in time"}
    unmapped = [row for row in trial.unmapped if "time_points" in row.field]
    assert len(unmapped) == listed


def test_hostile_ids_and_texts_become_valid_ones(tmp_path):
    endpoint = {
        "rank": "other",
        "index": 0,
        "measure": "a\x00b\x0b" + "c" * 2**20,
        "description": " \n ",
    }
    names = ["../../etc/passwd", "a_b", "a b", "é" * 300]
    pairs = []
    for name in names:
        extraction = {"record_id": name, "eligibility": {}, "endpoints": [endpoint]}
        pairs.append((TrialExtraction.model_validate(extraction), None))

    resources, _ = write(tmp_path, *pairs)

    studies = resources["ResearchStudy"]
    ids = [study["id"] for study in studies]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", id_) for id_ in ids)
    assert [study["identifier"][0]["value"] for study in studies] == names
    (title,) = {row["title"] for row in resources["EvidenceVariable"]}
    # without control characters, which no string of FHIR may hold
    assert title.startswith("ab ccc")
    assert not any("description" in row for row in resources["EvidenceVariable"])


@pytest.mark.parametrize(
    ("to", "more", "hint"),
    [
        ("out", ("--tables", "criteria"), "drop --tables"),
        ("out.jsonl", (), "name a folder"),
    ],
)
def test_a_wrong_call_says_what_to_do(tmp_path, to, more, hint):
    gold = tmp_path / "gold.json"
    gold.write_text(json.dumps(SMALL.to_gold()), "utf-8")

    done = invoke("export", gold, "--to", tmp_path / to, "--format", "fhir", *more)

    assert done.exit_code == 2
    assert hint in done.stderr
    assert not (tmp_path / to).exists()


@pytest.fixture
def gold(tmp_path):
    """The file of gold with a small trial."""
    path = tmp_path / "NCT90000001.json"
    small = SMALL.model_copy(update={"absences": ()})
    path.write_text(json.dumps(small.to_gold()), "utf-8")
    return path


def test_gold_becomes_resources_without_provenance(tmp_path, gold):
    results = read_results(gold)

    resources, counts = write(tmp_path, *((result, None) for result in results))

    sizes = {kind: len(rows) for kind, rows in resources.items()}
    assert sizes == {kind: counts.resources[kind] for kind in KINDS}
    assert counts.resources["Provenance"] == 0
    assert counts.unmapped["criteria.section", "no_offsets"] == 1


def test_only_the_tasks_that_are_named_become_resources(tmp_path, gold):
    write(tmp_path, *((result, None) for result in read_results(gold)))

    done = invoke(
        *("export", gold, "--to", tmp_path / "fhir", "--format", "fhir"),
        *("--tasks", "dosing", "--force", "--quiet"),
    )

    assert done.exit_code == 0
    resources = read_resources(tmp_path / "fhir")
    assert {kind for kind, rows in resources.items() if rows} == {
        "ResearchStudy",
        "PlanDefinition",
        "ActivityDefinition",
    }


def test_a_new_status_does_not_make_another_record():
    source = Source(path="a", format="ctgov_json")

    def digest(**fields):
        registry = RegistryFields(**fields)
        return digest_record(
            TrialRecord(record_id="A", source=source, sections=(), registry=registry)
        )

    first = digest(status="RECRUITING")
    assert digest(status="COMPLETED", who_masked=["PARTICIPANT"]) == first
    assert digest(sex="ALL") != first


def test_values_of_the_users_own_fields_are_listed_as_unmapped(tmp_path):
    limit = {"comparator": "<", "value": 40, "value_high": None, "unit": "%"}
    marker = {
        "of": "eligibility.criteria[0]",
        "values": {"limit": limit, "kits": ["22C3", "SP263"]},
    }
    blinding = {"of": None, "values": {"value": "double"}}
    custom = {"marker": [marker], "blinding": [blinding]}
    extraction = TrialExtraction.model_validate(
        SMALL.model_dump(mode="json") | {"custom": custom}
    )

    _, counts = write(tmp_path, (extraction, None))

    unmapped = read_lines(tmp_path / "fhir" / "unmapped.jsonl")
    rows = {row["field"]: row for row in unmapped}
    assert rows["custom.marker[0].values.limit"] == {
        "record_id": "NCT90000001",
        "field": "custom.marker[0].values.limit",
        "value": limit,
        "reason": "no_element",
        "detail": "",
    }
    assert rows["custom.marker[0].values.kits[1]"]["value"] == "SP263"
    assert (
        "unmapped custom.marker.values.kits: 2 of 2 (no_element). R5 has no element for it."
        in counts.describe()
    )


def test_an_own_field_that_is_not_of_the_tasks_is_not_listed():
    custom = {
        "marker": [{"of": "eligibility.criteria[0]", "values": {"kits": ["22C3"]}}],
        "blinding": [{"of": None, "values": {"value": "double"}}],
    }
    extraction = TrialExtraction.model_validate(
        SMALL.model_dump(mode="json") | {"custom": custom}
    )

    trial = build_trial(extraction, None, [Task.DOSING])

    fields = {row.field for row in trial.unmapped}
    assert [field for field in fields if field.startswith("custom")] == [
        "custom.blinding[0].values.value"
    ]
