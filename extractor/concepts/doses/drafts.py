"""Drafts of regimens: the reading of each field with its evidence and its signs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.roles import Trial, read_role
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.signs import (
    describe_agent,
    describe_amount,
    describe_around,
    describe_link,
    describe_rhythm,
    estimate,
    list_limits,
)
from extractor.concepts.doses.statements import Linked
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.schemas import Support

_FEW_ARMS = 2
"""Maximum number of arms that count as few."""


def make_draft(
    regimen: Regimen, regimens: Sequence[Regimen], trial: Trial, number: int
) -> Draft:
    """Return the draft of a regimen, one of those of its agent."""
    others = [one for one in regimens if one is not regimen]
    main = regimen.main
    first, end = main.find_words()
    around = tuple(describe_around(regimen, len(others) + 1))
    rules: dict[str, Reading[Any]] = {
        "agent": _read_agent(regimen),
        "role": _read_role(regimen, trial),
        "amounts": _read_amounts(regimen, trial.arms),
        "arms": _read_arms(regimen, others, trial.arms),
        "route": _read(regimen, "route", regimen.best("route")),
        "cycle": _read(regimen, "cycle", regimen.best("cycle")),
        "duration": _read(regimen, "duration", regimen.best("duration")),
        "frequency": _read_frequency(regimen),
        "timing": _read_timing(regimen),
    }
    signed: dict[str, Reading[Any]] = {}
    for name, reading in rules.items():
        members = tuple(
            {"": (*signs[""], *list_limits(signs[""]), *around)}
            for signs in reading.signs
        )
        signed[name] = replace(reading, signs=members)
    signed["stands"] = Reading(value=True, confidence=0.9)
    return Draft(
        "dosing",
        main.text.chunk(number, *main.clause),
        main.text.span(first, end),
        signed,
    )


def _read_agent(regimen: Regimen) -> Reading[Any]:
    text, place = find_name(regimen)
    signs = ({"": tuple(describe_agent(regimen))},)
    return Reading(text.raw(*place), 0.9, (text.span(*place),), signs=signs)


def _read_role(regimen: Regimen, trial: Trial) -> Reading[Any]:
    role, sure, rivals = read_role(regimen, trial)
    text, place = find_name(regimen)
    return Reading(
        role,
        sure,
        (text.span(*place),),
        Support.INFERRED,
        alternatives=rivals,
        signs=({"": (f"role {role}",)},),
    )


def find_name(regimen: Regimen) -> tuple[DoseText, Place]:
    """Return where the name of an agent is: where it is registered, without its salt if a text
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


def _read(
    regimen: Regimen, name: str, link: Linked | None, value: Any = None
) -> Reading[Any]:
    """Return the value of a mark, or another one that it states."""
    if link is None:
        return _read_nothing(regimen, name)
    signs = ({"": tuple(describe_link(link, regimen))},)
    return Reading(
        link.mark.value if value is None else value,
        estimate([link]),
        (_span(link),),
        Support.PARSED,
        signs=signs,
    )


def _read_nothing(regimen: Regimen, name: str, value: Any = None) -> Reading[Any]:
    """Return an empty field: it is less sure where the clause, or the section, has such marks."""
    text = regimen.main.text
    marks = within(text.marks, *regimen.main.clause)
    where = "in record" if name in text.fields else "nowhere"
    if any(mark.field == name for mark in marks):
        where = "in clause"
    return Reading(value, measured("regimen", where))


def _read_frequency(regimen: Regimen) -> Reading[Any]:
    found = regimen.frequency()
    if found is None:
        return _read_nothing(regimen, "frequency")
    value, link = found
    reading = _read(regimen, "frequency", link, value)
    [signs] = reading.signs
    rhythm = describe_rhythm(value, link, regimen)
    return replace(reading, signs=({"": (*signs[""], *rhythm)},))


def _read_arms(regimen: Regimen, others: Sequence[Regimen], arms: Arms) -> Reading[Any]:
    how, found = arms.find(regimen, others)
    if not found:
        return Reading((), measured("arms", "no arm"))
    few = "few arms" if len(found) <= _FEW_ARMS else "many arms"
    return Reading(
        tuple(map(arms.read_label, found)),
        measured("arms", how),
        tuple(arms.places[arm] for arm in found),
        Support.PARSED,
        signs=({"": (how, few)},) * len(found),
    )


def _read_amounts(regimen: Regimen, arms: Arms) -> Reading[Any]:
    levels = regimen.amounts()
    if not levels:
        return _read_nothing(regimen, "amounts", ())
    stated, links = zip(*levels, strict=True)
    amounts = arms.find_of_amounts(stated, regimen)
    pairs = zip(amounts, links, strict=True)
    signs = [{"": tuple(describe_amount(*pair, regimen))} for pair in pairs]
    return Reading(
        tuple(amounts),
        estimate(links),
        tuple(_span(link) for link in links),
        Support.PARSED,
        signs=tuple(signs),
    )


def _read_timing(regimen: Regimen) -> Reading[Any]:
    """Return the days or the moments of giving as their words."""
    for name in ("days", "timing"):
        link = regimen.best(name)
        if link:
            words = link.text.raw(*link.mark.place)
            reading = _read(regimen, "timing", link, words)
            return replace(reading, support=Support.LITERAL)
    return _read_nothing(regimen, "timing")
