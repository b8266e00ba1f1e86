"""Inputs at addresses: S3 on loopback."""

import gzip

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from benchmarks.records import write_distinct_records
from extractor.errors import RecordError
from extractor.formats import read_records
from extractor.run.addresses import open_inputs
from tests.commands import invoke, read_lines

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
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    trying = Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.2), reraise=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        for attempt in trying:  # the server may not listen yet
            with attempt:
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
    found = list(read_records(f"{placed}{suffix}", open_address=open_inputs))
    assert [record.sections for record in found] == texts[expected]
    assert found[0].source.path in {f"{placed}/a/first.jsonl", f"{placed}/b.jsonl.gz"}


@pytest.mark.parametrize(
    "address", ["s3://trials/nothing.json", "s3://nowhere/in", "s3://trials/in/*.xml"]
)
def test_a_missing_file_is_a_record_error_with_its_name(placed, address):
    errors = []
    reading = {"on_error": errors.append, "open_address": open_inputs}
    assert list(read_records(address, **reading)) == []
    assert [type(error) for error in errors] == [RecordError]
    assert errors[0].path == address


def test_a_run_reads_addresses_as_it_reads_paths(placed, records, tmp_path):
    lines = []
    for source, out in ((placed, tmp_path / "there"), (records, tmp_path / "here")):
        done = invoke("run", source, "--out", out, "--effort", "none")
        assert done.exit_code == 0, done.stderr
        read = read_lines(out / "extractions.jsonl")
        lines.append([line | {"source": None} for line in read])
    assert lines[0] == lines[1]
    assert len(lines[0]) == RECORDS


def test_results_go_to_no_address(records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("run", records, "--out", "s3://trials/out", "--effort", "none")
    assert done.exit_code == 2
    assert "s3://trials/out is an address; name a folder" in done.stderr
    assert not list(tmp_path.iterdir())
