"""Which regimen of the rules and which of the model are the same one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractor.ground.check import GroundedAnswer
from extractor.parse.parsed import Chunk, ParsedRecord, ParsedRegimen, Reading

from .model_result import ModelResult

__all__ = ["Reread", "name_agent", "pair_regimens", "pair_reread"]

_SAME_AGENT, _LIKE_AGENT, _SAME_QUOTE, _SAME_FIELD = 4.0, 2.5, 2.0, 1.0
_ENOUGH = 2.5
"""An agent alike, or half of the other signs."""


@dataclass(frozen=True, slots=True)
class Reread:
    """The regimens of the rules in text that a model read anew, its answers with their stretches, and which position
    of the one speaks of which of the other.
    """

    regimens: tuple[ParsedRegimen, ...]
    answers: tuple[tuple[Chunk, GroundedAnswer], ...]
    pairs: Mapping[int, int]


def pair_reread(parsed: ParsedRecord, result: ModelResult) -> Reread:
    """What both read. A model lists all stretches as one, so that a regimen may stand on another line of its answer
    than where the rules found it; if every stretch was answered, nothing of the rules is left beside its list.
    """
    answered = [stretch for number, stretch in result.stretches.items() if number in result.answers]
    whole = bool(answered) and len(answered) == len(result.stretches)
    regimens = [
        regimen
        for regimen in parsed.dosing.regimens
        if whole or any(stretch.span.contains(regimen.chunk.span) for stretch in answered)
    ]
    answers = [(stretch, answer) for stretch in answered for answer in result.answers[stretch.number]]
    return Reread(tuple(regimens), tuple(answers), pair_regimens(regimens, [answer for _, answer in answers]))


def pair_regimens(regimens: Sequence[ParsedRegimen], answers: Sequence[GroundedAnswer]) -> dict[int, int]:
    """Positions of regimens and of the answers that speak of them, the likeliest pairs first."""
    scored = sorted(
        (
            (_liken(regimen, answer), -row, -column)
            for row, regimen in enumerate(regimens)
            for column, answer in enumerate(answers)
        ),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for score, row, column in scored:
        if score >= _ENOUGH and -row not in pairs and -column not in pairs.values():
            pairs[-row] = -column
    return pairs


def name_agent(agent: str) -> str:
    """An agent's name as it is compared.

    >>> name_agent("Examplumab (EX-1)"), name_agent("examplumab")
    ('examplumab', 'examplumab')
    """
    return " ".join(agent.partition("(")[0].casefold().split())


def _liken(regimen: ParsedRegimen, answer: GroundedAnswer) -> float:
    score = _liken_agents(regimen.agent.value, _value(answer, "agent"))
    quote = answer.readings.get("quote")
    if quote and quote.spans:
        span = quote.spans[0]
        same = span.section == regimen.quote.section
        score += _SAME_QUOTE * (same and span.start < regimen.quote.end and regimen.quote.start < span.end)
    for field in ("amounts", "route", "frequency"):
        ours: Reading[Any] = getattr(regimen, field)
        score += _SAME_FIELD * bool(ours.value and ours.value == _value(answer, field))
    return score


def _liken_agents(one: str | None, other: str | None) -> float:
    ours, theirs = name_agent(one or ""), name_agent(other or "")
    if not ours or not theirs:
        return 0.0
    if ours == theirs:
        return _SAME_AGENT
    return _LIKE_AGENT if ours in theirs or theirs in ours else 0.0


def _value(answer: GroundedAnswer, field: str) -> Any:
    reading = answer.readings.get(field)
    return reading.value if reading else None
