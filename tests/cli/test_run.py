"""``extractor run``: files, settings, summary, ``--quiet`` and exit codes."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extractor import Extractor, errors, read_records
from extractor.apps.cli import console
from extractor.run.files import lock_folder
from extractor.run.joined import JoinedRuns
from tests.commands import extract, invoke, read_lines
from tests.faults.running import read_manifest
from tests.tables import read_cases

CASES = read_cases(__file__)

DOCS = Path(__file__).parents[2] / "docs"
STUDY = "tests/records/study.json"
STUDIES = "tests/records/studies.jsonl"


def study(nct_id, title):
    named = {"identificationModule": {"briefTitle": title, "nctId": nct_id}}
    return json.dumps({"protocolSection": named}) + "\n"


EMPTY = '{"protocolSection": {}}\n'
ONE = study("NCT90000051", "A")
OTHER = study("NCT90000051", "B")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs these files into the folder ``out``; returns the exit code and the lines of standard
    error.
    """
    monkeypatch.chdir(tmp_path)

    def run(files, *options):
        for name, content in files.items():
            Path(name).write_text(content, "utf-8")
        words = ("--out", "out", "--effort", "none", *options)
        done = invoke("run", *files, *words)
        return done.exit_code, done.stderr.splitlines()

    return run


def test_a_folder_of_records_becomes_a_folder_of_results(tmp_path):
    done = invoke("run", "tests/records", "--out", tmp_path / "my run")
    assert (done.exit_code, done.stdout) == (0, "")
    results = read_lines(tmp_path / "my run" / "extractions.jsonl")
    counts = read_manifest(tmp_path / "my run")["records"]
    assert counts["extracted"] == len(results) == 12
    assert read_lines(tmp_path / "my run" / "failures.jsonl") == []
    *counted, still_open, step = done.stderr.splitlines()
    assert counted[:2] == ["records extracted: 12", "records failed: 0"]
    assert len(counted) <= 12
    assert re.search(r"\d+ questions still open; a model can answer them", still_open)
    folder = tmp_path / "my run"
    assert step == f"extractor: to view the results: extractor report '{folder}'"


def test_without_a_folder_results_go_to_standard_output(tmp_path):
    (tmp_path / "empty.json").write_text(EMPTY, "utf-8")
    done = invoke("run", STUDIES, tmp_path / "empty.json", "--quiet")
    ids = [json.loads(line)["record_id"] for line in done.stdout.splitlines()]
    assert ids == ["NCT90000006", "NCT90000007"]
    assert done.exit_code == 1
    assert json.loads(done.stderr)["path"] == str(tmp_path / "empty.json")


def test_folders_of_results_inside_the_inputs_are_no_records(tmp_path):
    (tmp_path / "study.json").write_bytes(Path(STUDY).read_bytes())
    for name in ("results", "results", "again"):
        extract(tmp_path, tmp_path / name)
        assert (tmp_path / name / "failures.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    CASES["a_run_resumes_with_its_own_settings_alone"],
)
def test_a_run_resumes_with_its_own_settings_alone(tmp_path, first, second, difference):
    assert invoke("run", STUDY, "--out", tmp_path, *first.split()).exit_code == 0
    done = invoke("run", STUDY, "--out", tmp_path, *second.split())
    assert done.exit_code == (2 if difference else 0)
    assert difference in done.stderr
    assert ("use another --out, with --replay" in done.stderr) is bool(difference)


