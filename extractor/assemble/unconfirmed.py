"""What the rules read and a model left out: a finding for people, never a value."""

from collections.abc import Iterable, Iterator, Mapping

from extractor.ground.answers import ModelResult
from extractor.parse.drafts import Draft
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Finding, FindingKind, Task

from .findings import cite, inform
from .policy import DOUBTFUL
from .provenance import list_read_fields

_COMPARED: Mapping[str, Iterable[str]] = {
    "eligibility.criteria": ("constraints", "time_window"),
    "endpoints": [field.name for field in list_read_fields(Task.ENDPOINTS)],
}
"""The fields of which a value that is left out is told."""
_PORTIONS = frozenset({"mL", "L", "capsule", "tablet", "drop", "puff", "vial", "sachet", "patch", "spray"})
"""Units that say nothing new of an agent whose amount of substance is known."""


def report_unconfirmed(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield the doses that the rules read and the model's list of regimens lacks, and the values that they read without
    doubt and the model left out of its answer about the field.
    """
    message, listed = "the rules read a dose here, and the model's regimens do not have it", result.list_regimens()
    for regimen in parsed.regimens if result.lists_regimens else ():
        if regimen.rules["amounts"].value and not is_covered(regimen, listed):
            yield inform(FindingKind.REGIMEN_UNCONFIRMED, "dosing", message, cite(parsed, regimen.span))
    for item in (*parsed.criteria, *parsed.outcomes):
        model, span = result.complete(item).model, item.chunk.span
        if "stands" in model and not model["stands"].value:
            continue
        for name in _COMPARED[item.group]:
            rule, said = item.read(name), model.get(name)
            if said is None or rule.confidence < DOUBTFUL or len(said.list_values()) >= len(rule.list_values()):
                continue
            message = f"the rules read a value of {name.replace('_', ' ')} here, and the model left it out"
            field = f"{item.group.partition('.')[0]}: {name} of {span.section}[{span.start}:{span.end}]"
            for left in rule.spans:
                if not any(map(left.overlaps, said.spans)):
                    yield inform(FindingKind.VALUE_UNCONFIRMED, field, message, cite(parsed, left))


def is_covered(regimen: Draft, listed: Iterable[Draft]) -> bool:
    """Whether a regimen of the list states the rules' dose: the same words, or one of its amounts for its agent."""
    return any(_covers(answer, regimen) for answer in listed)


def _covers(answer: Draft, regimen: Draft) -> bool:
    amounts, quote, agent = (answer.model.get(name) for name in ("amounts", "quote", "agent"))
    spans = [*(amounts.spans if amounts else ()), *(quote.spans if quote else ())]
    places = regimen.rules["amounts"].spans or (regimen.span,)
    if any(place.overlaps(span) for place in places for span in spans):
        return True
    if not amounts or not amounts.value or not agent or not agent.value:
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
