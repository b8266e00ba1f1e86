"""Inputs and results at addresses: S3 on loopback, and another file system."""

import gzip
import json
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from extractor.errors import RecordError, StoreError
from extractor.llm.database import open_run_to_read
from extractor.read import read_records
from extractor.run.addresses import Place, open_inputs
from extractor.run.mirror import Mirror
from tests.commands import extractor

from .running import run_here

RECORDS = 20
fsspec = pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def s3():
    """An S3 server with one bucket, configured through the environment."""
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3").mkdir("trials")
        yield "s3://trials"
    server.stop()


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "records.jsonl"
    write_distinct_records(path, RECORDS)
    return path


@pytest.fixture(scope="module")
def placed(s3, records):
    """The records in the bucket, one file compressed."""
    lines = records.read_bytes().splitlines(keepends=True)
    place = Place(f"{s3}/in")
    place.write("a/first.jsonl", b"".join(lines[:12]))
    place.write("b.jsonl.gz", gzip.compress(b"".join(lines[12:])))
    place.write(".hidden", b"nothing")
    return f"{s3}/in"


@pytest.mark.parametrize(
    ("suffix", "count"), [("", 20), ("/a", 12), ("/b.jsonl.gz", 8), ("/*.gz", 8), ("/a/*.jsonl", 12)]
)
def test_records_are_read_at_an_address_as_from_a_path(placed, records, suffix, count):
    found = list(read_records(f"{placed}{suffix}", open_address=open_inputs))
    texts = [record.sections for record in read_records(records)]
    assert len(found) == count
    assert [record.sections for record in found] == (texts[:count] if count != 8 else texts[12:])
    assert found[0].source.path in {f"{placed}/a/first.jsonl", f"{placed}/b.jsonl.gz"}


@pytest.mark.parametrize("address", ["s3://trials/nothing.json", "s3://nowhere/in", "s3://trials/in/*.xml"])
def test_a_missing_file_is_a_record_error_with_its_name(s3, placed, address):
    errors = []
    assert list(read_records(address, on_error=errors.append, open_address=open_inputs)) == []
    assert [type(error) for error in errors] == [RecordError]
    assert errors[0].path == address


def test_a_run_from_s3_to_s3_equals_a_run_on_disk(s3, placed, records, tmp_path):
    with serve_counting() as server:
        command = ("run", placed, "--out", f"{s3}/out", "--model", f"{server.url}#stub", "--assist", "always")
        done = extractor(*command)
        assert done.returncode == 0, done.stderr
        assert f"the results are at {s3}/out" in done.stderr.decode()
        calls = server.calls
        again = extractor(*command)
        assert b" new)" in again.stderr
        assert server.calls - calls < calls / 4
    with serve_counting() as server:
        here = run_here(records, tmp_path / "here", server.url)
    place = Place(f"{s3}/out")
    assert _without_source(place.read("extractions.jsonl")) == _without_source(here)
    assert json.loads(place.read("run.json"))["records"]["extracted"] == RECORDS
    assert {"run.sqlite", "failures.jsonl"} <= set(place.list(""))


def test_a_run_continues_from_the_address_after_its_driver_is_killed(s3, records, tmp_path):
    out = f"{s3}/killed"
    with serve_counting(0.4) as server:
        command = ("run", str(records), "--out", out, "--model", f"{server.url}#stub", "--assist", "always")
        options = ("--concurrency", "2", "--quiet")
        killed = subprocess.Popen([sys.executable, "-m", "extractor", *command, *options])
        place = Place(out)
        while len(place.list("shards")) < 4 and killed.poll() is None:
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        before = server.calls
        assert before >= 4
        done = extractor(*command, *options)
        assert done.returncode == 0, done.stderr
        # At most the answers of the last second and the calls in flight are asked again.
        assert server.repeated <= 2 + 2 * 3
    with serve_counting() as server:
        here = run_here(records, tmp_path / "here", server.url)
    assert place.read("extractions.jsonl") == here


def test_the_run_that_began_last_owns_the_address(tmp_path, records):
    place = Place(tmp_path.as_uri())
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "run.json").write_text("{}")
    first, second = (Mirror(place, tmp_path / "work", fresh=True) for _ in range(2))
    first._begin()
    second._begin()
    second._send("shards/1", {})
    with pytest.raises(StoreError, match="another run has begun"):
        first._send("shards/2", {})


def _without_source(lines):
    found = [json.loads(line) for line in lines.splitlines()]
    return [{name: value for name, value in line.items() if name != "source"} for line in found]


@pytest.fixture
def published(tmp_path, records):
    """A run at an address, with its shards."""
    address = f"{(tmp_path / 'there').as_uri()}"
    with serve_counting() as server:
        command = (
            "run",
            records,
            "--out",
            address,
            "--model",
            f"{server.url}#stub",
            "--assist",
            "always",
            "--limit",
            4,
        )
        done = extractor(*command, "--quiet")
        assert done.returncode == 0, done.stderr
        yield Place(address), command


def test_a_run_continues_from_the_rows_of_its_shards(published, tmp_path):
    place, _ = published
    (tmp_path / "work").mkdir()
    Mirror(place, tmp_path / "work")
    assert (tmp_path / "work" / "extractions.jsonl").read_bytes()
    with closing(open_run_to_read(tmp_path / "work")) as here:
        place_of_run = tmp_path / "there"
        with closing(open_run_to_read(place_of_run)) as there:
            for table in ("prompts", "calls", "answers"):
                rows = [one.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for one in (here, there)]
                assert rows[0] == rows[1]
                assert rows[0]


@pytest.mark.parametrize(
    "shard",
    [
        {"statements": ["ATTACH DATABASE '{evil}' AS evil", "CREATE TABLE evil.t (x)"], "lines": ""},
        {"rows": [["x; ATTACH DATABASE '{evil}' AS evil", [1], {"a": 1}]], "lines": ""},
        {"rows": [["records", ["r"], {"\" FROM x; ATTACH DATABASE '{evil}' AS evil": 1}]], "lines": ""},
        {"rows": [["records", ["r"], {"record_id": ["ATTACH DATABASE '{evil}' AS evil"]}]], "lines": ""},
        {"rows": "none", "lines": 3},
    ],
)
def test_nothing_in_a_shard_is_executed(published, tmp_path, shard):
    place, command = published
    evil = tmp_path / "evil.sqlite"
    text = json.dumps(shard).replace("{evil}", str(evil))
    place.write("shards/00000099-0.json.gz", gzip.compress(text.encode()))
    done = extractor(*command)
    assert done.returncode == 1
    assert b"use --fresh or another --out" in done.stderr
    assert not evil.exists()
