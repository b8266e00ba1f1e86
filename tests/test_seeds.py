"""The five seeds come out right, with the recorded answers and without network."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from extractor import Extractor, read_records
from extractor.evaluation.text import fold_name

ROOT = Path(__file__).parents[1]
GOLD = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "seeds" / "gold").glob("*.json"))}
PARTS = ("measure", "description", "time_frame")


def fold(text):
    """As the guideline compares quotes: runs of white space, case, backslashes before punctuation."""
    return re.sub(r"\s+", " ", re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text or "")).strip().lower()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The file of a replay's results."""
    out = tmp_path_factory.mktemp("seeds")
    command = [
        sys.executable,
        "-m",
        "extractor",
        "run",
        "seeds/records",
        "--replay",
        "seeds/answers",
        "--out",
        str(out),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert not (out / "failures.jsonl").read_text("utf-8")
    return out / "extractions.jsonl"


@pytest.fixture(scope="module")
def extractions(results):
    lines = results.read_text("utf-8").splitlines()
    return {extraction["record_id"]: extraction for extraction in map(json.loads, lines)}


def test_all_five_records_come_out(extractions):
    assert list(extractions) == list(GOLD)


@pytest.mark.parametrize("record_id", GOLD)
def test_the_outcomes_are_split_as_in_the_gold(extractions, record_id):
    found = [tuple(fold(e[part]) for part in PARTS) for e in extractions[record_id]["endpoints"]]
    assert found == [tuple(fold(e[part]) for part in PARTS) for e in GOLD[record_id]["endpoints"]]


def test_there_are_36_outcomes(extractions):
    assert sum(len(extraction["endpoints"]) for extraction in extractions.values()) == 36


@pytest.mark.parametrize("record_id", GOLD)
@pytest.mark.parametrize(
    "field",
    ["rank", "index", "concept", "category", "time_points", "time_kind", "instrument", "censored"],
)
def test_what_the_endpoints_say_is_as_in_the_gold(extractions, record_id, field):
    found = [endpoint[field] for endpoint in extractions[record_id]["endpoints"]]
    assert found == [endpoint[field] for endpoint in GOLD[record_id]["endpoints"]]


@pytest.mark.parametrize("record_id", GOLD)
@pytest.mark.parametrize("field", ["start_event", "end_events", "specimens", "methods"])  # equal as in scores
def test_what_the_endpoints_quote_is_as_in_the_gold(extractions, record_id, field):
    def quotes(endpoint):
        value = endpoint[field]
        return sorted(fold_name(one or "") for one in (value if isinstance(value, list) else [value]))

    found = [quotes(endpoint) for endpoint in extractions[record_id]["endpoints"]]
    assert found == [quotes(endpoint) for endpoint in GOLD[record_id]["endpoints"]]


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
def test_ages_sex_and_volunteers_are_absent_as_in_the_gold(extractions, record_id):
    found, gold = extractions[record_id]["eligibility"], GOLD[record_id]["eligibility"]
    for name in ("minimum_age", "maximum_age", "sex", "healthy_volunteers"):
        assert found[name] == gold[name]


@pytest.mark.parametrize("record_id", GOLD)
def test_no_dose_is_invented_and_the_gap_is_explained(extractions, record_id):
    extraction = extractions[record_id]
    assert extraction["dosing"] == GOLD[record_id]["dosing"] == []
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
    command = [sys.executable, "-m", "extractor", "run", "seeds/records", "--replay", "seeds/answers", "--quiet"]
    again = subprocess.run(command, capture_output=True, cwd=ROOT, check=True).stdout
    assert again == results.read_bytes() != b""


def test_python_gives_what_the_command_line_gives(extractions):
    record = next(read_records(ROOT / "seeds" / "records"))
    extraction = Extractor(replay=ROOT / "seeds" / "answers").extract(record)
    by_command = {key: value for key, value in extractions[record.record_id].items() if key != "source"}
    assert json.loads(extraction.model_dump_json(exclude={"source"})) == by_command


async def test_many_records_keep_their_order(extractions):
    many = Extractor(replay=ROOT / "seeds" / "answers").extract_many(read_records("seeds/records"), concurrency=3)
    assert [extraction.record_id async for extraction in many] == list(extractions)
