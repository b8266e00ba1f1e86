"""How much of a clause to quote for a dose: where the quote begins and where it ends.

Annotators quote the phrase around a dose: mostly with the agent where it stands next to the dose, without the verb
before, to the end of what is said of the giving. The start is chosen among the places between words, and the end
among those that fit the start, by a log-linear model; ``quote_weights.toml`` says how much each feature counts.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp, log

from .facts import Statement
from .quote_context import Candidate, find_anchor
from .quote_ends import describe_ends, fit_ends
from .quote_starts import describe_starts

__all__ = ["STARTS", "choose_quote", "find_anchor"]

STARTS = 4
"""The ends of so many starts, the likeliest ones, are weighed."""


def choose_quote(statement: Statement) -> tuple[int, int, float]:
    """Start and end of the quote in the section's cleaned text, and the probability that both are right."""
    weights = _load_weights()
    ends = describe_ends(statement)
    best = (float("-inf"), 0, 0)
    for start, sure in _rank(describe_starts(statement), weights)[:STARTS]:
        if sure <= best[0]:
            break  # with no end can it be likelier
        end, surer = _rank(fit_ends(statement, ends, start), weights)[0]
        best = max(best, (sure + surer, start, end))
    return best[1], best[2], exp(best[0])


def _rank(candidates: Sequence[Candidate], weights: Mapping[str, float]) -> list[tuple[int, float]]:
    """The places with the logarithms of their probabilities, the likeliest first."""
    scores = [_sum(features, weights) for _, features in candidates]
    highest = max(scores)
    total = highest + log(sum(exp(score - highest) for score in scores))
    order = sorted(range(len(scores)), key=lambda number: -scores[number])
    return [(candidates[number][0], scores[number] - total) for number in order]


def _sum(features: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(feature, 0.0) for feature in features)


@cache
def _load_weights() -> dict[str, float]:
    return tomllib.loads((files(__package__) / "quote_weights.toml").read_text("utf-8"))
