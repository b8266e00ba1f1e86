"""Create a draft for each regimen, with a typed reading, evidence and features for each field."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, TypeVar

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.agreement import (
    AGREED,
    describe_agreement,
    describe_naming,
)
from extractor.concepts.doses.amounts import MOST_TAKEN, is_flow, is_portion
from extractor.concepts.doses.arms import Arms, OfAgent
from extractor.concepts.doses.linking import (
    BEFORE_NAME,
    IN_WORDS,
    Linked,
    count_unexplained,
    find_gap,
    find_next_name,
    follows_unknown,
)
from extractor.concepts.doses.marks import Place, list_beginning, within
from extractor.concepts.doses.merging import Regimen, without_rate
from extractor.concepts.doses.names import find_substance, is_salt
from extractor.concepts.doses.roles import Trial, read_role
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.drafts import ItemDraft, Reading, Supported, ValuePart
from extractor.evidence.items import RegimenDraft, RegimenReadings
from extractor.language.book import read_table, read_text, rule
from extractor.language.lexer import NUMBER
from extractor.language.values import replace
from extractor.measures.reader import read_line
from extractor.schemas import Amount, Frequency, Support

_LEAST_SURE = 0.02
"""The lowest confidence of a value."""
T = TypeVar("T")


def make_draft(
    regimen: Regimen, of_agent: OfAgent, trial: Trial, number: int
) -> RegimenDraft:
    """Return the draft of a regimen. ``of_agent`` describes all regimens of its agent."""
    main = regimen.main
    return ItemDraft(
        "dosing",
        main.text.chunk(number, *main.clause),
        main.text.span(*main.find_words()),
        _Reader(regimen, of_agent, trial).read(),
    )


class _Reader:
    """Reads the fields of a regimen. The features of the regimen are among those of each value."""

    def __init__(self, regimen: Regimen, of_agent: OfAgent, trial: Trial) -> None:
        self._regimen = regimen
        self._of_agent = of_agent
        self._trial = trial
        self._around = tuple(describe_around(regimen, of_agent.count - 1))

    def read(self) -> RegimenReadings:
        text, place = _find_name(self._regimen)
        span = text.span(*place)
        role, probability, rivals = read_role(self._regimen, self._trial)
        naming = tuple(describe_naming(self._regimen, self._trial))
        readings = RegimenReadings(
            agent=Reading(
                text.raw(*place),
                1.0,
                (span,),
                features=self._with_common([*describe_agent(self._regimen), *naming]),
            ),
            role=Reading(
                role,
                probability,
                (span,),
                Support.INFERRED,
                alternatives=rivals,
                features=self._with_common([f"role {role}", *naming]),
            ),
            amounts=self._read_amounts(),
            arms=self._read_arms(),
            frequency=self._read_frequency(),
            timing=self._read_timing(),
            route=self._read_mark("route", describe_route),
            cycle=self._read_mark("cycle"),
            duration=self._read_mark("duration"),
            **self._read_steps(),
        )
        # a regimen with many empty fields is often a part of another one
        empty = (name for name in _MAY_BE_EMPTY if not readings[name].value)
        features = (*readings.agent.features, *(f"no {name}" for name in empty))
        return replace(readings, stands=Reading(value=True, features=features))

    def _with_common(self, features: Iterable[str]) -> tuple[str, ...]:
        """Return the features of a value, followed by the doubts that limit its confidence and by
        the features of the regimen.
        """
        own = tuple(features)
        return (*own, *list_limits(own), *self._around)

    def _read_amounts(self) -> Reading[tuple[Amount, ...]]:
        """Return the dose levels, with their places and features."""
        links = [level.link for level in self._regimen.levels.values()]
        if not links:
            return self._read_nothing("amounts", ())
        amounts = self._trial.arms.find_of_amounts(self._regimen)
        members = []
        for amount, link in zip(amounts, links, strict=True):
            features = [*describe_amount(amount, link, self._regimen)]
            condition = self._read_condition(link)
            is_one = len(link.mark.value) == 1
            # which of "5 or 10 mg (<50 kg, >50 kg)" is for whom is unknown
            if not is_one and len(read_line(read_text(condition))) > 1:
                features.append("one of a choice")
            own = self._with_common(features)
            parts = {}
            value = amount
            if condition and is_one:
                value = amount.model_copy(update={"condition": condition})
                parts = {"condition": ValuePart((_NOT_PLAIN,))}
            members.append(Supported(value, link.span, Support.PARSED, own, parts))
        return Reading((), min(map(_estimate, links))).with_supported(members)

    def _read_condition(self, link: Linked) -> str:
        """Return the words for whom an amount is, or "" if it is for all or for an arm."""
        whom = link.text.whom.get(link.mark.place)
        if whom is None:
            return ""
        condition = link.text.raw(*whom)
        return "" if self._is_arm(condition) else condition

    def _is_arm(self, condition: str) -> bool:
        """Return whether the people whom an amount is for are an arm of the record."""
        words = read_text(condition)
        named = rule("whom_cohort").search(words)
        if named is None:
            return False
        name = named.text.casefold()
        arms = self._trial.arms
        return any(name in arms.read_label(arm).casefold() for arm in arms.places)

    def _read_arms(self) -> Reading[tuple[str, ...]]:
        """Return the labels of the arms that receive the regimen, with the places of the labels."""
        arms = self._trial.arms
        # how the arms were found ("linked", "own text") determines the confidence
        how, receiving = arms.find(self._regimen, self._of_agent)
        if not receiving:
            return Reading((), 1.0, features=("no arm",))
        features = [how, *describe_arms(receiving, self._regimen, arms)]
        own = self._with_common(features)
        return Reading(()).with_supported(
            Supported(arms.read_label(arm), arms.places[arm], Support.PARSED, own)
            for arm in receiving
        )

    def _read_frequency(self) -> Reading[Frequency | None]:
        rhythm = self._regimen.frequency()
        if rhythm is None:
            return self._read_nothing("frequency", None)
        code, link = rhythm
        return self._read_link(code, link, describe_rhythm(code, link))

    def _read_timing(self) -> Reading[str | None]:
        """Return the words that state the days or times of administration."""
        link = self._regimen.best("days") or self._regimen.best("timing")
        if link is None:
            return self._read_nothing("timing", None)
        words = link.text.raw(*link.mark.place)
        return self._read_link(words, link, support=Support.LITERAL)

    def _read_mark(
        self, name: str, describe: Callable[[Linked], Iterable[str]] = lambda _: ()
    ) -> Reading[T | None]:
        """Return the value of the most likely mark of a field, with the features that
        ``describe`` yields.
        """
        link = self._regimen.best(name)
        if link is None:
            return self._read_nothing(name, None)
        return self._read_link(link.mark.value, link, describe(link))

    def _read_link(
        self,
        value: T,
        link: Linked,
        features: Iterable[str] = (),
        support: Support = Support.PARSED,
    ) -> Reading[T]:
        """Return the reading of a value that a mark states. ``features`` are further features
        of the value.
        """
        own = [*describe_link(link, self._regimen, link.mark.value), *features]
        return Reading(
            value,
            _estimate(link),
            (link.span,),
            support,
            features=self._with_common(own),
        )

    def _read_steps(self) -> dict[str, Reading[Any]]:
        """Return the readings of the fields that most regimens lack: maxima, "as needed", and those
        of one of several steps.
        """
        readings: dict[str, Reading[Any]] = {}
        regimen = self._regimen
        maxima = {link.mark.value: link for link in reversed(regimen.links("maximum"))}
        if maxima:
            readings["maximum"] = Reading(()).with_supported(
                Supported(value, link.span, Support.PARSED, (_NOT_PLAIN,))
                for value, link in reversed(maxima.items())
            )
        rhythm = regimen.frequency()
        demand = regimen.best("as_needed")
        if demand is None and rhythm and rhythm[0] is Frequency.PRN:
            demand = rhythm[1]
        if demand:
            readings["as_needed"] = Reading(
                value=True,
                spans=(demand.span,),
                support=Support.PARSED,
                features=(_NOT_PLAIN,),
            )
        step = regimen.step
        if step is None:
            return readings
        span = regimen.main.text.span(*regimen.main.find_words())
        features = (_BY_ORDER,)
        readings["step"] = Reading(
            step.number, 1.0, (span,), Support.INFERRED, features=features
        )
        if step.kind:
            readings["step_kind"] = Reading(
                step.kind, 1.0, (span,), Support.INFERRED, features=features
            )
        total = regimen.total
        if total and total.mark.value:
            readings["total_duration"] = Reading(
                total.mark.value,
                _estimate(total),
                (total.span,),
                Support.PARSED,
                features=(_NOT_PLAIN,),
            )
        return readings

    def _read_nothing(self, name: str, value: T) -> Reading[T]:
        """Return the reading of an empty field, which is less certain if the clause or the section
        contains other marks of the field.
        """
        main = self._regimen.main
        where = "nowhere"
        if any(mark.field == name for mark in within(main.text.marks, *main.clause)):
            where = "in clause"
        elif name in main.text.fields:
            where = "in record"
        return Reading(value, 1.0, features=(where,))


def _estimate(link: Linked) -> float:
    return round(max(link.probability, _LEAST_SURE), 2)


def _find_name(regimen: Regimen) -> tuple[DoseText, Place]:
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
            place = statement.owner.place
            is_named = statement.owner.is_named
            if is_named and statement.text.raw(*place).lower() == bare:
                return statement.text, place
    return agent.source, (first, end)


_MANY_AGENTS = 3
"""Minimum number of agents in a clause that counts as "many"."""
_LONG_NAME = 3
"""Minimum number of words in a long name."""
_IN_DOUBT = 0.7
"""The maximum confidence of a reading of ambiguous words."""
_MANY_WORDS = 3
"""Minimum number of words that counts as "many"."""
_DRUG_TYPES = ("drug", "biological")
"""The registered types of interventions that are medicines."""
_RHYTHMS = ("frequency", "days", "cycle")
"""The fields of which an amount that is given has one beside it."""
_MAY_BE_EMPTY = ("arms", "route", "frequency", "timing", "cycle", "duration")
"""The fields that a regimen may lack, apart from its amounts."""
_SETTINGS = ("Hz", "W", "J", "mA", "L", "cmH2O", "pulses")
"""Units of what a device is set to, which may be no dose."""
_SPEEDS = ("s", "sec", "second")
"""Units of time of the speed of an injection, which is no dose."""
_BY_ORDER = "divided by order"
_NOT_PLAIN = "in no plain form"
"""Features of what is read from several sentences or from words that may mean something else."""
UNKNOWN_NAME = "behind an unknown name"
_OF_TIME = frozenset({"by frequency", "by days", "by timing"})
"""The features of rhythms and days."""
_SLASHED = re.compile(f"[{NUMBER}]/[{NUMBER}]")


def list_limits(features: Sequence[str]) -> Iterator[str]:
    """Yield the features that limit the confidence of a value. A rhythm or days that an arm or
    intervention and a description both state are not limited: of 90 such, 3 were wrong.
    """
    is_of_time = not _OF_TIME.isdisjoint(features)
    if is_of_time and AGREED in features:
        return
    for limit, limiting in read_table("dose_features")["limit"].items():
        if not set(limiting).isdisjoint(features):
            yield limit


def _list_true(facts: Mapping[str, bool]) -> Iterator[str]:
    return (feature for feature, is_true in facts.items() if is_true)


def describe_around(regimen: Regimen, siblings: int) -> Iterator[str]:
    """Yield the features that apply to all fields of a regimen. ``siblings`` is the number of
    other regimens with the same agent.
    """
    main = regimen.main
    marks = within(main.text.marks, *main.clause)
    yield f"stated in {main.text.kind}"
    if not main.owner.is_named and follows_unknown(
        main.text, main.place, regimen.agent
    ):
        yield UNKNOWN_NAME
    yield f"its agent is {main.owner.how}"
    yield from _list_true(
        {
            "several amounts near": sum(mark.field == "amounts" for mark in marks) > 1,
            "many agents in the clause": main.rivals >= _MANY_AGENTS,
            "two agents in the clause": 1 < main.rivals < _MANY_AGENTS,
            "no amount": not regimen.levels,
            "one of several regimens of its agent": siblings > 0,
            "one of several steps": regimen.step is not None,
            "a placebo": regimen.agent.is_placebo,
        }
    )


def describe_agent(regimen: Regimen) -> Iterator[str]:
    """Yield the features found in an agent's name, its entry and the texts that state its doses."""
    agent = regimen.agent
    # a record without a list of interventions says nothing about an agent
    if agent.is_registered:
        yield "registered True"
    elif agent.is_extra:
        yield "registered False"
    yield f"kind {agent.kind}"
    yield from _describe_name(regimen)
    yield from _describe_entry(regimen)


