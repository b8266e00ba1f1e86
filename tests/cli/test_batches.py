"""Batches whose answers cannot be had now, by the command: what it says, its exit code, and what
is asked again.
"""

import json
from functools import partial

import pytest

from benchmarks.records import write_distinct_records
from tests.commands import invoke, read_lines
from tests.provider import serve_provider

pytestmark = pytest.mark.slow

RECORDS = 6
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\nbatch = 0.5\n"
PAGE = b"<html><title>Gateway</title></html>"


@pytest.fixture
def command(tmp_path):
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")

    def run(verb, provider, *options):
        model = (
            "--model",
            f"{provider.url}#stub",
            "--effort",
            "all",
            "--prices",
            tmp_path / "prices.toml",
        )
        poll = ("--poll", 0) if verb == "collect" else ()
        return invoke(
            "batch",
            verb,
            tmp_path / "records.jsonl",
            "--out",
            tmp_path / "out",
            *model,
            *poll,
            *options,
        )

    return run


@pytest.fixture
def manifest(tmp_path):
    return lambda: json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))


def count_live(provider):
    return provider.asked.count("POST /chat/completions")


def count_lost(out):
    return out["cost"]["calls_without_reply"]


def test_a_download_that_stays_unreadable_ends_the_command_unfinished(
    command, manifest, tmp_path
):
    with serve_provider(spoils=[lambda _: PAGE] * 4, counts=True) as provider:
        stopped = command("collect", provider)
        assert stopped.exit_code == 75, stopped.stderr
        assert (
            "its answers cannot be read: it is no file of answers, but '<html>"
            in stopped.stderr
        )
        assert "go on with: extractor" in stopped.stderr
        left = manifest()
        assert (left["state"], left["records"]["lacking"], left["usage"]["calls"]) == (
            "stopped",
            RECORDS,
            0,
        )
        assert left["stopped_by"] == "batches left questions without an answer"
        assert (len(provider.batches), count_live(provider)) == (1, 0)
        done = command("collect", provider)
        assert done.exit_code == 0, done.stderr
        assert (count_lost(manifest()), count_live(provider)) == (0, 0)
    assert len(read_lines(tmp_path / "out" / "extractions.jsonl")) == RECORDS


@pytest.mark.parametrize("kind", ["batch", "file"])
def test_what_is_gone_is_asked_again_on_the_users_word_alone(command, manifest, kind):
    with serve_provider(looks=0) as provider:
        assert command("submit", provider).exit_code == 0
        provider.look("batch-0")
        provider.gone.add(
            "batch-0"
            if kind == "batch"
            else provider.batches["batch-0"]["output_file_id"]
        )
        held = len(provider.requests)
        for _ in range(2):
            stopped = command("collect", provider)
            assert stopped.exit_code == 75, stopped.stderr
            assert "no longer" in stopped.stderr
            assert f"{held} of its questions have no answer" in stopped.stderr
            assert "add --ask-again" in stopped.stderr
            assert "check the model's name" not in stopped.stderr
            assert (len(provider.batches), count_live(provider)) == (1, 1)
        done = command("collect", provider, "--ask-again")
        assert done.exit_code == 0, done.stderr
        again = provider.requests[held:]
        assert {one["custom_id"] for one in again[:held]} == {
            one["custom_id"] for one in provider.requests[:held]
        }
        assert count_live(provider) == 1
    assert count_lost(manifest()) == held  # they may have been paid for
    assert manifest()["cost"]["usd_without_reply"] > 0


def test_a_run_says_that_it_asks_live_what_batches_hold(command, tmp_path):
    with serve_provider() as provider:
        assert command("submit", provider).exit_code == 0
        live = (
            "--model",
            f"{provider.url}#stub",
            "--effort",
            "all",
            "--prices",
            tmp_path / "prices.toml",
        )
        done = invoke(
            "run", tmp_path / "records.jsonl", "--out", tmp_path / "out", *live
        )
        elsewhere = invoke(
            "run", tmp_path / "records.jsonl", "--out", tmp_path / "other", *live
        )

    assert (
        "for the answers of batches; this command asks live, so that answers may be paid "
        "twice"
    ) in done.stderr
    assert "`extractor batch collect` waits for the batches instead" in done.stderr
    assert "of batches" not in elsewhere.stderr


def test_a_limit_of_enqueued_tokens_that_stays_ends_the_command_unfinished(
    command, manifest
):
    with serve_provider(room=0) as provider:
        stopped = command("collect", provider)
        assert stopped.exit_code == 75, stopped.stderr
        assert (
            "the provider had no room for it (token_limit_exceeded Enqueued token limit reached"
            in stopped.stderr
        )
        left = manifest()
        assert (left["state"], left["records"]["lacking"], count_live(provider)) == (
            "stopped",
            RECORDS,
            0,
        )
        provider.room = None
        done = command("collect", provider)
        assert done.exit_code == 0, done.stderr
        assert manifest()["state"] == "complete"


def test_batches_are_split_by_an_option_and_submitted_one_after_another(
    command, manifest
):
    with serve_provider(room=1) as provider:
        submitted = command("submit", provider, "--batch-tokens", 1)
        assert submitted.exit_code == 0, submitted.stderr
        assert (
            "batch 2: waiting, 0 of 1 done; it is submitted when there is room for its tokens"
            in submitted.stderr
        )
        assert len(provider.batches) == 1
        done = command("collect", provider, "--batch-tokens", 1)
        assert done.exit_code == 0, done.stderr
        assert "failed" not in [one["status"] for one in provider.batches.values()]
        assert (
            max(
                len(provider.files[one["input_file_id"]].splitlines())
                for one in provider.batches.values()
            )
            == 1
        )
    assert manifest()["state"] == "complete"


def test_a_refused_submit_ends_with_75_and_collect_goes_on(command):
    with serve_provider(faults={"POST /batches": [(429, FULL)] * 99}) as provider:
        stopped = command("submit", provider)
        assert stopped.exit_code == 75, stopped.stderr
        assert "had no room" in stopped.stderr
        provider.faults.clear()
        assert command("collect", provider).exit_code == 0


FULL = {
    "error": {
        "message": "Enqueued token limit reached for stub.",
        "code": "token_limit_exceeded",
    }
}


def test_a_batch_that_is_refused_as_a_whole_is_not_sent_again_at_once(
    command, manifest
):
    with serve_provider(ends="failed") as provider:
        stopped = command("collect", provider)
        assert stopped.exit_code == 75, stopped.stderr
        assert (
            "the provider refused it (invalid_json_line line 1 is no JSON)"
            in stopped.stderr
        )
        assert len(provider.batches) == 1
        assert manifest()["state"] == "stopped"


def test_files_of_requests_are_split_by_tokens(command, tmp_path):
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    words = (
        "batch",
        "submit",
        tmp_path / "records.jsonl",
        "--model",
        "gpt-5-mini",
        "--effort",
        "all",
    )
    run = partial(
        invoke, *words, "--requests", tmp_path / "requests.jsonl", "--batch-tokens"
    )
    done = run(1)
    assert done.exit_code == 0, done.stderr
    written = json.loads(done.stdout)
    assert len(written["files"]) == written["requests"]
    assert len(json.loads(run(10**9).stdout)["files"]) == 1
