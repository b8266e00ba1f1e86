"""What the rules read and a model left out: asked about once more, then a finding, never a value."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from extractor.parse.drafts import Chunk, Draft, Span
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task

from .policy import DOUBTFUL
from .provenance import list_read_fields
from .resolve import ModelResult

_CRITERION = ("constraints", "time_window")
_ENDPOINT = [field.name for field in list_read_fields(Task.ENDPOINTS)]
_PORTIONS = frozenset({"mL", "L", "capsule", "tablet", "drop", "puff", "vial", "sachet", "patch", "spray"})
"""Units that say nothing new of an agent whose amount of substance is known."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A value that the rules read in ``chunk`` at ``spans``, and that the model did not give."""

    task: Task
    chunk: Chunk
    field: str
    spans: tuple[Span, ...]


def list_unconfirmed_regimens(parsed: ParsedRecord, result: ModelResult) -> list[Draft]:
    """The rules' regimens with a stated amount that are in no regimen of the model's list."""
    if not result.lists_regimens:
        return []
    listed = result.list_regimens()
    return [one for one in parsed.regimens if one.rules["amounts"].value and not is_covered(one, listed)]


def list_unconfirmed_values(parsed: ParsedRecord, result: ModelResult) -> Iterator[Unconfirmed]:
    """The values that the rules read without doubt, and that a model left out of its answer about the field."""
    for criterion in parsed.criteria:
        yield from _list_silent(Task.ELIGIBILITY, criterion, _CRITERION, result)
    for outcome in parsed.outcomes:
        yield from _list_silent(Task.ENDPOINTS, outcome, _ENDPOINT, result)


def _list_silent(task: Task, item: Draft, names: Iterable[str], result: ModelResult) -> Iterator[Unconfirmed]:
    stands = result.reading(item.number, "stands")
    if stands and not stands.value:
        return
    for name in names:
        rule, model = item.read(name), result.reading(item.number, name)
        if model is None or rule.confidence < DOUBTFUL:
            continue
        fewer = model.value is None or (isinstance(model.value, tuple) and len(model.value) < len(rule.value or ()))
        left = tuple(span for span in rule.spans if not any(span.overlaps(other) for other in model.spans))
        if fewer and left:
            yield Unconfirmed(task, item.chunk, name, left)


def is_covered(regimen: Draft, listed: Iterable[Draft]) -> bool:
    """Whether a regimen of the list states the rules' dose: the same words, or one of its amounts for its agent."""
    return any(_covers(answer, regimen) for answer in listed)


def _covers(answer: Draft, regimen: Draft) -> bool:
    amounts, quote, agent = (answer.model.get(name) for name in ("amounts", "quote", "agent"))
    spans = [*(amounts.spans if amounts else ()), *(quote.spans if quote else ())]
    places = regimen.rules["amounts"].spans or (regimen.span,)
    if any(place.overlaps(span) for place in places for span in spans):
        return True
    if not amounts or not amounts.value or not agent:
        return False
    is_named = agent.value.casefold() in regimen.chunk.text.casefold()  # the rules may have taken another name there
    if not is_named and not is_same_agent(regimen.rules["agent"].value, agent.value):
        return False
    stated = {(amount.low, amount.high) for amount in amounts.value}
    known = regimen.rules["amounts"].value or ()
    return any((amount.low, amount.high) in stated for amount in known) or all(a.unit in _PORTIONS for a in known)


def is_same_agent(one: str | None, other: str | None) -> bool:
    """Whether two names may be of one agent: one is in the other, but for what stands in brackets.

    >>> is_same_agent("Examplumab (EX-1)", "high-dose examplumab"), is_same_agent("placebo", "Examplumab")
    (True, False)
    """
    names = [" ".join((name or "").partition("(")[0].casefold().split()) for name in (one, other)]
    return all(names) and (names[0] in names[1] or names[1] in names[0])
