"""The five seeds come out right, with the recorded answers and without network."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from extractor import Extractor, read_records
from extractor.apps.evaluation.text import fold_name
from tests.commands import invoke, read_lines

ROOT = Path(__file__).parents[1]
GOLD = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "seeds" / "gold").glob("*.json"))
}
REPLAY = ("run", "seeds/records", "--replay", "seeds/answers")
PARTS = ("measure", "description", "time_frame")
SAID = (
    "rank",
    "index",
    "concept",
    "category",
    "time_points",
    "time_kind",
    "instrument",
    "censored",
)
QUOTED = ("start_event", "end_events", "specimens", "methods")
"""Fields that are equal as in scores."""


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


def describe_endpoint(endpoint):
    described = {name: endpoint[name] for name in SAID}
    for name in PARTS:
        described[name] = fold(endpoint[name])
    for name in QUOTED:
        values = endpoint[name]
        if not isinstance(values, list):
            values = [values]
        described[name] = sorted(fold_name(value or "") for value in values)
    return described


def describe_criterion(criterion):
    window = criterion["time_window"]
    if window:
        window = window | {"quote": fold(window["quote"])}
    same = {name: criterion[name] for name in ("kind", "section", "category")}
    return same | {
        "constraints": criterion["constraints"],
        "quote": fold(criterion["quote"]),
        "window": window,
    }


def describe(extraction):
    """All that the gold states, with words as they are compared."""
    people = extraction["eligibility"]
    return {
        "minimum_age": people["minimum_age"],
        "maximum_age": people["maximum_age"],
        "sex": people["sex"],
        "healthy_volunteers": people["healthy_volunteers"],
        "criteria": [describe_criterion(criterion) for criterion in people["criteria"]],
        "dosing": extraction["dosing"],
        "endpoints": [describe_endpoint(item) for item in extraction["endpoints"]],
    }


def test_all_records_are_as_in_the_gold_with_36_outcomes(extractions):
    assert list(extractions) == list(GOLD)
    for record_id, gold in GOLD.items():
        assert describe(extractions[record_id]) == describe(gold), record_id
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
