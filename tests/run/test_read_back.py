"""Results that are read back, from runs and files, are those of the run; several are one input."""

import json
import os
import re
import shutil
import warnings
from importlib.metadata import version
from pathlib import Path

import pytest

import extractor
from extractor import Extractor, make_record, read_results
from extractor.apps.export import list_tables
from extractor.errors import ArgumentError, StoreError
from extractor.run.joined import JoinedRuns
from tests.commands import extract, invoke, read_lines
from tests.faults.server import serve_faults

RECORDS = "tests/records/studies.jsonl"
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
NAMES = [table.name for table in list_tables()]
FIELD = "class Own(BaseModel):\n    '''A word.'''\n    word: str = Pattern(r'(?P<word>{})')\n"


def write_trial(path, age="18 years", title="Fictumab"):
    """Write a record whose text and register state an age, or one that cannot be read."""
    study = json.loads(Path("tests/records/study.json").read_text("utf-8"))
    sections = study["protocolSection"]
    sections["identificationModule"] |= {"nctId": path.stem, "briefTitle": title}
    criteria = f"Inclusion Criteria:\n\n* Age at least {age}\n* Haemoglobin >= 12 g/dL in women"
    sections["eligibilityModule"] = {
        "eligibilityCriteria": criteria,
        "sex": "FEMALE",
        "minimumAge": age,
    }
    path.write_text(json.dumps(study), "utf-8")
    return path


def show(results):
    """Everything that results tell."""
    return {
        "extractions": [one.model_dump(mode="json") for one in results],
        "failures": results.failures,
        "usage": results.usage,
        "stopped": results.stopped is not None,
        "text": repr(results),
        **{name: results.to_pandas(name).to_csv() for name in NAMES},
    }


@pytest.fixture
def asked(tmp_path):
    """The results of a run with a model, of which one record fails and two are extracted."""
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, "utf-8")
    lines = Path(RECORDS).read_text("utf-8").splitlines()
    records = tmp_path / "three.jsonl"
    records.write_text("\n".join([lines[0], "{}", lines[1]]), "utf-8")
    with serve_faults() as server:
        asking = Extractor(f"{server.url}#stub", prices=prices, effort="full")
        yield asking.run(records, out=tmp_path / "run")


def test_results_that_are_read_back_are_those_of_the_run(asked, tmp_path):
    expected = show(asked)
    assert expected["usage"].calls
    assert expected["usage"].usd > 0
    assert len(expected["failures"]) == 1
    for path in ("run", "run/extractions.jsonl"):
        again = read_results(tmp_path / path)
        assert show(again) == expected
        assert again.folder == asked.folder
        twice = read_results(tmp_path / "run", tmp_path / path)
        assert show(twice) == expected
        assert show(read_results([tmp_path / "run", tmp_path / path])) == expected
    pages = [one.report(tmp_path / "a.html").read_bytes() for one in (asked, again)]
    assert pages[0] == pages[1]
    alone = shutil.copy(
        tmp_path / "run" / "extractions.jsonl", tmp_path / "alone.jsonl"
    )
    found = show(read_results(alone, records=[tmp_path / "three.jsonl"]))
    assert found["usage"].model_dump() == expected["usage"].model_dump() | {"usd": None}
    assert {name: found[name] for name in NAMES} == {name: expected[name] for name in NAMES}  # fmt: skip
    assert found["extractions"] == expected["extractions"]


@pytest.mark.parametrize("name", ["pläne", 'the "first"', "line\u2028end"])
def test_any_name_of_a_folder_or_file_is_read_back(tmp_path, name):
    out = tmp_path / name
    out.mkdir()
    (out / f"{name}.json").write_text("{", "utf-8")
    made = make_record("Inclusion criteria:\n- Adults", record_id="A")
    results = Extractor().run([made, out / f"{name}.json"], out=out / "run")
    assert [Path(one["path"]).stem for one in results.failures] == [name]
    copy = results.save(out / "copy")
    shutil.rmtree(out / "run")
    (reread,) = JoinedRuns([copy]).reread()
    assert reread.text == "same"
    words = ("run", out / f"{name}.json", "--out", out / "cli", "--effort", "none")
    assert invoke(*words).exit_code == 2


