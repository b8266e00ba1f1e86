# fmt: off
"""Batches of OpenAI and Anthropic by their SDKs: the seeds, the bill, and downloads that are spoilt."""

import sqlite3
from contextlib import closing

import pytest

from tests.commands import invoke

from .anthropic_server import Anthropic
from .openai_server import OpenAI
from .test_seeds_by_providers import CLAUDE, GPT, check_bill, run_seeds

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize(("kind", "model"), [(OpenAI, GPT), (Anthropic, CLAUDE)])


def submit(out, *options):
    done = invoke("batch", "submit", "seeds/records", "--out", out, "--quiet", *options)
    assert done.exit_code == 0, done.output


def collect(out, *options):
    return run_seeds(["batch", "collect"], out, "--poll", 0, *options)


def users(standin):
    return [standin.read_user(request) for request in standin.batched]


@pytest.mark.parametrize(
    ("standin", "model", "usd", "written"),
    [
        (OpenAI(), GPT, (11_000 * 0.25 + 24_000 * 0.025 + 1_000 * 2) / 2e6, 0),
        (Anthropic(), CLAUDE, (5_000 * 3 + 6_000 * 3.75 + 24_000 * 0.3 + 15_000) / 2e6, 6_000),
    ],
    ids=["openai", "anthropic"],
)
def test_the_seeds_by_batch_at_half_the_price(standin, model, usd, written, stand, tmp_path):
    stand(standin)
    submit(tmp_path / "run", "--model", model)
    assert standin.requests == []
    for _ in range(2):  # the same command asks nothing more
        manifest = collect(tmp_path / "run", "--model", model)
    assert len(set(users(standin))) == len(standin.batched) == 5
    check_bill(manifest, standin, usd, written_tokens=written)


@BOTH
def test_a_batch_whose_id_was_not_stored_before_a_kill_is_found(kind, model, stand, tmp_path):
    standin = stand(kind())
    submit(tmp_path / "run", "--model", model)
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as store, store:
        store.execute("UPDATE batches SET state = 'sent', batch = NULL")
    collect(tmp_path / "run", "--model", model)
    assert len(standin.batched) == standin.billed == 5


def test_anthropics_answers_are_fetched_again_until_they_can_be_read(stand, tmp_path):
    pages = ["<html>Sign in</html>", "", '{"error": {"message": "later"}}']
    standin = stand(Anthropic(spoils=pages))
    submit(tmp_path / "run", "--model", CLAUDE)
    manifest = collect(tmp_path / "run", "--model", CLAUDE)
    assert manifest["usage"]["calls"] == standin.billed == 5
    assert len(standin.batches) == 1
