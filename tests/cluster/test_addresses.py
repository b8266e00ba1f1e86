"""Inputs at addresses: S3 on loopback."""

import gzip
import json

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from benchmarks.records import write_distinct_records
from extractor.errors import RecordError
from extractor.formats import read_records
from extractor.run.addresses import open_inputs
from tests.commands import invoke

pytestmark = pytest.mark.slow

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
        for attempt in Retrying(
            stop=stop_after_delay(30), wait=wait_fixed(0.2), reraise=True
        ):
            with attempt:  # the server may not listen yet
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
    files = fsspec.filesystem("s3")
    files.pipe_file(f"{s3}/in/a/first.jsonl", b"".join(lines[:12]))
    files.pipe_file(f"{s3}/in/b.jsonl.gz", gzip.compress(b"".join(lines[12:])))
    files.pipe_file(f"{s3}/in/.hidden", b"nothing")
    return f"{s3}/in"


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("", slice(0, 20)),
        ("/a", slice(0, 12)),
        ("/b.jsonl.gz", slice(12, 20)),
        ("/*.gz", slice(12, 20)),
        ("/a/*.jsonl", slice(0, 12)),
    ],
)
def test_records_are_read_at_an_address_as_from_a_path(
    placed, records, suffix, expected
):
    texts = [record.sections for record in read_records(records)]
    assert len(texts) == 20

    found = list(read_records(f"{placed}{suffix}", open_address=open_inputs))

    assert [record.sections for record in found] == texts[expected]
    assert found[0].source.path in {f"{placed}/a/first.jsonl", f"{placed}/b.jsonl.gz"}


@pytest.mark.parametrize(
    "address", ["s3://trials/nothing.json", "s3://nowhere/in", "s3://trials/in/*.xml"]
)
def test_a_missing_file_is_a_record_error_with_its_name(s3, placed, address):
    errors = []
    assert (
        list(read_records(address, on_error=errors.append, open_address=open_inputs))
        == []
    )
    assert [type(error) for error in errors] == [RecordError]
    assert errors[0].path == address


def test_a_run_reads_addresses_as_it_reads_paths(placed, records, tmp_path):
    for source, out in ((placed, "there"), (records, "here")):
        done = invoke("run", source, "--out", tmp_path / out, "--effort", "none")
        assert done.exit_code == 0, done.stderr
    there, here = (
        _without_source(tmp_path / out / "extractions.jsonl")
        for out in ("there", "here")
    )

    assert len(there) == RECORDS
    assert there == here


def _without_source(file):
    found = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [
        {name: value for name, value in line.items() if name != "source"}
        for line in found
    ]


def test_results_go_to_no_address(records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    done = invoke("run", records, "--out", "s3://trials/out", "--effort", "none")

    assert done.exit_code == 2
    assert "s3://trials/out is an address; name a folder" in done.stderr
    assert not list(tmp_path.iterdir())
