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
    people = filled["eligibility"]
    for place, (group, criterion) in enumerate(
        zip(people["groups"], people["criteria"], strict=True)
    ):
        group |= {
            "id": f"g{place}",
            "rule": "at_least",
            "parent": "g0" if place else None,
        }
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
    return {
        kind: read_lines(tmp_path / "fhir" / f"{kind}.ndjson") for kind in KINDS
    }, counts


def walk(value):
    yield value
    for part in (
        value.values()
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else ()
    ):
        yield from walk(part)


def list_references(value):
    found = (part.get("reference") for part in walk(value) if isinstance(part, dict))
    return {reference for reference in found if isinstance(reference, str)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A run of real records, exported by the command line."""
    folder = tmp_path_factory.mktemp("fhir")
    run = extract("tests/records", folder / "run")
    done = invoke("export", run, "--to", folder / "out", "--format", "fhir")
    assert (done.exit_code, done.stdout) == (0, "")
    resources = {kind: read_lines(folder / "out" / f"{kind}.ndjson") for kind in KINDS}
    return (
        resources,
        read_lines(folder / "out" / "unmapped.jsonl"),
        done.stderr.splitlines(),
    )


def check_words(model):
    """Check that each code of a required value set is in it, which the library does not."""
    for name, field in model.__class__.model_fields.items():
        known = (field.json_schema_extra or {}).get("enum_values")
        part = getattr(model, name)
        if known and part is not None and model.__class__.__name__ != "Reference":
            assert part in known, (model.__class__.__name__, name, part)
        for one in part if isinstance(part, list) else (part,):
            if hasattr(one.__class__, "model_fields"):
                check_words(one)


def test_every_resource_is_valid(exported):
    resources, _, _ = exported
    for kind, rows in resources.items():
        assert rows
        for row in rows:
            check_words(get_fhir_model_class(kind).model_validate(row))
            for part in walk(row):
                assert part not in ("", [], {}, None)
                if (
                    isinstance(part, dict)
                    and "url" in part
                    and row["resourceType"] in ("Group", "Provenance")
                ):
                    assert (
                        sum(name.startswith(("value", "extension")) for name in part)
                        == 1
                    )  # ext-1
                if isinstance(part, dict) and "code" in part and "value" in part:
                    assert part["system"] == "http://unitsofmeasure.org"  # qty-3
                if isinstance(part, dict) and {"low", "high"} <= part.keys():
                    assert part["low"]["value"] <= part["high"]["value"]  # rng-2
                if isinstance(part, dict) and "period" in part:
                    assert part["periodUnit"]  # tim-2


def test_ids_are_unique_and_references_lead_to_a_resource(exported):
    resources, _, _ = exported
    names = [f"{kind}/{row['id']}" for kind, rows in resources.items() for row in rows]
    urls = {row["url"] for row in resources["ActivityDefinition"]}
    assert len(names) == len(set(names))
    assert len(urls) == len(resources["ActivityDefinition"])
    assert list_references([*resources.values()]) <= set(names)
    parts = [
        part
        for rows in resources.values()
        for part in walk(rows)
        if isinstance(part, dict)
    ]
    assert {
        part["definitionCanonical"] for part in parts if "definitionCanonical" in part
    } == urls
    for study in resources["ResearchStudy"]:
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", study["id"])


def test_units_are_ucum(exported):
    parser = pytest.importorskip("ucumvert").get_ucum_parser()
    parts = [
        part
        for rows in exported[0].values()
        for part in walk(rows)
        if isinstance(part, dict)
    ]
    codes = {
        part["code"]
        for part in parts
        if part.get("system") == "http://unitsofmeasure.org"
    }
    texts = [unit.dose for unit in list_units() if unit.dose] + [
        f"mg/{unit.per}" for unit in list_units() if unit.per
    ]
    written = set(map(read_unit, (*texts, "cells/kg", "mg/kg/day", "ug/kg/h")))
    assert codes >= {"a", "mg"}
    assert written >= {"mg", "[IU]", "{cells}/kg", "mg/kg/d", "ug/kg/h"}
    for one in codes | (written - {None}):
        parser.parse(one)


def test_evidence_is_one_provenance_a_trial_with_the_place_of_each_value(exported):
    resources, _, _ = exported
    assert len(resources["Provenance"]) == len(resources["ResearchStudy"])
    for row in resources["Provenance"]:
        assert row["entity"][0]["role"] == "source"
        assert row["target"][0]["reference"] == f"ResearchStudy/{row['id']}"
        assert len(row["target"]) == len({one["reference"] for one in row["target"]})
        for extension in row["extension"]:
            item, *places = re.split(r" \| (?=\S+#char=)", extension["valueString"])
            assert re.fullmatch(
                r"eligibility(\.criteria\[\d+\])?|(dosing|endpoints)\[\d+\]", item
            )
            for place in places:
                said = re.fullmatch(
                    r'\S+#char=(\d+),(\d+) ("(.*)" )?([^"]+)', place, re.S
                )
                start, end, _, quote, values = said.groups()
                assert quote is None or len(quote) == int(end) - int(start)
                for value in values.split("; "):
                    assert re.fullmatch(
                        r"[a-z_]+(\[\d+\])?(\.[a-z_]+)?( (rule|model|both) [a-z]+( [\d.e-]+)?)?",
                        value,
                    )


def test_bundles_are_transactions_of_the_same_resources(tmp_path):
    export_fhir([(SMALL, None)], tmp_path / "files")
    export_fhir([(SMALL, None)], tmp_path / "bundles", bundles=True)
    assert sorted(path.name for path in (tmp_path / "bundles").iterdir()) == [
        "Bundle.ndjson",
        "unmapped.jsonl",
    ]
    written = [
        row
        for path in (tmp_path / "files").glob("*.ndjson")
        for row in read_lines(path)
    ]
    known = {f"{row['resourceType']}/{row['id']}": row for row in written}
    bundles = read_lines(tmp_path / "bundles" / "Bundle.ndjson")
    entries = [entry for bundle in bundles for entry in bundle["entry"]]
    assert {entry["request"]["url"]: entry["resource"] for entry in entries} == known
    for bundle in bundles:  # the terms, and the trial
        check_words(get_fhir_model_class("Bundle").model_validate(bundle))
        assert list_references(bundle) <= {
            entry["request"]["url"] for entry in bundle["entry"]
        }


def test_our_own_codes_are_defined(exported):
    resources, _, _ = exported
    terms = list(list_terms())
    for term in terms:
        check_words(get_fhir_model_class(term["resourceType"]).model_validate(term))
    known = {
        (term["url"], word["code"])
        for term in terms
        for word in term.get("concept", ())
    }
    parts = [
        part
        for rows in resources.values()
        for part in walk(rows)
        if isinstance(part, dict)
    ]
    used = {
        (part["system"], part["code"])
        for part in parts
        if str(part.get("system")).startswith("urn:")
    }
    assert used
    assert used <= known
    extensions = {
        part["url"]
        for part in parts
        if str(part.get("url")).startswith("urn:") and "valueString" in part
    }
    assert extensions == {
        term["url"] for term in terms if term["resourceType"] == "StructureDefinition"
    }


def test_the_counts_are_those_of_the_files(exported):
    resources, unmapped, said = exported
    assert said[: len(KINDS)] == [f"{kind}: {len(resources[kind])}" for kind in KINDS]
    assert said[len(KINDS)].startswith("CodeSystem: ")
    assert len(resources["ResearchStudy"]) == 12
    counted = [int(re.search(r": (\d+)", line)[1]) for line in said[len(KINDS) + 2 :]]
    assert sum(counted) == len(unmapped)
    assert {row["reason"] for row in unmapped} <= set(get_args(UnmappedReason))


def test_every_reason_is_documented():
    documented = Path("docs/how-to/fhir.md").read_text("utf-8")
    meanings = read_table("fhir")["reasons"]
    assert [
        reason
        for reason in get_args(UnmappedReason)
        if f"| `{reason}` | {meanings[reason]} |" not in documented
    ] == []


def list_changes(value, path=()):
    """Every stated value of an extraction as JSON, with its path and another value of the same
    kind.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in (*UNSAID, "evidence", "record_id") and not (
                key == "section" and value.get("evidence")
            ):
                yield from list_changes(part, (*path, key))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from list_changes(part, (*path, place))
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
        return {
            key: strip(part, names) for key, part in value.items() if key not in names
        }
    return [strip(part, names) for part in value] if isinstance(value, list) else value


def tell(extraction):
    """All that the export says of an extraction: resources, and what has no place in them."""
    trial = build_trial(TrialExtraction.model_validate(extraction))
    return json.dumps(
        [
            trial.resources,
            [(row.field, row.value, row.reason) for row in trial.unmapped],
        ],
        default=str,
    )


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
        place = reduce(getitem, way, changed)
        if place[last] == other:
            continue
        place[last] = other
        assert tell(changed) != before, path


REGIMEN = {"agent": "ibuprofen", "section": "arms[0]", "quote": "ibuprofen"}
PLAIN = {"kind": "inclusion", "section": "eligibility", "category": "organ_function"}


def criterion(quote, limit, *proofs, **more):
    """A criterion with its limits, of which the first words of each proof tell the place."""
    found = [{"field": "quote", "start": 0, "end": len(quote), "quote": quote}]
    for at, proof in enumerate(proofs):
        start = quote.index(proof)
        found.append(
            {
                "field": f"constraints[{at}]",
                "start": start,
                "end": start + len(proof),
                "quote": proof,
            }
        )
    shared = {"section": "eligibility", "origin": "rule", "support": "parsed"}
    evidence = [one | shared for one in found]
    return {
        "criteria": [
            PLAIN
            | {"quote": quote, "constraints": [limit], "evidence": evidence}
            | more
        ]
    }


CREATININE = {
    "quantity": "creatinine",
    "comparator": "<=",
    "value": 1.5,
    "unit": "mg/dL",
}
SAID = "creatinine <= 1.5 mg/dL"


def test_a_criterion_that_is_one_limit_is_a_quantity():
    trial = build(
        eligibility=criterion(
            f"Patients with {SAID}.", CREATININE, SAID, kind="exclusion"
        )
    )
    (one,) = find(trial, "Group")[0]["characteristic"]
    ucum = {"system": "http://unitsofmeasure.org", "code": "mg/dL"}
    assert (
        one["valueQuantity"]
        == {"value": 1.5, "comparator": "<=", "unit": "mg/dL"} | ucum
    )
    assert one["exclude"] is True
    assert one["code"]["coding"] == [{"system": "http://loinc.org", "code": "2160-0"}]
    assert {row.reason for row in trial.unmapped if "constraints" in row.field} == set()


def test_the_limits_of_gold_are_found_in_its_quotes(tmp_path):
    people = {
        "criteria": [
            PLAIN | {"quote": f"Patients with {SAID}", "constraints": [CREATININE]}
        ]
    }
    (tmp_path / "A.json").write_text(
        json.dumps({"record_id": "A", "eligibility": people}), "utf-8"
    )
    resources, _ = write(
        tmp_path, *((result, None) for result in read_results(tmp_path / "A.json"))
    )
    (one,) = resources["Group"][0]["characteristic"]
    assert one["valueQuantity"]["value"] == 1.5
    assert resources["Provenance"] == []


HB = [
    {"quantity": "Haemoglobin", "comparator": "<", "value": value, "unit": "g/dL"}
    for value in (12.5, 11.5)
]
HB_BY_SEX = "Haemoglobin < 12.5 g/dL (men) or < 11.5 g/dL (women)"


@pytest.mark.parametrize(
    ("quote", "more"),
    [
        (f"{SAID} in patients with diabetes", {}),
        (f"{SAID} (or 133)", {}),
        (f"{SAID} 男性", {}),
        (SAID, {"lead_in": "At least one of the following:"}),
        (SAID, {"negated": True}),
        (
            SAID,
            {
                "time_window": {
                    "quote": "within 2 weeks",
                    "comparator": "<=",
                    "value": 2,
                    "unit": "week",
                }
            },
        ),
        (
            f"Participants must have {SAID}.",
            {"kind": "exclusion", "demanded": True},
        ),  # what must be
        (
            SAID,
            {
                "time_windows": [
                    {
                        "quote": "within 2 weeks",
                        "comparator": "<=",
                        "value": 2,
                        "unit": "week",
                    }
                ]
            },
        ),
        (HB_BY_SEX, {"constraints": HB}),
        (SAID, {"constraints": [CREATININE | {"condition": "if on dialysis"}]}),
    ],
)
def test_a_criterion_that_says_more_is_a_text_and_its_limit_is_listed(quote, more):
    proofs = [
        said
        for said in (SAID, "Haemoglobin < 12.5 g/dL", "< 11.5 g/dL")
        if said in quote
    ]
    trial = build(eligibility=criterion(quote, CREATININE, *proofs, **more))
    (one,) = find(trial, "Group")[0]["characteristic"]
    assert "valueQuantity" not in one
    assert one["valueCodeableConcept"]["text"].endswith(quote)
    assert one["exclude"] is False
    assert ("eligibility.criteria[0].constraints[0]", "compound") in {
        (row.field, row.reason) for row in trial.unmapped
    }


def list_groups(resources):
    """The Groups of a trial, each as its method, its threshold if it has one, and its
    characteristics.
    """
    found = {}
    for resource in resources:
        combined = [
            next(value for name, value in part.items() if name != "url")
            for part in resource["extension"]
        ]
        held = [
            (
                part["valueReference"]["reference"]
                if "valueReference" in part
                else part["valueCodeableConcept"]["text"]
            )
            + (" excluded" if part["exclude"] else "")
            for part in resource["characteristic"]
        ]
        found[resource["id"].removeprefix("NCT90000001-")] = [*combined, *held]
    return found


ANY = {"rule": "any"}
ALL = {"rule": "all"}
TWO = {"rule": "at_least", "n": 2}
FIRST = "Group/NCT90000001-group-0"
SECOND = "Group/NCT90000001-group-1"


@pytest.mark.parametrize(
    ("kind", "rules", "expected"),
    [
        (
            "inclusion",
            [ANY],
            {"group-0": ["any-of", "a", "b"], "eligibility": ["all-of", FIRST]},
        ),
        (
            "inclusion",
            [TWO],
            {"group-0": ["at-least", 2, "a", "b"], "eligibility": ["all-of", FIRST]},
        ),
        (
            "exclusion",
            [ALL],
            {
                "group-0": ["all-of", "a", "b"],
                "eligibility": ["all-of", f"{FIRST} excluded"],
            },
        ),
        ("inclusion", [ALL], {"eligibility": ["all-of", "a", "b"]}),
        ("exclusion", [ANY], {"eligibility": ["all-of", "a excluded", "b excluded"]}),
        (
            "exclusion",
            [TWO, ALL],
            {
                "group-0": ["at-least", 2, SECOND],
                "group-1": ["all-of", "a", "b"],
                "eligibility": ["all-of", f"{FIRST} excluded"],
            },
        ),
    ],
)
def test_alternatives_are_a_group_with_a_method_of_its_own(
    tmp_path, kind, rules, expected
):
    groups = [
        {"id": f"g{at}", "parent": f"g{at - 1}", **rule}
        for at, rule in enumerate(rules)
    ]
    shared = {"kind": kind, "section": "eligibility", "group": groups[-1]["id"]}
    people = {
        "groups": groups,
        "criteria": [shared | {"quote": quote} for quote in "ab"],
    }
    said = TrialExtraction.model_validate(
        {"record_id": "NCT90000001", "eligibility": people}
    )
    resources, counts = write(tmp_path, (said, None))
    assert list_groups(resources["Group"]) == expected
    assert not [kind for kind, _ in counts.unmapped if kind.startswith("eligibility")]


@pytest.mark.parametrize("sure", [True, False])
def test_a_group_whose_rule_is_not_sure_is_listed_and_its_limits_stay_text(sure):
    place = {
        "field": "groups[0].lead_in",
        "section": "eligibility",
        "start": 0,
        "end": 1,
        "quote": "x",
    }
    proof = place | {
        "origin": "rule",
        "support": "parsed",
        "confidence": 0.9 if sure else 0.5,
    }
    people = criterion(f"Patients with {SAID}", CREATININE, SAID, group="g0")
    trial = build(
        eligibility=people
        | {"groups": [{"id": "g0", "rule": "any"}], "evidence": [proof]}
    )
    (first, *_), *_ = [one["characteristic"] for one in find(trial, "Group")]
    assert ("valueQuantity" in first) == sure
    assert ("valueCodeableConcept" in first) == (not sure)
    assert [row.field for row in trial.unmapped if row.reason == "unsure"] == (
        [] if sure else ["eligibility.groups[0]"]
    )


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
    people = {
        "criteria": [
            PLAIN
            | {
                "quote": "Rituximab",
                "time_window": first,
                "time_windows": [first, second],
            }
        ]
    }
    trial = build(eligibility=people)
    (one,) = find(trial, "Group")[0]["characteristic"]
    assert [part["extension"] for part in one["extension"]] == [
        [{"url": "text", "valueString": "rituximab: within 4 weeks"}],
        [
            {"url": "text", "valueString": "5 half-lives"},
            {
                "url": "contextCode",
                "valueCodeableConcept": {"text": "before the first dose"},
            },
        ],
    ]
    listed = [
        row.field.partition("].")[2]
        for row in trial.unmapped
        if row.reason == "no_direction"
    ]
    assert listed == ["time_windows[0]", "time_windows[1]"]


def build_from(eligibility):
    """The resources of a record of adults below 75 years with allergic asthma."""
    sections = (
        Section(name="eligibility", text=eligibility),
        Section(name="conditions", text="Asthma, Allergic"),
    )
    source = Source(path="a.json", format="ctgov_json")
    registry = RegistryFields(minimum_age="18 Years", maximum_age="75 Years")
    record = TrialRecord(
        record_id="NCT90000001", source=source, sections=sections, registry=registry
    )
    trial = build_trial(Extractor(effort="none").extract(record), record)
    return {
        one["id"]: one for one in find(trial, "Group")[0]["characteristic"]
    }, trial.unmapped


def test_a_criterion_of_age_is_stated_once_with_its_comparator():
    found, unmapped = build_from(
        "Inclusion Criteria:\n\n* Older than 18 years\n* Age below 65 years\n* Wheeze\n"
    )
    assert list(found) == ["minimum-age", "maximum-age", "criterion-2"]
    limits = [found[name]["valueQuantity"] for name in ("minimum-age", "maximum-age")]
    assert [(limit["comparator"], limit["value"]) for limit in limits] == [
        (">", 18),
        ("<", 65),
    ]
    assert ("eligibility.criteria[0]", "age_bound") in {
        (row.field, row.reason) for row in unmapped
    }


def test_an_age_of_others_is_no_bound_of_the_group():
    inclusion = "Inclusion Criteria:\n\n* In the second cohort, participants are younger than 40 years"
    found, _ = build_from(inclusion)
    assert list(found) == ["minimum-age", "maximum-age", "criterion-0"]
    assert found["maximum-age"]["valueQuantity"]["value"] == 75


def list_exposures(resources):
    """What each arm gets: the words, and the ids of the resources."""
    known = {
        f"EvidenceVariable/{one['id']}": one for one in resources["EvidenceVariable"]
    }
    urls = {one["url"]: one["id"] for one in resources["ActivityDefinition"]}
    found = {}
    nothing = {"characteristic": [], "relatedArtifact": []}
    for arm in resources["ResearchStudy"][0]["comparisonGroup"]:
        one = (
            known[arm["intendedExposure"][0]["reference"]]
            if "intendedExposure" in arm
            else nothing
        )
        words = [
            part["definitionCodeableConcept"]["text"] for part in one["characteristic"]
        ]
        found[arm["name"]] = (
            words,
            [urls[part["resource"]] for part in one["relatedArtifact"]],
        )
    return found


def test_arms_refer_to_what_they_get(tmp_path):
    high, low = (
        {"low": n, "high": n, "unit": "mg", "arms": [arm]}
        for n, arm in ((10, "High"), (5, "Low"))
    )
    drug = REGIMEN | {"arms": ["High", "Low"], "amounts": [high, low]}
    labels = ("High", "Low", "Nothing")
    parts = [(Part(name="label", start=0, end=len(label)),) for label in labels]
    sections = [
        Section(name=f"arms[{at}]", text=one, parts=parts[at])
        for at, one in enumerate(labels)
    ]
    source = Source(path="a", format="ctgov_json")
    fields = RegistryFields()
    record = TrialRecord(
        record_id="A", source=source, sections=tuple(sections), registry=fields
    )
    given = {
        "record_id": "A",
        "eligibility": {},
        "dosing": [drug, REGIMEN | {"agent": "water", "arms": ["low"]}],
    }
    resources, _ = write(tmp_path, (TrialExtraction.model_validate(given), record))
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
    proof = {
        "section": "arms[0]",
        "start": 0,
        "end": 1,
        "quote": "x",
        "origin": "rule",
        "support": "parsed",
    }
    sure = [
        proof | {"field": f"arms[{at}]", "confidence": one}
        for at, one in enumerate((0.9, 0.5))
    ]
    trial = build(dosing=[REGIMEN | {"arms": ["A", "B"], "evidence": sure}])
    resources, _ = write(tmp_path, (trial.extraction, None))
    assert list_exposures(resources) == {
        "A": (["ibuprofen"], ["NCT90000001-dosing-0"]),
        "B": ([], []),
    }
    assert [
        (row.field, row.value) for row in trial.unmapped if row.reason == "unsure"
    ] == [("dosing[0].arms[1]", "B")]


def test_design_arms_sponsor_and_dates_are_as_registered():
    fields = RegistryFields(
        study_type="Interventional", allocation="RANDOMIZED", assignment="PARALLEL", primary_purpose="SUPPORTIVE_CARE",
        phases=("PHASE1", "PHASE2"), masking="TRIPLE", who_masked=("PARTICIPANT", "INVESTIGATOR"), acronym="FICTU",
        status="ACTIVE_NOT_RECRUITING",
        start_date="March 2019", completion_date="2021-04-05", sponsor="Example University",
    )  # fmt: skip
    text = "Low dose\nEXPERIMENTAL\n5 mg daily"
    parts = [("label", 0, 8), ("type", 9, 21), ("description", 22, 32)]
    arm = Section(
        name="arms[0]",
        text=text,
        parts=tuple(Part(name=n, start=a, end=b) for n, a, b in parts),
    )
    texts = {
        "title": "A study",
        "conditions": "Asthma\nCough",
        "brief_summary": "Aid",
        "interventions[0]": "Fictumab",
    }
    sections = (arm, *(Section(name=name, text=one) for name, one in texts.items()))
    source = Source(path="a", format="ctgov_json")
    record = TrialRecord(
        record_id="A", source=source, sections=sections, registry=fields
    )
    empty = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}})
    (study,) = find(build_trial(empty, record), "ResearchStudy")
    assert study["title"] == "A study"
    assert [one["text"] for one in study["condition"]] == ["Asthma", "Cough"]
    assert study["phase"]["coding"][0]["code"] == "phase-1-phase-2"
    designs = [
        (one.get("coding") or [{}])[0].get("code")
        for one in study["studyDesign"]
        if one
    ]
    assert designs == [
        "SEVCO:01001",
        "SEVCO:01003",
        "SEVCO:01011",
        None,
        "SEVCO:01060",
        None,
    ]
    masked = [one["text"].partition(": ")[2] for one in study["studyDesign"][3:]]
    assert masked == ["TRIPLE", "PARTICIPANT", "INVESTIGATOR"]
    assert study["primaryPurposeType"]["coding"][0]["code"] == "supportive-care"
    assert (
        study["progressStatus"][0]["state"]["coding"][0]["code"]
        == "active-but-not-recruiting"
    )
    assert study["period"] == {"start": "2019-03", "end": "2021-04-05"}
    assert study["associatedParty"][0]["name"] == "Example University"
    assert study["label"][0]["value"] == "FICTU"
    assert study["descriptionSummary"] == "Aid"
    assert study["focus"] == [{"concept": {"text": "Fictumab"}}]
    (group,) = study["comparisonGroup"]
    shown = group["name"], group["type"]["coding"][0]["code"], group["description"]
    assert shown == ("Low dose", "experimental", "5 mg daily")


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


