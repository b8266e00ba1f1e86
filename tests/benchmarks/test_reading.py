"""Sheets for readers: what the exports say stands beside the text, and what readers call wrong is counted."""

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.data import fold_of
from benchmarks.reading import count_wrong, write_sheets
from tests.commands import invoke

STUDY = Path("tests/records/study.json")


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    def run(*words):
        assert invoke(*words, "--quiet").exit_code == 0

    monkeypatch.setattr("benchmarks.reading._run", run)


def test_a_sheet_holds_the_text_and_numbered_facts_of_all_exports(tmp_path):
    study = json.loads(STUDY.read_text("utf-8"))
    trial = study["protocolSection"]["identificationModule"]["nctId"]
    source = tmp_path / "studies.jsonl.gz"
    source.write_bytes(gzip.compress(json.dumps(study).encode() + b"\n"))
    out = tmp_path / "out"

    write_sheets([source], out, fold_of(trial), trials=1, seed=0)

    text, said = (out / "sheets" / f"{trial}.md").read_text("utf-8").split("# What the exports say")
    assert study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"].splitlines()[-1].strip() in text
    for kind, export in (("A", "table"), ("L", "table"), ("R", "FHIR")):
        assert any(line.startswith(kind) and export in line for line in said.splitlines())

    limits = [line.partition(":")[0] for line in said.splitlines() if line.startswith("L")]
    (out / "wrong").mkdir()
    told = [{"trial": trial, "fact": limits[0], "wrong": True}, {"trial": trial, "fact": limits[-1], "wrong": False}]
    (out / "wrong" / "reader.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told), "utf-8")
    line = next(line for line in count_wrong(out) if line.startswith("limits"))
    assert line == f"limits and time windows: {len(limits)}, wrong 1 ({1 / len(limits):.1%}), debatable 1"
