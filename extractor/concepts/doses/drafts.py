"""Create a draft for each regimen, with a reading, evidence and signs for each field.

The signs of a value are a mapping from its parts to their signs. Values of regimens do not have
parts, so the only key is "", which stands for the value itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.linking import Linked
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
from extractor.evidence.drafts import Draft, Reading
from extractor.language.book import rule
from extractor.schemas import Support

_FEW_ARMS = 2
"""Maximum number of arms that counts as "few"."""


def make_draft(
    regimen: Regimen, regimens: Sequence[Regimen], trial: Trial, number: int
) -> Draft:
    """Return the draft of a regimen. ``regimens`` contains all regimens with the same agent."""
    main = regimen.main
    siblings = [sibling for sibling in regimens if sibling is not regimen]
    shared_signs = tuple(describe_around(regimen, len(regimens)))
    rules: dict[str, Reading[Any]] = {
        "agent": _read_agent(regimen),
        "role": _read_role(regimen, trial),
        "amounts": _read_amounts(regimen, trial.arms),
        "arms": _read_arms(regimen, siblings, trial.arms),
        "frequency": _read_frequency(regimen),
        "timing": _read_timing(regimen),
    }
    for name in ("route", "cycle", "duration"):
        link = regimen.best(name)
        rules[name] = _read(regimen, name, link, link and link.mark.value)
    for name, reading in rules.items():
        members = tuple(
            {"": (*signs[""], *list_limits(signs[""]), *shared_signs)}
            for signs in reading.signs
        )
        rules[name] = replace(reading, signs=members)
    rules["stands"] = Reading(value=True, confidence=1.0)
    return Draft(
        "dosing",
        main.text.chunk(number, *main.clause),
        main.text.span(*main.find_words()),
        rules,
    )


def _read_agent(regimen: Regimen) -> Reading[Any]:
    text, place = find_name(regimen)
    signs = ({"": tuple(describe_agent(regimen))},)
    return Reading(text.raw(*place), 1.0, (text.span(*place),), signs=signs)


def _read_role(regimen: Regimen, trial: Trial) -> Reading[Any]:
    role, probability, rivals = read_role(regimen, trial)
    text, place = find_name(regimen)
    return Reading(
        role,
        probability,
        (text.span(*place),),
        Support.INFERRED,
        alternatives=rivals,
        signs=({"": (f"role {role}",)},),
    )


def find_name(regimen: Regimen) -> tuple[DoseText, Place]:
    """Return the text and the tokens of the agent's name: the name as registered or, if available,
    a mention of the agent without its salt. If the record's only placebo has a name such as
    "placebo of Examplumab", only the first word is returned.
    """
    agent = regimen.agent
    tokens = agent.source.tokens
    first, end = agent.place
    if agent.is_only and rule("placebo_of").starts(tokens, first, end):
        return agent.source, (first, first + 1)
    if end - first > 1 and is_salt(tokens.words[end - 1]):
        bare = tokens.read(first, end - 1).lower()
        for statement in regimen.statements:
            if statement.owner.how != "named":
                continue
            if statement.text.raw(*statement.owner.place).lower() != bare:
                continue
            return statement.text, statement.owner.place
    return agent.source, (first, end)


def _read(
    regimen: Regimen,
    name: str,
    link: Linked | None,
    value: Any,
    signs: Sequence[str] = (),
) -> Reading[Any]:
    """Return the reading of the field ``name``. ``link`` is the link of the mark that states its
    ``value``, and ``signs`` are further signs for or against it. If there is no link, the field is
    empty; this is less certain if the clause or the section contains other marks of the field.
    """
    if link:
        all_signs = (*describe_link(link, regimen), *signs)
        span = link.text.span(*link.mark.place)
        return Reading(
            value, estimate([link]), (span,), Support.PARSED, signs=({"": all_signs},)
        )
    text = regimen.main.text
    marks = within(text.marks, *regimen.main.clause)
    where = "nowhere"
    if any(mark.field == name for mark in marks):
        where = "in clause"
    elif name in text.fields:
        where = "in record"
    return Reading(value, 1.0, features=(where,))


def _read_frequency(regimen: Regimen) -> Reading[Any]:
    frequency = regimen.frequency()
    if frequency is None:
        return _read(regimen, "frequency", None, None)
    value, link = frequency
    signs = list(describe_rhythm(value, link))
    return _read(regimen, "frequency", link, value, signs)


def _read_arms(
    regimen: Regimen, siblings: Sequence[Regimen], arms: Arms
) -> Reading[Any]:
    """Return the labels of the arms that receive a regimen, with the places of the labels.
    ``siblings`` contains the other regimens with the same agent.
    """
    # how the arms were found ("linked", "own text") determines the confidence
    how, receiving = arms.find(regimen, siblings)
    if not receiving:
        return Reading((), 1.0, features=("no arm",))
    count = "many arms"
    if len(receiving) <= _FEW_ARMS:
        count = "few arms"
    signs_of_arm = {"": (how, count)}
    return Reading(
        tuple(map(arms.read_label, receiving)),
        1.0,
        tuple(arms.places[arm] for arm in receiving),
        Support.PARSED,
        signs=(signs_of_arm,) * len(receiving),
    )


def _read_amounts(regimen: Regimen, arms: Arms) -> Reading[Any]:
    """Return the dose levels of a regimen, with their places and signs."""
    levels = regimen.amounts()
    if not levels:
        return _read(regimen, "amounts", None, ())
    stated, links = zip(*levels, strict=True)
    amounts = arms.find_of_amounts(stated, regimen)
    return Reading(
        tuple(amounts),
        estimate(links),
        tuple(link.text.span(*link.mark.place) for link in links),
        Support.PARSED,
        signs=tuple(
            {"": tuple(describe_amount(level, link, regimen))}
            for level, link in zip(amounts, links, strict=True)
        ),
    )


def _read_timing(regimen: Regimen) -> Reading[Any]:
    """Return the words that state the days or times of administration."""
    link = regimen.best("days") or regimen.best("timing")
    words = None
    if link:
        words = link.text.raw(*link.mark.place)
    reading = _read(regimen, "timing", link, words)
    return replace(reading, support=Support.LITERAL)
