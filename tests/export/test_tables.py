"""The tables, which hold every value of an extraction."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.apps.export import (
    Destination,
    Format,
    Threshold,
    describe_tables,
    export_run,
    list_tables,
    read_registry,
)
from extractor.apps.export.arms import Arm
from extractor.errors import StoreError
from extractor.language.book import terms_of
from extractor.schemas import (
    Concept,
    RegistryFields,
    Role,
    Route,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)
from tests.commands import read_lines

from .samples import SMALL, fill

DOCUMENTED = Path("docs/reference/tables.md").read_text("utf-8")
FULL = TrialExtraction.model_validate(fill(TrialExtraction))
ELSEWHERE_FILLED = {
    # fields of the user's own have no fixed shape: tests/fields/test_commands.py
    "custom_values",
    # the record alone has interventions, and the vocabulary of quantities bounds
    "interventions",
    "bounds",
    # test_registered_terms.py
    "condition_terms",
    "intervention_terms",
}
PROOF = {
    "section": "eligibility",
    "start": 0,
    "end": 1,
    "quote": "f",
    "origin": "rule",
    "support": "parsed",
}


@pytest.fixture
def rows_of(tmp_path):
    """Returns an extraction's rows in each table."""

    def read(extraction, registry=None):
        made = TrialExtraction.model_validate(extraction)
        (tmp_path / "extractions.jsonl").write_text(
            made.model_dump_json() + "\n", "utf-8"
        )
        to = Destination(tmp_path / "tables", Format.JSONL, force=True)
        tables = export_run(tmp_path, to, registry=registry or {})
        return {table: read_lines(to.path / f"{table}.jsonl") for table in tables}

    return read


def limited(*limits, **criterion):
    """An extraction with one criterion."""
    whole = {
        "kind": "inclusion",
        "section": "eligibility",
        "quote": "fever",
        "constraints": limits,
        **criterion,
    }
    return {"record_id": "A", "eligibility": {"criteria": [whole]}}


def leaves(value):
    if isinstance(value, dict):
        members = value.values()
    elif isinstance(value, list):
        members = value
    else:
        return [] if value is None else [value]
    return [leaf for member in members for leaf in leaves(member)]


def test_every_value_of_an_extraction_is_in_a_table(rows_of):
    rows = rows_of(FULL)

    cells = []
    for table in list_tables():
        if table.name in ELSEWHERE_FILLED:
            continue
        keys = [column.name for column in table.keys]
        # what no model has: it is filled where the quote is not clean
        values = [column.name for column in table.values if column.name != "quote_raw"]
        last_row = rows[table.name][-1]
        assert None not in [last_row[name] for name in keys + values], table.name
        for row in rows[table.name]:
            cells += [row[name] for name in values if row[name] is not None]
    parts = []
    for cell in cells:
        parts += cell.split("|") if isinstance(cell, str) else [cell]

    wanted = leaves(
        FULL.model_dump(
            mode="json", exclude={"record_id", "scored", "registered_terms"}
        )
    )
    assert Counter(map(repr, parts)) == Counter(map(repr, wanted))


def test_rows_are_joined_by_keys(rows_of):
    rows = rows_of(SMALL)
    (criterion,) = rows["criteria"]
    limits = rows["constraints"]
    assert [limit["criterion_index"] for limit in limits] == [
        criterion["criterion_index"]
    ] * 2
    assert [limit["value"] for limit in limits] == [-2.5, 0]
    (proof,) = rows["evidence"]
    (regimen,) = rows["regimens"]
    assert proof["item"] == "regimen"
    assert proof["item_index"] == regimen["regimen_index"]
    assert (proof["char_start"], proof["char_end"]) == (10, 16)


