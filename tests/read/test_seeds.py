"""The five seeds, whose lines are known."""

from pathlib import Path

import pytest

from .conftest import read_all

SEEDS = Path(__file__).parents[2] / "seeds" / "records"


@pytest.mark.parametrize(
    ("number", "secondary", "paragraphs"),
    [("000", True, 1), ("001", True, 2), ("002", True, 1), ("003", False, 1), ("004", True, 1)],
)
def test_sections_are_the_lines_of_the_file(number, secondary, paragraphs):
    [path] = SEEDS.glob(f"{number}_*.txt")
    [record] = read_all(path).records
    assert record.record_id == path.stem
    assert "\n".join(section.text for section in record.sections) == path.read_bytes().decode()
    assert [section.name for section in record.sections] == [
        *("title", "brief_summary", "conditions", "interventions[0]", "primary_outcomes"),
        *(["secondary_outcomes"] if secondary else []),
        "detailed_description",
    ]
    assert len(record.section("detailed_description").text.split("\n\n")) == paragraphs