def test_a_run_that_is_not_complete_is_told_as_by_the_run(tmp_path):
    run = extract(RECORDS, tmp_path / "run")
    manifest = json.loads((run / "run.json").read_text("utf-8"))
    stopped = {"state": "stopped", "stopped_by": "the budget was reached"}
    (run / "run.json").write_text(json.dumps(manifest | stopped), "utf-8")
    with pytest.warns(UserWarning, match="the run is not complete: .*the budget was"):
        results = read_results(run)
    assert "the budget was reached" in results.stopped
    (tmp_path / "none.jsonl").write_text("{}", "utf-8")
    with pytest.warns(UserWarning, match="no record could be extracted: .*none"):
        Extractor().run(tmp_path / "none.jsonl", out=tmp_path / "none")
    with pytest.warns(UserWarning, match="no record could be extracted: .*none"):
        read_results(tmp_path / "none")


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A run of all records, and two runs of half of them each."""
    folder = tmp_path_factory.mktemp("halves")
    files = sorted(path for path in Path("seeds/records").iterdir())
    whole = extract("seeds/records", folder / "whole")
    parts = []
    for number, some in enumerate((files[:2], files[2:])):
        (records := folder / f"records-{number}").mkdir()
        for file in some:
            shutil.copy(file, records)
        parts.append(extract(records, folder / f"part-{number}"))
    return whole, *parts


def test_several_runs_are_one_input_of_each_command(halves, tmp_path):
    whole, *parts = halves
    words = ("--to", "TO", "--format", "csv", "--force")
    printed = []
    for runs in ([whole], parts):
        to = tmp_path / "tables"
        export = invoke(
            "export", *runs, *(to if word == "TO" else word for word in words)
        )
        assert export.exit_code == 0, export.output
        doubts = invoke("list", *runs, "doubts")
        since = invoke(
            "list", *runs, "values", "--since", parts[0], "--since", parts[1]
        )
        scores = invoke("evaluate", "seeds/gold", *runs)
        page = tmp_path / "page.html"
        report = invoke("report", *runs, "--out", page, "--records", "seeds/records")
        assert report.exit_code == 0, report.output
        assert page.read_text("utf-8").count("questions</dt>") == len(runs)
        assert "<dt>Records</dt><dd>5</dd>" in page.read_text("utf-8")
        tables = {path.name: path.read_bytes() for path in to.iterdir()}
        # a record's file is another one
        tables.pop("records.csv")
        printed.append(
            (
                tables,
                export.stderr,
                doubts.stdout,
                since.stdout,
                scores.stdout.splitlines()[1:],
            )
        )
        assert "several results" not in export.stderr + doubts.stderr + scores.stderr
    assert printed[0] == printed[1]
    joined = read_results(*parts)
    assert len(joined) == 5
    assert joined.usage == read_results(whole).usage
    assert joined.evaluate("seeds/gold", resamples=0).figure("all") > 0.9


@pytest.fixture
def twice(tmp_path):
    """Two runs: NCT00000001 has a result in both, NCT00000002 has failed in the first."""
    first = write_trial(tmp_path / "NCT00000001.json")
    old = extract(first, tmp_path / "old")
    failure = {"record_id": "NCT00000002", "error": "RecordTooSlow", "message": "slow"}
    (old / "failures.jsonl").write_text(json.dumps(failure), "utf-8")
    second = write_trial(tmp_path / "NCT00000002.json")
    write_trial(first, age="21 years")
    (records := tmp_path / "records").mkdir()
    for file in (first, second):
        file.rename(records / file.name)
    return [old, extract(records, tmp_path / "new")]


TOLD = "several results, of which the last is used, for 1 record: NCT00000001"


@pytest.mark.parametrize(
    "words",
    [
        ("export", "RUNS", "--to", "OUT.jsonl", "--tables", "eligibility"),
        ("list", "RUNS", "values", "--field", "minimum_age", "--to", "OUT.jsonl"),
        ("report", "RUNS", "--out", "OUT.html"),
        ("evaluate", "GOLD", "RUNS", "--html", "OUT.html"),
        ("evaluate", "GOLD", "NEW", "--compare", "OLD", "--compare", "NEW"),
        ("list", "NEW", "values", "--since", "OLD", "--since", "NEW"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_a_record_in_several_runs_is_told_counted_once_and_the_last_counts(
    twice, tmp_path, words
):
    gold = {"record_id": "NCT00000001", "eligibility": {"minimum_age": {"value": 21, "unit": "year"}}}  # fmt: skip
    (tmp_path / "gold.jsonl").write_text(json.dumps(gold), "utf-8")
    old, new = twice
    given = {
        "RUNS": twice,
        "OLD": [old],
        "NEW": [new],
        "GOLD": [tmp_path / "gold.jsonl"],
    }
    command = []
    for word in words:
        command += given.get(word, [word.replace("OUT", str(tmp_path / "out"))])
    done = invoke(*command)
    assert done.exit_code == 0, done.output
    assert done.stderr.count(TOLD) == 1
    if (tmp_path / "out.jsonl").exists():
        rows = read_lines(tmp_path / "out.jsonl")
        assert [row["record_id"] for row in rows] == ["NCT00000001", "NCT00000002"]
        assert "21" in json.dumps(rows[0])
    if "GOLD" in words:
        (row,) = re.findall(r"^eligibility\.minimum_age\t.*", done.stdout, re.M)
        assert "1.000" in row.split("\t")


def test_a_record_of_several_runs_failed_only_if_no_later_run_extracted_it(twice):
    old, new = twice
    for runs, failed in (([old, new], 0), ([new, old], 1)):
        with pytest.warns(UserWarning, match="several results"):
            results = read_results(*runs)
        assert len(results.failures) == failed
        assert invoke("list", *runs, "values").exit_code == failed


def test_results_are_looked_up_by_the_ids_of_records(twice):
    results = read_results(twice[0])
    assert results.keys() == ["NCT00000001"]
    assert "NCT00000001" in results
    assert results.get("NCT00000001") == results["NCT00000001"]
    assert results.get("NCT00000002") is None
    for key, message in (
        ("NCT00000002", "^NCT00000002: the record failed: slow$"),
        ("NCT0000001", "no such record .did you mean NCT00000001"),
        (0, "no such record; .* results.extractions.0. is the first"),
    ):
        assert key not in results
        with pytest.raises(KeyError, match=message) as raised:
            results[key]
        assert isinstance(raised.value, ArgumentError)


def test_a_record_that_occurs_twice_in_a_file_is_told_too(twice, tmp_path):
    file = tmp_path / "both.jsonl"
    lines = [(run / "extractions.jsonl").read_bytes() for run in twice]
    file.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    to = tmp_path / "t.jsonl"
    done = invoke("export", file, "--to", to, "--tables", "eligibility")
    assert TOLD in done.stderr
    assert [row["minimum_age_value"] for row in read_lines(to)] == [21, 18]


@pytest.mark.parametrize("is_run", [True, False], ids=["run", "file"])
def test_the_columns_that_need_the_records_are_named(tmp_path, is_run):
    """And no others: each column that differs without the records is declared in
    ``tables.toml``.
    """
    records = shutil.copytree("tests/records", tmp_path / "records")
    write_trial(records / "NCT00000001.json")
    source = extract(records, tmp_path / "run")
    moved = records.rename(tmp_path / "moved")
    if not is_run:
        source = shutil.copy(source / "extractions.jsonl", tmp_path / "alone.jsonl")
    found = []
    told = ""
    for given in ((), ("--records", moved)):
        to = tmp_path / f"tables-{len(given)}"
        done = invoke(
            "export", source, "--to", to, "--format", "jsonl", "--quiet", *given
        )
        assert done.exit_code == 0, done.output
        assert ("inputs of 13 records are missing" in done.stderr) is not given
        found.append({name: read_lines(to / f"{name}.jsonl") for name in NAMES})
        told += done.stderr
    without, complete = found
    for table in list_tables():
        rows = (without[table.name], complete[table.name])
        pairs = zip(*rows, strict=False)
        differ = {name for old, new in pairs for name in new if old[name] != new[name]}
        differ -= {key.name for key in table.keys}
        assert differ <= set(table.registered), table.name
        if not table.registered:
            assert rows[0] == rows[1]
            assert f"{table.name} (" not in told
        else:
            assert f"{table.name} ({table.registered[0]}" in told
    assert complete["records"][0]["title"]
    with pytest.warns(UserWarning, match=r"arms \(label.*with records, or repeat"):
        read_results(source).table("arms")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_results(source).to_polars("criteria")) == len(
            complete["criteria"]
        )
        arms = read_results(source, records=moved).to_arrow("arms")
    assert arms.num_rows == len(complete["arms"]) > 0
    (table := tmp_path / "own.csv").write_text("trial,who\nX-1,Adults\n", "utf-8")
    with pytest.raises(ArgumentError, match="name its columns with --columns id="):
        read_results(source, records=table).table("arms")


def test_a_file_takes_no_register_from_a_record_whose_text_differs(tmp_path):
    record = write_trial(tmp_path / "NCT00000001.json")
    run = extract(record, tmp_path / "run")
    file = shutil.copy(run / "extractions.jsonl", tmp_path / "alone.jsonl")
    write_trial(record, age="21 years", title="Fictumab again")
    words = ("--to", tmp_path / "t.jsonl", "--tables", "records", "--records", record)
    for source in (run, file):
        done = invoke("export", source, *words, "--force")
        assert "the inputs of 1 record are changed" in done.stderr
        (row,) = read_lines(tmp_path / "t.jsonl")
        assert row["title"] is None


def test_what_cannot_be_read_back_is_refused(tmp_path):
    run = extract("seeds/records", tmp_path / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.jsonl").write_text('{"record_id": "A"}\n{"recor', "utf-8")
    for paths, error, message in (
        ((), ArgumentError, "specify the folder of a run"),
        ((tmp_path / "none",), ArgumentError, "no such file or folder"),
        ((run, tmp_path / "empty"), StoreError, "empty: contains no results"),
        (
            (tmp_path / "broken.jsonl",),
            StoreError,
            "broken.jsonl, line 2: is not a valid",
        ),
    ):
        with pytest.raises(error, match=message):
            read_results(*paths)
    with pytest.warns(UserWarning, match="several results"):
        results = read_results(run, shutil.copytree(run, tmp_path / "other"))
    for refused in (lambda: results.folder, lambda: results.save(tmp_path / "a")):
        with pytest.raises(ArgumentError, match="not the folder of a single run"):
            refused()
    assert read_results(run).save(tmp_path / "copy").is_dir()


def test_pipes_and_devices_are_no_results(tmp_path):
    run = extract("seeds/records", tmp_path / "run")
    pipe = tmp_path / "gold" / "pipe.json"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        for words in (
            ("export", path, "--to", tmp_path / "t.csv"),
            ("report", path, "--out", tmp_path / "page.html"),
            ("evaluate", path, run),
        ):
            done = invoke(*words)
            assert done.exit_code == 2, done.output
            assert f"{path}: neither a file nor a folder" in done.stderr
    assert invoke("evaluate", pipe.parent, run).exit_code != 0


def test_runs_that_declare_a_field_differently_are_not_joined(tmp_path):
    runs = []
    for number in (1, 2):
        own = tmp_path / f"own{number}.py"
        own.write_text(
            "from pydantic import BaseModel, Field\n\n"
            f'class Own(BaseModel):\n    """A word of kind {number}."""\n'
            '    word: str = Field(pattern="fictumab")\n',
            "utf-8",
        )
        runs.append(
            extract("seeds/records", tmp_path / f"{number}", "--fields", f"{own}:Own")
        )
    for words in (("list", *runs, "values"), ("evaluate", "seeds/gold", *runs)):
        done = invoke(*words)
        assert done.exit_code == 2
        assert "declares the field own differently" in done.stderr
    assert len(read_results(runs[0]).table("custom_own")) == 0


def test_the_package_states_its_version_and_lists_what_can_be_imported():
    assert extractor.__version__ == version("trial-extractor")
    listed = dir(extractor)
    assert {*extractor.__all__, "__version__", "read_results"} <= {*listed}
    assert all(hasattr(extractor, name) for name in listed)
