import gzip
import json
from pathlib import Path

import pytest

from benchmarks.speed import format_stages, measure_stages
from benchmarks.synthetic import PARTS, build_hostile, build_record, count_calls

STUDY = Path(__file__).parents[1] / "records" / "study.json"


def test_calls_are_counted_the_same_each_time():
    assert count_calls(lambda: [abs(-1), abs(2)]) == count_calls(lambda: [abs(-1), abs(2)]) == 3


@pytest.mark.parametrize("part", PARTS)
def test_synthetic_records_grow_and_repeat_nothing(part):
    short, long, other = (build_record(part, *of) for of in ((3,), (6,), (3, 1000)))
    texts = [[section.text for section in record.sections[1:]] for record in (short, long, other)]
    assert sum(map(len, texts[0])) < sum(map(len, texts[1]))
    assert texts[0] != texts[2]


def test_a_hostile_record_has_the_length_and_the_end_asked_for():
    text = build_hostile("eligibility", "- ", 1001, "a").sections[0].text
    assert len(text) == len("A arm ") + 1001 + 1
    assert text.endswith("- -a")


def test_every_stage_of_a_file_is_measured_and_they_add_up(tmp_path):
    path = tmp_path / "one.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(json.loads(STUDY.read_text("utf-8"))).encode()))
    found = measure_stages(path)
    assert found.records == 1
    assert all(stage.calls > 0 for stage in found.stages)
    names = [line.rsplit(maxsplit=4)[0] for line in format_stages(found).splitlines()[2:8]]
    assert names == ["read", "parse", "assemble", "write", "read + parse", "all"]