def _describe_name(regimen: Regimen) -> Iterator[str]:
    """Yield the features of the words of an agent's name."""
    agent = regimen.agent
    main = regimen.main
    words = agent.name.split()
    is_joined = _is_part(agent)
    if main.owner.is_named:
        is_joined = is_joined or main.text.tokens.gap(main.owner.place[0]) == "-"
    last_word = agent.source.tokens.words[agent.place[1] - 1]
    yield from _list_true(
        {
            "a part of a longer name": is_joined,
            "a salt": is_salt(last_word),
            "a listed drug": find_substance(agent.name) is not None,
            "a name of several words": len(words) > 1,
            "a long name": len(words) >= _LONG_NAME,
            "a placebo with further words": agent.is_placebo and len(words) > 1,
            "a code": any(letter.isdigit() for letter in agent.name),
        }
    )


def _describe_entry(regimen: Regimen) -> Iterator[str]:
    """Yield the features of the texts that name an agent or state its doses."""
    agent = regimen.agent
    main = regimen.main
    own_texts = (agent.source.name, *agent.sections)
    is_of_other_entry = main.text.is_intervention and main.text.name not in own_texts
    has_schedule = agent.is_registered and bool(main.facts.keys() - {"amounts"})
    naming: set[str] = set()
    dosing: set[str] = set()
    for statement in regimen.statements:
        if statement.owner.is_named:
            naming.add(statement.text.name)
        if statement.amounts:
            dosing.add(statement.text.name)
    yield from _list_true(
        {
            "an agent of a description": not main.text.is_group and not has_schedule,
            "a weak agent": any(link.doubts for link in main.amounts[:1]),
            "its own entry states its dose": not dosing.isdisjoint(agent.sections),
            "the whole name of its entry": _is_whole(agent),
            "named in several texts": len(naming) > 1,
            "registered as a drug": agent.source.type in _DRUG_TYPES,
            "in the entry of another agent": is_of_other_entry,
        }
    )


