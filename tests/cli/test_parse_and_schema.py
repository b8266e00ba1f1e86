"""``extractor parse`` and ``extractor schema``."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from tests.commands import invoke

SEED = "seeds/records/003_b184c860ed2ef927.txt"
schemas = import_module("extractor.schemas")


def test_parse_shows_chunks_values_and_confidence_and_continues_after_a_bad_record():
    shown = invoke("parse", "no-such-file.json", SEED)
    assert shown.exit_code == 1
    assert "no-such-file.json" in shown.stderr
    assert "criterion inclusion" in shown.stdout
    assert "CD19: > 95 %" in shown.stdout
    assert "primary outcome 0: Objective response rate (ORR)" in shown.stdout


def test_a_value_is_explained_by_its_words_and_the_rules_that_found_them():
    lines = invoke("parse", "--explain", "tests/records/study.xml").stdout.splitlines()
    at = lines.index("    constraints: Age: >= 18 year (0.97)")
    assert lines[at + 1] == "        from: Age >= 18 years"
    assert "            comparison: >=" in lines[at + 2 : at + 6]


@pytest.mark.parametrize(
    ("task", "title"),
    [
        (None, "TrialExtraction"),
        ("eligibility", "Eligibility"),
        ("dosing", "Regimen"),
        ("endpoints", "Endpoint"),
        ("record", "TrialRecord"),
    ],
)
def test_schema_is_the_models_own(task, title):
    printed = json.loads(invoke("schema", *filter(None, [task])).stdout)
    assert printed["title"] == title
    assert printed == getattr(schemas, title).model_json_schema(mode="serialization")


def test_control_characters_of_a_record_do_not_reach_the_terminal(tmp_path):
    study = json.loads(Path("tests/records/study.json").read_text("utf-8"))
    criteria = "Inclusion Criteria:\n\n* \x1b[31mred\x07 adults"
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = criteria
    (tmp_path / "a\x1b[31m.json").write_text(json.dumps(study), "utf-8")
    (tmp_path / "b\x1b[31m.json").write_text("{}", "utf-8")
    done = invoke("parse", tmp_path)
    assert "red" in done.stdout
    assert "b\ufffd[31m.json" in done.stderr
    assert not {"\x1b", "\x07"} & set(done.output)


def test_ranges_and_windows_read_as_text(tmp_path):
    criteria = "Inclusion Criteria: ECOG 0-1. Prednisone within 4 weeks before enrollment is excluded."
    (tmp_path / "one.txt").write_text(
        f"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n{criteria}\n", "utf-8"
    )
    shown = invoke("parse", tmp_path / "one.txt").stdout
    assert "constraints: ECOG: 0-1 (" in shown
    assert "time_window: within 4 weeks before enrollment: <= 4 week (" in shown