def test_a_dry_run_prints_a_table_and_its_assumptions(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text("as_of = 2026-11-01\n[model.mine]\nprompt = 3\noutput = 4\n")
    words = ("run", "seeds/records", "--dry-run", "--effort", "full")
    hosted = invoke(*words, "--model", "gpt-5-mini", "--out", tmp_path / "out")
    own = invoke(*words, "--model", "mine", "--prices", prices)
    none = invoke(*words, "--fields", "extractor.catalogue:Blinding")
    broken = tmp_path / "broken.json"
    broken.write_text(EMPTY, "utf-8")
    assert invoke("run", broken, "--dry-run").exit_code == 1
    head, *rows = (line.split("\t") for line in hosted.stdout.splitlines())
    assert head == ["5 records", "least", "expected", "most"]
    figures = {
        name: [float(one.replace(",", "")) for one in row] for name, *row in rows
    }
    assert figures["calls"][1] == 5
    least, _, most = figures["dollars"]
    assert 0 < least < most
    assert "gpt-5-mini costs $0.25 per million prompt tokens" in hosted.stderr
    assert "amount of reasoning for this model: 500 tokens per call" in hosted.stderr
    assert "mine costs $3 per million prompt tokens, $4 per mil" in own.stderr
    assert "dollars" not in none.stdout
    assert sorted(tmp_path.iterdir()) == [broken, prices]


def test_the_first_failures_are_printed_and_the_file_with_all(run):
    code, said = run({"a.jsonl": EMPTY * 8 + ONE}, "--quiet")
    assert code == 1
    *first, last = said
    assert [line.partition(": the record")[0] for line in first] == [
        f"extractor: a.jsonl, line {number}" for number in (1, 2, 3)
    ]
    failures = Path("out", "failures.jsonl")
    assert last == f"extractor: 8 records failed; all are in {failures}"
    assert len(read_lines(failures)) == 8
    done = invoke("list", "out", "values")
    assert "8 records failed and added no rows: " in done.stderr
    assert "a.jsonl, line 5 and 3 more (see failures.jsonl)" in done.stderr


def test_a_changed_record_that_fails_is_said_to_keep_its_earlier_values(run):
    run({"a.jsonl": ONE}, "--quiet")
    too_long = study("NCT90000051", "|" * 30_000)
    code, _ = run({"a.jsonl": EMPTY + too_long}, "--quiet")
    assert code == 1
    done = invoke("export", "out", "--to", "records.csv", "--tables", "records")
    assert "1 record failed and added no rows: a.jsonl, line 1 (see" in done.stderr
    kept = (
        "1 record failed and kept the values of an earlier version, which may be out of"
    )
    assert f"{kept} date: NCT90000051 (see failures.jsonl)" in done.stderr
    assert "NCT90000051" in Path("records.csv").read_text("utf-8")


def test_a_quiet_run_without_trouble_prints_nothing(run):
    assert run({"a.jsonl": ONE}, "--quiet") == (0, [])
    # the same file with another text is read again
    assert run({"a.jsonl": OTHER}, "--quiet") == (0, [])


def test_a_run_in_use_or_without_its_server_may_pass_later(run):
    with lock_folder(Path("out")):
        code, said = run({"a.jsonl": ONE}, "--quiet")
    assert code == 75
    assert said[0].startswith("extractor: out: another process is writing to it; wait")
    asks = study("NCT90000072", "Men who rest at home")
    away = ("--model", "http://127.0.0.1:9/v1#x", "--effort", "full", "--quiet")
    code, said = run({"a.jsonl": asks}, *away)
    assert code == 75
    assert "resume with: extractor " in said[0]


def test_a_missing_key_leaves_no_folder_and_costs_no_earlier_results(tmp_path):
    deep = ("--model", "gpt-5-mini", "--out", tmp_path / "deep" / "out")
    done = invoke("run", "tests/records", *deep)
    assert (done.exit_code, "its key is missing" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
    folder = extract("seeds/records", tmp_path / "kept")
    kept = (folder / "extractions.jsonl").read_bytes()
    fresh = ("--fresh", "--model", "gpt-5-mini", "--out", folder)
    assert invoke("run", "seeds/records", *fresh).exit_code == 2
    assert (folder / "extractions.jsonl").read_bytes() == kept


def test_a_folder_that_cannot_be_written_means_that_the_run_cannot_start(tmp_path):
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    for study in (STUDY, "NCT04736823"):
        done = invoke("run", study, "--out", file / "out")
        assert (done.exit_code, done.stdout) == (2, "")
        assert re.search(
            rf"{file}\S*: Not a directory; fix this, or choose another place",
            done.stderr,
        )
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("code", "names"), CASES["codes"])
def test_an_error_has_the_code_that_tells_whether_to_try_again(code, names):
    kinds = [getattr(errors, name) for name in names.split()]
    assert {console.find_error_code(kind.__new__(kind)) for kind in kinds} == {code}


def test_all_exit_codes_are_in_the_reference():
    page = (DOCS / "reference" / "cli.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)}
    killed = 137
    assert documented == {
        *dict(CASES["codes"]),
        console.OK,
        console.INTERRUPTED,
        killed,
    }


@pytest.mark.skipif(os.name == "nt", reason="a script of a Unix shell")
@pytest.mark.parametrize(
    ("codes", "export", "code", "calls"), CASES["the_script_for_cron_acts_on_the_codes"]
)
def test_the_script_for_cron_acts_on_the_codes(tmp_path, codes, export, code, calls):
    page = (DOCS / "how-to" / "large-runs.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    (tmp_path / "codes").write_text("".join(f"{number}\n" for number in codes), "utf-8")
    command = tmp_path / "extractor"
    command.write_text(
        '#!/bin/sh\necho "$1" >> calls\n'
        f'[ "$1" = export ] && exit {export}\n'
        "code=$(head -n 1 codes)\ntail -n +2 codes > left\nmv left codes\n"
        'exit "$code"\n'
    )
    command.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script.replace("/data/trials", ".")],
        cwd=tmp_path,
        env={"PATH": path, "PAUSE": "0"},
        check=False,
    )
    assert done.returncode == code
    assert (tmp_path / "calls").read_text("utf-8").split() == calls.split()


# Its field "timing" is empty for two reasons, one in each section.
_TWO_REASONS = """
{"protocolSection": {"identificationModule": {"nctId": "NCT90000071", "briefTitle": "Birch"},
 "armsInterventionsModule": {
  "armGroups": [{"label": "Birch", "description": "Tests take place before the visit."}],
  "interventions": [{"type": "DRUG", "name": "Placebin", "armGroupLabels": ["Birch"],
   "description": "Placebin 5 mg is given. On day 7, breath is measured."}]}}}
"""


def test_results_are_the_same_in_each_process(tmp_path):
    (tmp_path / "birch.json").write_text(_TWO_REASONS, "utf-8")
    results = []
    for seed in ("0", "3"):  # decide in which order a set of words is read
        files = ("tests/records/studies.jsonl", str(tmp_path / "birch.json"))
        words = ("-m", "extractor", "run", *files, "--out", str(tmp_path / seed))
        rules = ("--effort", "none", "--workers", "1", "--quiet")
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, *words, *rules], check=True, env=environment)
        results.append((tmp_path / seed / "extractions.jsonl").read_bytes())
    assert results[0] == results[1]
    assert b'"dosing[0].timing","reason":"unread_number"' in results[0]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a script of a Unix shell")