def test_limits_have_canonical_names_units_and_values(rows_of):
    limits = [
        {"quantity": "Platelets", "comparator": ">=", "value": 75_000, "unit": "/mm3"},
        {
            "quantity": "ANC",
            "comparator": "between",
            "value": 1,
            "value_high": 2,
            "unit": "x 10^9/L",
        },
        {"quantity": "ALT", "comparator": "<=", "value": 2.5, "unit": "times ULN"},
        {"quantity": "BMI", "comparator": "<", "value": 30},
        {"quantity": "those", "comparator": "<", "value": 30},
        {"quantity": "women", "comparator": ">", "value": 12, "unit": "g/dL"},
    ]
    quote = "Haemoglobin > 13 g/dL in men and for women > 12 g/dL"
    rows = rows_of(limited(*limits, quote=quote))["constraints"]
    names = (
        "quantity_canonical",
        "loinc",
        "unit_ucum",
        "unit_canonical",
        "value_canonical",
        "value_high_canonical",
    )

    assert [tuple(row[name] for name in names) for row in rows] == [
        ("platelet_count", "777-3|26515-7", "/uL", "10*9/L", 75, None),
        ("absolute_neutrophil_count", "751-8|26499-4", "10*9/L", "10*9/L", 1, 2),
        ("alt", "1742-6", "{ULN}", None, None, None),
        ("bmi", "39156-5", "kg/m2", "kg/m2", 30, None),
        (None, None, None, None, None, None),
        ("haemoglobin", "718-7", "g/dL", "g/dL", 12, None),
    ]
    assert [row["unit"] for row in rows] == [limit.get("unit") for limit in limits]
    assert [row["laboratory"] for row in rows] == [True, True, True, False, None, True]


@pytest.mark.parametrize(
    ("limit", "note"),
    [
        ({"quantity": "Platelets", "value": 75_000, "unit": "/mm3"}, None),
        ({"quantity": "Platelets", "value": 75_000, "unit": "/L"}, "implausible"),
        (
            {
                "quantity": "Platelets",
                "comparator": "between",
                "value": 1,
                "value_high": 400,
                "unit": "G/L",
            },
            "implausible",
        ),
        ({"quantity": "Platelets", "value": 2000, "unit": "G/L"}, "implausible"),
        # a thousand times too much: the unit is a slip
        ({"quantity": "TSH", "value": 0.2, "unit": "mIU/mL"}, "implausible"),
        ({"quantity": "TSH", "value": 5.5, "unit": "mIU/mL"}, "implausible"),
        ({"quantity": "Ferritin", "value": 15, "unit": "ug/mL"}, "implausible"),
        ({"quantity": "TSH", "value": 0.2, "unit": "uIU/mL"}, None),
        ({"quantity": "Birth weight", "value": 2.5, "unit": "kg"}, None),
        ({"quantity": "Vitamin D", "value": 0.02, "unit": "mg/L"}, None),
        ({"quantity": "ECOG", "value": 0}, None),
        ({"quantity": "ECOG", "value": 18}, "implausible"),
        ({"quantity": "body weight", "value": 50}, "no unit"),
        ({"quantity": "body weight", "value": 50, "unit": "cubits"}, "unknown unit"),
        ({"quantity": "ALT", "value": 3, "unit": "x ULN"}, "no conversion"),
        ({"quantity": "those", "value": 3}, "no quantity"),
    ],
)
def test_an_empty_canonical_value_says_why(rows_of, limit, note):
    (row,) = rows_of(limited({"comparator": ">=", **limit}))["constraints"]
    assert row["canonical_note"] == note
    assert (
        (row["value_canonical"] is None)
        is (row["unit_canonical"] is None)
        is (note is not None)
    )


def test_one_wrong_unit_leaves_no_value_of_its_quantity_in_the_line(rows_of):
    limits = [
        {"quantity": "FSH", "comparator": "<", "value": 1, "unit": "IU/mL"},
        {"quantity": "FSH", "comparator": ">", "value": 40, "unit": "IU/mL"},
        {"quantity": "LH", "comparator": ">", "value": 4, "unit": "IU/L"},
    ]
    quote = "FSH < 1 IU/mL or > 40 IU/mL, LH > 4 IU/L"
    rows = rows_of(limited(*limits, quote=quote))["constraints"]
    notes = [row["canonical_note"] for row in rows]
    assert notes == ["implausible", "implausible", None]


@pytest.mark.parametrize(
    ("quantity", "unit", "note"),
    [
        ("eGFR", "mL/min", "usual body surface"),
        ("eGFR", "mL/min/1.73 m2", None),
        ("creatinine clearance", "mL/min/1.73 m2", "usual body surface"),
        ("creatinine clearance", "mL/min", None),
    ],
)
def test_a_filtration_rate_says_where_it_assumes_a_body_surface(
    rows_of, quantity, unit, note
):
    (row,) = rows_of(
        limited({"quantity": quantity, "comparator": ">=", "value": 30, "unit": unit})
    )["constraints"]
    assert (row["value_canonical"], row["canonical_note"]) == (30, note)