def _is_whole(agent: Agent) -> bool:
    """Return whether a name is that of its entry, apart from a dose behind it."""
    first, end = agent.place
    title = agent.source.title
    if first != title[0] or end == title[1]:
        return first == title[0]
    return bool(list_beginning(agent.source.marks, end, end + 1))


def _is_part(agent: Agent) -> bool:
    """Return whether a name is joined to the words beside it."""
    tokens = agent.source.tokens
    first, end = agent.place
    adjacent = {*tokens.codes[max(0, first - 1) : first], *tokens.codes[end : end + 1]}
    gaps = [tokens.gap(at) for at in (first, end) if at < len(tokens)]
    return "-" in gaps or not adjacent.isdisjoint("/+")


def describe_rhythm(value: Frequency, link: Linked) -> Iterator[str]:
    """Yield the features of a frequency: its code, and what makes it doubtful, such as other
    frequencies and days nearby.
    """
    near = within(link.text.marks, *link.text.find_clause(link.mark.first))
    stated = {mark.value for mark in near if mark.field == "frequency"}
    is_stated = link.mark.field == "frequency"
    levels = link.mark.value if link.mark.field == "amounts" else ()
    yield f"frequency {value}"
    yield from _list_true(
        {
            "a limit or a part": any(level.low is None for level in levels),
            "several rhythms near": is_stated and len(stated) > 1,
            "days beside a rhythm": is_stated
            and "days" in [mark.field for mark in near],
        }
    )


