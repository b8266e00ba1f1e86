"""``extractor parse`` and ``extractor schema``."""

import json
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from extractor.apps.cli.rule_places import PLACES
from extractor.concepts.parse import parse_record
from extractor.formats import read_records
from tests.commands import invoke

SEED = "seeds/records/003_b184c860ed2ef927.txt"
schemas = import_module("extractor.schemas")


def test_parse_shows_items_values_and_confidence_and_continues_after_a_bad_record():
    shown = invoke("parse", "no-such-file.json", SEED)
    assert shown.exit_code == 1
    assert "no-such-file.json" in shown.stderr
    assert "] criterion: " in shown.stdout
    assert "    constraints: CD19: > 95 %; CD22: > 95 % (0.90)\n" in shown.stdout
    assert "    measure: Objective response rate (ORR) (" in shown.stdout
    assert "rules: " not in shown.stdout


def test_a_field_is_explained_by_its_words_and_the_files_of_its_rules(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("Inclusion criteria:\n- No asthma\n- Hb >= 9 g/dL\n", "utf-8")

    lines = invoke("parse", "--explain", text).stdout.splitlines()

    at = lines.index("        from: Hb >= 9 g/dL")
    assert "limits/rules/limits.toml" in "".join(lines[at:])
    windows = [line for line in lines if "windows/rules/times.toml" in line]
    assert len(windows) == 2
    assert "no outcome; rules: outcomes/rules/cuts.toml; cases: outcomes.toml" in lines


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.fields[0])
def test_a_field_is_read_where_its_place_says(place):
    """The files are there, the reader asks for one of the rules, and cases are of the field."""
    concepts = Path("extractor/concepts")
    files = [concepts / file for file in place.rules]
    assert [file for file in files if not file.exists()] == []

    rules = [
        name
        for file in filter(Path.is_file, files)
        for name in (file.stem, *tomllib.loads(file.read_text("utf-8")).get("rule", {}))
    ]
    code = (concepts / place.reader).read_text("utf-8")
    assert any(f'"{name}"' in code for name in rules), place.reader

    of_cases = {"regimen": "agent", "outcome": "measure"}
    cases = Path("tests/cases", place.cases).read_text("utf-8")
    read = " ".join(re.findall(r'reads = "(.*?)"', cases)).split()
    assert [
        field for field in place.fields if of_cases.get(field, field) not in read
    ] == []


def test_the_fields_of_an_item_have_files_or_follow_from_others():
    other = {
        *("stands", "kind", "lead_in", "category", "time_window"),
        *("agent", "arms", "role"),
        *("rank", "index", "measure", "description", "time_frame", "censored"),
    }
    known = set()
    for record in read_records("tests/records", "seeds/records", on_error=print):
        parsed = parse_record(record)
        for item in (
            parsed.whole,
            *parsed.criteria,
            *parsed.regimens,
            *parsed.outcomes,
        ):
            known |= item.rules.keys()

    placed = {field for place in PLACES for field in place.fields}
    assert known - placed == other & known
    assert placed - known == {"criterion", "regimen", "outcome"}


PARTS = {
    "": "TrialExtraction",
    "eligibility": "Eligibility",
    "dosing": "Regimen",
    "endpoints": "Endpoint",
    "record": "TrialRecord",
}


@pytest.mark.parametrize(("task", "title"), PARTS.items())
def test_schema_is_the_models_own(task, title):
    printed = json.loads(invoke("schema", *task.split()).stdout)
    assert printed == getattr(schemas, title).model_json_schema(mode="serialization")
