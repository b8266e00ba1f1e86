"""``extractions.jsonl`` is what the store says, whatever a kill, a power cut or an editor made of it."""

import json
import re
import shutil
import sqlite3
import warnings
from contextlib import closing

import pytest

from benchmarks.records import write_distinct_records
from extractor import Extractor
from tests.commands import extract, extractor, invoke

RECORDS = 8
IDS = [f"NCT{number:08d}" for number in range(RECORDS)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run, its records, and its file of results."""
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", RECORDS)
    return extract(folder / "records.jsonl", folder / "run"), folder / "records.jsonl"


@pytest.fixture
def damaged(made, tmp_path):
    """A copy of the run, a function that damages its file of results, and the command of the
    run.
    """
    run, records = made
    out = shutil.copytree(run, tmp_path / "run")

    def damage(change):
        whole = (out / "extractions.jsonl").read_bytes()
        (out / "extractions.jsonl").write_bytes(change(whole))
        return whole

    command = (
        "run",
        records,
        "--effort",
        "none",
        "--out",
        out,
        "--workers",
        "1",
        "--quiet",
    )
    return out, damage, command


def change_lines(change):
    """Return damage to the list of lines, with their ends."""
    return lambda whole: b"".join(change(whole.splitlines(keepends=True)))


def zero(whole):
    """Zeros in place of a block in the middle, which hits the third line alone."""
    start = sum(map(len, whole.splitlines(keepends=True)[:2])) + 20
    return whole[:start] + bytes(100) + whole[start + 100 :]


def flip(whole):
    """Another digit in a value: the line is still an extraction."""
    lines = whole.splitlines(keepends=True)
    lines[2] = re.sub(rb'"confidence":0\.\d', b'"confidence":0.1', lines[2], count=1)
    return b"".join(lines)


DAMAGES = {
    "zeros": (zero, 1),
    "another value": (flip, 1),
    "line ends": (lambda whole: whole.replace(b"\n", b"\r\n"), 8),
    "byte order": (lambda whole: b"\xef\xbb\xbf" + whole, 1),
    "line lost": (change_lines(lambda lines: lines[:2] + lines[3:]), 1),
    "line cut": (
        change_lines(lambda lines: [*lines[:2], lines[2][:50] + b"\n", *lines[3:]]),
        1,
    ),
    "line end lost": (
        change_lines(lambda lines: [*lines[:2], lines[2][:-1], *lines[3:]]),
        2,
    ),
    "end cut": (lambda whole: whole[:-200], 1),
    "empty": (lambda _: b"", 8),
    "all zeros": (lambda whole: bytes(len(whole)), 8),
}
WHOLE = {
    "line doubled": change_lines(lambda lines: lines[:3] + lines[2:]),
    "lines in another order": change_lines(reversed),
    "garbage in the middle": change_lines(
        lambda lines: [*lines[:2], b"\x00\xff garbage\n", *lines[2:]]
    ),
    "zeros at the end": lambda whole: whole + bytes(4096),
    "half a line at the end": lambda whole: whole + whole[:50],
}
"""What loses no line, as a kill does."""


@pytest.mark.parametrize(("change", "lost"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_written_again_and_told(damaged, change, lost):
    out, damage, command = damaged
    whole = damage(change)
    broken = (out / "extractions.jsonl").read_bytes()

    done = invoke(*command)

    assert done.exit_code == 0, done.stderr
    assert (
        f"{out / 'extractions.jsonl'}: {lost} of its lines were lost or changed"
        in done.stderr
    )
    assert (out / "extractions.jsonl").read_bytes() == whole
    assert (out / "extractions.jsonl.damaged").read_bytes() == broken
    assert (
        json.loads((out / "run.json").read_text("utf-8"))["records"]["resumed"]
        == RECORDS
    )
    assert "damaged" not in invoke(*command).stderr


@pytest.mark.parametrize("change", WHOLE.values(), ids=WHOLE)
def test_a_file_that_lacks_no_line_is_put_in_order(damaged, change):
    out, damage, command = damaged
    whole = damage(change)

    done = invoke(*command)

    assert (done.exit_code, "damaged" in done.stderr) == (0, False), done.stderr
    assert (out / "extractions.jsonl").read_bytes() == whole
    assert not (out / "extractions.jsonl.damaged").exists()


@pytest.mark.parametrize("name", ["zeros", "line lost", "empty"])
def test_an_export_of_a_damaged_run_has_all_results(damaged, made, tmp_path, name):
    out, damage, _ = damaged
    damage(DAMAGES[name][0])
    invoke("export", made[0], "--to", tmp_path / "whole", "--format", "csv")

    exported = invoke("export", out, "--to", tmp_path / "tables", "--format", "csv")

    assert exported.exit_code == 0, exported.stderr
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "tables" / path.name).read_bytes() == path.read_bytes()


def test_a_result_whose_record_has_left_the_input_is_mended_too(damaged, tmp_path):
    out, damage, command = damaged
    lines = command[1].read_bytes().splitlines(keepends=True)
    (tmp_path / "fewer.jsonl").write_bytes(b"".join(lines[:2] + lines[3:]))
    whole = damage(zero)

    done = invoke("run", tmp_path / "fewer.jsonl", *command[2:])

    assert done.exit_code == 0, done.stderr
    mended = (out / "extractions.jsonl").read_bytes()
    assert sorted(mended.splitlines()) == sorted(whole.splitlines())


def test_a_record_whose_line_a_recovered_store_lacks_is_extracted_again(damaged):
    out, damage, command = damaged
    whole = damage(zero)
    with closing(sqlite3.connect(out / "run.sqlite")) as store:
        store.execute("DELETE FROM lines WHERE record_id = 'NCT00000002'")
        store.commit()

    assert invoke(*command).exit_code == 0

    assert (out / "extractions.jsonl").read_bytes() == whole
    assert (
        json.loads((out / "run.json").read_text("utf-8"))["records"]["resumed"]
        == RECORDS - 1
    )


def test_a_damaged_line_of_the_store_is_named(damaged, tmp_path):
    out, damage, command = damaged
    damage(zero)
    with closing(sqlite3.connect(out / "run.sqlite")) as store:
        store.executescript(
            "UPDATE lines SET packed = x'00' WHERE record_id = 'NCT00000002'"
        )

    for words in (
        command,
        ("export", out, "--to", tmp_path / "tables", "--format", "csv"),
    ):
        done = invoke(*words)
        assert done.exit_code == 1
        assert (
            "the result of NCT00000002 is damaged; run the same command" in done.stderr
        )


def test_a_damaged_store_names_what_sqlite_can_do(damaged):
    out, _, command = damaged
    path = out / "run.sqlite"
    content = path.read_bytes()
    path.write_bytes(b"\xff" * 4096 + content[4096:])

    done = invoke(*command)

    assert done.exit_code == 1
    assert f"{path}: damaged (file is not a database)" in done.stderr
    assert f"(sqlite3 {path}.damaged .recover | sqlite3 {path})" in done.stderr


def test_a_broken_copy_of_the_file_alone_names_a_remedy_that_works(made, tmp_path):
    run, _ = made
    whole = (run / "extractions.jsonl").read_bytes()
    copied = tmp_path / "copied.jsonl"
    copied.write_bytes(zero(whole))

    refused = invoke("export", copied, "--to", tmp_path / "tables", "--format", "csv")

    assert refused.exit_code == 1
    assert (
        "line 3: is broken; copy the file again from the folder of its run"
        in refused.stderr
    )
    shutil.copyfile(run / "extractions.jsonl", copied)
    assert (
        invoke(
            "export", copied, "--to", tmp_path / "tables", "--format", "csv"
        ).exit_code
        == 0
    )


@pytest.mark.parametrize("name", ["byte order", "line ends"])
def test_a_copy_that_an_editor_or_git_has_changed_is_read(made, tmp_path, name):
    run, _ = made
    copied = tmp_path / "copied.jsonl"

    copied.write_bytes(DAMAGES[name][0]((run / "extractions.jsonl").read_bytes()))

    assert (
        invoke(
            "export", copied, "--to", tmp_path / "tables", "--format", "csv"
        ).exit_code
        == 0
    )


def test_a_run_in_python_warns_and_mends(damaged):
    out, damage, command = damaged
    Extractor(effort="none").run(command[1], out=out)  # the settings are the same
    whole = damage(zero)
    with pytest.warns(UserWarning, match=r"1 of its lines were lost or changed"):
        results = Extractor(effort="none").run(command[1], out=out)
    assert len(results) == RECORDS
    assert (out / "extractions.jsonl").read_bytes() == whole
    with warnings.catch_warnings(action="error"):
        Extractor(effort="none").run(command[1], out=out)


def test_the_mended_run_of_a_real_process_ends_with_0(damaged):
    out, damage, command = damaged
    whole = damage(DAMAGES["line ends"][0])

    done = extractor(*command)

    assert (done.returncode, b"8 of its lines were lost or changed" in done.stderr) == (
        0,
        True,
    )
    assert (out / "extractions.jsonl").read_bytes() == whole
