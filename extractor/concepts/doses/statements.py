"""Read statements: what each clause of a section says about each agent, directly or in shared
words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from extractor.concepts.doses.agents import (
    PROCEDURES,
    Agent,
    AgentNames,
    Mention,
    is_joint,
    is_substance,
)
from extractor.concepts.doses.amounts import UNSURE, AmountMark
from extractor.concepts.doses.clauses import Clause, Statement, list_clauses
from extractor.concepts.doses.marks import Fact, Mark, Place, drop_touching, within
from extractor.concepts.doses.schedule import STEP, PeriodMark
from extractor.concepts.doses.sections import FIELDS, DosingSection, Findings
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number
from extractor.schemas import Frequency, Route, TimeUnit

_SPREAD_REACH = 200
"""How many statements back a clause without an agent can refer to."""
_SHORT_WORD = 4
"""The most letters of a word that is no name of an agent."""
_NOBODY = Agent("", "", "", 0, 0)
"""Stands for agents that nobody knows."""
_RATES = {
    "rate_per_day": Frequency.QD,
    "rate_per_week": Frequency.QW,
    "rate_of_infusion": Frequency.CONTINUOUS,
}


@dataclass(slots=True)
class _Given:
    """An agent in a clause, its amounts, and the tokens of its other marks."""

    agent: Agent
    linked: float
    first: int
    end: int
    mention: Mention | None = None
    amounts: list[AmountMark] = field(default_factory=list)
    reach: Place = (0, 0)


def read_statements(
    section: DosingSection, lexicon: AgentNames, default: Agent | None
) -> list[Statement]:
    """Return statements of a section in reading order; ``default`` is the agent of clauses that
    name none.
    """
    tokens = section.tokens
    marks = section.marks
    found_names = lexicon.find(section)
    mentions = drop_touching(found_names, [*marks.amounts, *marks.moment])
    # Agents that only say when another one is given have no amount there: "after A 5 mg, B 3 mg".
    timing = [
        m
        for m in found_names
        if any(at.first <= m.first and m.end <= at.end for at in marks.moment)
    ]
    amounts = [
        amount
        for amount in marks.amounts
        if not any(
            m.end <= amount.first and is_joint("dosed_at", tokens, m.end, amount.first)
            for m in timing
        )
    ]
    marks = replace(marks, amounts=tuple(amounts))
    cyclic = rule("cycle_word").search(tokens) is not None
    statements: list[Statement] = []
    topic = default
    seen = 0
    one_topic = (
        section.is_group
        and len({m.value.key for m in within(mentions, *section.title)}) < 2
    )
    for first, end, is_step in list_clauses(section, mentions):
        if not section.is_group and "\n" in tokens.codes[seen:first]:
            topic = default  # another paragraph
        seen = first
        inside = marks.inside(first, end)
        named = _drop_labels(tokens, within(mentions, first, end))
        continues = is_step and bool(statements) and not named
        if statements and not named and not inside.amounts and not continues:
            _spread(section, statements, inside, first)
            continue
        subject = statements[-1].agent if continues else topic
        clause = Clause(
            tokens,
            first,
            end,
            inside,
            named,
            subject,
            section.is_intervention,
            one_topic,
        )
        found = _describe(section, clause, cyclic=cyclic)
        # a step of the same agent has the missing fields from the one before
        if is_step and statements:
            last = statements[-1]
            found = [
                _continue(last, one) if one.agent.key == last.agent.key else one
                for one in found
            ]
        statements += found
        if named and not section.is_intervention:
            topic = named[-1].value
    return statements


def _drop_labels(tokens: Tokens, named: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions without those that name arms: "for the A + B and C arms: A 5 mg
    daily".
    """
    labels = set[Mention]()
    for word in (
        rule("arm_word").find(tokens, named[0].end, named[-1].first)
        if len(named) > 1
        else ()
    ):
        follows = word.first
        for mention in reversed([one for one in named if one.end <= word.first]):
            if not is_joint("label_joint", tokens, mention.end, follows):
                break
            labels.add(mention)
            follows = mention.first
    return tuple(mention for mention in named if mention not in labels)


def _list_given(clause: Clause) -> list[_Given]:
    """Return the clause's agents in reading order, each with its amounts and its reach."""
    givens = _join_same(_assign_amounts(clause))
    if not givens and clause.topic is not None and clause.marks.places():
        givens = [_Given(clause.topic, 0.7, clause.first, clause.end)]
    for given in givens:
        # per fraction, not in all
        if all(
            level.unit == "Gy" for amount in given.amounts for level in amount.value
        ):
            sizes = [amount.value[0].high or 0 for amount in given.amounts]
            pairs = zip(given.amounts, sizes, strict=True)
            given.amounts = [amount for amount, size in pairs if size <= 5 * min(sizes)]
        own_end = given.end if given.mention or not given.amounts else 0
        given.first = min([given.first, *(amount.first for amount in given.amounts)])
        given.end = max([own_end, *(amount.end for amount in given.amounts)])
    givens.sort(key=lambda given: given.first)
    _set_reaches(clause, givens)
    return givens


