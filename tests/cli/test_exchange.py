"""Batch files out and in, as a user of a provider's batch API has them."""

import json
from pathlib import Path

import pytest

from tests.cli.test_run import lines
from tests.commands import extractor

SEEDS = ("run", "seeds/records")


@pytest.fixture
def requests(tmp_path):
    path = tmp_path / "requests.jsonl"
    done = extractor(*SEEDS, "--model", "gpt-5-mini", "--export-requests", path, "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"records": 5, "requests": len(lines(path)), "files": [str(path)]}
    return lines(path)


def recorded(request):
    """A line of a provider's output: the answer that was recorded for the request."""
    (path,) = Path("seeds/answers").glob(f"{request['custom_id'][:16]}.json")
    exchange = json.loads(path.read_text("utf-8"))
    body = {
        "object": "chat.completion",
        "id": "x",
        "created": 0,
        "model": exchange["model"],
        "usage": exchange["usage"],
    }
    body |= {"choices": [{"index": 0, **exchange["reply"]}]}
    return {"id": "b", "custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def extractions(folder):
    rows = lines(folder / "extractions.jsonl")
    return [{name: value for name, value in row.items() if name != "source"} for row in rows]


def test_answers_by_file_give_what_answers_by_network_gave(tmp_path, requests):
    answers = write(tmp_path / "answers.jsonl", map(recorded, reversed(requests)))
    done = extractor(*SEEDS, "--import-answers", answers, "--out", tmp_path / "by-file", "--quiet")
    assert (done.returncode, done.stderr) == (0, b"")
    extractor(*SEEDS, "--replay", "seeds/answers", "--out", tmp_path / "replayed", "--quiet")
    assert extractions(tmp_path / "by-file") == extractions(tmp_path / "replayed")


def test_a_second_export_holds_what_is_still_open(tmp_path, requests):
    failed = recorded(requests[1]) | {"response": {"status_code": 500, "body": {"error": {"message": "overloaded"}}}}
    some = write(tmp_path / "some.jsonl", [recorded(requests[0]), failed])
    command = (*SEEDS, "--model", "gpt-5-mini", "--import-answers", some, "--export-requests", tmp_path / "rest.jsonl")
    done = extractor(*command, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert b"some.jsonl, line 2: status 500, overloaded" in done.stderr
    assert {r["custom_id"] for r in lines(tmp_path / "rest.jsonl")} == {r["custom_id"] for r in requests[1:]}
    assert sum(row["usage"]["open_questions"] for row in extractions(tmp_path / "out")) > 0
    more = write(tmp_path / "more.jsonl", map(recorded, lines(tmp_path / "rest.jsonl")))
    whole = extractor(*SEEDS, "--import-answers", some, "--import-answers", more, "--out", tmp_path / "whole", "-q")
    assert whole.returncode == 0
    assert sum(row["usage"]["open_questions"] for row in extractions(tmp_path / "whole")) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--export-requests", "r.jsonl"), b"--model"),
        (("--export-requests", "r.jsonl", "--model", "m", "--out", "o"), b"drop --out"),
        (("--export-requests", "r.jsonl", "--model", "m", "--assist", "never"), b"nothing to export"),
        (("--import-answers", "none.jsonl"), b"no such file"),
        (("--import-answers", "README.md", "--replay", "seeds/answers"), b"not both"),
    ],
)
def test_what_cannot_go_together_is_refused(options, told):
    done = extractor(*SEEDS, *options)
    assert done.returncode == 2
    assert told in done.stderr
