"""A run's folder: what counts as done, order, totals, damage, foreign files, and replacing."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from extractor import Extractor, make_record
from extractor.errors import SettingsDiffer, StoreError
from extractor.run import manifest as run_manifest
from extractor.run.finished import find_run
from extractor.run.manifest import digest_rules
from extractor.run.store import digest_record
from extractor.schemas import RegistryFields, Source, TrialRecord
from tests.commands import extract, invoke, read_lines
from tests.faults.running import read_manifest
from tests.stand_ins import write_distinct_records
from tests.tables import read_cases

CASES = read_cases(__file__)
RULES = Extractor(effort="none")


def perform(path, *record_ids, who="Adults"):
    """One invocation of a run with these records."""
    content = f"Inclusion criteria:\n- {who} who rest"
    made = [make_record(content, record_id=record_id) for record_id in record_ids]
    return RULES.run(made, out=path)


def written(path):
    return [one["record_id"] for one in read_lines(path / "extractions.jsonl")]


def execute(path, sql):
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        connection.executescript(sql)


def test_the_manifest_has_the_totals_of_all_invocations(tmp_path):
    files = ["tests/records/study.json", "tests/records/studies.jsonl"]
    RULES.run(files[:1], out=tmp_path)
    first = read_manifest(tmp_path)
    results = RULES.run([*files, {}], out=tmp_path)
    both = read_manifest(tmp_path)
    counts = {"extracted": 3, "lacking": 0, "resumed": 1, "failed": 1, "repeated": 0}
    assert both["records"] == counts
    criteria = [one for each in results for one in each.eligibility.criteria]
    assert both["items"]["criteria"] == len(criteria) > first["items"]["criteria"]
    assert [str(Path(name).absolute()) for name in files] == both["inputs"][:2]
    assert both["started"] == first["started"]
    assert both["seconds"] >= first["seconds"]


def test_results_end_in_input_order_whatever_came_first(tmp_path):
    for ids in (["a", "c"], ["a", "b", "c"], ["c", "a", "b"]):
        perform(tmp_path, *ids)
        assert written(tmp_path) == ids
    assert read_manifest(tmp_path)["records"]["resumed"] == 3


def test_a_record_whose_text_has_changed_is_done_again_in_its_place(tmp_path):
    perform(tmp_path, "a", "b")
    perform(tmp_path, "a", who="Children")
    perform(tmp_path, "a", "b", who="Children")
    assert written(tmp_path) == ["a", "b"]
    counts = read_manifest(tmp_path)["records"]
    assert (counts["extracted"], counts["resumed"]) == (2, 1)
    assert "Adults" not in (tmp_path / "extractions.jsonl").read_text("utf-8")


def keep_settings(**more):
    settings = {"settings": {"effort": "none", "model": None}}
    return lambda path: (path / "run.json").write_text(json.dumps(settings | more))


def make_foreign(path):
    (path / "run.sqlite").unlink()
    execute(path, "CREATE TABLE t (x)")


def keep_manifest_alone(path):
    for name in ("run.sqlite", "extractions.jsonl", "failures.jsonl"):
        (path / name).unlink()


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (
            lambda path: (path / "run.sqlite").write_text("no database, but long" * 50),
            "not a database",
        ),
        (
            lambda path: execute(path, "PRAGMA user_version=99"),
            "version of the program",
        ),
        (make_foreign, "choose another folder"),
        (lambda path: (path / "run.sqlite").unlink(), "no run.sqlite"),
        (keep_manifest_alone, "no run.sqlite, the store of its answers and what they"),
        (
            lambda path: (path / "run.json").unlink(),
            "has extractions.jsonl but no run.json; restore it, or use another --out",
        ),
        (lambda path: (path / "run.json").write_text("not json"), "another --out"),
        (keep_settings(usage=3), "another --out"),
        (keep_settings(records={"extracted": "many"}), "another --out"),
    ],
)
def test_a_foreign_or_broken_folder_is_refused_and_not_left_locked(
    tmp_path, change, reported
):
    perform(tmp_path, "a")
    change(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreError, match=reported):
            perform(tmp_path, "a")


def test_files_without_content_as_a_full_disk_leaves_them_are_no_run(tmp_path):
    for name in ("extractions.jsonl", "failures.jsonl", "run.sqlite"):
        (tmp_path / name).touch()
    perform(tmp_path, "a")
    assert written(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["extractions.jsonl", "failures.jsonl", "run.sqlite"])
def test_no_file_of_another_program_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(StoreError, match=f"has {name} but no run.json; restore it"):
        perform(tmp_path, "a")
    assert (tmp_path / name).read_text("utf-8") == "mine"


@pytest.mark.parametrize(("earlier", "said"), CASES["settings"])
def test_other_settings_are_refused_by_their_names(tmp_path, earlier, said):
    perform(tmp_path, "a")
    manifest = read_manifest(tmp_path)
    manifest["settings"] |= earlier
    (tmp_path / "run.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(SettingsDiffer, match=said):
        perform(tmp_path, "a")


@pytest.mark.parametrize(("name", "counts"), CASES["rules"])
def test_another_version_of_any_part_makes_other_rules(
    tmp_path, monkeypatch, name, counts
):
    place = str(tmp_path / "run" / "manifest.py")
    monkeypatch.setattr("extractor.run.manifest.__file__", place)
    digest = digest_rules.__wrapped__
    (tmp_path / "pipeline.py").touch()
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"one", b"two"):
        before = digest()
        path.write_bytes(content)
        assert (digest() != before) == counts


def test_all_packages_but_the_apps_the_run_and_the_match_are_parts():
    package = Path(run_manifest.__file__).parents[1]
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    assert packages - set(run_manifest._DECIDING) == {"apps", "match", "run"}


def test_a_new_status_does_not_make_another_record():
    def digest(**fields):
        registry = RegistryFields(**fields)
        source = Source(path="a", format="ctgov_json")
        return digest_record(
            TrialRecord(record_id="A", source=source, sections=(), registry=registry)
        )

    first = digest(status="RECRUITING")
    assert digest(status="COMPLETED", who_masked=["PARTICIPANT"]) == first
    assert digest(sex="ALL") != first


# --fresh moves the earlier run aside when the new one begins.


def list_files(folder):
    kinds = (".jsonl", ".json", ".sqlite")
    kept = [path for path in folder.iterdir() if path.suffix in kinds]
    return {path.name: path.read_bytes() for path in kept}


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ("tests/records/studies.jsonl --limit 1 --effort none", True),
        ("nowhere.json --effort none", False),
        ("tests/records/studies.jsonl --model gpt-5-mini", False),  # has no key
    ],
)
def test_a_fresh_run_moves_the_earlier_one_aside_once_it_begins(
    tmp_path, words, begins
):
    extract("tests/records/study.json", tmp_path)
    before = list_files(tmp_path)
    invoke("run", *words.split(), "--out", tmp_path, "--fresh", "--quiet")
    kept = tmp_path / "earlier-1"
    assert kept.exists() is begins
    assert list_files(kept if begins else tmp_path) == before
    if begins:
        invoke("run", *words.split(), "--out", tmp_path, "--fresh", "--quiet")
        assert written(kept) == ["NCT90000001"]
        assert written(tmp_path / "earlier-2") == written(tmp_path) == ["NCT90000006"]


# The file of results is what the store has.


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run, and its command."""
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", 8)
    words = ("run", folder / "records.jsonl", "--effort", "none", "--workers", "1")
    assert invoke(*words, "--out", folder / "run").exit_code == 0
    return folder / "run", (*words, "--quiet", "--out")


