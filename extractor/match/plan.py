"""Compile a trial once: its criteria become tests of numbers, which many patients can take."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from types import MappingProxyType
from typing import Any, NamedTuple

from extractor.assembly.admission import complete_gold
from extractor.concepts.people.registered_ages import AGES, SIDES, read_comparator
from extractor.language.numbers import DAYS
from extractor.language.values import group_pairs
from extractor.match.absences import plan_absence
from extractor.match.diseases import TrialCondition, read_conditions
from extractor.match.facts import NOTHING
from extractor.match.judge import Verdict, run_test
from extractor.match.limits import find_lowest, plan_limits
from extractor.match.names import limit_to_women, plan_names
from extractor.match.quantities import SEXES, is_own
from extractor.match.senses import Sense, read_sense
from extractor.match.synonyms import spell_key
from extractor.match.tests import UNDECIDED, Test, of_bounds, of_sex, simplify, turn
from extractor.match.windows import plan_windows
from extractor.match.words import words_of
from extractor.measures.names import spell_words
from extractor.schemas import (
    Criterion,
    Eligibility,
    Evidence,
    ExtractedItem,
    FindingKind,
    GroupRule,
    TimeUnit,
    TrialExtraction,
)
from extractor.schemas.values import index_evidence
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_VERBS = ("has ", "had ", "takes ", "took ")
_OPEN_END = re.compile(r"\bor\W*$", re.IGNORECASE)
"""The end of a line whose next line is an alternative."""
_BOTH_BEFORE = re.compile(r"^\W*(?:and|plus|with)\b", re.IGNORECASE)
"""The beginning of an item that is joined with the one above."""
_KINDS = 2
"""Inclusion and exclusion."""
_OF_A_GROUP = "which participants this list is for; the trial has several lists"
_NOWHERE = Evidence.model_construct(section=None, start=0, end=0, quote="")
_DOUBTS = frozenset({FindingKind.STRUCTURE_DOUBTFUL, FindingKind.LANGUAGE_OTHER})
"""Findings after which a list may lack criteria, or hold wrong ones."""


class Rule(NamedTuple):
    """A criterion, or an age or a sex of the whole record (whose ``place`` is None), with its words
    and their place. ``words`` contains the spelled words between spaces, ``touched`` the quantities
    that its test needs, and ``silent`` is the verdict if none of them is stated. ``above`` is the
    line above the criterion, and ``doubt`` why its place in the list is doubtful. ``absence`` is
    met by who has nothing of what the line excludes, and ``about`` has what it needs.
    """

    place: int | None
    kind: str
    quote: str
    section: str | None
    start: int
    end: int
    test: Test
    words: str = ""
    touched: frozenset[str] = frozenset()
    silent: Verdict = Verdict("not_stated")
    above: str = ""
    doubt: str = ""
    absence: Test | None = None
    about: frozenset[str] = frozenset()


class _Planned(NamedTuple):
    """A compiled criterion.

    Attributes:
        rule: Its rule.
        ages_decide: Whether whoever fails its ages fails it.
        is_settled: Whether its negation is read from its whole line.
        has_limits: Whether it has limits.
    """

    rule: Rule
    ages_decide: bool
    is_settled: bool
    has_limits: bool = False


class Group(NamedTuple):
    """Criteria, by position, of which ``need`` must let a patient in; -1 if that is not known."""

    members: tuple[int, ...]
    need: int
    shown: str


class Plan(NamedTuple):
    """A compiled trial. ``doubts`` lists why its list of criteria is doubtful as a whole; ``words``
    joins the words of its criteria, ``vocabulary`` has each of them, and ``conditions`` are those
    that its register states. ``own`` has the quantities that it names, but the vocabulary does not.
    """

    record_id: str
    rules: tuple[Rule, ...]
    groups: tuple[Group, ...]
    doubts: tuple[str, ...]
    words: str
    min_confidence: float
    vocabulary: frozenset[str] = frozenset()
    conditions: tuple[TrialCondition, ...] = ()
    own: frozenset[str] = frozenset()


def _find_lowest_confidence(item: ExtractedItem, *fields: str) -> float:
    """Return the lowest confidence of fields and their parts. Gold, which has none, is sure."""
    return find_lowest(piece for field in fields for piece in item.evidence_for(field))


def plan_trial(
    extraction: TrialExtraction,
    min_confidence: float = DOUBTFUL_BELOW,
    registered: Mapping[str, Any] = MappingProxyType({}),
) -> Plan:
    """Compile a trial for ``decide``.

    Args:
        extraction: The trial.
        min_confidence: What is less sure decides nothing.
        registered: The register's columns, which supply the conditions, and the ages and the sex
            that the text does not state.
    """
    people = complete_gold(extraction).eligibility
    doubts = [one.message for one in extraction.findings if one.kind in _DOUBTS]
    if not people.criteria:
        doubts.append("the record states no criteria")
    doubts_by_group = dict[str, str]()
    proofs = index_evidence(people)
    for place, group in enumerate(people.groups):
        if find_lowest(proofs[f"groups[{place}]"]) < min_confidence:
            doubts_by_group[group.id] = (
                f"how this list belongs together: {group.lead_in or group}"
            )
    rules = []
    plans: list[_Planned] = []
    around = people.list_around()
    for place, criterion in enumerate(people.criteria):
        planned = _plan_criterion(place, criterion, people)
        rule = planned.rule
        plans.append(planned)
        groups_around = around[criterion.group]
        doubts_around = [doubts_by_group.get(group.id) for group in groups_around]
        doubt = next(filter(None, doubts_around), "")
        read = ["kind", "quote", "lead_in"]
        if not planned.is_settled:
            read.append("negated")
        confidence = _find_lowest_confidence(criterion, *read)
        # says more than a doubt about a group
        if confidence < min_confidence:
            doubt = f"the doubtful structure of the list ({confidence:.2f})"
        if doubt:
            rule = _doubt_rule(rule, criterion, doubt, min_confidence)
        rules.append(rule)
    if _has_several_lists(people.criteria):
        rules = [_keep_nobody_out(rule) for rule in rules]
    rules += _list_record_rules(people, registered, plans)
    rules = [_finish(rule, min_confidence) for rule in rules]
    words = "".join(rule.words for rule in rules)
    messages = tuple(dict.fromkeys((*doubts, *doubts_by_group.values())))
    groups = tuple(_list_groups(people))
    return Plan(
        extraction.record_id,
        tuple(rules),
        groups,
        messages,
        words,
        min_confidence,
        frozenset(words.split()),
        read_conditions(str(registered.get("conditions") or "")),
        frozenset(filter(is_own, chain.from_iterable(rule.touched for rule in rules))),
    )


def _has_several_lists(criteria: Sequence[Criterion]) -> bool:
    """Return whether a list of one kind is followed by one of the other, and that by another of the
    first: so write trials with criteria for each group, such as patients and healthy controls.
    """
    kinds = [kind for kind, _ in groupby(one.kind for one in criteria)]
    return len(kinds) > _KINDS


def _keep_nobody_out(rule: Rule) -> Rule:
    """Return a rule of a list that may be for other participants than the patient."""
    obstacle = rule.test.keeps_out or _OF_A_GROUP
    return rule._replace(test=rule.test._replace(keeps_out=obstacle))


def _doubt_rule(
    rule: Rule, criterion: Criterion, doubt: str, min_confidence: float
) -> Rule:
    """Return a rule that a doubt about its place in the list keeps from a decision. If only the
    line above is doubtful, whoever meets the criterion meets it, whomever that line names.
    """
    sense = read_sense(criterion.lead_in, included=criterion.is_inclusion)
    rest = _find_lowest_confidence(criterion, "kind", "quote", "negated")
    above = _find_lowest_confidence(criterion, "lead_in")
    is_of_line_above = above < min_confidence <= rest
    turns = sense.turns or sense.permits
    if is_of_line_above and not turns and not criterion.group:
        return rule._replace(test=rule.test._replace(keeps_out=doubt), doubt=doubt)
    doubted = rule.test._replace(keeps_out=doubt, lets_in=doubt)
    return rule._replace(test=doubted, doubt=doubt, absence=None)


def _finish(rule: Rule, min_confidence: float) -> Rule:
    """Add to a rule what it needs, and its verdict on a patient of whom nothing is known."""
    test = simplify(rule.test)
    touched = frozenset(test.list_quantities())
    touched |= {quantity.partition(" (")[0] for quantity in touched}
    silent = run_test(test, NOTHING, min_confidence)
    about = frozenset[str]()
    if rule.absence:
        about = frozenset(rule.absence.list_quantities())
    return rule._replace(test=test, touched=touched, silent=silent, about=about)


def _plan_criterion(place: int, criterion: Criterion, people: Eligibility) -> _Planned:
    """Compile a criterion: its limits or, if it has none, its time windows or its names."""
    includes = criterion.is_inclusion
    sense = read_sense(criterion.lead_in, included=includes)
    required = includes is not sense.turns
    piece = next(iter(criterion.evidence_for("quote")), _NOWHERE)
    # the lists in ``match_words.toml`` of words that need no test of their own
    idle_lists = {"neutral", "defined"}
    if not required:
        idle_lists.add("disturbed")
    ages_decide = False
    is_settled = False
    if criterion.constraints:
        idle = set(words_of(*idle_lists))
        if criterion.turned:
            idle |= words_of("negating") | {"cannot", "absence"}
        reading = plan_limits(
            criterion, piece.start, frozenset(idle), people.sex, required=required
        )
        test = reading.test
        ages_decide = reading.ages_decide
    elif criterion.time_windows:
        windows = plan_windows(criterion, piece.start, required=required)
        times = [window.quote for window in criterion.time_windows]
        test = limit_to_women(windows, criterion.quote, times, required=required)
    else:
        test = plan_names(criterion.quote, people.sex, required=required)
        # the negation of a name is read from its whole line
        is_settled = test.quantity.startswith(_VERBS)
    obstacles = _find_obstacles(criterion, sense, sorted(idle_lists))
    this_and_above = people.criteria[max(0, place - 1) : place + 1]
    has_open_end = any(_OPEN_END.search(one.quote) for one in this_and_above)
    if includes and has_open_end:
        obstacles = ("an alternative in the next or the previous line", obstacles[1])
    if sense.permits:
        # whoever has what is permitted, may take part; nobody must have it
        test = turn(test)._replace(keeps_out="what is permitted")
        obstacles = ("what is permitted", "")
    keeps_out, lets_in = obstacles
    absence = None
    is_plain = not _is_negated(criterion) and not _is_about_some(sense)
    if is_plain and not sense.permits:
        absence = plan_absence(criterion.quote, required=required)
    whole = Test("", keeps_out=keeps_out, lets_in=lets_in)
    if test.quantity or test.parts or test.keeps_out:
        whole = whole._replace(parts=(test,))
    doubt = ""
    if sense.permits:
        doubt = "what is permitted"
    # what the patient has may be named with or without its prefix
    spelled = " ".join(spell_words(criterion.quote))
    words = f" {' '.join(dict.fromkeys((spelled, spell_key(criterion.quote))))} "
    rule = Rule(
        place,
        criterion.kind.value,
        criterion.quote,
        piece.section,
        piece.start,
        piece.end,
        whole,
        words,
        above=criterion.lead_in or "",
        doubt=doubt,
        absence=absence,
    )
    return _Planned(rule, ages_decide, is_settled, bool(criterion.constraints))


def _find_obstacles(
    criterion: Criterion, sense: Sense, idle_lists: Sequence[str]
) -> tuple[str, str]:
    """Return what else stands in the way of a decision (``keeps_out``, ``lets_in``), if the tests
    of a criterion are not met, and if they are: the line above, an exception, or a negation.
    """
    includes = criterion.is_inclusion
    idle = words_of(*idle_lists, "leading", "describing")
    above = [word for word in spell_words(sense.rest) if word not in idle]
    exceptions = [piece.quote for piece in criterion.evidence_for("has_exception")]
    negated = _is_negated(criterion)
    links = words_of("links", "denials", "states", "others")
    # the obstacle, and whether it counts if the tests are not met, and if they are
    obstacles = [
        (
            f"for whom it applies: {criterion.lead_in}",
            above,
            not links.isdisjoint(above),
        ),
        (
            f"an exception: {' '.join(exceptions)}",
            criterion.has_exception,
            criterion.has_exception and includes,
        ),
        ("what is negated", negated, negated),
    ]
    keeps_out = [obstacle for obstacle, if_not_met, _ in obstacles if if_not_met]
    lets_in = [obstacle for obstacle, _, if_met in obstacles if if_met]
    return "; ".join(keeps_out), "; ".join(lets_in)


def _is_about_some(sense: Sense) -> bool:
    """Return whether the line above a criterion says that it is about some people only."""
    links = words_of("links", "denials", "states", "others")
    return not links.isdisjoint(spell_words(sense.rest))


def _is_negated(criterion: Criterion) -> bool:
    """Return whether a criterion is worded against its list, or with a negation of which it is not
    known what it covers.
    """
    if not criterion.negated or criterion.turned:
        return criterion.demanded
    return bool(criterion.constraints)


def _list_record_rules(
    people: Eligibility, registered: Mapping[str, Any], plans: Sequence[_Planned]
) -> Iterator[Rule]:
    """Yield the ages and the sex of the whole record, from the text or else from the register."""
    lets_in = ""
    if _has_parts(people, plans):
        lets_in = "for which part the age is"
    for name in AGES:
        age = _test_age(name, people, registered)
        if age is None:
            continue
        piece = next(iter(people.evidence_for(name)), _NOWHERE)
        obstacle = ""
        if _is_of_some(piece, people) or _is_of_others(piece, plans):
            obstacle = "for whom the age is"
        test = age._replace(keeps_out=obstacle, lets_in=lets_in)
        yield _make_record_rule(name, test, people)
    sex = str(people.sex or registered.get("registered_sex")).lower()
    # "all" limits nobody
    if sex not in SEXES:
        return
    obstacle = ""
    is_registered = str(registered.get("registered_sex")).lower() == sex
    piece = next(iter(people.evidence_for("sex")), _NOWHERE)
    if people.sex and not is_registered and _is_in_condition(piece, people):
        obstacle = "whether all participants are"
    test = of_sex(sex)._replace(keeps_out=obstacle)
    yield _make_record_rule("sex", test, people)


def _test_age(
    name: str, people: Eligibility, registered: Mapping[str, Any]
) -> Test | None:
    """Return the test of an age of the whole record; None if neither the text nor the register
    states it.
    """
    age = getattr(people, name)
    if age:
        sign = read_comparator(name, people.evidence)
        unit = age.unit
        # "older than 65 years" may mean 65 years and a month
        if sign == ">":
            unit = f"exact {age.unit}"
        return of_bounds(str(age), "age", unit, sign, age.value)
    kind = f"registered_{name}"
    # the register's ages are numbers of days
    days = registered.get(f"{kind}_days") or registered.get(kind)
    if not isinstance(days, float):
        return None
    sign = SIDES[name]
    years = days / DAYS[TimeUnit.YEAR]
    return of_bounds(f"{sign} {years:g} years", "age", "year", sign, years)


def _make_record_rule(name: str, test: Test, people: Eligibility) -> Rule:
    """Return the rule of an age or a sex of the whole record."""
    kind = name
    if not getattr(people, name):
        kind = f"registered_{name}"
    piece = next(iter(people.evidence_for(name)), _NOWHERE)
    test = test._replace(confidence=_find_lowest_confidence(people, name))
    return Rule(None, kind, piece.quote, piece.section, piece.start, piece.end, test)


def _is_in_condition(sex: Evidence, people: Eligibility) -> bool:
    """Return whether a sex is read from the words that say whom a limit is about: "Women over 50
    years must have ...".
    """
    for criterion in people.criteria:
        for piece in criterion.evidence:
            if piece.section != sex.section or not _contains(piece, sex):
                continue
            if piece.field.endswith(".condition"):
                return True
    return False


def _contains(piece: Evidence, other: Evidence) -> bool:
    """Return whether evidence begins inside another one of the same section."""
    return piece.start <= other.start < piece.end


def _is_of_some(age: Evidence, people: Eligibility) -> bool:
    """Return whether an age is one that excludes only people of one sex or with a condition."""
    for criterion in people.criteria:
        if criterion.is_inclusion:
            continue
        for piece in criterion.evidence:
            if not _contains(piece, age):
                continue
            if piece.sex or ".condition" in piece.field:
                return True
    return False


def _is_of_others(age: Evidence, plans: Sequence[_Planned]) -> bool:
    """Return whether the criterion that states an age of the record says that it is the age of some
    people, of others, or at another time.
    """
    planned = _find_planned(age, plans)
    return planned is not None and not planned.ages_decide


def _has_parts(people: Eligibility, plans: Sequence[_Planned]) -> bool:
    """Return whether the ages of the record are those of two criteria, each for a part of the
    trial: who is between them is in neither part.
    """
    pieces = [next(iter(people.evidence_for(name)), _NOWHERE) for name in AGES]
    found = [_find_planned(piece, plans) for piece in pieces]
    criteria = [planned for planned in found if planned]
    if len(criteria) != len(AGES):
        return False
    one, other = criteria
    if one.rule.start == other.rule.start:
        return False
    return all(map(_is_of_part, criteria))


def _is_of_part(planned: _Planned) -> bool:
    """Return whether a criterion is about a part of the trial: "Part A: 18-45 years"."""
    return not words_of("parts").isdisjoint(planned.rule.words.split())


def _find_planned(age: Evidence, plans: Sequence[_Planned]) -> _Planned | None:
    """Return the criterion with limits that states an age of the record."""
    if not age.quote:
        return None
    for planned in plans:
        rule = planned.rule
        if not planned.has_limits or rule.section != age.section:
            continue
        if rule.start <= age.start < rule.end:
            return planned
    return None


def _list_groups(people: Eligibility) -> Iterator[Group]:
    """Yield the groups that do not simply add criteria to the list."""
    around = people.list_around()
    pairs = []
    for place, criterion in enumerate(people.criteria):
        groups_around = around[criterion.group]
        pairs += [(group.id, place) for group in groups_around]
    places = group_pairs(pairs)
    for group in people.groups:
        members = places[group.id]
        inside = [people.criteria[place] for place in members]
        if not inside:
            continue
        total = len(members)
        need = {GroupRule.ALL: total, GroupRule.ANY: 1}.get(group.rule, group.n or 1)
        includes = all(one.is_inclusion for one in inside)
        sense = read_sense(group.lead_in, included=includes)
        # each of the items decides: "failure to meet any of the following"
        if sense.turns or sense.permits:
            continue
        if any(_BOTH_BEFORE.match(one.quote) for one in inside[1:]):
            need = total
        # says more than the rule that was inferred for the list
        if sense.need == "all":
            need = total
        elif sense.need:
            need = 1
        # if 2 of 5 findings exclude a patient, 4 of the 5 must be absent
        if not includes:
            need = total - need + 1
        # a list inside a list is left undecided
        has_lists = any(one.group != group.id for one in inside)
        if need < 1 or has_lists:
            need = UNDECIDED
        # if all must let a patient in, they do not need their group
        if need < total:
            yield Group(tuple(members), need, f"the list: {group.lead_in or group}")
    yield from _list_ungrouped(people)


def _list_ungrouped(people: Eligibility) -> Iterator[Group]:
    """Yield the lists that only the line above them makes a group: "Combination of:"."""
    pairs = []
    for place, one in enumerate(people.criteria):
        if one.lead_in and not one.group:
            pairs.append(((one.lead_in, one.kind), place))
    for (lead_in, _), members in group_pairs(pairs).items():
        if len(members) < 2:
            continue
        first, *others = [people.criteria[place] for place in members]
        sense = read_sense(lead_in, included=first.is_inclusion)
        if sense.turns or sense.permits:
            continue
        if first.is_inclusion:
            is_group = sense.need == "any"
        else:
            is_joined = any(_BOTH_BEFORE.match(one.quote) for one in others)
            is_group = is_joined or sense.need == "all"
        if is_group:
            yield Group(tuple(members), 1, f"the list: {lead_in}")
