"""Tables of trials as registries, R, pandas and spreadsheets write them: other names,
separators, a title above.
"""

import tomllib
from pathlib import Path

import pytest

from .conftest import read_all
from .test_registers import read_one

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

CRITERIA = (
    "Inclusion Criteria:\n\n* Adults with gout\n\nExclusion Criteria:\n\n* Pregnancy"
)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    ROWS["test_other_names_and_separators_give_the_same_record"],
)
@pytest.mark.parametrize(
    "above", ["", "Export of 2 January 2031\n\n", "Trials of gout; page 1\n"]
)
def test_other_names_and_separators_give_the_same_record(header, delimiter, above):
    row = f'NCT90000001{delimiter}"{CRITERIA}"'
    record = read_one(f"{above}{delimiter.join(header)}\n{row}\n".encode())

    assert record.record_id == "NCT90000001"
    assert record.raw_text("eligibility") == CRITERIA
    assert record.source.notes == ()


def test_a_table_without_a_known_column_is_refused_by_how_it_begins(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("alpha;beta\n1;2\n3;4\n", "utf-8")

    [error] = read_all(path).errors

    assert "alpha;beta" in str(error)