def _assign_amounts(clause: Clause) -> list[_Given]:
    """Return the named agents with the amounts that are theirs; also the topic, where an amount
    is the topic's.
    """
    named = [_Given(m.value, m.confidence, m.first, m.end, m) for m in clause.named]
    if clause.topic is not None:
        topic = _Given(clause.topic, 0.8, clause.first, clause.first)
    else:
        topic = None
    others: list[_Given] = []
    for amount in clause.marks.amounts:
        if rule("dose_change").ends(clause.tokens, amount.first):
            continue
        pair = _read_pair(clause, amount, named)
        if pair:
            for one, own in pair:
                one.amounts.append(own)
            continue
        owner = _find_owner(clause, amount, named, topic)
        if owner is None:  # somebody else's, and with it the words around it
            owner = _Given(_NOBODY, 0, max(clause.first, amount.first - 1), amount.end)
            others.append(owner)
        # it stands where its first amount does
        if owner is topic and not owner.amounts:
            owner.first = amount.first
            owner.end = amount.end
        owner.amounts.append(
            amount
            if _is_plain(clause, amount, owner)
            else replace(amount, confidence=UNSURE)
        )
    return sorted(
        [*named, *([topic] if topic and topic.amounts else []), *others],
        key=lambda given: given.first,
    )


def _read_pair(
    clause: Clause, amount: AmountMark, named: Sequence[_Given]
) -> Sequence[tuple[_Given, AmountMark]] | None:
    """Return the two agents of a combination with the part of its strength that is each one's:
    "A + B 10/40 mg".
    """
    strengths = rule("strength_of_pair").starts(clause.tokens, amount.first, amount.end)
    before = [one for one in named if one.end <= amount.first]
    if strengths is None or len(before) < 2 or len(amount.value) > 2:
        return None
    agents = before[-2:]
    if not is_joint("pair_joint", clause.tokens, agents[0].end, agents[1].first):
        return None
    if agents[1].end != amount.first:
        return None
    values = [read_number(strengths.read(name) or "") for name in ("low", "high")]
    parts = [
        amount.value[0].model_copy(update={"low": value, "high": value})
        for value in values
    ]
    return [
        (one, replace(amount, value=(part,)))
        for one, part in zip(agents, parts, strict=True)
    ]


def _join_same(givens: Iterable[_Given]) -> list[_Given]:
    """Return one for each agent: its first mention, with the amounts of all its mentions."""
    joined: dict[str, _Given] = {}
    for given in givens:
        same = joined.setdefault(given.agent.key or str(given.first), given)
        if same is not given:
            same.amounts += given.amounts
            same.mention = same.mention or given.mention
    return list(joined.values())


def _set_reaches(clause: Clause, givens: Sequence[_Given]) -> None:
    """Set the reach of each agent: to the last break before the next agent that is not inside a
    mark.
    """
    taken = clause.marks.places()
    start = clause.first
    for given, following in pairwise(givens):
        breaks = rule("agent_break").find(
            clause.tokens, min(given.end, following.first), following.first
        )
        free = [
            at.first
            for at in breaks
            if not any(first < at.first < last for first, last in taken)
        ]
        given.reach = (start, free[-1] if free else following.first)
        start = given.reach[1]
    if givens:
        givens[-1].reach = (start, clause.end)


def _find_owner(
    clause: Clause, amount: AmountMark, named: Sequence[_Given], topic: _Given | None
) -> _Given | None:
    """Return the agent named before an amount, or directly after it; else the topic of the
    clause.
    """
    between = (
        (one, clause.tokens.codes[one.end : amount.first])
        for one in reversed(named)
        if one.end <= amount.first
    )
    # B in "A (with B) 5 mg" stands aside
    before = next(
        (one for one, codes in between if codes.count(")") <= codes.count("(")), None
    )
    after = next((one for one in named if one.first >= amount.end), None)
    owner = before
    if after and is_joint("dose_of", clause.tokens, amount.end, after.first):
        if before and is_joint("dosed_at", clause.tokens, before.end, amount.first):
            owner = before
        else:
            owner = after
    if (
        owner
        and owner.agent.kind == "placebo"
        and rule("unknown_beside").ends(clause.tokens, amount.first, owner.end)
    ):
        return None
    unknown = not clause.about_topic and rule("other_agent").starts(
        clause.tokens, amount.end
    )
    if unknown and (owner is None or owner.first < amount.first):
        return None
    word = clause.tokens.words[amount.first - 1] if amount.first > clause.first else ""
    # perhaps of an agent that nobody knows
    is_name = word.isalpha() and len(word) > _SHORT_WORD
    if (topic if owner is None else owner.amounts) and is_name:
        if clause.speaks_of_dosing(amount.first - 1, amount.first):
            return owner or topic or after
        return None
    return owner or topic or after


