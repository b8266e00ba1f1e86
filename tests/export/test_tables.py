"""Which tables there are, and that nothing of an extraction is left out of them."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from extractor.errors import StoreError
from extractor.export import Destination, Format, describe_tables, export_run, list_tables, read_registry
from extractor.export.tables import find_rows
from extractor.schemas import RegistryFields, Section, Source, TrialExtraction, TrialRecord

from .samples import SMALL, fill

DOCUMENTED = Path("docs/export.md").read_text("utf-8")


def rows_of(extraction, table):
    names = {each.name: [column.name for column in each.columns] for each in list_tables()}
    content = json.loads(extraction.model_dump_json())
    return [dict(zip(names[table], row, strict=True)) for name, row in find_rows(content) if name == table]


def leaves(value):
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [] if value is None else [value]


def test_every_value_of_an_extraction_stands_in_a_table():
    full = json.loads(TrialExtraction.model_validate(fill(TrialExtraction)).model_dump_json())
    held = {table.name: slice(len(table.keys), len(table.keys) + len(table.values)) for table in list_tables()}
    cells = [cell for table, row in find_rows(full) for cell in row[held[table]] if cell is not None]
    shown = [part for cell in cells for part in (cell.split("|") if isinstance(cell, str) else [cell])]
    wanted = leaves({name: value for name, value in full.items() if name != "record_id"})
    assert Counter(map(repr, shown)) == Counter(map(repr, wanted))


def test_the_filled_sample_has_a_value_in_every_column():
    full = json.loads(TrialExtraction.model_validate(fill(TrialExtraction)).model_dump_json())
    seen = dict(find_rows(full))
    assert set(seen) == {table.name for table in list_tables()}
    for table in list_tables():
        assert None not in seen[table.name][: len(table.keys + table.values)], table.name


def test_rows_are_joined_by_keys():
    (criterion,) = rows_of(SMALL, "criteria")
    limits = rows_of(SMALL, "constraints")
    assert [limit["criterion_index"] for limit in limits] == [criterion["criterion_index"]] * 2
    assert [limit["value"] for limit in limits] == [-2.5, 0]
    (proof,) = rows_of(SMALL, "evidence")
    (regimen,) = rows_of(SMALL, "regimens")
    assert (proof["item"], proof["item_index"]) == ("regimen", regimen["regimen_index"])
    assert (proof["char_start"], proof["char_end"]) == (10, 16)


def test_limits_have_canonical_names_units_and_values():
    limits = [
        {"quantity": "Platelets", "comparator": ">=", "value": 75_000, "unit": "/mm3"},
        {"quantity": "ANC", "comparator": "between", "value": 1, "value_high": 2, "unit": "x 10^9/L"},
        {"quantity": "ALT", "comparator": "<=", "value": 2.5, "unit": "times ULN"},
        {"quantity": "BMI", "comparator": "<", "value": 30},
        {"quantity": "those", "comparator": "<", "value": 30},
        {"quantity": "women", "comparator": ">", "value": 12, "unit": "g/dL"},
    ]
    quote = "Haemoglobin > 13 g/dL in men and for women > 12 g/dL"
    criterion = {"kind": "inclusion", "section": "eligibility", "quote": quote, "constraints": limits}
    extraction = TrialExtraction.model_validate({"record_id": "A", "eligibility": {"criteria": [criterion]}})
    names = ("quantity_canonical", "loinc", "unit_ucum", "unit_canonical", "value_canonical", "value_high_canonical")
    found = [tuple(row[name] for name in names) for row in rows_of(extraction, "constraints")]
    assert found == [
        ("platelet_count", "777-3", "/uL", "10*9/L", 75, None),
        ("absolute_neutrophil_count", "751-8", "10*9/L", "10*9/L", 1, 2),
        ("alt", "1742-6", "{ULN}", None, None, None),
        ("bmi", "39156-5", "kg/m2", "kg/m2", 30, None),
        (None, None, None, None, None, None),
        ("haemoglobin", "718-7", "g/dL", "g/dL", 12, None),
    ]
    assert [row["unit"] for row in rows_of(extraction, "constraints")] == [limit.get("unit") for limit in limits]


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
def test_doses_have_one_unit_for_masses(amount, expected):
    regimen = {"agent": "a", "section": "arms[0]", "quote": "a", "amounts": [amount]}
    extraction = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}, "dosing": [regimen]})
    (row,) = rows_of(extraction, "amounts")
    found = tuple(row[name] for name in ("unit_ucum", "unit_canonical", "low_canonical", "high_canonical"))
    assert found == expected


def test_times_are_told_in_days():
    window = {"quote": "within 2 weeks", "comparator": "<=", "value": 2, "unit": "week"}
    criterion = {"kind": "exclusion", "section": "eligibility", "quote": "fever", "time_window": window}
    ages = {"minimum_age": {"value": 6, "unit": "month"}, "maximum_age": {"value": 18, "unit": "year"}}
    extraction = TrialExtraction.model_validate({"record_id": "A", "eligibility": {**ages, "criteria": [criterion]}})
    (eligibility,), (found,) = rows_of(extraction, "eligibility"), rows_of(extraction, "criteria")
    assert (eligibility["minimum_age_days"], eligibility["maximum_age_days"]) == (182.625, 6574.5)
    assert found["time_window_days"] == 14


def test_a_number_of_cycles_is_no_number_of_days():
    window = {"quote": "2 cycles", "comparator": "<=", "value": 2, "unit": "cycle"}
    criterion = {"kind": "exclusion", "section": "eligibility", "quote": "fever", "time_window": window}
    extraction = TrialExtraction.model_validate({"record_id": "A", "eligibility": {"criteria": [criterion]}})
    assert [row["time_window_days"] for row in rows_of(extraction, "criteria")] == [None]


def test_records_say_what_is_registered():
    registry = RegistryFields(minimum_age="18 Years", sex="ALL", enrollment="40", phases=("PHASE1", "PHASE2"))
    sections = (Section(name="title", text="A trial\n of X"), Section(name="conditions", text="Asthma\nAllergy"))
    source = Source(path="a.json", format="ctgov_json")
    record = TrialRecord(record_id="A", source=source, sections=sections, registry=registry)
    ((table, row),) = find_rows({"record_id": "A"}, {"A": read_registry(record)})
    columns = {each.name: [column.name for column in each.columns] for each in list_tables()}[table]
    shown = dict(zip(columns, row, strict=True))
    assert (shown["title"], shown["conditions"], shown["phases"]) == ("A trial of X", "Asthma|Allergy", "PHASE1|PHASE2")
    assert (shown["enrolment"], shown["registered_minimum_age"], shown["registered_sex"]) == (40, "18 Years", "ALL")
    assert shown["registered_maximum_age"] is None


def test_every_table_has_keys_of_its_own():
    for table in list_tables():
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names), table.name
        assert names[0] == "record_id"


def test_gold_without_provenance_is_tabulated_too():
    gold = {"record_id": "A", "eligibility": {"criteria": []}, "dosing": [], "endpoints": [{"rank": "primary"}]}
    assert [table for table, _ in find_rows(gold)] == ["records", "eligibility", "endpoints"]


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ([], "the whole"),
        ({"eligibility": {}}, "record_id"),
        ({"record_id": "A", "eligibility": {"colour": 1}}, "eligibility.colour"),
        (
            {"record_id": "A", "eligibility": {"minimum_age": {"value": "adult", "unit": "year"}}},
            "eligibility.minimum_age",
        ),
        ({"record_id": "A", "eligibility": {}, "endpoints": [3]}, "endpoints.0"),
    ],
)
def test_what_this_version_does_not_write_is_refused(tmp_path, line, where):
    path = tmp_path / "extractions.jsonl"
    path.write_text(json.dumps(line) + "\n", "utf-8")
    with pytest.raises(StoreError, match=rf"line 1: is no extraction .*\({re.escape(where)}"):
        export_run(path, Destination(tmp_path / "t", Format.JSONL))
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("table", list_tables(), ids=lambda table: table.name)
def test_every_column_is_documented(table):
    _, _, rest = DOCUMENTED.partition(f"\n### `{table.name}`\n")
    section = rest.partition("\n### ")[0]
    documented = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert documented == list(describe_tables([table])[table.name]["columns"])