def test_unsure_values_are_texts_and_listed():
    proof = {
        "section": "arms[0]",
        "start": 0,
        "end": 4,
        "quote": "5 mg",
        "origin": "rule",
        "support": "parsed",
    }
    sure = [
        proof | {"field": name, "confidence": known}
        for name, known in (("route", 0.9), ("amounts[0]", 0.7))
    ]
    regimen = REGIMEN | {
        "amounts": [{"low": 5, "high": 5, "unit": "mg"}],
        "route": "oral",
        "evidence": sure,
    }
    people = criterion(f"Patients must have {SAID}.", CREATININE, SAID)
    people["criteria"][0]["evidence"][1]["confidence"] = 0.79
    points = {
        "time_points": [{"value": 2, "unit": "week"}],
        "time_frame": "week 2",
        "time_kind": "at",
    }
    unsure = proof | {"field": "time_points[0]", "confidence": 0.5}
    endpoint = {"rank": "primary", "index": 0, "evidence": [unsure]} | points
    trial = build(dosing=[regimen], eligibility=people, endpoints=[endpoint])
    (dosage,) = find(trial, "ActivityDefinition")[0]["dosage"]
    assert (dosage["doseAndRate"], dosage["route"]["text"]) == ([], "oral")
    assert "valueCodeableConcept" in find(trial, "Group")[0]["characteristic"][0]
    assert {row.field for row in trial.unmapped if row.reason == "unsure"} == {
        "dosing[0].amounts[0]", "eligibility.criteria[0].constraints[0]",
        "endpoints[0].time_points[0]", "endpoints[0].time_kind",
    }  # fmt: skip


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
    limits = [
        CREATININE,
        {"quantity": "haemoglobin", "comparator": ">", "value": 9, "unit": "g/dL"},
    ]
    other = "haemoglobin > 9 g/dL"
    people = criterion(
        f"{SAID} {word} {other}", CREATININE, SAID, other, kind=kind, constraints=limits
    )
    trial = build(eligibility=people)
    found = find(trial, "Group")[0]["characteristic"]
    assert [one["id"] for one in found] == ["criterion-0", "criterion-0-1"][
        : 2 if several else 1
    ]
    assert all(("valueQuantity" in one) is several for one in found)
    assert [row.reason for row in trial.unmapped if "constraints" in row.field] == [
        "compound"
    ] * (0 if several else 2)


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
    def brief(part):
        if part and part.keys() & {"low", "high"}:
            return tuple(map(brief, (part["low"], part["high"])))
        return (part["value"], part.get("code")) if part else None

    trial = build(dosing=[REGIMEN | {"amounts": [given]}])
    (amount,) = find(trial, "ActivityDefinition")[0]["dosage"][0]["doseAndRate"]
    assert {
        name: brief(part) for name, part in amount.items() if name != "type"
    } == expected
    assert ("no_ucum" in {row.reason for row in trial.unmapped}) is (
        given["unit"] == "sip"
    )


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
    (action,) = find(trial, "PlanDefinition")[0]["action"]
    assert dosage["timing"]["repeat"] == repeat
    assert dosage["asNeeded"] is (True if given.get("frequency") == "PRN" else None)
    assert action["timingTiming"]["repeat"] == cycles
    named = {row.field.removeprefix("dosing[0]."): row.reason for row in trial.unmapped}
    assert {
        name: reason
        for name, reason in named.items()
        if name not in ("section", "registry")
    } == listed


