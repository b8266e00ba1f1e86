"""The five seeds come out right, with the recorded answers and without network."""

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
    return (
        re.sub(r"\s+", " ", re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text or ""))
        .strip()
        .lower()
    )


def describe(extraction):
    """All that the gold states, with words as they are compared."""

    def describe_endpoint(endpoint):
        quoted = {
            name: endpoint[name]
            if isinstance(endpoint[name], list)
            else [endpoint[name]]
            for name in QUOTED
        }
        return {
            **{name: fold(endpoint[name]) for name in PARTS},
            **{name: endpoint[name] for name in SAID},
            **{
                name: sorted(fold_name(one or "") for one in value)
                for name, value in quoted.items()
            },
        }

    def describe_criterion(criterion):
        said = {
            name: criterion[name]
            for name in ("kind", "section", "category", "constraints")
        }
        if window := criterion["time_window"]:
            window = window | {"quote": fold(window["quote"])}
        return said | {"quote": fold(criterion["quote"]), "window": window}

    people = extraction["eligibility"]
    return {
        **{
            name: people[name]
            for name in ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
        },
        "criteria": [describe_criterion(one) for one in people["criteria"]],
        "dosing": extraction["dosing"],
        "endpoints": [describe_endpoint(one) for one in extraction["endpoints"]],
    }


def test_all_records_are_as_in_the_gold_with_36_outcomes(extractions):
    assert list(extractions) == list(GOLD)
    for record_id, gold in GOLD.items():
        assert describe(extractions[record_id]) == describe(gold), record_id
    assert (
        sum(len(extraction["endpoints"]) for extraction in extractions.values()) == 36
    )


def test_an_absent_dose_is_explained_and_every_value_points_at_the_characters_that_support_it(
    extractions,
):
    for path in (ROOT / "seeds" / "records").glob("*.txt"):
        (record,) = read_records(path)
        extraction = extractions[record.record_id]
        assert [
            a["reason"] for a in extraction["absences"] if a["field"] == "dosing"
        ] == ["not_reported"]
        items = [
            extraction["eligibility"],
            *extraction["eligibility"]["criteria"],
            *extraction["endpoints"],
        ]
        pieces = [piece for item in items for piece in item["evidence"]]
        assert pieces
        for piece in pieces:
            assert (
                record.section(piece["section"]).text[piece["start"] : piece["end"]]
                == piece["quote"]
            )
            assert piece["quote"] in path.read_text("utf-8")


def test_a_replay_is_byte_identical_in_another_process(results):
    command = [sys.executable, "-m", "extractor", *REPLAY, "--quiet"]
    again = subprocess.run(command, capture_output=True, cwd=ROOT, check=True).stdout
    assert again == results.read_bytes() != b""


async def test_python_gives_what_the_command_line_gives_and_keeps_the_order_of_records(
    extractions,
):
    extractor = Extractor(replay=ROOT / "seeds" / "answers")
    many = extractor.extract_many(read_records("seeds/records"), concurrency=3)
    found = [
        json.loads(extraction.model_dump_json(exclude={"source"}))
        async for extraction in many
    ]
    assert found == [
        {k: v for k, v in one.items() if k != "source"} for one in extractions.values()
    ]
