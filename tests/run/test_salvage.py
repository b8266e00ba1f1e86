"""``extractor doctor --salvage``: what a damaged store still holds is not paid for again."""

import json
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from tests.commands import invoke, read_lines

RECORDS = 30


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run with a model, and the command that made it, which takes the server's
    address and a folder.
    """
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", RECORDS)

    def run(server, out):
        model = ("--effort", "all", "--model", f"{server.url}#stub", "--quiet")
        return invoke("run", folder / "records.jsonl", *model, "--out", out)

    with serve_counting() as server:
        done = run(server, folder / "run")
        assert done.exit_code == 0, done.stderr
        yield folder / "run", run, server


def damage_pages(content):
    """Zeros in every seventh page, but the first."""
    for start in range(4096 * 3, len(content), 4096 * 7):
        content[start : start + 4096] = bytes(4096)


def damage_bytes(content):
    lots = random.Random(3)
    for _ in range(20):
        content[lots.randrange(4096, len(content))] ^= 0xFF


def lose_the_head(content):
    content[:4096] = b"\xff" * 4096


def lose_the_end(content):
    del content[len(content) * 2 // 3 :]


@pytest.mark.parametrize("damage", [damage_pages, damage_bytes, lose_the_head, lose_the_end])
def test_what_a_damaged_store_still_holds_is_not_asked_again(made, tmp_path, damage):
    finished, run, server = made
    out = shutil.copytree(finished, tmp_path / "run")
    content = bytearray((out / "run.sqlite").read_bytes())
    damage(content)
    (out / "run.sqlite").write_bytes(content)
    asked = server.calls
    if damage is not damage_bytes:  # a changed byte may be in a text, where SQLite does not look
        report = invoke("export", out, "--to", tmp_path / "tables", "--format", "csv")
        broken = report if report.exit_code else run(server, out)
        assert f"extractor doctor --salvage {out}" in broken.stderr, broken.stderr
        assert "--fresh" not in broken.stderr
    done = invoke("doctor", "--salvage", out)
    assert done.exit_code == 0, done.output
    kept = {
        name: int(rows.split()[0])
        for name, rows in (line.split(": ") for line in done.stdout.splitlines())
    }
    assert (out / "run.sqlite.damaged").stat().st_size >= len(content)
    with closing(sqlite3.connect(finished / "run.sqlite")) as whole:
        (calls,) = whole.execute("SELECT count(*) FROM calls WHERE state = 'answered'").fetchone()
    assert kept["calls"] >= calls // 2
    again = run(server, out)
    assert again.exit_code == 0, again.stderr
    assert read_lines(out / "extractions.jsonl") == read_lines(finished / "extractions.jsonl")
    with closing(sqlite3.connect(out / "run.sqlite")) as store:
        (twice,) = store.execute(
            "SELECT count(*) FROM calls AS later JOIN calls AS earlier ON earlier.key = later.key"
            " WHERE earlier.id < later.id AND earlier.state = 'answered'"
        ).fetchone()
    assert twice == 0
    assert server.calls > asked  # refused answers are asked again by each command


def test_what_lost_calls_have_cost_still_counts(made, tmp_path):
    finished, _, _ = made
    out = shutil.copytree(finished, tmp_path / "run")
    manifest = json.loads((out / "run.json").read_text("utf-8"))
    (out / "run.json").write_text(json.dumps(manifest | {"cost": {"usd": 1.5}}), "utf-8")
    content = bytearray((out / "run.sqlite").read_bytes())
    damage_pages(content)
    (out / "run.sqlite").write_bytes(content)
    assert invoke("doctor", "--salvage", out).exit_code == 0
    with closing(sqlite3.connect(out / "run.sqlite")) as store:
        assert store.execute("SELECT sum(dollars) FROM calls").fetchone() == (pytest.approx(1.5),)


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_store_is_not_taken_for_a_new_one(made, tmp_path, content):
    """A killed run was copied without the log of its store, or its store was lost."""
    finished, run, server = made
    out, asked = shutil.copytree(finished, tmp_path / "run"), server.calls
    if content is None:
        with closing(sqlite3.connect(tmp_path / "new.sqlite")) as new:
            new.execute("PRAGMA journal_mode=WAL")
        content = (tmp_path / "new.sqlite").read_bytes()
    (out / "run.sqlite").write_bytes(content)
    for done in (
        run(server, out),
        invoke("export", out, "--to", tmp_path / "t"),
        invoke("doctor", "--salvage", out),
    ):
        assert done.exit_code == 1
        assert "copy the file that ends in -wal with it" in done.stderr
    assert server.calls == asked
    assert (out / "extractions.jsonl").read_bytes() == (finished / "extractions.jsonl").read_bytes()


def test_a_whole_store_is_salvaged_whole_and_once(made, tmp_path):
    finished, _, _ = made
    out = shutil.copytree(finished, tmp_path / "run")
    assert invoke("doctor", "--salvage", out).exit_code == 0
    dumps = []
    for path in (finished, out):
        with closing(sqlite3.connect(path / "run.sqlite")) as store:
            dumps.append(sorted(line for line in store.iterdump() if line.startswith("INSERT")))
    assert dumps[0] == dumps[1]
    for folder, reason in ((out, "move it away"), (tmp_path, "there is no such file")):
        refused = invoke("doctor", "--salvage", folder)
        assert (refused.exit_code, reason in refused.stderr) == (1, True)
