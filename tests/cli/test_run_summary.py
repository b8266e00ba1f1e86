"""The summary of ``extractor run``: trials that occur twice, failures, and earlier results."""

import json

import pytest

from extractor.plurals import counted
from tests.commands import invoke, read_lines


def study(nct_id, title):
    return (
        json.dumps(
            {
                "protocolSection": {
                    "identificationModule": {"briefTitle": title, "nctId": nct_id}
                }
            }
        )
        + "\n"
    )


@pytest.fixture
def run(tmp_path):
    """Runs these files into the folder ``out``; returns the exit code and standard error."""

    def run(files, *options):
        for name, content in files.items():
            (tmp_path / name).write_text(content, "utf-8")
        done = invoke(
            "run",
            *(tmp_path / name for name in files),
            "--out",
            tmp_path / "out",
            *options,
        )
        return done.exit_code, done.stderr

    return run


def test_the_same_text_twice_is_a_note(run, tmp_path):
    code, said = run(
        {"a.jsonl": study("NCT90000051", "A"), "b.jsonl": study("NCT90000051", "A")}
    )
    assert code == 0
    assert "trials that occur twice: 1\n" in said
    assert "another text" not in said
    assert (
        json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["repeated"][
            "same_text"
        ]
        == 1
    )
    (noted,) = read_lines(tmp_path / "out" / "repeated.jsonl")
    assert (noted["record_id"], noted["same_text"]) == ("NCT90000051", True)


TWO = {
    "a.jsonl": study("NCT90000052", "First"),
    "b.jsonl": study("NCT90000052", "Second"),
}


def test_the_first_of_two_texts_is_used_and_both_places_are_recorded(run, tmp_path):
    code, said = run(TWO)
    places = {
        "taken": f"{tmp_path / 'a.jsonl'}, line 1",
        "left_out": f"{tmp_path / 'b.jsonl'}, line 1",
    }
    assert code == 1
    assert "of these with another text, left out: 1\n" in said
    assert (
        f"{places['left_out']}: the record NCT90000052 was already read from {places['taken']}"
        in said
    )
    noted = {"record_id": "NCT90000052", **places}
    repeated = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))[
        "repeated"
    ]
    assert repeated == {"same_text": 0, "other_text": 1, "places": [noted]}
    assert read_lines(tmp_path / "out" / "repeated.jsonl") == [
        {**noted, "same_text": False}
    ]
    assert read_lines(tmp_path / "out" / "failures.jsonl") == []
    (extraction,) = read_lines(tmp_path / "out" / "extractions.jsonl")
    assert extraction["source"]["path"] == str(tmp_path / "a.jsonl")


def test_without_a_folder_another_text_is_printed_and_the_same_text_is_not(tmp_path):
    for name, content in (TWO | {"c.jsonl": TWO["a.jsonl"]}).items():
        (tmp_path / name).write_text(content, "utf-8")
    done = invoke("run", tmp_path, "--quiet")
    assert done.exit_code == 1
    (noted,) = map(json.loads, done.stderr.splitlines())
    assert (noted["error"], noted["path"]) == (
        "RepeatedRecord",
        str(tmp_path / "b.jsonl"),
    )


def test_the_most_common_reasons_of_failures_are_printed_with_their_records(
    run, tmp_path
):
    empty = '{"protocolSection": {}}\n'
    code, said = run(
        {"a.jsonl": empty * 3 + '{"protocolSection": {\n' + study("NCT90000053", "A")}
    )
    assert code == 1
    reasons = [
        line
        for line in said.splitlines()
        if line.startswith("extractor: ") and " failed: " in line
    ]
    assert reasons[0].startswith(
        "extractor: 3 records failed: the record holds no free text; "
    )
    file = tmp_path / "a.jsonl"
    places = ", ".join(f"{file}, line {number}" for number in (1, 2, 3))
    assert reasons[0].endswith(f"({places})")
    assert reasons[1].startswith(f"extractor: failed: {file}, line 4, ")
    failures = tmp_path / "out" / "failures.jsonl"
    assert f"all failures, with place and remedy: {failures}" in said


BROKEN = {
    "a.json": "{",
    "b.xml": "<a>",
    "c.csv": "x\n1\n",
    "d.json": "[]",
    "e.zip": "PK",
    "f.jsonl": '{"protocolSection": {}}\n',
    "g.pdf": "%PDF-1.4",
}


@pytest.mark.parametrize("files", [5, 7])
def test_all_bad_files_of_a_folder_are_named(run, tmp_path, files):
    bad = dict(list(BROKEN.items())[:files])

    code, said = run(bad | {"h.jsonl": study("NCT90000053", "A")})

    assert code == 1
    assert [name for name in bad if str(tmp_path / name) not in said] == []
    assert ("failed for other reasons: " in said) == (files > 5)
    failures = tmp_path / "out" / "failures.jsonl"
    assert f"all failures, with place and remedy: {failures}" in said
    assert len(read_lines(failures)) == files


def test_of_many_records_with_one_reason_five_are_named(run, tmp_path):
    _, said = run(
        {"a.jsonl": '{"protocolSection": {}}\n' * 8 + study("NCT90000053", "A")}
    )
    assert f"line 4, {tmp_path / 'a.jsonl'}, line 5 and 3 more)\n" in said
    assert "all failures, with place and remedy: " in said


def test_a_single_item_is_named_in_the_singular(run):
    text = "Inclusion criteria:\n- Adults\nPrimary endpoint: overall survival\n"
    _, said = run({"a.txt": text}, "--effort", "none")
    assert "items: 1 criterion, 0 regimens, 1 endpoint\n" in said


def test_a_resumed_run_counts_the_open_questions_of_all_its_records(run, tmp_path):
    studies = {
        "a.jsonl": "".join(
            study(f"NCT9000006{number}", "Men who rest at home") for number in range(3)
        )
    }
    for options in (("--limit", "1"), ()):
        _, said = run(studies, "--effort", "all", *options)
        still_open = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))[
            "usage"
        ]["open_questions"]
        name = "questions" if options else "questions in all"
        assert f"\n{name}: 0 asked, {still_open} open\n" in said
        assert f"{counted(still_open, 'question')} stayed open" in said
    assert still_open >= 3
