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


def test_what_was_not_read_leads_to_the_files_of_its_rules(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("Inclusion criteria:\n- No asthma\n- Hb >= 9 g/dL\n", "utf-8")

    lines = invoke("parse", "--explain", text).stdout.splitlines()

    assert lines.count("    not read: constraints, time_windows") == 1
    assert lines.count("    not read: time_windows") == 1
    denials = "denials.toml in extractor/concepts/criteria/rules"
    assert lines.count(f"        no rule found a denial: {denials}") == 1
    steps = lines[lines.index("Not read, and the rules that decide it:") + 1 :]
    sex = "sex.toml in extractor/concepts/people/rules; cases in people.toml"
    assert f"    sex, healthy_volunteers: {sex}" in steps
    plain = invoke("parse", text).stdout
    assert "ot read" not in plain


def test_a_text_without_items_leads_to_the_rules_of_items(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("People are welcome.\n", "utf-8")

    shown = invoke("parse", "--explain", text).stdout

    files = "headings.toml, running_text.toml in extractor/concepts/criteria/rules"
    assert f"criteria: {files}" in shown


@pytest.mark.parametrize("field", PLACES)
def test_a_field_is_read_where_its_place_says(field):
    """The files are there, the reader asks for one of the rules, and cases are of the field."""
    place = PLACES[field]
    concepts = Path("extractor/concepts")
    files = [concepts / file for file in place.rules.split()]
    assert [file for file in files if not file.exists()] == []

    rules = [
        name
        for file in files
        if file.is_file()
        for name in (file.stem, *tomllib.loads(file.read_text("utf-8")).get("rule", {}))
    ]
    code = (concepts / place.reader).read_text("utf-8")
    assert any(f'"{name}"' in code for name in rules), place.reader

    of_cases = {"criteria": "criterion", "regimens": "agent", "outcomes": "measure"}
    cases = Path("tests/cases", place.cases).read_text("utf-8")
    said = re.findall(r'reads = "(.*?)"', cases)
    assert of_cases.get(field, field) in " ".join(said).split()


def test_the_fields_of_an_item_have_files_or_follow_from_others():
    """A field that is new needs a place where its rules are, or stands here."""
    other = {
        *("stands", "kind", "lead_in", "category", "time_window"),
        *("agent", "arms", "role"),
        *("rank", "index", "measure", "description", "time_frame", "censored"),
    }
    known = set()
    for record in read_records("tests/records", "seeds/records", on_error=print):
        parsed = parse_record(record)
        items = (parsed.whole, *parsed.criteria, *parsed.regimens, *parsed.outcomes)
        known |= {name for item in items for name in item.rules}

    assert known - PLACES.keys() == other & known
    assert PLACES.keys() - known == {"criteria", "regimens", "outcomes"}


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
