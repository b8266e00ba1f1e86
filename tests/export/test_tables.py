"""Which tables there are, and that nothing of an extraction is left out of them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from extractor.errors import StoreError
from extractor.export import describe_tables, list_tables
from extractor.export.columns import Kind
from extractor.export.rows import find_rows
from extractor.schemas import TrialExtraction

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
    told = [part for cell in cells for part in (cell.split("|") if isinstance(cell, str) else [cell])]
    wanted = leaves({name: value for name, value in full.items() if name != "record_id"})
    assert Counter(map(repr, told)) == Counter(map(repr, wanted))


def test_the_filled_sample_has_a_value_in_every_column():
    full = json.loads(TrialExtraction.model_validate(fill(TrialExtraction)).model_dump_json())
    seen = dict(find_rows(full))
    assert set(seen) == {table.name for table in list_tables()}
    for table in list_tables():
        assert None not in seen[table.name][: len(table.keys + table.values)], table.name


def test_values_have_the_kind_of_their_column():
    kinds = {Kind.TEXT: str, Kind.INTEGER: int, Kind.NUMBER: (int, float), Kind.BOOLEAN: bool}
    full = json.loads(TrialExtraction.model_validate(fill(TrialExtraction)).model_dump_json())
    columns = {table.name: table.columns for table in list_tables()}
    for table, row in find_rows(full):
        for column, cell in zip(columns[table], row, strict=True):
            assert cell is None or isinstance(cell, kinds[column.kind]), (table, column.name)


def test_rows_are_joined_by_keys():
    (criterion,) = rows_of(SMALL, "criteria")
    limits = rows_of(SMALL, "constraints")
    assert [limit["criterion_index"] for limit in limits] == [criterion["criterion_index"]] * 2
    assert [limit["value"] for limit in limits] == [-2.5, 0]
    (proof,) = rows_of(SMALL, "evidence")
    (regimen,) = rows_of(SMALL, "regimens")
    assert (proof["item"], proof["item_index"]) == ("regimen", regimen["regimen_index"])
    assert (proof["char_start"], proof["char_end"]) == (10, 16)


def test_every_table_has_keys_of_its_own():
    for table in list_tables():
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names), table.name
        assert names[0] == "record_id"


def test_gold_without_provenance_is_tabulated_too():
    gold = {"record_id": "A", "eligibility": {"criteria": []}, "dosing": [], "endpoints": [{"rank": "primary"}]}
    assert [table for table, _ in find_rows(gold)] == ["records", "eligibility", "endpoints"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ([], "no extraction"),
        ({"eligibility": {}}, "no extraction"),
        ({"record_id": "A", "eligibility": {"colour": 1}}, "eligibility: 'colour'"),
        ({"record_id": "A", "eligibility": {"minimum_age": {"mood": 1}}}, "eligibility.minimum_age: 'mood'"),
        ({"record_id": "A", "endpoints": [3]}, "endpoints: its value"),
    ],
)
def test_what_this_version_does_not_write_is_refused(line, told):
    with pytest.raises(StoreError, match=told):
        list(find_rows(line))


@pytest.mark.parametrize("table", list_tables(), ids=lambda table: table.name)
def test_every_column_is_documented(table):
    _, _, rest = DOCUMENTED.partition(f"\n### `{table.name}`\n")
    section = rest.partition("\n### ")[0]
    documented = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert documented == list(describe_tables([table])[table.name]["columns"])
