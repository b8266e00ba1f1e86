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


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        (
            ["Arm A dose", " Notes "],
            "columns of the table that are not read: 'Arm A dose', 'Notes'",
        ),
        # no name, and a name that is usual in the register's downloads
        (["", "Study URL"], None),
        (
            [f"Extra {number}" for number in range(12)],
            f"{', '.join(repr(f'Extra {number}') for number in range(10))} and 2 more",
        ),
    ],
)
def test_columns_that_are_not_read_are_noted_once(tmp_path, columns, note):
    path = tmp_path / "mine.csv"
    names = ["nct_id", "criteria", *columns]
    rows = [
        ["NCT90000001"],  # too short to be read
        ["NCT90000002", "Adults with gout", *columns],
        ["NCT90000003", "Adults with asthma", *columns],
    ]
    path.write_text("\n".join(map(",".join, [names, *rows])), "utf-8")

    records = read_all(path).records

    notes = [note for record in records for note in record.source.notes]
    assert len(records) == 2
    assert len(notes) == (note is not None)
    assert all(each.endswith(note) for each in notes)