@pytest.mark.parametrize(
    ("criterion", "comparator", "admits"),
    [
        ({"kind": "inclusion"}, ">=", ">="),
        ({"kind": "exclusion"}, "<", ">="),
        ({"kind": "exclusion"}, "between", "outside"),
        ({"kind": "exclusion"}, "=", "<>"),
        ({"kind": "exclusion", "negated": True}, "<", None),
        (
            {"kind": "exclusion", "quote": "liver disease; ALT < 60 U/L is permitted"},
            "<",
            None,
        ),
        (
            {
                "kind": "inclusion",
                "quote": "ALT normal; those with ALT > 60 U/L are excluded",
            },
            ">",
            None,
        ),
    ],
)
def test_a_limit_has_the_comparator_of_admitted_values(
    rows_of, criterion, comparator, admits
):
    limit = {"quantity": "ALT", "comparator": comparator, "value": 60, "unit": "U/L"}
    if comparator == "between":
        limit["value_high"] = 90

    (row,) = rows_of(limited(limit, **criterion))["constraints"]

    assert row["admits"] == admits


ALT = {"quantity": "ALT", "comparator": "<=", "value": 3, "unit": "x ULN"}
HBA1C = {
    "quantity": "HbA1c",
    "comparator": "between",
    "value": 5.7,
    "value_high": 6.4,
    "unit": "%",
}
ALT_OF_SOME = ALT | {"condition": "with liver metastases"}
BILIRUBIN = {"quantity": "bilirubin", "comparator": "<=", "value": 2, "unit": "mg/dL"}


@pytest.mark.parametrize(
    ("limits", "group", "admits", "admits_some", "decides"),
    [
        pytest.param(
            [ALT, BILIRUBIN], None, ["<=", "<="], [None, None], True, id="all"
        ),
        pytest.param(
            [ALT_OF_SOME, BILIRUBIN],
            None,
            [None, "<="],
            ["<=", None],
            True,
            id="one of some",
        ),
        pytest.param(
            [ALT, ALT_OF_SOME | {"value": 5}],
            None,
            [None, None],
            ["<=", "<="],
            True,
            id="one of all, another of some",
        ),
        pytest.param(
            [ALT], {"rule": "all"}, ["<="], [None], True, id="in a group of all"
        ),
        pytest.param(
            [HBA1C, HBA1C | {"value": 6.4, "value_high": 8}],
            None,
            [None, None],
            ["between", "between"],
            True,
            id="two ranges",
        ),
        pytest.param(
            [ALT], {"rule": "any"}, [None], ["<="], False, id="in a group of any"
        ),
        pytest.param(
            [ALT],
            {"rule": "at_least", "n": 2},
            [None],
            ["<="],
            False,
            id="in a group of two",
        ),
    ],
)
def test_a_limit_of_some_never_admits_all(
    rows_of, limits, group, admits, admits_some, decides
):
    extraction = limited(*limits)
    if group:
        extraction["eligibility"]["criteria"][0]["group"] = "g1"
        extraction["eligibility"]["groups"] = [{"id": "g1", **group}]

    rows = rows_of(extraction)

    assert [row["admits"] for row in rows["constraints"]] == admits
    assert [row["admits_some"] for row in rows["constraints"]] == admits_some
    assert rows["criteria"][0]["decides"] is decides


def test_a_limit_of_some_stays_one_when_its_doubtful_sibling_is_left_out(tmp_path):
    limits = [ALT, ALT_OF_SOME | {"value": 5}, BILIRUBIN]
    sure, doubtful = PROOF | {"confidence": 0.9}, PROOF | {"confidence": 0.5}
    evidence = [
        sure | {"field": "quote"},
        sure | {"field": "constraints[0]"},
        sure | {"field": "constraints[1]"},
        doubtful | {"field": "constraints[1].condition"},
        sure | {"field": "constraints[2]"},
    ]
    dropped = {"kind": "inclusion", "section": "eligibility", "quote": "f"}
    extraction = limited(*limits, quote="f", evidence=evidence)
    # The criterion before it is left out: positions move.
    extraction["eligibility"]["criteria"].insert(
        0, dropped | {"evidence": [doubtful | {"field": "quote"}]}
    )
    made = TrialExtraction.model_validate(extraction)
    (tmp_path / "extractions.jsonl").write_text(made.model_dump_json(), "utf-8")

    to = Destination(tmp_path / "tables", Format.JSONL)
    export_run(tmp_path, to, threshold=Threshold(0.8))

    left = read_lines(to.path / "constraints.jsonl")
    assert [
        (row["criterion_index"], row["quantity"], row["admits"], row["admits_some"])
        for row in left
    ] == [(0, "ALT", None, "<="), (0, "bilirubin", "<=", None)]
    bounds = read_lines(to.path / "bounds.jsonl")
    assert [row["holds_for"] for row in bounds] == ["some", "all"]


