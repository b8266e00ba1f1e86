"""Which of the statements that tell of one way of giving is quoted for it.

Arms, interventions and descriptions mostly repeat each other. A log-linear model chooses among the statements of a
regimen: ``place_weights.toml`` says how much each of the features counts that are named here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from .facts import FIELDS, Statement

__all__ = ["choose_place", "describe_places", "list_places"]

_NUMBER = re.compile(r"\d+")
_LENGTHS = (40, 80, 160, 320)


def choose_place(merged: Statement) -> Statement:
    """The statement that is quoted for a regimen; itself where nothing else tells of it."""
    candidates = list_places(merged)
    if len(candidates) < 2:
        return candidates[0]
    weights = _load_weights()
    scores = [
        sum(weights.get(feature, 0.0) for feature in features) for features in describe_places(candidates, merged)
    ]
    return candidates[scores.index(max(scores))]


def list_places(merged: Statement) -> list[Statement]:
    """The statements that can be quoted for a regimen: those with its dose, or all where it has none."""
    told = merged.told_by or (merged,)
    if not merged.amounts:
        return list(told)
    unit = merged.levels[0].unit
    return [one for one in told if one.amounts and one.levels[0].unit == unit] or [merged]


def describe_places(candidates: Sequence[Statement], merged: Statement) -> list[list[str]]:
    """What is true of each candidate, beside the others, by name."""
    richest = max(one.richness for one in candidates)
    said = {name: sum(getattr(one, name) is not None for one in candidates) for name in FIELDS}
    sections = sorted({one.section for one in candidates}, key=_order)
    return [
        [
            feature
            for name in _describe(one, merged, richest, said, len(candidates))
            for feature in (name, f"{_kind(one.section)}, {name}")
        ]
        + list(_compare(one.section, sections))
        for one in candidates
    ]


def _describe(one: Statement, merged: Statement, richest: int, said: Mapping[str, int], total: int) -> Iterator[str]:
    """What a statement says, beside what others say of the same regimen."""
    text, clause = one.clause.text, one.clause
    yield "always"
    yield f"tells {min(richest - one.richness, 3)} less"
    yield "all levels" if len(one.levels) == len(merged.levels) else "some levels"
    yield f"agent {one.agent.kind}" if one.agent.kind == "placebo" else "agent"
    yield "names the agent" if one.mention else "names nobody"
    yield "own passage" if one.agent.section == one.section else "other passage"
    yield "first line" if "\n" not in text[: one.start] else "body"
    yield f"agents {min(len({mention.value.key for mention in clause.named}), 4)}"
    yield f"length {sum(clause.end - clause.start > length for length in _LENGTHS)}"
    yield from (
        f"{'has' if getattr(one, name) is not None else 'lacks'} {name}" for name in FIELDS if 0 < said[name] < total
    )


def _compare(section: str, sections: Sequence[str]) -> Iterator[str]:
    """Where a section stands among those that tell of the regimen."""
    kind = _kind(section)
    same = [other for other in sections if _kind(other) == kind]
    kinds = "+".join(sorted({_kind(other) for other in sections}))
    yield f"{kind} among {kinds}"
    yield f"{kind} of {min(len(same), 3)}"
    yield f"{kind} {'first' if section == same[0] else 'later'}"


def _kind(section: str) -> str:
    return section.partition("[")[0]


def _order(section: str) -> tuple[str, int]:
    number = _NUMBER.search(section)
    return _kind(section), int(number[0]) if number else 0


@cache
def _load_weights() -> dict[str, float]:
    weights: dict[str, float] = tomllib.loads((files(__package__) / "place_weights.toml").read_text("utf-8"))
    return weights
