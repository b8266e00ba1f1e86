"""Standoff gold: spans instead of quotes, and a hash of each section."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.gold.standoff import to_standoff
from extractor import read_records
from extractor.apps.cli.app import app
from extractor.apps.evaluation.gold_check import check_gold
from extractor.apps.evaluation.standoff import find_changed_sections, from_standoff, read_standoff
from extractor.apps.evaluation.text import fold_quote
from extractor.errors import GoldError
from extractor.schemas import Section, TrialExtraction

from .test_gold_check import GOLD, RECORD


def normalise(gold):
    """Normalise gold for comparison: all fields, and words as ``fold_quote`` returns them."""
    return fold_quote(TrialExtraction.model_validate(gold).model_dump_json().replace("\\n", " "))


@pytest.fixture
def line():
    return json.loads(json.dumps(to_standoff(GOLD, RECORD)))


def test_gold_is_written_without_words_and_read_back(line, tmp_path):
    assert normalise(from_standoff(line, RECORD)) == normalise(GOLD)
    words = {word for section in RECORD.sections for word in section.text.split() if len(word) > 5}
    kept = json.dumps({key: line[key] for key in ("eligibility", "dosing", "endpoints")})
    assert not [word for word in words if word in kept]
    (tmp_path / "gold.jsonl").write_text(json.dumps(line) + "\n")
    assert check_gold(tmp_path / "gold.jsonl", [RECORD]) == []


def test_words_that_are_not_in_the_record_are_refused():
    gold = {
        "record_id": "toy",
        "dosing": [{"agent": "zorpmab", "section": "arms[0]", "quote": "15 mg daily"}],
    }
    with pytest.raises(ValueError, match="agent: 'zorpmab' is not in the record"):
        to_standoff(gold, RECORD)


def test_labels_of_arms_are_found_in_the_list_of_arms(line):
    assert line["dosing"][0]["arms"] == [["arms[0]", 0, 5]]
    gold = {
        "record_id": "toy",
        "dosing": [{"agent": "Mirabrol", "section": "arms[0]", "quote": "15 mg daily"}],
    }
    gold["dosing"][0]["arms"] = ["15 mg daily"]
    with pytest.raises(ValueError, match="arms: '15 mg daily' is not in the record"):
        to_standoff(gold, RECORD)


def test_lists_that_say_that_there_is_nothing_are_kept():
    gold = {
        "record_id": "toy",
        "eligibility": {"groups": [], "criteria": [], "sex": None},
        "dosing": [],
    }
    assert to_standoff(gold, RECORD)["eligibility"] == {"groups": []}


def test_a_changed_section_is_named_and_its_record_left_out(line, tmp_path):
    sections = [
        Section(name=s.name, text=s.text + "." * (s.name == "arms[0]")) for s in RECORD.sections
    ]
    changed = RECORD.model_copy(update={"sections": tuple(sections)})
    assert find_changed_sections(line, RECORD) == ()
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(line) + "\n" + json.dumps(line | {"record_id": "other"}) + "\n")
    found = read_standoff(path, [changed])
    assert (found.annotations, found.changed, found.missing) == (
        (),
        {"toy": ("arms[0]",)},
        ("other",),
    )
    assert [str(problem) for problem in check_gold(path, [changed])] == [
        f"{path}, line 1: sections: the text of arms[0] is not the one that was annotated; "
        "use the version of the record that was annotated, or annotate it again",
        f"{path}, line 2: record_id: there is no record 'other'; correct the id, or add the record",
    ]


@pytest.mark.parametrize("broken", ['{"sections": {}}', '{"sections', '["sections"]'])
def test_a_broken_line_is_named(tmp_path, broken):
    path = tmp_path / "gold.jsonl"
    path.write_text(broken)
    with pytest.raises(GoldError, match="line 1: is not standoff gold"):
        read_standoff(path, [RECORD])


def test_it_is_scored_with_the_records_and_refused_without(tmp_path):
    gold = json.loads(Path("seeds/gold/003_b184c860ed2ef927.json").read_text("utf-8"))
    record = next(r for r in read_records("seeds/records") if r.record_id == gold["record_id"])
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(to_standoff(gold, record)) + "\n")
    command = ["evaluate", str(path), "seeds/gold", "--resamples", "0"]
    scored = CliRunner().invoke(app, [*command, "--records", "seeds/records"])
    assert "\nall\t\t1.000\t1.000" in scored.stdout
    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, "name the records with --records INPUT" in refused.stderr) == (
        2,
        True,
    )
