"""``extractor batch``: its output, exit codes, repeated questions, and request and answer files."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from extractor.model.database import open_run_to_read
from extractor.model.store import CallStore
from tests.commands import invoke, read_lines
from tests.provider import serve_provider

from .conftest import RECORDS

slow = pytest.mark.slow
SUBMIT = ("batch", "submit", "seeds/records", "--model", "gpt-5-mini")
COLLECT = ("batch", "collect", "seeds/records", "--model", "gpt-5-mini", "--quiet")


@pytest.fixture
def ask(words):
    """Runs a command of a batch."""

    def ask(verb, provider, *options):
        poll = ("--poll", 0) if verb == "collect" else ()
        return invoke(*words(f"batch {verb}", provider.url, *poll, *options))

    return ask


@slow
def test_submit_ends_at_once_and_collect_writes_the_results(ask, manifest):
    with serve_provider() as provider:
        done = ask("submit", provider)
        assert done.exit_code == 0, done.stderr
        assert "batch 1: submitted, 0 of 14 done" in done.stderr
        last = done.stderr.splitlines()[-1]
        assert "to collect the answers: extractor batch collect " in last
        assert ask("submit", provider).exit_code == 0  # nothing is submitted twice
        assert ask("collect", provider).exit_code == 0
        assert manifest()["records"]["extracted"] == RECORDS
        assert len(provider.batches) == 1


@slow
def test_what_is_lost_is_asked_again_by_a_live_run_alone(ask, words, manifest):
    with serve_provider(looks=0) as provider:
        assert ask("submit", provider).exit_code == 0
        provider.look("batch-0")
        provider.gone.add("batch-0")
        held = len(provider.requests)
        stopped = ask("collect", provider)
        assert stopped.exit_code == 75, stopped.stderr
        assert f"{held} of its questions are unanswered" in stopped.stderr
        assert "ask them live: extractor run" in stopped.stderr
        assert len(provider.batches) == 1
        invoke(*words("run", provider.url))
    cost = manifest()["cost"]
    assert cost["calls_without_reply"] == held  # they may have been paid for
    assert cost["usd_without_reply"] > 0


@slow
def test_a_batch_that_the_provider_does_not_take_ends_with_75(ask, manifest):
    with serve_provider(room=0) as provider:
        stopped = ask("collect", provider)
        assert stopped.exit_code == 75, stopped.stderr
        assert "the provider rejected it (token_limit_exceeded" in stopped.stderr
        assert manifest()["state"] == "stopped"
        provider.room = None
        assert ask("collect", provider).exit_code == 0


def answer(request):
    """Return a line of a provider's output: the recorded answer to the request."""
    with closing(open_run_to_read(Path("seeds/answers"))) as run:
        kept = CallStore(run).recall(request["custom_id"]).completion
    message = {"role": "assistant", "content": kept.text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {
        "prompt_tokens": kept.usage.prompt_tokens,
        "completion_tokens": kept.usage.output_tokens,
    }
    body = {"object": "chat.completion", "id": "x", "created": 0, "choices": [choice]}
    body |= {"model": kept.model, "usage": usage}
    response = {"status_code": 200, "body": body}
    return {"id": "b", "custom_id": request["custom_id"], "response": response}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def extractions(folder):
    return [row | {"source": None} for row in read_lines(folder / "extractions.jsonl")]


def test_questions_without_an_answer_are_written_again(tmp_path):
    asked = tmp_path / "requests.jsonl"
    done = invoke(*SUBMIT, "--requests", asked)
    assert (done.exit_code, done.stdout) == (0, f"{asked}\n")
    requests = read_lines(asked)
    assert done.stderr == f"extractor: {len(requests)} requests of 5 records\n"
    overloaded = {"status_code": 500, "body": {"error": {"message": "overloaded"}}}
    failed = answer(requests[1]) | {"response": overloaded}
    some = write(tmp_path / "some.jsonl", [answer(requests[0]), failed])
    rest = tmp_path / "rest.jsonl"
    out = ("--out", tmp_path / "out")
    for _ in range(2):
        first = invoke(*COLLECT, "--answers", some, "--requests", rest, *out)
        assert first.exit_code == 0
        assert "some.jsonl, line 2: status 500, overloaded" in first.stderr
    left = {line["custom_id"] for line in read_lines(rest)}
    assert left == {line["custom_id"] for line in requests[1:]}
    more = write(tmp_path / "more.jsonl", map(answer, read_lines(rest)))
    # further answers go into the folder of the first ones
    second = invoke(*COLLECT[:-1], "--answers", more, "--requests", rest, *out)
    assert second.exit_code == 0, second.stderr
    assert "still open: 0 requests" in second.stderr
    # as if a model had answered live
    replay = ("--quiet", "--replay", "seeds/answers", "--out", tmp_path / "replayed")
    invoke("run", "seeds/records", *replay)
    assert extractions(tmp_path / "out") == extractions(tmp_path / "replayed")


def test_unusable_answers_in_files_end_with_75(tmp_path, monkeypatch):
    monkeypatch.setenv("EXTRACTOR_MAX_LACKING", "0.05")
    asked = tmp_path / "requests.jsonl"
    invoke(*SUBMIT, "--requests", asked)
    answers = [answer(request) for request in read_lines(asked)]
    for line in answers:
        line["response"]["body"]["choices"][0]["message"]["content"] = "lorem"
    useless = write(tmp_path / "useless.jsonl", answers)
    rest = tmp_path / "rest.jsonl"
    out = ("--out", tmp_path / "out")
    for _ in range(2):
        done = invoke(*COLLECT[:-1], "--answers", useless, "--requests", rest, *out)
        assert done.exit_code == 75, done.stderr
        assert "no usable answer to 58 of 58 questions" in done.stderr
        assert "remove these answers from --answers" in done.stderr
        assert f"still open: 0 requests, written to {rest}" in done.stderr
        assert read_lines(rest) == []
    assert "and choose another --out" in done.stderr
    # as the message says
    some = write(tmp_path / "some.jsonl", answers[1:])
    new = ("--out", tmp_path / "new")
    invoke(*COLLECT, "--answers", some, "--requests", rest, *new)
    left = [line["custom_id"] for line in read_lines(rest)]
    assert left == [answers[0]["custom_id"]]


def test_each_paid_answer_in_files_is_counted_once_although_none_is_usable(tmp_path):
    """Their questions are not asked again."""
    asked = tmp_path / "requests.jsonl"
    invoke(*SUBMIT, "--requests", asked)
    requests = read_lines(asked)
    useless, unreadable, unstated = map(answer, requests[:3])
    useless["response"]["body"]["choices"][0]["message"]["content"] = "lorem"
    unreadable["response"]["body"]["choices"] = []
    unstated["response"]["body"] = "<html>"
    answers = write(tmp_path / "answers.jsonl", [useless, unreadable, unstated])
    out = tmp_path / "out"
    for _ in range(2):
        done = invoke(*COLLECT, "--answers", answers, "--requests", asked, "--out", out)
        assert "could not read an answer in " in done.stderr
        assert read_lines(asked) == requests[3:]
        run = json.loads((out / "run.json").read_text("utf-8"))
        stated = [line["response"]["body"]["usage"] for line in (useless, unreadable)]
        assert run["usage"]["calls"] == 3
        for name in ("prompt_tokens", "output_tokens"):
            given = name.replace("output", "completion")
            assert run["usage"][name] == sum(usage[given] for usage in stated)
        assert run["cost"]["usd"] > 0
        assert run["cost"]["calls_without_reply"] == 1
        assert run["cost"]["usd_without_reply"] > 0


def test_answers_that_come_after_a_record_is_finished_count_and_are_used(tmp_path):
    """A usable answer in the files of a command stands instead of a stored one."""
    asked = tmp_path / "requests.jsonl"
    invoke(*SUBMIT, "--requests", asked)
    good = [answer(request) for request in read_lines(asked)]
    skipping = [answer(request) for request in read_lines(asked)]
    for line in skipping:
        line["response"]["body"]["choices"][0]["message"]["content"] = '{"items": []}'
    again = [line | {"id": "another"} for line in skipping]
    named = {"skipping": skipping, "again": again, "good": good}
    files = {name: write(tmp_path / name, rows) for name, rows in named.items()}
    out = tmp_path / "out"
    # the answers of each command, and how many were paid until then
    for names, paid in (
        ("skipping", 1),
        ("skipping again", 2),
        ("good", 3),
        ("again good", 3),
        ("good again", 3),
    ):
        given = [part for name in names.split() for part in ("--answers", files[name])]
        done = invoke(*COLLECT, *given, "--out", out)
        assert done.exit_code == 0, done.stderr
        run = json.loads((out / "run.json").read_text("utf-8"))
        assert run["usage"]["calls"] == paid * len(good)
        assert (run["usage"]["unanswered"] == 0) is names.startswith("good")


@pytest.mark.parametrize("order", ["good bad", "bad good"])
def test_the_usable_answer_in_files_is_used_and_each_is_counted_once(order, tmp_path):
    asked = tmp_path / "requests.jsonl"
    invoke(*SUBMIT, "--requests", asked)
    requests = read_lines(asked)
    bad = answer(requests[0])
    bad["response"]["body"]["choices"][0]["message"]["content"] = "lorem"
    files = {
        "good": write(tmp_path / "good.jsonl", map(answer, requests)),
        "bad": write(tmp_path / "bad.jsonl", [bad]),
    }
    out = tmp_path / "out"
    # the unusable answer alone, then both, then the same again
    for names in (["bad"], order.split(), order.split()):
        given = [part for name in names for part in ("--answers", files[name])]
        done = invoke(*COLLECT, *given, "--out", out)
        assert names == ["bad"] or done.exit_code == 0, done.stderr
    run = json.loads((out / "run.json").read_text("utf-8"))
    assert run["usage"]["calls"] == len(requests) + 1
    assert run["records"]["lacking"] == 0
    both = tmp_path / "both"
    given = [part for name in order.split() for part in ("--answers", files[name])]
    invoke(*COLLECT, *given, "--out", both)
    run = json.loads((both / "run.json").read_text("utf-8"))
    assert run["usage"]["calls"] == len(requests) + 1
    assert run["records"]["lacking"] == 0


def test_a_cut_line_of_an_answer_file_counts_as_paid(tmp_path):
    """Its question is not written again, since the answer in the provider's file is paid."""
    asked = tmp_path / "requests.jsonl"
    invoke(*SUBMIT, "--requests", asked)
    requests = read_lines(asked)
    answers = write(tmp_path / "answers.jsonl", map(answer, requests))
    answers.write_bytes(answers.read_bytes()[:-40])
    rest = tmp_path / "rest.jsonl"
    out = tmp_path / "out"
    done = invoke(*COLLECT, "--answers", answers, "--requests", rest, "--out", out)
    assert f"answers.jsonl, line {len(requests)}: not an answer" in done.stderr
    assert read_lines(rest) == []
    run = json.loads((out / "run.json").read_text("utf-8"))
    assert run["usage"]["calls"] == len(requests)
    assert run["cost"]["calls_without_reply"] == 1


def test_a_request_file_that_was_not_written_is_not_named(tmp_path):
    some = write(tmp_path / "some.jsonl", [])
    rest = tmp_path / "rest.jsonl"
    none = ("--effort", "none", "--out", tmp_path / "out")
    done = invoke(*COLLECT[:-1], "--answers", some, "--requests", rest, *none)
    assert not rest.exists()
    assert str(rest) not in done.stderr


def test_files_without_an_answer_are_a_failure(tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.write_text("no answer\n", "utf-8")
    done = invoke(*COLLECT, "--answers", answers, "--out", tmp_path / "out")
    assert done.exit_code == 1, done.output
    first, *_ = done.stderr.splitlines()
    assert "no line in --answers matches a question" in first


def test_requests_in_a_file_fit_into_the_limit_and_paid_answers_always_count(tmp_path):
    """Equal answers that were paid for twice count twice, in one file or in two."""
    asked = tmp_path / "requests.jsonl"
    invoke(*SUBMIT, "--requests", asked)
    every = read_lines(asked)
    limited = invoke(*SUBMIT, "--requests", asked, "--max-usd", 0.05)
    assert limited.exit_code == 3, limited.stderr
    assert "of $0.05 are spent" in limited.stderr
    some = read_lines(asked)
    assert some == every[: len(some)]
    assert 0 < len(some) < len(every)
    assert f"{len(some)} requests of 5 records" in limited.stderr

    answers = [answer(request) for request in every[:2]]
    for line in answers:
        line["response"]["body"]["choices"][0]["message"]["content"] = "lorem"
    again = [answers[0] | {"id": "another"}]
    files = write(tmp_path / "a.jsonl", answers), write(tmp_path / "b.jsonl", again)
    few = ("--max-usd", 0.000001, "--requests", asked)
    costs = []
    for name, commands in ("two", [*zip(files), files]), ("one", [files]):
        for given in commands:
            out = ("--out", tmp_path / name)
            names = [part for file in given for part in ("--answers", file)]
            done = invoke(*COLLECT, *names, *out, *few)
            assert done.exit_code == 3, done.stderr
            assert read_lines(asked) == []
        run = json.loads((tmp_path / name / "run.json").read_text("utf-8"))
        assert run["usage"]["calls"] == 3
        costs.append(run["cost"])
    assert costs[0] == costs[1]
    assert costs[0]["usd"] > 0
