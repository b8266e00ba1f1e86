"""A table for each field of the user's own, in all formats, whatever its attributes are called."""

import json

import duckdb
import pytest

from extractor.apps.export import (
    Destination,
    Format,
    choose_tables,
    export_run,
    list_tables,
    tabulate,
)
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.models import read_fields
from extractor.schemas import TrialExtraction
from tests.commands import invoke, read_lines

from .samples import SMALL

PROOF = {
    "section": "eligibility",
    "start": 0,
    "end": 4,
    "quote": "22C3",
    "origin": "model",
    "support": "literal",
}
LIMIT = {"comparator": ">=", "value": 50, "value_high": None, "unit": "%"}


def declare(name, /, **attributes):
    named = [{"name": key, **attribute} for key, attribute in attributes.items()]
    return CustomField(name=name, definition="A field.", attributes=named)


def state(field, values, **more):
    """A small extraction with one value of a field."""
    items = {field: [{"of": "eligibility.criteria[0]", "values": values, **more}]}
    return TrialExtraction.model_validate(
        SMALL.model_dump(mode="json") | {"custom": items}
    )


def test_a_field_has_a_table_with_its_attributes_as_columns_and_its_evidence():
    (field,) = read_fields("extractor.catalogue:Biomarker")
    extraction = state(
        "biomarker",
        {"marker": "PD-L1", "cutoff": LIMIT, "assay": "22C3"},
        evidence=[PROOF | {"field": "values.assay", "confidence": 0.9}],
        origin="model",
        confidence=0.9,
    )

    rows = tabulate([extraction], fields=[field])

    assert rows["custom_biomarker"] == [
        {
            "record_id": "NCT90000001",
            "item_index": 0,
            "of": "eligibility.criteria[0]",
            "marker": "PD-L1",
            "cutoff_comparator": ">=",
            "cutoff_value": 50,
            "cutoff_value_high": None,
            "cutoff_unit": "%",
            "assay": "22C3",
            "origin": "model",
            "support": None,
            "confidence": 0.9,
            "calibrated": False,
        }
    ]
    (proof,) = [row for row in rows["evidence"] if row["item"] == "custom_biomarker"]
    assert proof["item_index"] == 0
    assert proof["field"] == "values.assay"
    assert proof["quote"] == "22C3"
    assert len(rows["custom_values"]) == 3


def test_without_its_declaration_a_field_has_no_table():
    values = {"marker": "PD-L1", "cutoff": LIMIT, "assay": "22C3"}
    assert "custom_biomarker" not in tabulate([state("biomarker", values)])


def test_a_list_is_a_table_below():
    field = declare(
        "visit", name={"type": "quote"}, days={"type": "integer", "many": True}
    )

    rows = tabulate(
        [state("visit", {"name": "follow-up", "days": [30, 90]})], fields=field
    )

    keys = {
        "record_id": "NCT90000001",
        "item_index": 0,
        "of": "eligibility.criteria[0]",
    }
    assert rows["custom_visit_days"] == [
        keys | {"day_index": 0, "day": 30},
        keys | {"day_index": 1, "day": 90},
    ]


QUOTES = (
    *(
        "of",
        "oF",
        "of_",
        "origin",
        "record_id",
        "item_index",
        "end",
        "evidence",
        "custom",
        "select",
        "dosing",
    ),
)
HOSTILE = {
    **{name: {"type": "quote"} for name in QUOTES},
    "dose": {"type": "amount"},
    "dose_low": {"type": "number"},
    "eligibility": {"type": "boolean"},
    "sections": {"type": "quote", "many": True},
    "status": {"type": "boolean", "many": True},
    "items": {"type": "constraint", "many": True},
}


