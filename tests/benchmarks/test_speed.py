import gzip
import json
from pathlib import Path

import pytest

from benchmarks.speed import measure_stages
from benchmarks.synthetic import PARTS, build_record

STUDY = Path(__file__).parents[1] / "records" / "study.json"


@pytest.mark.parametrize("part", PARTS)
def test_synthetic_records_grow_and_repeat_nothing(part):
    short, long, other = (build_record(part, *of) for of in ((3,), (6,), (3, 1000)))
    texts = [[section.text for section in record.sections[1:]] for record in (short, long, other)]
    assert sum(map(len, texts[0])) < sum(map(len, texts[1]))
    assert texts[0] != texts[2]


def test_every_stage_of_a_file_is_measured(tmp_path):
    path = tmp_path / "one.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(json.loads(STUDY.read_text("utf-8"))).encode()))
    names = [name for name, *figures in measure_stages(path) if all(figures)]
    assert names == ["read", "parse", "assemble", "write", "read + parse", "all", "extractor run, with its start"]