def test_a_criterion_of_several_stays_one_when_its_group_is_left_out(tmp_path):
    sure, doubtful = PROOF | {"confidence": 0.9}, PROOF | {"confidence": 0.5}
    extraction = limited(
        ALT,
        quote="f",
        group="g1",
        evidence=[sure | {"field": "quote"}, sure | {"field": "constraints[0]"}],
    )
    extraction["eligibility"] |= {
        "groups": [{"id": "g1", "rule": "any", "lead_in": "f"}],
        "evidence": [doubtful | {"field": "groups[0]"}],
    }
    made = TrialExtraction.model_validate(extraction)
    (tmp_path / "extractions.jsonl").write_text(made.model_dump_json(), "utf-8")

    to = Destination(tmp_path / "tables", Format.JSONL)
    export_run(tmp_path, to, threshold=Threshold(0.8))

    assert read_lines(to.path / "groups.jsonl") == []
    (criterion,) = read_lines(to.path / "criteria.jsonl")
    (limit,) = read_lines(to.path / "constraints.jsonl")
    assert criterion["decides"] is False
    assert (limit["admits"], limit["admits_some"]) == (None, "<=")


@pytest.mark.parametrize(
    ("stated", "registered", "admits"),
    [
        ("male", None, "<="),
        (None, "MALE", "<="),
        ("all", "MALE", None),
        ("female", None, None),
        (None, None, None),
    ],
)
def test_a_limit_of_the_only_sex_of_a_trial_is_one_of_all(
    rows_of, stated, registered, admits
):
    extraction = limited(ALT, quote="Men with ALT <= 3 x ULN")
    extraction["eligibility"]["sex"] = stated
    (row,) = rows_of(extraction, {"A": {"registered_sex": registered}})["constraints"]

    assert row["sex"] == "male"
    assert row["admits"] == admits
    assert row["admits_some"] == (None if admits else "<=")


def test_the_sex_of_a_condition_is_that_of_its_limit(rows_of):
    limit = {"quantity": "ALT", "comparator": "between", "unit": "U/L"}
    of_men = limit | {"value": 2, "value_high": 60, "condition": "Men"}
    of_women = limit | {"value": 3, "value_high": 40, "condition": "Women"}
    quote = "ALT: Men 2-60 U/L: Women: 3-40 U/L"

    rows = rows_of(limited(of_men, of_women, quote=quote))["constraints"]

    assert [row["sex"] for row in rows] == ["male", "female"]


@pytest.mark.parametrize(
    ("kind", "rules", "decides"),
    [
        ("inclusion", ["all"], True),
        ("inclusion", ["any"], False),
        ("exclusion", ["any"], True),
        ("exclusion", ["all"], False),
        ("inclusion", ["any", "all"], False),
        ("exclusion", ["any", "any"], True),
    ],
)
def test_a_criterion_decides_unless_a_group_around_it_has_another_rule(
    rows_of, kind, rules, decides
):
    groups = [
        {"id": f"g{at}", "rule": rule, "parent": f"g{at - 1}"}
        for at, rule in enumerate(rules)
    ]
    extraction = limited(kind=kind, group=groups[-1]["id"])
    extraction["eligibility"]["groups"] = groups

    rows = rows_of(extraction)

    assert rows["criteria"][0]["decides"] is decides
    assert [(row["group_id"], row["rule"]) for row in rows["groups"]] == [
        (group["id"], group["rule"]) for group in groups
    ]


def test_groups_within_each_other_end(rows_of):
    extraction = limited(group="a")
    extraction["eligibility"]["groups"] = [
        {"id": "a", "rule": "any", "parent": "b"},
        {"id": "b", "rule": "any", "parent": "a"},
    ]

    rows = rows_of(extraction)

    assert rows["criteria"][0]["decides"] is False


@pytest.mark.parametrize(
    ("quote", "sexes"),
    [
        ("Hb < 13 g/dL in men and Hb < 12 g/dL in women", ["male", "female"]),
        ("Men: Hb < 13 g/dL; women: Hb < 12 g/dL", ["male", "female"]),
        ("Women (not pregnant) and men with Hb < 13 g/dL", [None]),
        ("Men or women with Hb < 13 g/dL", [None]),
        ("Hb < 13 g/dL. Women must use contraception.", [None]),
        ("Hb < 13 g/dL and platelets < 50 G/L", [None, None]),
    ],
)
def test_a_limit_names_the_sex_for_which_it_holds(rows_of, quote, sexes):
    extraction = Extractor(effort="none").extract(
        TrialRecord(
            record_id="A",
            source=Source(path="a", format="flat"),
            sections=(
                Section(name="eligibility", text=f"Exclusion Criteria:\n\n* {quote}"),
            ),
        )
    )
    rows = rows_of(extraction.model_dump(mode="json"))["constraints"]
    assert [row["sex"] for row in rows] == sexes


