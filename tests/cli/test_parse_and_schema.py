import json
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from extractor.cli.app import app

schemas = import_module("extractor.schemas")
runner = CliRunner()


def test_parse_shows_chunks_values_and_certainty():
    shown = runner.invoke(app, ["parse", "seeds/records/003_b184c860ed2ef927.txt"])
    assert shown.exit_code == 0
    assert "criterion inclusion" in shown.output
    assert "CD19 > 95 %" in shown.output
    assert "primary outcome 0: Objective response rate (ORR)" in shown.output


def test_parse_as_json_has_offsets_into_the_raw_text():
    done = runner.invoke(app, ["parse", "seeds/records/003_b184c860ed2ef927.txt", "--json"])
    parsed = json.loads(done.output)
    (outcome,) = parsed["outcomes"]
    (span,) = outcome["time_frame"]["spans"]
    assert span["section"] == "primary_outcomes"
    assert outcome["time_frame"]["value"].startswith("during three months")
    assert span["end"] - span["start"] == len(outcome["time_frame"]["value"])


def test_parse_goes_on_after_a_bad_record():
    bad, good = "no-such-file.json", "seeds/records/003_b184c860ed2ef927.txt"
    shown = runner.invoke(app, ["parse", bad, good])
    assert shown.exit_code == 1
    assert bad in shown.stderr
    assert "primary outcome 0: Objective response rate (ORR)" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        ([], "TrialExtraction"),
        (["eligibility"], "Eligibility"),
        (["dosing"], "Regimen"),
        (["endpoints"], "Endpoint"),
        (["record"], "TrialRecord"),
    ],
)
def test_schema_is_the_models_own(arguments, title):
    printed = json.loads(runner.invoke(app, ["schema", *arguments]).output)
    assert printed["title"] == title
    assert printed == getattr(schemas, title).model_json_schema(mode="serialization")


def test_control_characters_of_a_record_do_not_reach_the_terminal(tmp_path):
    study = json.loads(Path("tests/records/study.json").read_text("utf-8"))
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = (
        "Inclusion Criteria:\n\n* \x1b[31mred\x07 adults"
    )
    (tmp_path / "study.json").write_text(json.dumps(study), "utf-8")
    shown = runner.invoke(app, ["parse", str(tmp_path / "study.json")], color=True).output
    assert "red" in shown
    assert not {"\x1b", "\x07"} & set(shown)