def describe_route(link: Linked) -> Iterator[str]:
    """Yield the features of a route that may be that of the name behind it: "A 5 mL, then oral XY",
    or that of the form of a drug, since its clause states another one or a place: "two oral tablets
    vaginally", "eye drops on the lips".
    """
    if BEFORE_NAME in link.doubts:
        yield "a route of another name"
    tokens = link.text.tokens
    first, end = link.mark.place
    clause = link.text.find_clause(first)
    near = within(link.text.marks, *clause)
    routes = {mark.value for mark in near if mark.field == "route"}
    has_other = len(routes) > 1 or rule("to_a_place").search(tokens, end, clause[1])
    if has_other and rule("form_of_drug").search(tokens, first, end + 1):
        yield "several routes near"


def describe_amount(level: Amount, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield the features of an amount."""
    text = link.text
    first, end = link.mark.place
    slashed = _SLASHED.search(text.tokens.codes[max(0, first - 2) : end])
    most = level.high or level.low or 0
    is_daily = level.unit.endswith("/day")
    clause = text.find_clause(first)
    is_split = rule("divides_day").occurs(text.tokens, *clause)
    near = {mark.field for mark in within(text.marks, *clause)}
    rhythm = regimen.best("frequency")
    # "600 mg/day bid" may mean 600 mg or 1200 mg a day; "600 mg/day qd" is 600 mg each time
    is_unclear = rhythm is not None and not is_split
    is_of_form = rule("form_after").starts(text.tokens, end) is not None
    # "150 mg per capsule, 450 mg weekly", or steps that were not divided
    is_apart = regimen.stands_apart and not level.arms
    yield from describe_link(link, regimen, without_rate(level))
    yield from _describe_owner(link, regimen)
    yield from _list_true(
        {
            "a limit": level.low is None or level.high is None,
            "nothing given": level.low == 0,
            "more than is taken": most > MOST_TAKEN.get(level.unit, inf),
            "radiation": level.unit == "Gy",
            "a unit with a slash": "/" in level.unit,
            "a strength": level.unit == "%",
            "a volume or a piece": is_portion(link.mark),
            "beside several pieces": text.counts_pieces and not is_portion(link.mark),
            "arms of its own": bool(level.arms),
            "several levels": len(regimen.levels) > 1,
            "levels that stand apart": is_apart,
            "levels of several clauses": len(regimen.clauses) > 1,
            "a rhythm beside it": not near.isdisjoint(_RHYTHMS),
            "a route beside it": "route" in near,
            "the only amount of its section": len(text.amounts) == 1,
            "a setting of a device": level.unit.partition("/")[0] in _SETTINGS,
            "a flow": is_flow(level),
            "a strength without a rhythm": is_of_form and near.isdisjoint(_RHYTHMS),
            "a speed": level.unit.rpartition("/")[2] in _SPEEDS,
            "several units": len(regimen.units) > 1,
            # An intervention and a description that state two amounts may contradict each other.
            "levels of several texts": len(regimen.kinds) > 1,
            "an amount of a placebo": regimen.agent.is_placebo,
            "an amount of a description": not text.is_group,
            "levels with a slash": slashed is not None,
            "a day given otherwise": is_daily and is_unclear,
            "a day may be split": is_split and not is_daily,
        }
    )


def _describe_owner(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield features of how an amount belongs to its agent: of the words between the two or, if its
    clause does not name the agent, of the words around the amount.
    """
    owner = regimen.owners.get(link, regimen.main.owner)
    if not owner.is_named:
        yield from _list_words(link, "unnamed")
        if find_next_name(link.text, link.mark):
            yield "of another name"
        return
    gap = find_gap(owner.place, link.mark.place)
    unexplained = count_unexplained(link.text, *gap)
    yield f"{unexplained if unexplained < _MANY_WORDS else 'many'} unexplained"
    if owner.place > link.mark.place:
        yield "its agent behind"
    elif rule("joined_name").ends(link.text.tokens, gap[1], gap[0]):
        yield "of another name"


def describe_arms(
    receiving: Sequence[str], regimen: Regimen, arms: Arms
) -> Iterator[str]:
    """Yield the features of the arms found for a regimen, which may be too many or too few.
    ``receiving`` are the section names of these arms.
    """
    if len(arms.places) == 1:
        return
    found = {*receiving}
    key = regimen.agent.key
    own = [statement for statement in regimen.statements if statement.text.is_arm]
    stating = {statement.text.name for statement in own}
    dosing = {statement.text.name for statement in own if statement.amounts}
    # A register may link its only intervention to arms that receive something else.
    is_of_all = len(found) == len(arms.places) and not found <= dosing
    yield from _list_true(
        {
            "every arm of several": is_of_all,
            "another arm names the agent": not arms.mentioning[key] <= found,
            "not told by each arm": not found <= arms.telling[key],
            "stated in some of its arms": bool(stating) and not found <= stating,
            "other amounts in an arm": len(found) > 1
            and _has_other_amounts(regimen, arms),
        }
    )


def _has_other_amounts(regimen: Regimen, arms: Arms) -> bool:
    """Return whether a regimen gives all its amounts to each arm, but the text of an arm states
    only some of them.
    """
    if len(regimen.levels) == 1:
        return False
    if any(amount.arms for amount in arms.find_of_amounts(regimen)):
        return False
    stated = defaultdict[str, set[object]](set)
    for link in regimen.links("amounts"):
        if link.text.is_arm:
            amounts = map(without_rate, link.mark.value)
            # tablets are no levels beside a substance
            stated[link.text.name].update(regimen.levels.keys() & set(amounts))
    return any(0 < len(of_arm) < len(regimen.levels) for of_arm in stated.values())


def describe_link(link: Linked, regimen: Regimen, value: object) -> Iterator[str]:
    """Yield the features of a mark's link and of the words around the mark. A doubt about the words
    of the mark is omitted if they have two meanings, which is a feature of its own. ``value`` is
    the value of the mark or one of its dose levels; another statement may have the same one.
    """
    field = link.mark.field
    stating = regimen.stating[field]
    has_two_meanings = link.mark.confidence <= _IN_DOUBT
    for doubt in link.doubts:
        # both lower the maximum confidence, but words of two meanings are one doubt: "at 7 a.m."
        is_told_below = doubt == IN_WORDS and has_two_meanings
        if not is_told_below:
            yield doubt
    yield f"by {field}"
    yield from _list_true(
        {
            "doubtful words": link.mark.confidence < 1,
            "elsewhere": link.text is not regimen.main.text,
            "words of two meanings": has_two_meanings,
            "rivals": field != "amounts" and len(stating) > 1,
            "stated again": len(stating.get(value, ())) > 1,
            "contradicted": field in regimen.contradicted,
            "a length among several amounts": field == "duration" and regimen.has_parts,
        }
    )
    yield from describe_agreement(link, regimen, value)
    gap = find_gap(regimen.main.place, link.mark.place)
    is_here = link.text is regimen.main.text and field != "amounts"
    if is_here and count_unexplained(link.text, *gap) == 1:
        yield "1 unexplained"
    yield from _list_words(link, "any")
    yield from _list_words(link, field)
    if not regimen.main.owner.is_named and follows_unknown(
        link.text, link.mark.place, regimen.agent
    ):
        yield UNKNOWN_NAME


def _list_words(link: Linked, kind: str) -> Iterator[str]:
    """Yield the features of the words before a mark, at its end, after it, or in its clause."""
    tokens = link.text.tokens
    first, end = link.mark.place
    for feature, row in read_table("dose_features")["words"].get(kind, {}).items():
        where, name = row
        if where == "before":
            match = rule(name).ends(tokens, first)
        elif where == "at the end":
            match = rule(name).ends(tokens, end)
        elif where == "after":
            match = rule(name).starts(tokens, end)
        else:
            match = rule(name).search(tokens, *link.text.find_clause(first))
        if match:
            yield feature