def test_a_limit_has_the_least_confidence_of_its_evidence(rows_of):
    limit = {"quantity": "fever", "comparator": ">"}
    limits = [limit | {"value": 38}, limit | {"value": 39}]
    of_first = PROOF | {"field": "constraints[0]"}
    of_second = PROOF | {"field": "constraints[1]"}
    evidence = [
        of_first | {"confidence": 0.9},
        of_second | {"confidence": 0.8},
        of_second | {"confidence": 0.7},
    ]

    rows = rows_of(limited(*limits, evidence=evidence, confidence=0.7))["constraints"]

    assert [row["confidence"] for row in rows] == [0.9, 0.7]


def dosed(**regimen):
    """An extraction with one regimen."""
    whole = {"agent": "a", "section": "arms[0]", "quote": "a", **regimen}
    return {"record_id": "A", "eligibility": {}, "dosing": [whole]}


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ({"low": 1, "high": 2, "unit": "g"}, ("g", "mg", 1000, 2000)),
        ({"low": None, "high": 500, "unit": "ug/kg"}, ("ug/kg", "mg/kg", None, 0.5)),
        ({"low": 100, "high": 100, "unit": "IU"}, ("[IU]", "[IU]", 100, 100)),
        ({"low": 50, "high": 50, "unit": "cGy"}, ("cGy", "Gy", 0.5, 0.5)),
        ({"low": 1, "high": 1, "unit": "cells/kg"}, ("{cells}/kg", "{cells}/kg", 1, 1)),
        ({"low": 1, "high": 1, "unit": "something"}, (None, None, None, None)),
    ],
)
def test_doses_have_one_unit_for_masses(rows_of, amount, expected):
    (row,) = rows_of(dosed(amounts=[amount]))["amounts"]
    names = ("unit_ucum", "unit_canonical", "low_canonical", "high_canonical")
    assert tuple(row[name] for name in names) == expected


@pytest.mark.parametrize(
    ("amount", "frequency", "expected"),
    [
        ((1, 2, "g"), "BID", (2000, 4000, "mg/d")),
        ((None, 500, "ug/kg"), "QD", (None, 0.5, "mg/kg/d")),
        ((2, 2, "mg"), "Q8H", (6, 6, "mg/d")),
        ((20, 20, "mg/day"), None, (20, 20, "mg/d")),
        ((5, 5, "mg/kg/day"), "BID", (5, 5, "mg/kg/d")),
        ((5, 5, "mg"), "QOD", (None, None, None)),
        ((5, 5, "mg"), "QW", (None, None, None)),
        ((5, 5, "mg"), "PRN", (None, None, None)),
        ((5, 5, "mg"), "other", (None, None, None)),
        ((5, 5, "mg"), None, (None, None, None)),
        ((5, 5, "mg/h"), "QD", (None, None, None)),
        ((5, 5, "mg/mL"), "BID", (None, None, None)),
        ((5, 5, "%"), "BID", (None, None, None)),
        ((5, 5, "something"), "BID", (None, None, None)),
    ],
)
def test_a_daily_dose_needs_a_frequency_and_a_unit_that_make_one(
    rows_of, amount, frequency, expected
):
    low, high, unit = amount
    stated = {"low": low, "high": high, "unit": unit}

    (row,) = rows_of(dosed(frequency=frequency, amounts=[stated]))["amounts"]

    names = ("daily_low", "daily_high", "daily_unit")
    assert tuple(row[name] for name in names) == expected


def arms_of(*regimens, registered=()):
    """An extraction with regimens of these arms and amounts by arm, and the registered arms of
    its record.
    """
    dosing = []
    for arms, *arms_of_amounts in regimens:
        amounts = [
            {"low": number, "high": number, "unit": "mg", "arms": some}
            for number, some in enumerate(arms_of_amounts)
        ]
        shared = {"agent": "a", "section": "arms[0]", "quote": "a"}
        dosing.append(shared | {"arms": arms, "amounts": amounts})
    extraction = {"record_id": "A", "eligibility": {}, "dosing": dosing}
    return extraction, {"A": {"arms": [Arm(*parts) for parts in registered]}}


