"""Drafts of regimens: the reading of each field with its evidence and its signs."""

from collections.abc import Sequence
from typing import Any

from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.marks import Place
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.roles import Trial, read_role
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked, Statement
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.language.book import rule
from extractor.schemas import Support


def make_draft(
    regimen: Regimen, regimens: Sequence[Regimen], trial: Trial, number: int
) -> Draft:
    """Return the draft of a regimen, one of those of its trial."""
    role, sure_of_role, rivals = read_role(regimen, trial)
    others = [
        one
        for one in regimens
        if one.agent is regimen.agent and one is not regimen
    ]
    main = regimen.main
    first, end = main.find_words()
    agent = regimen.agent
    name_text, name_place = find_name(regimen)
    name = name_text.raw(*name_place)
    name_span = name_text.span(*name_place)
    rules: dict[str, Reading[Any]] = {
        "agent": Reading(name, 0.9, (name_span,), signs=({"": ()},)),
        "role": Reading(
            role,
            sure_of_role,
            (name_span,),
            Support.INFERRED,
            alternatives=rivals,
            signs=({"": ()},),
        ),
        "amounts": _read_amounts(regimen, trial.arms),
        "arms": _read_arms(regimen, others, trial.arms),
        "route": _read(regimen.best("route")),
        "cycle": _read(regimen.best("cycle")),
        "duration": _read(regimen.duration()),
        "frequency": _read_frequency(regimen),
        "timing": _read_timing(regimen),
        "stands": Reading(value=True, confidence=0.9),
    }
    return Draft(
        "dosing", main.text.chunk(number, *main.clause), main.text.span(first, end), rules
    )


def find_name(regimen: Regimen) -> tuple[DoseText, Place]:
    """Return where the name of an agent stands: where it is registered, without its salt if a text
    names it so.
    """
    agent = regimen.agent
    # the agent in the name of the only placebo adds nothing
    first, end = agent.place
    tokens = agent.source.tokens
    if agent.is_only and rule("placebo_of").starts(tokens, first, end):
        return agent.source, (first, first + 1)
    words = agent.name.split()
    for statement in regimen.statements:
        mention = statement.owner.mention
        if mention is None or not is_salt(words[-1]):
            continue
        name = statement.text.raw(*mention.place)
        if name.lower() == " ".join(words[:-1]).lower():
            return statement.text, mention.place
    return agent.source, agent.place


def _span(link: Linked) -> Span:
    return link.text.span(*link.mark.place)


def _read(link: Linked | None) -> Reading[Any]:
    if link is None:
        return Reading(None, 0.8)
    return Reading(
        link.mark.value, 0.9, (_span(link),), Support.PARSED, signs=({"": ()},)
    )


def _read_frequency(regimen: Regimen) -> Reading[Any]:
    found = regimen.frequency()
    if found is None:
        return Reading(None, 0.8)
    value, link = found
    return Reading(value, 0.9, (_span(link),), Support.PARSED, signs=({"": ()},))


def _read_arms(
    regimen: Regimen, others: Sequence[Regimen], arms: Arms
) -> Reading[Any]:
    how, found = arms.find(regimen, others)
    if not found:
        return Reading((), 0.6)
    return Reading(
        tuple(arms.read_label(arm) for arm in found),
        0.9,
        tuple(arms.places[arm] for arm in found),
        Support.PARSED,
        signs=tuple({"": (how,)} for _ in found),
    )


def _read_amounts(regimen: Regimen, arms: Arms) -> Reading[Any]:
    levels = regimen.amounts()
    if not levels:
        return Reading((), 0.8)
    return Reading(
        tuple(arms.find_of_amounts([level for level, _ in levels], regimen)),
        0.9,
        tuple(_span(link) for _, link in levels),
        Support.PARSED,
        signs=tuple({"": ()} for _ in levels),
    )


def _read_timing(regimen: Regimen) -> Reading[Any]:
    """Return the days or the moments of giving as their words."""
    for name in ("days", "timing"):
        link = regimen.best(name)
        if link:
            words = link.text.raw(*link.mark.place)
            return Reading(words, 0.9, (_span(link),), signs=({"": ()},))
    return Reading(None, 0.8)