@pytest.mark.parametrize(
    ("kind", "points", "expected"),
    [
        ("at", [(4, "week"), (8, "week")], [{"quantity": 4}, {"quantity": 8}]),
        ("up_to", [(2, "year")], [{"range": (None, 2)}]),
        ("from_to", [(4, "week"), (12, "week")], [{"range": (4, 12)}]),
        ("from_to", [(120, "day"), (2, "year")], [{}]),
        ("at", [], [{}]),
    ],
)
def test_time_points_are_moments_or_spans(kind, points, expected):
    endpoint = {
        "rank": "primary",
        "index": 0,
        "measure": "Pain",
        "time_frame": "in time",
        "time_kind": kind,
    }
    trial = build(
        endpoints=[
            endpoint | {"time_points": [{"value": v, "unit": u} for v, u in points]}
        ]
    )
    times = find(trial, "EvidenceVariable")[0]["characteristic"][0]["timeFromEvent"]

    def brief(time):
        if "range" in time:
            return {
                "range": tuple(
                    bound and bound["value"]
                    for bound in map(time["range"].get, ("low", "high"))
                )
            }
        return {"quantity": time["quantity"]["value"]} if "quantity" in time else {}

    assert [brief(time) for time in times] == expected
    assert {time["description"] for time in times} == {"in time"}
    listed = [row for row in trial.unmapped if "time_points" in row.field]
    assert len(listed) == (len(points) if kind == "from_to" and expected == [{}] else 0)