@pytest.mark.parametrize(
    ("regimens", "registered", "labels", "links"),
    [
        ([(["B"],)], [("A", "OTHER"), ("B",)], ["A", "B"], [(0, None, 1)]),
        ([(["b "],), ([],)], [("A",), ("B",)], ["A", "B"], [(0, None, 1)]),
        ([(["B"],), (["A"],)], [], ["B", "A"], [(0, None, 0), (1, None, 1)]),
        ([(["B"],)], [("A",)], ["A", "B"], [(0, None, 1)]),
        (
            [(["A", "B"], ["B"], ["A"])],
            [("A",), ("B",)],
            ["A", "B"],
            [(0, 1, 0), (0, 0, 1)],
        ),
        (
            [(["A", "B"], [], ["A"])],
            [("A",), ("B",)],
            ["A", "B"],
            [(0, 0, 0), (0, 1, 0), (0, 0, 1)],
        ),
        (
            [(["A", "B"], ["B"])],
            [("A",), ("B",)],
            ["A", "B"],
            [(0, None, 0), (0, 0, 1)],
        ),
        ([(["A"],)], [("A",), ("A",)], ["A", "A"], [(0, None, 0), (0, None, 1)]),
    ],
)
def test_arms_are_linked_with_what_they_get(
    rows_of, regimens, registered, labels, links
):
    rows = rows_of(*arms_of(*regimens, registered=registered))
    assert [row["label"] for row in rows["arms"]] == labels
    found = [
        (row["regimen_index"], row["amount_index"], row["arm_index"])
        for row in rows["regimen_arms"]
    ]
    assert found == links


def test_arms_are_described_as_registered(rows_of):
    old = ("Old", "OTHER", "5 mg daily", "arms[0]")

    rows = rows_of(*arms_of((["New"],), registered=[old]))

    first, second = rows["arms"]
    assert tuple(first.values())[2:] == old
    assert tuple(second.values())[2:] == ("New", None, None, None)


def test_a_link_is_as_sure_as_its_evidence(rows_of):
    extraction, registry = arms_of((["A", "B"], [], ["B"]))
    confidences = {
        "arms[0]": 0.9,
        "arms[1]": 0.8,
        "amounts[0]": 0.1,
        "amounts[1].arms[0]": 0.7,
    }
    extraction["dosing"][0]["evidence"] = [
        PROOF | {"section": "arms[0]", "field": field, "confidence": confidence}
        for field, confidence in confidences.items()
    ]

    rows = rows_of(extraction, registry)

    assert [row["confidence"] for row in rows["regimen_arms"]] == [0.9, 0.8, 0.7]
    assert [row["confidence"] for row in rows["amounts"]] == [0.1, None]


def test_an_amount_has_the_confidence_of_its_evidence(rows_of):
    proof = PROOF | {"section": "arms[0]"}
    extraction = dosed(
        amounts=[
            {"low": 1, "high": 1, "unit": "mg"},
            {"low": 2, "high": 2, "unit": "mg"},
        ],
        evidence=[
            proof | {"field": "amounts[0]", "confidence": 0.8},
            proof | {"field": "amounts[1]", "confidence": 0.2},
        ],
    )

    rows = rows_of(extraction)["amounts"]

    assert [row["confidence"] for row in rows] == [0.8, 0.2]


@pytest.mark.parametrize(("unit", "days"), [("week", 14), ("cycle", None)])
def test_times_are_given_in_days(rows_of, unit, days):
    window = {"quote": "within 2 weeks", "comparator": "<=", "value": 2, "unit": unit}
    extraction = limited(time_window=window)
    extraction["eligibility"] |= {
        "minimum_age": {"value": 6, "unit": "month"},
        "maximum_age": {"value": 18, "unit": "year"},
    }

    rows = rows_of(extraction)

    (eligibility,) = rows["eligibility"]
    assert eligibility["minimum_age_days"] == 182.625
    assert eligibility["maximum_age_days"] == 6574.5
    (criterion,) = rows["criteria"]
    assert criterion["time_window_days"] == days


