"""The choice among the kinds of a time frame: the sum of its features' weights, and the softmax of the sums."""

import math
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from extractor.schemas import TimeKind

__all__ = ["KINDS", "choose_kind"]

KINDS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO, TimeKind.PER, TimeKind.UNSPECIFIED)
"""The kinds in the order of the weights in ``kind_weights.toml``."""


def choose_kind(features: Iterable[str]) -> tuple[TimeKind, float]:
    """The most probable kind and its probability.

    >>> choose_kind(["rule up_to", "rule up_to limit"])[0]
    <TimeKind.UP_TO: 'up_to'>
    """
    table = _weights()
    sums = [sum(column) for column in zip(*(table[name] for name in features if name in table), strict=True)]
    highest = max(sums, default=0.0)
    shares = [math.exp(one - highest) for one in sums] or [1.0] * len(KINDS)
    best = max(range(len(KINDS)), key=shares.__getitem__)
    return KINDS[best], shares[best] / sum(shares)


@cache
def _weights() -> dict[str, tuple[float, ...]]:
    table = tomllib.loads((files(__package__) / "kind_weights.toml").read_text("utf-8"))
    return {name: tuple(weights) for name, weights in table.items()}