def test_hostile_ids_and_texts_become_valid_ones(tmp_path):
    endpoint = {
        "rank": "other",
        "index": 0,
        "measure": "a\x00b\x0b" + "c" * 2**20,
        "description": " \n ",
    }
    ids = ("../../etc/passwd", "a_b", "a b", "é" * 300)
    pairs = [
        (
            TrialExtraction.model_validate(
                {"record_id": name, "eligibility": {}, "endpoints": [endpoint]}
            ),
            None,
        )
        for name in ids
    ]
    resources, _ = write(tmp_path, *pairs)
    found = [row["id"] for row in resources["ResearchStudy"]]
    assert len(set(found)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", name) for name in found)
    assert [
        row["identifier"][0]["value"] for row in resources["ResearchStudy"]
    ] == list(ids)
    (title,) = {row["title"] for row in resources["EvidenceVariable"]}
    # without control characters, which no string of FHIR may hold
    assert title.startswith("ab ccc")
    assert not any("description" in row for row in resources["EvidenceVariable"])


def test_gold_becomes_resources_of_its_tasks_without_provenance(tmp_path):
    gold = tmp_path / "NCT90000001.json"
    gold.write_text(
        json.dumps(SMALL.model_copy(update={"absences": ()}).to_gold()), "utf-8"
    )
    resources, counts = write(
        tmp_path, *((result, None) for result in read_results(gold))
    )
    assert {kind: len(rows) for kind, rows in resources.items()} == {
        kind: counts.resources[kind] for kind in KINDS
    }
    assert counts.resources["Provenance"] == 0
    assert counts.unmapped["criteria.section", "no_offsets"] == 1
    words = (
        "export",
        gold,
        "--to",
        tmp_path / "fhir",
        "--format",
        "fhir",
        "--tasks",
        "dosing",
        "--force",
        "--quiet",
    )
    assert invoke(*words).exit_code == 0
    sizes = {
        kind: (tmp_path / "fhir" / f"{kind}.ndjson").stat().st_size for kind in KINDS
    }
    assert {kind for kind, size in sizes.items() if size} == {
        "ResearchStudy",
        "PlanDefinition",
        "ActivityDefinition",
    }


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


def test_a_new_status_does_not_make_another_record():
    fields = (
        {"status": "RECRUITING"},
        {"status": "COMPLETED", "who_masked": ["PARTICIPANT"]},
        {"sex": "ALL"},
    )
    source = Source(path="a", format="ctgov_json")
    records = (
        TrialRecord(
            record_id="A", source=source, sections=(), registry=RegistryFields(**field)
        )
        for field in fields
    )
    first, same, other = map(digest_record, records)
    assert first == same != other


def test_values_of_the_users_own_fields_are_listed_as_unmapped(tmp_path):
    limit = {"comparator": "<", "value": 40, "value_high": None, "unit": "%"}
    said = {
        "of": "eligibility.criteria[0]",
        "values": {"limit": limit, "kits": ["22C3", "SP263"]},
    }
    custom = {
        "marker": [said],
        "blinding": [{"of": None, "values": {"value": "double"}}],
    }
    extraction = TrialExtraction.model_validate(
        SMALL.model_dump(mode="json") | {"custom": custom}
    )
    _, counts = write(tmp_path, (extraction, None))
    rows = {
        row["field"]: row for row in read_lines(tmp_path / "fhir" / "unmapped.jsonl")
    }
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
    left = {one.field for one in build_trial(extraction, None, [Task.DOSING]).unmapped}
    assert [field for field in left if field.startswith("custom")] == [
        "custom.blinding[0].values.value"
    ]
