import gzip
from argparse import Namespace
from pathlib import Path

from benchmarks.workers.__main__ import measure_pairs


def test_pairs_of_runs_are_timed_and_compared(tmp_path, capsys):
    text = " ".join(Path("tests/records/study.json").read_text("utf-8").split())
    lines = [text.replace("NCT90000001", f"NCT9000010{number}") for number in range(9)]
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress("\n".join(lines).encode()))
    (ratio,) = measure_pairs([source], Namespace(records=9, pairs=1, workers=2), tmp_path)
    assert ratio > 0
    told = capsys.readouterr().out
    assert "records/s; ratio" in told
    assert (tmp_path / "1" / "extractions.jsonl").read_bytes().count(b"\n") == 9