@pytest.mark.parametrize(
    ("window", "days", "days_high"),
    [
        ({"value": 2, "unit": "week"}, 14, None),
        ({"comparator": "between", "value": 1, "value_high": 2, "unit": "week"}, 7, 14),
        ({"value": 36, "unit": "hour"}, 1.5, None),
        ({"value": 5, "unit": "half_life"}, None, None),
        ({"value": 1, "unit": "cycle"}, None, None),
    ],
)
def test_windows_are_given_in_days(rows_of, window, days, days_high):
    other = {"quote": "for 1 year", "comparator": ">=", "value": 1, "unit": "year"}
    words = {
        "quote": "within",
        "comparator": "<=",
        "of": "steroids",
        "anchor": "before screening",
    }
    evidence = [
        PROOF | {"field": "time_windows[1]", "confidence": 0.9},
        PROOF | {"field": "time_windows[1].of", "confidence": 0.7},
        PROOF | {"field": "time_windows[0]", "confidence": 0.1},
    ]
    extraction = limited(time_windows=[other, words | window], evidence=evidence)

    _, row = rows_of(extraction)["windows"]

    assert row["window_index"] == 1
    assert row["of"] == "steroids"
    assert row["anchor"] == "before screening"
    assert row["days"] == days
    assert row["days_high"] == days_high
    assert row["confidence"] == 0.7


ECOG = {"quantity": "ECOG", "comparator": "<=", "value": 2}


def eligible(*criteria):
    """An extraction with these criteria."""
    whole = {"section": "eligibility", "quote": "fever"}
    criteria = [whole | criterion for criterion in criteria]
    return {"record_id": "A", "eligibility": {"criteria": criteria}}


@pytest.mark.parametrize(
    ("criteria", "ends"),
    [
        ([("inclusion", ECOG)], (0, 2)),
        ([("inclusion", ECOG | {"comparator": "<"})], (0, 1)),
        ([("exclusion", ECOG | {"comparator": ">"})], (0, 2)),
        ([("exclusion", ECOG | {"comparator": ">="})], (0, 1)),
        (
            [
                (
                    "inclusion",
                    ECOG | {"comparator": "between", "value": 1, "value_high": 3},
                )
            ],
            (1, 3),
        ),
        ([("inclusion", ECOG), ("exclusion", ECOG | {"comparator": ">"})], (0, 2)),
        ([("inclusion", ECOG), ("inclusion", ECOG | {"value": 1})], (0, None)),
        ([("inclusion", ECOG | {"condition": "for cohort A"})], (None, None)),
        ([("inclusion", ECOG | {"quantity": "Karnofsky", "value": 70})], (None, None)),
    ],
)
def test_a_trial_admits_the_ecog_grades_on_which_its_limits_agree(
    rows_of, criteria, ends
):
    extraction = eligible(
        *({"kind": kind, "constraints": [limit]} for kind, limit in criteria)
    )

    (row,) = rows_of(extraction)["eligibility"]

    assert (row["lowest_ecog"], row["highest_ecog"]) == ends


@pytest.mark.parametrize(
    ("criteria", "excluded"),
    [
        ([("exclusion", "Pregnant or nursing women")], True),
        ([("exclusion", "Pregnancy; lactation")], True),
        ([("exclusion", "Women with a positive pregnancy test at screening")], True),
        ([("inclusion", "Negative serum pregnancy test")], True),
        ([("inclusion", "Women must not be pregnant or breastfeeding")], True),
        (
            [
                ("inclusion", "Pregnant women in the third trimester"),
                ("exclusion", "Pregnant with twins"),
            ],
            False,
        ),
        ([("exclusion", "Ectopic pregnancy in the past")], None),
        ([("exclusion", "Women who plan to become pregnant")], None),
        ([("exclusion", "Men with a pregnant partner")], None),
        ([("exclusion", "A partner who is pregnant")], None),
        ([("inclusion", "Contraception, to avoid pregnancy")], None),
        ([("exclusion", "Fever")], None),
    ],
)
def test_a_trial_says_whether_pregnant_people_are_kept_out(rows_of, criteria, excluded):
    extraction = eligible(*({"kind": kind, "quote": quote} for kind, quote in criteria))

    (row,) = rows_of(extraction)["eligibility"]

    assert row["excludes_pregnancy"] is excluded


@pytest.mark.parametrize(
    ("stated", "registered", "admits"),
    [(None, True, True), (False, True, False), (None, None, None)],
)
def test_a_trial_admits_healthy_people_by_its_text_else_as_registered(
    rows_of, stated, registered, admits
):
    extraction = {"record_id": "A", "eligibility": {"healthy_volunteers": stated}}
    registry = {"A": {"registered_healthy_volunteers": registered}}

    (row,) = rows_of(extraction, registry)["eligibility"]

    assert row["admits_healthy"] is admits


