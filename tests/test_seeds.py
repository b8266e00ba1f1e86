"""The five seeds come out right, with the recorded answers and without network."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from extractor import Extractor, read_records
from extractor.results.evaluation.text import fold_name

ROOT = Path(__file__).parents[1]
GOLD = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "seeds" / "gold").glob("*.json"))}
COMMAND = [sys.executable, "-m", "extractor", "run", "seeds/records", "--replay", "seeds/answers"]
PARTS = ("measure", "description", "time_frame")


def fold(text):
    """As the guideline compares quotes: runs of white space, case, backslashes before punctuation."""
    return re.sub(r"\s+", " ", re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text or "")).strip().lower()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The file of a replay's results."""
    out = tmp_path_factory.mktemp("seeds")
    command = [*COMMAND, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert not (out / "failures.jsonl").read_text("utf-8")
    return out / "extractions.jsonl"


@pytest.fixture(scope="module")
def extractions(results):
    lines = results.read_text("utf-8").splitlines()
    return {extraction["record_id"]: extraction for extraction in map(json.loads, lines)}


def test_all_five_records_come_out_with_36_outcomes(extractions):
    assert list(extractions) == list(GOLD)
    assert sum(len(extraction["endpoints"]) for extraction in extractions.values()) == 36


SAID = ("rank", "index", "concept", "category", "time_points", "time_kind", "instrument", "censored")
QUOTED = ("start_event", "end_events", "specimens", "methods")
"""Fields that are equal as in scores."""


@pytest.mark.parametrize("record_id", GOLD)
def test_the_endpoints_are_as_in_the_gold(extractions, record_id):
    def describe(endpoint):
        quoted = {name: endpoint[name] if isinstance(endpoint[name], list) else [endpoint[name]] for name in QUOTED}
        return {
            **{name: fold(endpoint[name]) for name in PARTS},
            **{name: endpoint[name] for name in SAID},
            **{name: sorted(fold_name(one or "") for one in value) for name, value in quoted.items()},
        }

    found, gold = (source[record_id]["endpoints"] for source in (extractions, GOLD))
    assert list(map(describe, found)) == list(map(describe, gold))


@pytest.mark.parametrize("record_id", GOLD)
def test_criteria_and_their_limits_are_as_in_the_gold(extractions, record_id):
    def essence(extraction):
        return [
            (c["kind"], c["section"], fold(c["quote"]), c["category"], [limit(x) for x in c["constraints"]], window(c))
            for c in extraction["eligibility"]["criteria"]
        ]

    def limit(constraint):
        return tuple(constraint[name] for name in ("quantity", "comparator", "value", "value_high", "unit"))

    def window(criterion):
        found = criterion["time_window"]
        return found and (fold(found["quote"]), found["comparator"], found["value"], found["unit"])

    assert essence(extractions[record_id]) == essence(GOLD[record_id])


@pytest.mark.parametrize("record_id", GOLD)
def test_people_and_doses_are_absent_as_in_the_gold_and_the_gap_is_explained(extractions, record_id):
    extraction, gold = extractions[record_id], GOLD[record_id]
    for name in ("minimum_age", "maximum_age", "sex", "healthy_volunteers"):
        assert extraction["eligibility"][name] == gold["eligibility"][name]
    assert extraction["dosing"] == gold["dosing"] == []
    assert [a["reason"] for a in extraction["absences"] if a["field"] == "dosing"] == ["not_reported"]


@pytest.mark.parametrize("record_id", GOLD)
def test_every_value_points_at_the_characters_that_support_it(extractions, record_id):
    path = next((ROOT / "seeds" / "records").glob(f"{record_id}.txt"))
    raw = path.read_text("utf-8")
    record = next(read_records(path))
    extraction = extractions[record_id]
    items = [extraction["eligibility"], *extraction["eligibility"]["criteria"], *extraction["endpoints"]]
    pieces = [piece for item in items for piece in item["evidence"]]
    assert pieces
    for piece in pieces:
        assert record.section(piece["section"]).text[piece["start"] : piece["end"]] == piece["quote"]
        assert piece["quote"] in raw


def test_a_replay_is_byte_identical_in_another_process(results):
    again = subprocess.run([*COMMAND, "--quiet"], capture_output=True, cwd=ROOT, check=True).stdout
    assert again == results.read_bytes() != b""


def test_python_gives_what_the_command_line_gives(extractions):
    record = next(read_records(ROOT / "seeds" / "records"))
    extraction = Extractor(replay=ROOT / "seeds" / "answers").extract(record)
    by_command = {key: value for key, value in extractions[record.record_id].items() if key != "source"}
    assert json.loads(extraction.model_dump_json(exclude={"source"})) == by_command


async def test_many_records_keep_their_order(extractions):
    many = Extractor(replay=ROOT / "seeds" / "answers").extract_many(read_records("seeds/records"), concurrency=3)
    assert [extraction.record_id async for extraction in many] == list(extractions)
