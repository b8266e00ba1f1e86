"""Ask a model about what patients' data leave open, for ``extractor match --model``."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from extractor.apps.cli.console import BUDGET, FAILED, LATER, OK, say
from extractor.apps.cli.environment import choose_pricing, read_model_spec
from extractor.apps.cli.forecast import print_forecast
from extractor.apps.match.asking import ask_pairs, measure_pairs
from extractor.errors import BudgetReached
from extractor.face import Asked, Facts, Match, Plan
from extractor.model.cost.budget import Pricing
from extractor.model.opening import ReplayTally
from extractor.options import ModelOptions
from extractor.plurals import counted
from extractor.run.forecast import forecast_run
from extractor.schemas import Usage
from extractor.setup import Setup

_CONCURRENCY = 8


class Asking(NamedTuple):
    """How a model is asked.

    Attributes:
        options: The model, its price and the limit of money.
        replay: The folder of earlier answers, which replace the model.
        store: The folder that keeps the answers.
    """

    options: ModelOptions
    replay: Path | None
    store: Path | None


def forecast_pairs(pairs: Iterable[tuple[Plan, Facts]], asking: Asking) -> None:
    """Print what the calls about pairs may cost."""
    _, pricing = _open_setup(asking)
    size = measure_pairs(pairs)
    forecast = forecast_run(size, pricing, _CONCURRENCY)
    print_forecast(forecast, counted(size.calls, "call"))


def ask_about(
    pairs: Iterable[tuple[Plan, Facts]], asking: Asking
) -> tuple[Sequence[Match], int]:
    """Return the match of each pair with a model's answers, and the exit code."""
    setup, pricing = _open_setup(asking)
    asked = ask_pairs(
        pairs, setup, pricing, folder=asking.store, concurrency=_CONCURRENCY
    )
    return [one.match for one in asked], _tell_asked(asked)


def _open_setup(asking: Asking) -> tuple[Setup, Pricing]:
    """Return the model, or the answers that replace it, and its pricing."""
    spec = None
    if asking.options.model and not asking.replay:
        spec = read_model_spec(asking.options.model)
    setup = Setup(spec, replay=asking.replay)
    if asking.replay:
        # what has no recorded answer stays open, and is counted
        setup.choice = replace(setup.choice, tally=ReplayTally())
    return setup, choose_pricing(setup, asking.options)


def _tell_asked(asked: Sequence[Asked]) -> int:
    """Print what was asked, and why criteria stayed unanswered. Return the exit code."""
    usage = sum((one.usage for one in asked), Usage())
    findings = sum(len(one.match.findings) for one in asked)
    say(
        f"{counted(usage.calls, 'call')}, {usage.prompt_tokens:,} prompt and "
        f"{usage.output_tokens:,} output tokens; {counted(findings, 'finding')}"
    )
    problems = [one.problem for one in asked if one.problem]
    for message in dict.fromkeys(map(str, problems)):
        say(message)
    if any(isinstance(problem, BudgetReached) for problem in problems):
        return BUDGET
    if problems:
        return LATER
    if any(one.pending for one in asked):
        say("the replay lacks answers; what they are about stays open")
        return FAILED
    return OK
