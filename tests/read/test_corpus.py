"""Real records read without loss, where a collection of them lies beside the checkout."""

from collections import Counter
from pathlib import Path

import pytest

from .conftest import read_all

SHARED = Path(__file__).parents[3] / "shared"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no collection of real records beside the checkout")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ctgov_v2.jsonl.gz", 1162),
        ("ctgov_v2_array.json", 10),
        ("ctgov_xml", 120),
        ("ctgov_leukaemia.csv", 245),
        ("eligibility_general.jsonl.gz", 1423),
        ("all_areas.jsonl.gz", 137),
        ("all_areas_more.jsonl.gz", 4120),
    ],
)
def test_every_record_reads(name, count):
    reading = read_all(SHARED / "data" / "records" / name)
    assert reading.errors == []
    assert len(reading.ids) == count
    assert all(record_id.startswith("NCT") for record_id in reading.ids)


def test_every_gold_record_reads():
    reading = read_all(SHARED / "gold" / "records")
    assert reading.errors == []
    assert sorted(reading.ids) == sorted(path.stem for path in (SHARED / "gold" / "dev").iterdir())
    assert Counter(record.source.format for record in reading.records)["flat"] == 5