DAMAGE = {
    "zeros": lambda whole: whole[:900] + bytes(100) + whole[1000:],
    "value": lambda whole: re.sub(rb'"confidence":0\.\d', b'"confidence":0.1', whole),
    "line ends": lambda whole: whole.replace(b"\n", b"\r\n"),
    "mark": lambda whole: b"\xef\xbb\xbf" + whole,
    "lost": lambda whole: b"".join(whole.splitlines(keepends=True)[1:]),
    "order": lambda whole: b"".join(reversed(whole.splitlines(keepends=True))),
    "cut": lambda whole: whole[:-200],
    "repeated": lambda whole: whole + whole[:50],
    "emptied": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_of_results_is_written_again_and_hides_none(
    made, tmp_path, damage
):
    run, words = made
    out = shutil.copytree(run, tmp_path / "run")
    whole = (run / "extractions.jsonl").read_bytes()
    (out / "extractions.jsonl").write_bytes(damage(whole))
    found = find_run(out)
    assert b"".join(map(found.read_line, found.record_ids)) == whole
    assert invoke(*words, out).exit_code == 0
    assert (out / "extractions.jsonl").read_bytes() == whole
    assert read_manifest(out)["records"]["resumed"] == 8


def test_a_damaged_result_or_store_names_a_remedy(made, tmp_path):
    run, words = made
    out = shutil.copytree(run, tmp_path / "run")
    execute(out, "UPDATE records SET packed = x'00' WHERE record_id = 'NCT00000002'")
    (out / "extractions.jsonl").write_bytes(b"")
    done = invoke(*words, out)
    assert done.exit_code == 1
    assert "the result of NCT00000002 is damaged; run the same command" in done.stderr
    path = out / "run.sqlite"
    path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
    done = invoke(*words, out)
    assert done.exit_code == 1
    assert f"{path}: file is not a database; check its permissions" in done.stderr


@pytest.mark.parametrize(
    "change", [b"\r\n", b"\0\n"], ids=["git's line ends", "broken"]
)
def test_a_copy_of_the_file_alone_is_read_unless_a_line_is_broken(
    made, tmp_path, change
):
    copied = tmp_path / "copied.jsonl"
    whole = (made[0] / "extractions.jsonl").read_bytes()
    copied.write_bytes(whole.replace(b"\n", change))
    to = ("--to", tmp_path / "tables", "--format", "csv")
    done = invoke("export", copied, *to)
    assert done.exit_code == (b"\0" in change), done.stderr
    if b"\0" in change:
        assert "copied.jsonl, line 1: is" in done.stderr