@pytest.mark.parametrize(
    ("section", "registered", "admits"),
    [
        ("brief_summary", False, False),
        ("brief_summary", None, True),
        ("eligibility", False, True),
    ],
)
def test_healthy_people_of_a_description_yield_to_what_is_registered(
    rows_of, section, registered, admits
):
    piece = {"field": "healthy_volunteers", "section": section, "start": 0, "end": 7}
    said = {"quote": "healthy", "origin": "rule", "support": "parsed"}
    stated = {
        "healthy_volunteers": True,
        "evidence": [piece | said | {"confidence": 0.75}],
    }
    registry = {"A": {"registered_healthy_volunteers": registered}}
    (row,) = rows_of({"record_id": "A", "eligibility": stated}, registry)["eligibility"]

    assert row["admits_healthy"] is admits


@pytest.mark.parametrize(
    ("stated", "registered", "admits"),
    [
        (None, "FEMALE", "female"),
        ("female", "ALL", "female"),
        (None, "ALL", "all"),
        (None, None, None),
    ],
)
def test_a_trial_admits_a_sex_by_its_text_else_as_registered(
    rows_of, stated, registered, admits
):
    registry = {"A": {"registered_sex": registered}}
    trial = {"record_id": "A", "eligibility": {"sex": stated}}
    (row,) = rows_of(trial, registry)["eligibility"]

    assert row["admits_sex"] == admits


def test_records_have_registered_fields(rows_of):
    sections = (
        Section(name="title", text="A trial\n of X"),
        Section(name="conditions", text="Asthma\nAllergy"),
    )
    registry = RegistryFields(
        minimum_age="18 Years", sex="ALL", enrollment="40", phases=("PHASE1", "PHASE2")
    )
    record = TrialRecord(
        record_id="A",
        source=Source(path="a.json", format="ctgov_json"),
        sections=sections,
        registry=registry,
    )
    extraction = {"record_id": "A", "eligibility": {}}

    (row,) = rows_of(extraction, {"A": read_registry(record)})["records"]

    assert row["title"] == "A trial of X"
    assert row["conditions"] == "Asthma|Allergy"
    assert row["phases"] == "PHASE1|PHASE2"
    assert row["enrolment"] == 40
    assert row["registered_minimum_age"] == "18 Years"
    assert row["registered_sex"] == "ALL"
    assert row["registered_maximum_age"] is None


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ([], "the whole"),
        ({"eligibility": {}}, "record_id"),
        ({"record_id": "A", "eligibility": {"colour": 1}}, "eligibility.colour"),
        (
            {"record_id": "A", "eligibility": {"minimum_age": {"value": "adult"}}},
            "eligibility.minimum_age",
        ),
        ({"record_id": "A", "eligibility": {}, "endpoints": [3]}, "endpoints.0"),
    ],
)
def test_results_of_other_versions_are_refused(tmp_path, line, where):
    path = tmp_path / "extractions.jsonl"
    path.write_text(json.dumps(line) + "\n", "utf-8")

    with pytest.raises(
        StoreError, match=rf"line 1: is not an extraction .*\({re.escape(where)}"
    ):
        export_run(path, Destination(tmp_path / "t", Format.JSONL))

    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("table", list_tables(), ids=lambda table: table.name)
def test_every_column_has_a_unique_name_and_is_documented(table):
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert names[0] == "record_id"

    described = describe_tables([table])[table.name]
    expected = []
    for name, column in described["columns"].items():
        key = " *(key)*" if name in described["keys"] else ""
        meaning = column["meaning"].replace("|", "\\|")
        expected.append(f"| `{name}`{key} | {column['type']} | {meaning} |")
    assert list_documented(table) == expected


def list_documented(table):
    """The rows about a table's columns in the documentation."""
    _, _, after_heading = DOCUMENTED.partition(f"\n## `{table.name}`\n")
    section, _, _ = after_heading.partition("\n## ")
    return [line for line in section.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (
            "dosage_form` of `regimens",
            [entry.value for entry in terms_of("dosage_forms")],
        ),
        ("route` of `regimens", [*Route]),
        ("role` of `regimens", [*Role]),
        ("concept` of `endpoints", [*Concept]),
    ],
)
def test_the_page_lists_the_words_of_a_column(column, words):
    _, _, listed = DOCUMENTED.partition(f"| `{column}` | ")
    assert re.findall(r"`([^`]+)`", listed.partition(" |\n")[0]) == words