@pytest.fixture
def any_names(tmp_path):
    """A run with fields and attributes of any names, and these fields."""
    fields = (
        declare("values", **HOSTILE),
        declare("aa", b={"type": "quote", "many": True}),
        declare("aa_b", c={"type": "quote"}),
    )
    values = {name: f"said {name}" for name in QUOTES} | {
        "eligibility": True,
        "dose": {"low": 1, "high": 2, "unit": "mg"},
        "dose_low": 0.5,
        "sections": ["a|b", "c"],
        "items": [LIMIT | {"quantity": "x"}],
        "status": [True, False],
    }
    extraction = state("values", values).model_dump(mode="json")
    extraction["custom"] |= {
        "aa": [{"values": {"b": ["d", "e"]}}],
        "aa_b": [{"values": {"c": "f"}}],
    }
    lines = json.dumps(extraction) + "\n"
    (tmp_path / "extractions.jsonl").write_text(lines, "utf-8")
    return tmp_path, fields


@pytest.mark.parametrize("format_", [Format.DUCKDB, Format.PARQUET, Format.CSV])
def test_attributes_and_fields_may_have_any_names(any_names, tmp_path, format_):
    run, fields = any_names
    to = tmp_path / ("t.duckdb" if format_ is Format.DUCKDB else "t")

    counts = export_run(run, Destination.choose(to, format_), fields=fields)

    own = {name: count for name, count in counts.items() if name.startswith("custom")}
    assert own == {
        "custom_values_": 1,
        "custom_values__sections": 2,
        "custom_values__status": 2,
        "custom_values__items": 1,
        "custom_aa": 1,
        "custom_aa_b_": 2,
        "custom_aa_b": 1,
        "custom_values": 22,
    }
    for table in list_tables(fields):
        names = [column.name.casefold() for column in table.columns]
        assert len(set(names)) == len(names)
    if format_ is Format.DUCKDB:
        with duckdb.connect(str(to), read_only=True) as database:
            (row,) = database.sql("SELECT * FROM custom_values_").fetchall()
        assert {f"said {name}" for name in QUOTES} <= set(row)


def test_a_whole_number_of_any_length_is_exported(tmp_path):
    (tmp_path / "extractions.jsonl").write_text(
        state("sites", {"value": 10**30}).model_dump_json(), "utf-8"
    )
    fields = (declare("sites", value={"type": "integer"}),)
    assert (
        export_run(tmp_path, Destination(tmp_path / "t.duckdb"), fields=fields)[
            "custom_sites"
        ]
        == 1
    )


def test_values_in_other_forms_than_declared_are_left_to_the_table_of_all_values():
    rows = tabulate(
        [state("limit", {"value": "at least 50 %"})],
        fields=declare("limit", value={"type": "quantity"}),
    )
    assert rows["custom_limit"][0]["value_value"] is None
    assert rows["custom_values"][0]["text"] == "at least 50 %"
    kits = declare("kits", value={"type": "quantity", "many": True})
    assert (
        tabulate([state("kits", {"value": LIMIT})], fields=kits)["custom_kits_value"]
        == []
    )


def test_tasks_and_names_choose_tables_of_fields():
    fields = read_fields("extractor.catalogue:Blinding,Washout")
    names = [table.name for table in choose_tables(["dosing"], [], fields)]
    assert "custom_blinding" in names
    assert "custom_washout" not in names
    assert [table.name for table in choose_tables([], ["custom_washout"], fields)] == [
        "custom_washout"
    ]
    with pytest.raises(ValueError, match="custom_blindin"):
        choose_tables([], ["custom_blindin"], fields)


def test_an_export_of_a_run_has_the_tables_of_its_fields(tmp_path):
    run = tmp_path / "run"
    assert (
        invoke(
            "run",
            "tests/records",
            "--fields",
            "extractor.catalogue:Blinding",
            "--out",
            run,
            "--quiet",
        ).exit_code
        == 0
    )
    assert (
        invoke("export", run, "--to", tmp_path / "t", "--format", "jsonl").exit_code
        == 0
    )
    rows = read_lines(tmp_path / "t" / "custom_blinding.jsonl")
    assert [(row["record_id"], row["level"]) for row in rows][:1] == [
        ("NCT90000006", "double")
    ]
    assert "custom_blinding" in json.loads(
        (tmp_path / "t" / "tables.json").read_text("utf-8")
    )