def test_the_script_for_cron_keeps_its_tables_if_records_cannot_be_read(tmp_path):
    page = (DOCS / "how-to" / "large-runs.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    script = re.sub('OPTIONS=".*?"', 'OPTIONS="--workers 1"', script)
    command = tmp_path / "extractor"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m extractor "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    codes = []
    tables = []
    whole = Path("tests/records/studies.jsonl").read_bytes()
    for content in (whole, whole[:-500], b"<html>503</html>"):
        (tmp_path / "trials.jsonl").write_bytes(content)
        done = subprocess.run(
            ["sh", "-c", script.replace("/data/trials", ".")],
            cwd=tmp_path,
            env=os.environ | {"PATH": path, "PYTHONPATH": str(DOCS.parent)},
            check=False,
        )
        codes.append(done.returncode)
        tables.append((tmp_path / "nightly.duckdb").read_bytes())
    assert codes == [0, 1, 2]
    assert tables == tables[:1] * 3
    assert (tmp_path / "nightly-incomplete.duckdb").is_file()


NAMES = "id=trial,title=name,eligibility=Who, all"
ROWS = [
    {"trial": "X-1", "name": "Fictumab", "Who, all": "Adults", "title": "-", "n": 5},
    {"trial": 7, "name": "Testinib", "Who, all": "Children", "title": "-", "n": None},
]


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_columns_have_the_names_of_the_user(tmp_path, name):
    """The run keeps them, because its pages and tables read the records again."""
    table = tmp_path / name
    if name == "rows.csv":
        with table.open("w", newline="") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
    else:
        table.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")

    out = tmp_path / "out"
    run = invoke("run", table, "--columns", NAMES, "--out", out)
    assert run.exit_code == 0, run.stderr

    joined = JoinedRuns([out])
    first, second = (reread.record for reread in joined.reread())
    assert (first.record_id, second.record_id) == ("X-1", "7")
    assert first.raw_text("title") == "Fictumab"
    assert first.raw_text("eligibility") == "Adults"
    unread = "columns of the table that are not read: 'title', 'n'"
    assert (first.source.notes, second.source.notes) == ((unread,), ())
    moved = next(joined.reread([table.rename(tmp_path / f"moved_{name}")]))
    assert moved.record == first.model_copy(update={"source": moved.record.source})
    again = invoke("run", tmp_path, "--columns", "id=trial", "--out", out)
    assert "columns was" in again.stderr

    # a file of extractions does not know the names, unlike its run; Python takes them as well
    alone = shutil.copy(out / "extractions.jsonl", tmp_path / "alone.jsonl")
    words = ("--records", moved.record.source.path, "--columns", NAMES)
    to = tmp_path / "records.jsonl"
    done = invoke("export", alone, "--to", to, "--tables", "records", *words)
    assert [row["title"] for row in read_lines(to)] == ["Fictumab", "Testinib"]
    names = {"id": "trial", "title": "name", "eligibility": "Who, all"}
    rows = Extractor().table("records", words[1], columns=names)
    assert list(rows["record_id"]) == ["X-1", "7"]
    done = invoke("diff", words[1], words[1], "--columns", NAMES)
    assert "2 trials compared: no change" in done.stderr


def test_columns_are_those_of_the_tables_that_have_them(tmp_path):
    """A folder may hold registers' downloads and texts beside a user's own tables."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name in ("studies.csv", "flat.txt"):
        shutil.copy(f"tests/records/{name}", folder)
    (folder / "own.csv").write_text("trial,name,who\nX-1,Fictumab,Adults\n", "utf-8")
    texts = [
        {"trial": "X-2", "name": "Testinib", "who": "Children"},
        {"record_id": "X-3", "text": "Inclusion criteria:\n- Adults"},
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, texts)), "utf-8")
    (folder / "usual.csv").write_text("nct_id,criteria\nNCT99300001,Adults\n", "utf-8")
    (folder / "wrong.csv").write_text("trial,title\nX-4,Fictumab\n", "utf-8")
    names = {"id": "trial", "title": "name", "eligibility": "who"}

    errors = []
    records = list(read_records(folder, columns=names, on_error=errors.append))

    # without the names, only the user's tables cannot be read
    usual = [
        record.record_id for record in read_records(folder, on_error=errors.append)
    ]
    read = {*usual, "X-1", "X-2"} - {"wrong"}
    assert {record.record_id for record in records} == read
    assert {"X-3", "NCT99300001"} < read
    unread = [Path(error.path).name for error in errors]
    assert unread == ["wrong.csv", "own.csv", "rows.jsonl"]
    assert errors[0].problem.startswith("no column 'name'")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_hint_on_columns_names_the_one_with_eligibility(tmp_path, kind):
    rows = [
        {
            "trial": "X-1",
            "all": "Age 18 to 65 years\nPregnant women",
            "name": "Fictumab",
        },
        {"trial": "X-2", "all": "Adults", "name": "Testinib"},
    ]
    table = tmp_path / f"rows.{kind}"
    if kind == "csv":
        with table.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        table.write_text("\n".join(map(json.dumps, rows)), "utf-8")

    run = invoke("run", table)

    assert "--columns id=trial,title=name,eligibility=all (in Python" in run.stderr


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("titel=name", "--columns: titel: no such column (did you mean title?)"),
        ("id=trial,title", '--columns: title: "=" and your name of the column are missing'),
        ("id=trial,id=name", "--columns: id=trial,id=name: name each column only once"),
        ("id=trial,title=Trial", "--columns: id=trial,title=Trial: name each column only once"),
        ("title=nmae", "no column 'nmae' (the columns are 'trial', 'name', 'Who, all')"),
        (None, "; name its columns with --columns 'id=trial,title=name,eligibility=Who, all' (in"),
        ("id=trial", "('trial'); others are not read ('name', 'Who, all'); name its columns with "
         "--columns 'id=trial,title=name,eligibility=Who, all' (in Python, columns={'id': 'trial'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["csv", "txt", "jsonl"])
def test_a_wrong_column_is_an_error(tmp_path, kind, names, message):
    table = tmp_path / f"rows.{kind}"
    if kind == "jsonl":
        row = {"trial": "X-1", "name": "Fictumab", "Who, all": "Adults"}
        table.write_text(json.dumps(row), "utf-8")
    else:
        row = '"trial","name","Who, all"\nX-1,Fictumab,"Inclusion criteria:\nAdults"\n'
        table.write_text(row, "utf-8")

    run = invoke("run", table, *(("--columns", names) if names else ()))

    assert run.exit_code == 2
    assert message in run.stderr


def test_columns_in_any_script_are_told_apart(tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("номер,кто\nX-1,Adults\n", "utf-8")
    [record] = read_records(table, columns={"id": "номер", "eligibility": "кто"})
    assert (record.record_id, record.raw_text("eligibility")) == ("X-1", "Adults")