def _is_plain(clause: Clause, amount: AmountMark, unit: _Given) -> bool:
    """Whether an amount is surely its agent's: only words of dosing stand between the two, and
    directly after it.

    Any other word may be another agent, a maker, or a part of the body. A clause without an agent
    is that of its topic from its start, if that is the only one.
    """
    if not is_substance(unit.agent) or not (unit.mention or clause.has_one_topic):
        return False
    first = unit.end if unit.mention else clause.first
    end = amount.first
    if first > end:
        first = amount.end
        end = unit.first
    if unit.mention and unit.first == amount.end:
        behind = amount.end
    else:
        behind = min(amount.end + 1, clause.end)
    return clause.speaks_of_dosing(first, end) and clause.speaks_of_dosing(
        amount.end, behind
    )


def _describe(
    section: DosingSection, clause: Clause, *, cyclic: bool
) -> list[Statement]:
    units = _list_given(clause)
    statements = []
    for place, unit in enumerate(units):
        if unit.agent is _NOBODY:
            continue
        own = _list_own(clause, unit)
        fields = _gather(clause, units, place, own)
        dated = bool(own.moment) and unit.agent.kind in PROCEDURES
        gives = bool(own.route or own.frequency or own.days or own.length)
        if not (
            unit.amounts
            or dated
            or gives
            or (unit.mention and fields and place + 1 < len(units))
        ):
            continue
        if not unit.amounts and not fields.keys() & {
            "route",
            "frequency",
            "days",
            "length",
            *(["moment"] * dated),
        }:
            continue
        if (
            unit.agent.kind == "class"
            and not unit.amounts
            and not fields.keys() & {"frequency", "days"}
        ):
            continue  # "inhaled corticosteroids": the route is part of the name
        # The shortest range with the amounts and all other marks.
        marks: list[Fact] = [
            *unit.amounts,
            *(mark for name in FIELDS if (mark := _choose(own, name))),
        ]
        places = [(mark.first, mark.end) for mark in marks]
        if not unit.amounts and unit.mention:
            places.append((unit.first, unit.end))
        first = min((first for first, _ in places), default=clause.first)
        end = max((end for _, end in places), default=clause.end)
        statement = Statement(
            *(
                unit.agent,
                section.name,
                first,
                end,
                unit.linked,
                unit.mention,
                cyclic,
                clause,
                unit.reach,
            ),
            amounts=tuple(unit.amounts),
            **fields,
        )
        statements += _split_routes(statement, own.route)
    return statements


def _list_own(clause: Clause, unit: _Given) -> Findings:
    """Return the marks in an agent's part of a clause. A route before another agent's name, or
    in it, is that one's.
    """
    own = clause.marks.inside(*unit.reach)
    others = [m for m in clause.named if m.value.key != unit.agent.key]
    route = [
        mark
        for mark in own.route
        if not any(mark.end == m.first or m.first <= mark.first < m.end for m in others)
    ]
    return replace(own, route=tuple(route))


def _gather(
    clause: Clause, units: Sequence[_Given], place: int, own: Findings
) -> dict[str, Any]:
    """The clause's mark of each field for the unit at ``place``; ``own`` are the marks of the
    unit's own part.
    """
    fields: dict[str, Fact] = {}
    unit = units[place]
    timed = own.frequency or own.days
    refers = rule("as_elsewhere").search(clause.tokens, clause.first, clause.end)
    for name in FIELDS:
        mark = _choose(own, name)
        lends = not refers and (name != "route" or is_substance(unit.agent))
        shared = name in {"cycle", "length"} or not timed
        if mark is None and not (name == "length" and own.length) and lends and shared:
            mark = _borrow(units, place, clause.marks, name)
            if (
                mark
                and mark.value is Route.ORAL
                and rule("injected").search(clause.tokens, *unit.reach)
            ):
                mark = None  # "A 5 mg as an injection plus 100 mg B orally"
            # "For 24 weeks, A daily and B weekly"
            opens = mark is not None and mark.first < units[0].first
            if (
                name == "length"
                and timed
                and mark
                and not (opens or _counts_cycles(mark))
            ):
                mark = None
        if mark is not None:
            fields[name] = mark
    stated = fields.get("frequency")
    if stated and not clause.speaks_of_dosing(
        stated.end, min(stated.end + 1, clause.end)
    ):
        # "daily fictumab", not "weekly examinations"
        own_name = unit.mention and unit.mention.first == stated.end
        fields["frequency"] = (
            stated
            if own_name
            else replace(stated, confidence=min(stated.confidence, UNSURE))
        )
    # the unit implies it: "40 mg/day", "0.24 mg/kg/week", "5 mL/h"
    for amount in () if timed else unit.amounts:
        rates = (
            rate
            for name, rate in _RATES.items()
            if rule(name).ends(clause.tokens, amount.end, amount.first)
        )
        rate = next(rates, None)
        if rate:
            fields["frequency"] = Mark(
                rate, amount.first, amount.end, section=amount.section
            )
            break
    return fields


