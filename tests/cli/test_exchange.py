"""Export and import of batch files for a provider's batch API."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from extractor.model.database import open_run_to_read
from extractor.model.store import CallStore
from extractor.plurals import counted
from tests.commands import invoke, read_lines

SEEDS = ("seeds/records", "--quiet")


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    path = tmp_path_factory.mktemp("exchange") / "requests.jsonl"
    done = invoke(
        "batch", "submit", *SEEDS, "--model", "gpt-5-mini", "--requests", path
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {
        "records": 5,
        "requests": len(read_lines(path)),
        "files": [str(path)],
    }
    return read_lines(path)


def recorded(request):
    """Return a line of a provider's output: the recorded answer to the request."""
    with closing(open_run_to_read(Path("seeds/answers"))) as run:
        kept = CallStore(run).recall(request["custom_id"]).completion
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": kept.text},
        "finish_reason": "stop",
    }
    usage = {
        "prompt_tokens": kept.usage.prompt_tokens,
        "completion_tokens": kept.usage.output_tokens,
    }
    body = {"object": "chat.completion", "id": "x", "created": 0, "choices": [choice]}
    body |= {"model": kept.model, "usage": usage}
    return {
        "id": "b",
        "custom_id": request["custom_id"],
        "response": {"status_code": 200, "body": body},
        "error": None,
    }


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def extractions(folder):
    return [row | {"source": None} for row in read_lines(folder / "extractions.jsonl")]


@pytest.mark.slow
def test_answers_from_a_file_give_the_same_results_as_from_the_network(
    tmp_path, requests
):
    answers = write(tmp_path / "answers.jsonl", map(recorded, reversed(requests)))
    done = invoke(
        "batch", "collect", *SEEDS, "--answers", answers, "--out", tmp_path / "by-file"
    )
    assert (done.exit_code, done.stderr) == (0, "")
    invoke("run", *SEEDS, "--replay", "seeds/answers", "--out", tmp_path / "replayed")
    assert extractions(tmp_path / "by-file") == extractions(tmp_path / "replayed")


def test_a_second_export_holds_the_open_requests(tmp_path, requests):
    failed = recorded(requests[1]) | {
        "response": {"status_code": 500, "body": {"error": {"message": "overloaded"}}}
    }
    some = write(tmp_path / "some.jsonl", [recorded(requests[0]), failed])
    rest = tmp_path / "rest.jsonl"
    files = ("--answers", some, "--requests", rest)
    done = invoke(
        "batch",
        "collect",
        *SEEDS,
        "--model",
        "gpt-5-mini",
        *files,
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 0
    assert "some.jsonl, line 2: status 500, overloaded" in done.stderr
    assert {r["custom_id"] for r in read_lines(rest)} == {
        r["custom_id"] for r in requests[1:]
    }
    assert (
        sum(row["usage"]["open_questions"] for row in extractions(tmp_path / "out")) > 0
    )
    more = write(tmp_path / "more.jsonl", map(recorded, read_lines(rest)))
    whole = invoke(
        "batch",
        "collect",
        *SEEDS,
        "--answers",
        some,
        "--answers",
        more,
        "--out",
        tmp_path / "whole",
    )
    assert whole.exit_code == 0
    assert (
        sum(row["usage"]["open_questions"] for row in extractions(tmp_path / "whole"))
        == 0
    )


def test_further_answers_go_into_the_folder_of_the_first_ones(tmp_path, requests):
    def answer(request):
        message = {
            "index": 0,
            "message": {"role": "assistant", "content": '{"items": []}'},
            "finish_reason": "stop",
        }
        body = {
            "object": "chat.completion",
            "id": "x",
            "created": 0,
            "choices": [message],
            "model": "gpt-5-mini",
        }
        return {
            "id": "b",
            "custom_id": request["custom_id"],
            "response": {"status_code": 200, "body": body},
        }

    done = []
    rest = tmp_path / "rest.jsonl"
    open_ = []
    for name, asked in (("first", requests[:1]), ("second", requests[1:])):
        answers = write(tmp_path / f"{name}.jsonl", map(answer, asked))
        words = (
            "batch",
            "collect",
            SEEDS[0],
            "--model",
            "gpt-5-mini",
            "--answers",
            answers,
            "--requests",
            rest,
        )
        done.append(invoke(*words, "--out", tmp_path / "out"))
        assert done[-1].exit_code in (0, 1), done[-1].output
        assert "other settings" not in done[-1].stderr
        open_.append(
            json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["records"][
                "lacking"
            ]
        )
    assert (open_[0] > 0, open_[1]) == (True, 0)
    assert (
        f"still open: {counted(len(requests) - 1, 'request')}, in {rest}"
        in done[0].stderr
    )
    assert "all requests are answered" in done[1].stderr
