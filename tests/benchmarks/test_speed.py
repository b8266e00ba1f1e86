import gzip
import json
from pathlib import Path

import pytest

from benchmarks.speed.counting import Cost, count_calls, measure_cost
from benchmarks.speed.growth import Growth
from benchmarks.speed.hostile import Slowness, build_hostile
from benchmarks.speed.stages import Stage, Stages, measure_stages
from benchmarks.speed.synthetic import PARTS, build_record
from benchmarks.speed.tables import format_growth, format_hostile, format_stages

STUDY = Path(__file__).parents[1] / "records" / "study.json"


def test_growth_is_told_over_the_growth_of_the_text():
    growth = Growth("arms", (1, 10), (Cost(2.0, 100), Cost(30.0, 1100)))
    assert growth.ratios() == [(pytest.approx(1.5), pytest.approx(1.1))]
    assert "1.50 CPU 1.10 calls" in format_growth([growth])


def test_calls_are_counted_the_same_each_time():
    assert count_calls(lambda: [abs(-1), abs(2)]) == count_calls(lambda: [abs(-1), abs(2)]) == 3


def test_the_first_work_only_loads():
    done = []
    cost = measure_cost([lambda number=number: done.append(number) for number in range(4)])
    assert done == [0, 1, 2, 3]
    assert cost.calls == 2


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


def test_the_slowest_texts_are_shown_by_reader():
    found = [Slowness("arms[0]", "digits", 2.0), Slowness("eligibility", "commas", 1.0)]
    assert "arms[0]: digits 2.00 s" in format_hostile(found)


def test_stages_add_up():
    stages = tuple(Stage(name, seconds, 10) for name, seconds in (("read", 1.0), ("parse", 3.0), ("assemble", 1.0)))
    table = format_stages(Stages(100, 5000, stages, first=0.5, yardstick=2.0, command=10.0))
    assert "read + parse            25      40.00          2.0            20" in table


def test_every_stage_of_a_file_is_measured(tmp_path):
    path = tmp_path / "one.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(json.loads(STUDY.read_text("utf-8"))).encode()))
    found = measure_stages(path)
    assert found.records == 1
    assert [stage.name for stage in found.stages] == ["read", "parse", "assemble", "write"]
    assert all(stage.calls > 0 for stage in found.stages)