def _choose(marks: Findings, name: str) -> Fact | None:
    """Return the first mark. Frequency codes come before "once" and "other"; lengths of steps
    are skipped.
    """
    found: tuple[Fact, ...] = getattr(marks, name)
    if name == "length":
        steps = [mark for mark in found if not _counts_cycles(mark)]
        if len(steps) > 1 and all(mark.confidence == STEP for mark in steps[:2]):
            return None  # "5 mg for 4 weeks, then 2 mg for 8 weeks"
    coded = (
        mark for mark in found if mark.value not in {Frequency.ONCE, Frequency.OTHER}
    )
    return next(coded if name == "frequency" else iter(found), next(iter(found), None))


def _borrow(
    units: Sequence[_Given], place: int, marks: Findings, name: str
) -> Fact | None:
    """Return the mark of a later unit, which holds for the ones before it: "A 5 mg and B 3 mg on
    day 1".
    """
    for unit in units[place + 1 :]:
        own = marks.inside(*unit.reach)
        mark = _choose(own, name)
        # "and oral B"
        if mark and not (
            name == "route" and unit.mention and mark.end == unit.mention.first
        ):
            return mark
        if name not in {"route", "cycle", "length"} and (own.frequency or own.days):
            return None
    return (
        _choose(marks.inside(units[0].reach[0], units[0].first), name)
        if place
        else None
    )


def _counts_cycles(mark: PeriodMark) -> bool:
    """Return whether a length is in cycles, which all agents share: "A on day 1, B on day 8 for
    6 cycles".
    """
    return mark.value is not None and mark.value.unit is TimeUnit.CYCLE


def _spread(
    section: DosingSection, statements: list[Statement], marks: Findings, first: int
) -> None:
    """Apply a clause without an agent to its paragraph so far, or if it opens one, to all
    statements before it.
    """
    several = any(
        statement.agent.key != statements[0].agent.key for statement in statements
    )
    shared = ("cycle", "length", "route") if section.is_group else ("cycle", "length")
    facts = {
        name: mark
        for name in (shared if several else FIELDS)
        if (mark := _choose(marks, name))
    }
    paragraph = section.tokens.codes.rfind("\n", 0, first) if facts else -1
    if statements[-1].clause.first <= paragraph:
        paragraph = -1
    for place in range(
        len(statements) - 1, max(-1, len(statements) - 1 - _SPREAD_REACH), -1
    ):
        statement = statements[place]
        if not facts or statement.first <= paragraph:
            break
        empty = (name for name in facts if getattr(statement, name) is None)
        changes: dict[str, Any] = {
            name: facts[name]
            for name in empty
            if name != "route" or is_substance(statement.agent)
        }
        statements[place] = replace(statement, **changes) if changes else statement


def _continue(before: Statement, step: Statement) -> Statement:
    """Return a step after ``before`` of the same agent, with missing fields from ``before``."""
    fields = ("mention", "amounts", "route", "cycle")
    changes: dict[str, Any] = {
        name: getattr(step, name) or getattr(before, name) for name in fields
    }
    return replace(step, step=before.step + 1, **changes)


def _split_routes(
    statement: Statement, routes: Sequence[Mark[Route]]
) -> list[Statement]:
    """Return one statement per route joined by "or" ("IV or orally"), else the statement itself."""
    joined: dict[Route, Mark[Route]] = {}
    for one, other in pairwise(routes):
        if one.value != other.value and is_joint(
            "or_between", statement.clause.tokens, one.end, other.first
        ):
            joined |= {
                mark.value: joined.get(mark.value, mark) for mark in (one, other)
            }
    if statement.route is None or statement.route.value not in joined:
        return [statement]
    return [replace(statement, route=mark) for mark in joined.values()]
