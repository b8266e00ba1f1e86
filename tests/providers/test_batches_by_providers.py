"""Batches of OpenAI and Anthropic by their SDKs: the seeds, the bill, and what is learnt before
money is spent.
"""

import pytest

from tests.commands import invoke

from .anthropic_server import Anthropic
from .openai_server import OpenAI
from .standin import Outcome
from .test_seeds_by_providers import CLAUDE, GPT, check_bill, run_seeds
from .test_what_providers_say import limit_of

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize(("kind", "model"), [(OpenAI, GPT), (Anthropic, CLAUDE)])


def submit(out, *options):
    done = invoke("batch", "submit", "seeds/records", "--out", out, "--quiet", *options)
    assert done.exit_code == 0, done.output


def collect(out, *options):
    return run_seeds(["batch", "collect"], out, "--poll", 0, *options)


def users(standin, requests):
    return [standin.read_user(request) for request in requests]


@pytest.mark.parametrize(
    ("standin", "model", "usd", "written"),
    [
        # The call that goes before has the live price, and fills the cache; the batch costs half.
        (
            OpenAI(),
            GPT,
            (7_000 * 0.25 + 200 * 2 + (4_000 * 0.25 + 24_000 * 0.025 + 800 * 2) / 2)
            / 1e6,
            0,
        ),
        (
            Anthropic(),
            CLAUDE,
            (3_000 + 6_000 * 3.75 + 3_000 + (12_000 + 24_000 * 0.3 + 12_000) / 2) / 1e6,
            6_000,
        ),
    ],
    ids=["openai", "anthropic"],
)
def test_the_seeds_by_batch(standin, model, usd, written, stand, tmp_path):
    stand(standin)
    submit(tmp_path / "run", "--model", model)
    assert len(standin.requests) == 1
    manifest = collect(tmp_path / "run", "--model", model)
    assert len(standin.batched) == 4
    assert not any(
        "temperature" in request for request in standin.requests + standin.batched
    )
    assert len(set(users(standin, standin.requests + standin.batched))) == 5
    check_bill(manifest, standin, usd, written_tokens=written)


@BOTH
def test_a_refused_parameter_costs_one_call_not_a_round(kind, model, stand, tmp_path):
    name = {OpenAI: "reasoning_effort", Anthropic: "thinking"}[kind]
    standin = stand(kind(refuses=frozenset({name})))
    submit(tmp_path / "run", "--model", model, "--reasoning", "low")

    collect(tmp_path / "run", "--model", model, "--reasoning", "low")

    assert [name in request for request in standin.requests] == [True, False]
    assert [name in request for request in standin.batched] == [False] * 4
    assert standin.billed == 5


@BOTH
def test_nothing_that_was_paid_for_is_bought_again(kind, model, stand, tmp_path):
    """Thinking leaves no room for one answer; only its own questions are asked again, in the
    next round.
    """
    standin = stand(kind(batch_script=[Outcome("thought")]))
    submit(tmp_path / "run", "--model", model)
    for _ in range(2):  # the same command asks nothing more
        manifest = collect(tmp_path / "run", "--model", model)
    (first,) = users(standin, standin.requests)

    (*batched, again) = users(standin, standin.batched)

    assert len({first, *batched}) == 5
    assert again == batched[0]  # the same questions, not halves of them
    assert limit_of(standin.batched[-1]) > 2 * limit_of(standin.batched[0])
    assert manifest["usage"]["calls"] == standin.billed == 6


@BOTH
def test_collect_asks_nothing_live_without_being_told(kind, model, stand, tmp_path):
    """What the provider refuses is then learnt from the first batch, which costs nothing."""
    name = {OpenAI: "reasoning_effort", Anthropic: "thinking"}[kind]
    standin = stand(kind(refuses=frozenset({name})))

    collect(tmp_path / "run", "--model", model, "--reasoning", "low")

    assert standin.requests == []
    assert [name in request for request in standin.batched] == [True] * 5 + [False] * 5
    assert standin.billed == 5


@BOTH
def test_collect_asks_one_question_live_if_told(kind, model, stand, tmp_path):
    standin = stand(kind())

    collect(tmp_path / "run", "--model", model, "--live")

    assert len(standin.requests) == 1
    assert len(standin.batched) == 4
    assert standin.billed == 5


def test_anthropics_answers_are_fetched_again_until_they_can_be_read(stand, tmp_path):
    standin = stand(
        Anthropic(
            spoils=["<html>Sign in</html>", "", '{"error": {"message": "later"}}']
        )
    )
    submit(tmp_path / "run", "--model", CLAUDE)

    manifest = collect(tmp_path / "run", "--model", CLAUDE)

    assert manifest["usage"]["calls"] == standin.billed == 5
    assert len(standin.requests) == 1
    assert len(standin.batches) == 1
