"""The five seeds come out right, with the recorded answers and without network."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from extractor import Extractor, evaluate, read_records
from tests.commands import invoke, read_lines

ROOT = Path(__file__).parents[1]
GOLD = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "seeds" / "gold").glob("*.json"))
}
PARTS = ("measure", "description", "time_frame")
REPLAY = ("run", "seeds/records", "--replay", "seeds/answers")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The file of a replay's results."""
    out = tmp_path_factory.mktemp("seeds")
    done = invoke(*REPLAY, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert not (out / "failures.jsonl").read_text("utf-8")
    return out / "extractions.jsonl"


@pytest.fixture(scope="module")
def extractions(results):
    return {extraction["record_id"]: extraction for extraction in read_lines(results)}


def fold(text):
    """As the guideline compares quotes: runs of white space, case, backslashes before
    punctuation.
    """
    unescaped = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text or "")
    return " ".join(unescaped.split()).lower()


def test_all_records_are_as_in_the_gold_with_36_outcomes(results, extractions):
    assert list(extractions) == list(GOLD)
    report = evaluate(ROOT / "seeds" / "gold", results, resamples=0)
    assert report.errors == ()
    assert set(report.figures().values()) <= {1.0, None}
    outcomes = [len(extraction["endpoints"]) for extraction in extractions.values()]
    assert sum(outcomes) == 36


@pytest.fixture(
    params=sorted((ROOT / "seeds" / "records").glob("*.txt")),
    ids=lambda path: path.stem[:3],
)
def seed(request, extractions):
    """The file of a seed, its record and its extraction."""
    (record,) = read_records(request.param)
    return request.param, record, extractions[record.record_id]


def test_an_absent_dose_is_explained(seed):
    _, _, extraction = seed
    (absence,) = [
        absence for absence in extraction["absences"] if absence["field"] == "dosing"
    ]
    assert absence["reason"] == "not_reported"


def test_every_value_points_at_the_characters_that_support_it(seed):
    path, record, extraction = seed
    items = [
        extraction["eligibility"],
        *extraction["eligibility"]["criteria"],
        *extraction["endpoints"],
    ]
    pieces = [piece for item in items for piece in item["evidence"]]
    assert pieces
    content = path.read_text("utf-8")
    for piece in pieces:
        text = record.section(piece["section"]).text
        assert text[piece["start"] : piece["end"]] == piece["quote"]
        assert piece["quote"] in content


@pytest.mark.slow
def test_a_replay_is_byte_identical_in_another_process(results):
    command = [sys.executable, "-m", "extractor", *REPLAY, "--quiet"]
    again = subprocess.run(command, capture_output=True, cwd=ROOT, check=True).stdout
    assert again == results.read_bytes() != b""


async def test_python_gives_what_the_command_line_gives_and_keeps_the_order_of_records(
    extractions,
):
    extractor = Extractor(replay=ROOT / "seeds" / "answers")

    async with extractor.open(concurrency=3) as extract:
        many = await asyncio.gather(*map(extract, read_records("seeds/records")))

    found = [json.loads(one.model_dump_json(exclude={"source"})) for one in many]
    assert found == [
        {k: v for k, v in extraction.items() if k != "source"}
        for extraction in extractions.values()
    ]
