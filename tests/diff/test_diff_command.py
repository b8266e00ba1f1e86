"""``extractor diff``: its sides, its output, its exit codes."""

import base64
import gzip
import json
import re
from pathlib import Path

import pytest

from tests.commands import extract, invoke

from .planting import PLANTS, RECORD_ID, make_study, to_json

PLANT = {plant.name: plant.plant() for plant in PLANTS}


def write(path: Path, *studies: dict) -> Path:
    """Write trials as JSON lines, the first under its own number, others under the next ones."""
    lines = []
    for number, study in enumerate(studies):
        data = to_json(study)
        data["protocolSection"]["identificationModule"]["nctId"] = (
            f"NCT9000000{number + 1}"
        )
        lines.append(json.dumps(data))
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return write(tmp_path_factory.mktemp("old") / "old.jsonl", make_study())


def diff(*words: object):
    """Run the command in this process alone. It tells by its exit code whether there are
    changes.
    """
    return invoke("diff", *words, "--workers", 1, "--exit-code")


def test_the_same_records_are_no_change_and_exit_0(old):
    done = diff(old, old)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 trial compared, 0 changed" in done.stderr


def test_a_change_is_told_with_both_quotes_and_exits_1(old, tmp_path):
    done = diff(old, write(tmp_path / "new.jsonl", PLANT["floor raised"]))
    assert done.exit_code == 1
    assert "major: criterion tightened" in done.stdout
    assert (
        "- Absolute neutrophil count of at least 1,500/mm3  [eligibility "
        in done.stdout
    )
    assert (
        "+ Absolute neutrophil count of at least 2,000/mm3  [eligibility "
        in done.stdout
    )


def test_a_change_is_no_failure_unless_it_is_asked_for(old, tmp_path):
    new = write(tmp_path / "new.jsonl", PLANT["floor raised"])

    done = invoke("diff", old, new, "--workers", 1)

    assert done.exit_code == 0
    assert "major: criterion tightened" in done.stdout


def test_a_rewording_is_no_change_but_can_be_shown(old, tmp_path):
    new = write(tmp_path / "new.jsonl", PLANT["synonym"])
    assert diff(old, new).exit_code == 0
    shown = diff(old, new, "--severity", "editorial")
    assert shown.exit_code == 0
    assert "editorial: criterion reworded" in shown.stdout


@pytest.mark.parametrize(
    ("plant", "options", "code"),
    [
        ("outcome dropped", ("--severity", "major"), 0),
        ("outcome dropped", ("--only", "removed"), 1),
        ("outcome dropped", ("--only", "removed,criterion"), 0),
    ],
)
def test_filters_decide_the_exit_code(old, tmp_path, plant, options, code):
    assert (
        diff(old, write(tmp_path / "new.jsonl", PLANT[plant]), *options).exit_code
        == code
    )


def test_json_has_a_line_for_each_trial_that_changed(old, tmp_path):
    new = write(tmp_path / "new.jsonl", PLANT["age raised"], make_study())
    done = diff(old, new, "--format", "json", "--quiet")
    changed, alone = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 1
    assert done.stderr == ""
    assert changed["record_id"] == RECORD_ID
    (change,) = changed["changes"]
    assert change["kind"] == "tightened"
    assert change["field"] == "minimum_age"
    assert change["severity"] == "major"
    assert [
        side["citations"][0]["quote"] for side in (change["old"], change["new"])
    ] == [
        "18 Years",
        "21 Years",
    ]
    assert (alone["record_id"], alone["only_in"]) == ("NCT90000002", "new")


def test_trials_of_one_side_alone_are_named(old, tmp_path):
    done = diff(write(tmp_path / "both.jsonl", make_study(), make_study()), old)
    assert done.exit_code == 1
    assert "only in the old version: NCT90000002" in done.stdout


def test_runs_are_compared_too(old, tmp_path):
    run = extract(write(tmp_path / "new.jsonl", PLANT["promoted"]), tmp_path / "run")
    for new in (run, run / "extractions.jsonl"):
        assert "endpoint promoted: secondary -> primary" in diff(old, new).stdout


def test_runs_with_other_settings_are_named(old, tmp_path):
    first, second = (
        extract(old, tmp_path / name, "--min-confidence", least)
        for name, least in (("a", "0.0"), ("b", "0.1"))
    )
    assert "other settings (min_confidence)" in diff(first, second).stderr
    assert (
        "other settings" not in diff(first, old).stderr
    )  # how a model is asked has no effect without one


def test_two_single_records_are_compared_whatever_their_names(tmp_path):
    paths = tmp_path / "version-1.txt", tmp_path / "version-2.txt"
    flat = (
        "Examplumab in Asthma\nExamplumab is studied in adults.\nAsthma\nDRUG: "
        "Examplumab\n{}\nPain, 1 week\nMore."
    )
    for path, outcome in zip(
        paths, ("Change in FEV1, 12 weeks", "Change in FEV1, 24 weeks"), strict=True
    ):
        path.write_text(flat.format(outcome), "utf-8")

    done = diff(*paths)

    assert done.exit_code == 1
    assert "time frame: 12 weeks -> 24 weeks" in done.stdout


@pytest.mark.parametrize(
    ("new", "options", "message"),
    [
        ("missing.json", (), "there is no such file or folder"),
        ("broken.json", (), "the JSON ends too early"),
        (
            "new.jsonl",
            ("--only", "smaller"),
            "smaller: no such change; choose from added",
        ),
        ("new.jsonl", ("--html", "no/folder/x.html"), "does not exist"),
    ],
)
def test_errors_exit_2_with_a_remedy(old, tmp_path, new, options, message):
    (tmp_path / "broken.json").write_text('{"protocolSection": {', "utf-8")
    write(tmp_path / "new.jsonl", make_study())

    done = diff(old, tmp_path / new, *options)

    assert done.exit_code == 2
    assert message in done.stderr


def test_what_can_be_read_is_compared_when_a_record_is_broken(old, tmp_path):
    new = write(tmp_path / "new.jsonl", PLANT["amount"])
    new.write_text(new.read_text("utf-8") + "\n{", "utf-8")

    done = diff(old, new)

    assert done.exit_code == 2
    assert "amount: 200 mg -> 400 mg" in done.stdout
    assert "some records could not be compared" in done.stderr


def test_a_page_has_the_changes_with_the_texts_of_both_versions(old, tmp_path):
    page = tmp_path / "diff.html"
    assert (
        diff(
            old, write(tmp_path / "new.jsonl", PLANT["ceiling raised"]), "--html", page
        ).exit_code
        == 1
    )
    text = page.read_text("utf-8")
    assert "criterion loosened" in text
    assert "default-src &#39;none&#39;" in text
    (packed,) = re.findall(r'id="chunk-0">([^<]*)', text)
    (trial,) = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert [
        section["side"]
        for section in trial["sections"]
        if section["name"] == "eligibility"
    ] == [
        "old",
        "new",
    ]
    assert trial["changes"][0]["old"]["said"] == "Creatinine ≤ 1.5 mg/dL"
    assert trial["missing"] == []
