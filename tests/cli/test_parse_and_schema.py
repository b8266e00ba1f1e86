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
    modules = "outcomes/cuts.py, outcomes/split.py"
    assert (
        f"no outcome; rules: {outcome_rules}; read by: {modules}; cases: outcomes.toml"
        in lines
    )


def test_an_absence_is_explained_by_what_was_seen_and_whether_a_model_is_asked(
    tmp_path,
):
    text = tmp_path / "text.txt"
    text.write_text(
        "Inclusion criteria:\n- Pain on a scale of 0 to 10\n- Asthma\n"
        "- Follow-up of 12 weeks and male partner < 70 years\n- Asthma, as in 2 of 7 centres\n"
    )

    shown = invoke("parse", "--explain", text).stdout

    assert shown.count("    a model: asked, in the eligibility text\n") == 4
    assert (
        "        seen: '0 to 10' is an end of a scale (limits/written_numbers.py: find_role)\n"
        in shown
    )
    assert "        seen: '70' is a limit, but not of who can take part: " in shown
    assert (
        "        seen: '7' has no comparator, unit or name that makes it a limit "
        in shown
    )
    assert "        seen: no length of time\n" in shown


def test_words_that_no_request_shows_are_not_asked_about(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("Fictumab 5 mg daily in adults with asthma aged 18 to 65 years.\n")

    shown = invoke("parse", "--explain", text).stdout
    assert "    a model: asked, in line 1 of the request\n" in shown


def test_the_files_of_a_field_exist():
    names = [
        name for place in PLACES for name in (*place.rules, place.reader, place.decides)
    ]
    files = [
        Path(
            "extractor",
            ""
            if name.startswith(("assembly/", "language/", "measures/"))
            else "concepts",
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
