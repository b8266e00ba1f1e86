"""A link that waits where a command writes: no other file is written."""

import json

import pytest

from extractor import Extractor, make_record
from tests.commands import invoke
from tests.fetch.registry import make_study, serve_registry

RECORD = "tests/records/study.json"
REMEDY = "remove the link"
RUN = ("run", RECORD, "--effort", "none", "--out")


def run(folder):
    return invoke(*RUN, folder)


def run_given(folder):
    Extractor(effort="none").run([make_record("Asthma", record_id="a")], out=folder)


def write_requests(folder):
    words = ("batch", "submit", RECORD, "--model", "gpt-5-mini", "--requests")
    return invoke(*words, folder / "requests.jsonl")


def report(folder):
    run(folder)
    return invoke("report", folder)


def fetch_again(folder):
    """Fetch into a file whose last line a kill has cut."""
    study = json.dumps(make_study(1, "Asthma"))
    (folder / "some.jsonl").write_text(f"{study}\n{study[:9]}", "utf-8")
    with serve_registry(make_study(2, "Asthma")) as registry:
        words = ("fetch", "--condition", "asthma", "-o", folder / "some.jsonl")
        return invoke(*words, EXTRACTOR_REGISTRY=registry.url)


@pytest.mark.parametrize(
    ("work", "name", "said"),
    [
        (run, ".extractions.jsonl.new", ""),
        (run, ".failures.jsonl.new", ""),
        (run, ".run.json.new", ""),
        (run, "extractions.jsonl", REMEDY),
        (run, "failures.jsonl", REMEDY),
        (run, "run.sqlite", REMEDY),
        (run, "run.sqlite-wal", REMEDY),
        (report, "report.html", REMEDY),
        (run, ".lock", "symbolic links; fix this"),
        (run_given, ".given.jsonl.new", ""),
        (run_given, "given.jsonl", ""),
        (write_requests, ".requests.jsonl.unfinished", ""),
        (fetch_again, ".some.jsonl.new", ""),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_no_link_is_followed(tmp_path, work, name, said, is_there):
    folder = tmp_path / "out"
    folder.mkdir()
    other = tmp_path / "other"
    if is_there:
        other.write_bytes(b"precious\n")
    (folder / name).symlink_to(other)

    done = work(folder)

    if done:
        code = 0
        if said:
            code = 2
        assert done.exit_code == code, done.output
        assert said in done.stderr
    assert other.exists() is is_there
    if is_there:
        assert other.read_bytes() == b"precious\n"
