"""``extractor parse`` and ``extractor schema``."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from extractor.apps.cli.parse import PLACES
from tests.commands import invoke

SEED = "seeds/records/003_b184c860ed2ef927.txt"
schemas = import_module("extractor.schemas")


def test_parse_shows_items_values_and_confidence_and_continues_after_a_bad_record():
    shown = invoke("parse", "no-such-file.json", SEED)
    assert shown.exit_code == 1
    assert "no-such-file.json" in shown.stderr
    assert "] criterion: " in shown.stdout
    assert "    constraints: CD19: > 95 %; CD22: > 95 % (0.91)\n" in shown.stdout
    assert "    measure: Objective response rate (ORR) (" in shown.stdout
    assert "rules: " not in shown.stdout


def test_a_field_is_explained_by_its_words_and_the_files_of_its_rules(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("Inclusion criteria:\n- No asthma\n- Hb >= 9 g/dL\n", "utf-8")

    lines = invoke("parse", "--explain", text).stdout.splitlines()

    at = lines.index("        from: Hb >= 9 g/dL")
    assert "limits/rules/limits.toml" in "".join(lines[at:])
    assert any(line.startswith("        because: level ") for line in lines[at:])
    windows = [line for line in lines if "windows/rules/times.toml" in line]
    assert len(windows) == 2
    outcome_rules = "outcomes/rules/cuts.toml, outcomes/rules/stated.toml"
    assert f"no outcome; rules: {outcome_rules}; cases: outcomes.toml" in lines


def test_the_files_of_a_field_exist():
    names = [name for place in PLACES for name in (*place.rules, place.reader)]
    files = [
        Path(
            "extractor",
            "" if name.startswith(("language/", "measures/")) else "concepts",
            name,
        )
        for name in names
    ]
    files += [Path("tests/cases", place.cases) for place in PLACES]
    assert [file for file in files if not file.exists()] == []


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
