"""Compile a trial once: its criteria become tests of numbers, which many patients can take."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

from extractor.apps.export.limits import (
    CanonicalLimit,
    describe_criteria,
    read_admitted,
)
from extractor.apps.export.rows import complete_gold
from extractor.concepts.limits.quantity_names import get_quantity, list_quantities
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.registered_ages import AGES
from extractor.language.book import read_text
from extractor.language.numbers import DAYS
from extractor.match.facts import SEXES, make_key, name_value
from extractor.measures.names import find_names, fold_words, spell_words
from extractor.schemas import (
    Constraint,
    Criterion,
    CriterionKind,
    Eligibility,
    Evidence,
    ExtractedItem,
    FindingKind,
    GroupRule,
    TimeUnit,
    TrialExtraction,
)

_CUT = "\0"
"""Stands for words that a test covers."""
_JOINTS = re.compile(
    r"\0+[\s,;:()\[\]]*(?:(?:and|or|either|both|plus|[/&,;:])[\s,;:]*)*(?=\0)"
    r"|\bor (?:older|above|more|greater|higher|over|less|below|lower|under|better|younger|equal)\b"
    r"|\b(?:wo)?men (?:and|or) (?:wo)?men\b|\b(?:fe)?males?(?: ?/ ?| and | or )(?:fe)?males?\b",
    re.IGNORECASE,
)
"""Words that join two tests, and words with "or" that name no alternative."""
_PARTS = re.compile(r"[,;/]|\band/or\b|\band\b|\bor\b", re.IGNORECASE)
_SHORT = re.compile(r"\s*\(([A-Z][\w-]{1,6})\)")
"""An abbreviation behind its name."""
_AFTER = re.compile(r"\b(?:after|following|post|since|diagnosis)\b", re.IGNORECASE)
_RECENT_DAYS = 31
"""A laboratory value that is at most so old counts as the current one."""
_UNITS = {"d": "day", "wk": "week", "mo": "month", "a": "year", "h": "hour"}
"""The units of ages, by their UCUM codes."""
_NOWHERE = Evidence.model_construct(section=None, start=0, end=0, quote="")
_DOUBTS = frozenset({FindingKind.STRUCTURE_DOUBTFUL, FindingKind.LANGUAGE_OTHER})
"""Findings after which a list may lack criteria, or hold wrong ones."""


class Span(NamedTuple):
    """The numbers that let a patient in: those between the ends or, if ``outside``, the others."""

    low: float = -inf
    with_low: bool = True
    high: float = inf
    with_high: bool = True
    outside: bool = False


class Test(NamedTuple):
    """A test of numbers.

    Attributes:
        spans: Triples of a quantity, its unit, and the numbers that pass.
        need: How many of them must pass.
        shown: What is tested, as written.
        confidence: The confidence of what is tested.
        when: Tests of whether it applies to a patient.
        keeps_out: What stands in the way of a decision if the test fails.
        lets_in: What stands in the way if it passes.
        alternative: Whether another limit of the criterion is enough.
    """

    spans: tuple[tuple[str, str | None, Span], ...]
    need: int
    shown: str
    confidence: float = 1.0
    when: tuple["Test", ...] = ()
    keeps_out: str = ""
    lets_in: str = ""
    alternative: bool = False


class Rule(NamedTuple):
    """A criterion of a plan. ``place`` is None for an age or a sex of the whole record; ``words``
    contains all words, between spaces. The others are the fields of a test or of a quote.
    """

    place: int | None
    kind: str
    quote: str
    section: str | None
    start: int
    end: int
    tests: tuple[Test, ...] = ()
    keeps_out: str = ""
    lets_in: str = ""
    words: str = ""


class Group(NamedTuple):
    """Criteria, by position, of which ``need`` must let a patient in; 0 if that is not known."""

    members: tuple[int, ...]
    need: int
    shown: str


class Plan(NamedTuple):
    """A compiled trial. ``doubts`` lists why its list of criteria is doubtful as a whole."""

    record_id: str
    rules: tuple[Rule, ...]
    groups: tuple[Group, ...]
    doubts: tuple[str, ...]
    words: str
    min_confidence: float


@cache
def _words(*names: str) -> frozenset[str]:
    """Return the words of lists in ``words.toml``."""
    table = tomllib.loads((files(__package__) / "words.toml").read_text("utf-8"))
    return frozenset(word for name in names for word in table[name].split())


def _find_rest(text: str, *lists: str) -> list[str]:
    """Return the words of a text that are in none of the lists."""
    return [word for word in spell_words(text) if word not in _words(*lists)]


def _find_least(item: ExtractedItem, *fields: str) -> float:
    """Return the lowest confidence of fields and their parts. Gold, which has none, is sure."""
    pieces = [piece for field in fields for piece in item.evidence_for(field)]
    known = [one.confidence for one in pieces if one.confidence is not None]
    return min(known, default=1.0)


def plan_trial(
    extraction: TrialExtraction,
    min_confidence: float = 0.85,
    registered: Mapping[str, Any] = MappingProxyType({}),
) -> Plan:
    """Compile a trial for ``decide``.

    Args:
        extraction: The trial.
        min_confidence: What is less sure decides nothing.
        registered: The register's columns, which supply the ages and the sex that the text does
            not state.
    """
    people = complete_gold(extraction).eligibility
    doubts = {one.message: "" for one in extraction.findings if one.kind in _DOUBTS}
    if not people.criteria:
        doubts["the record states no criteria"] = ""
    by_group: dict[str, str] = {}
    for place, group in enumerate(people.groups):
        least = _find_least(people, f"groups[{place}].rule", f"groups[{place}].lead_in")
        if least < min_confidence:
            shown = group.lead_in or str(group)
            by_group[group.id] = f"how this list belongs together: {shown}"
    rules = []
    for index, described in enumerate(describe_criteria(people)):
        criterion = people.criteria[index]
        rule = _plan_criterion(index, criterion, described.limits, people)
        unsure = _find_least(criterion, "kind", "quote", "lead_in", "negated")
        around = [one.id for one in people.list_around(criterion.group)]
        doubt = next((by_group[name] for name in around if name in by_group), "")
        if unsure < min_confidence:
            doubt = f"the doubtful structure of the list ({unsure:.2f})"
        if doubt:
            rule = rule._replace(keeps_out=doubt, lets_in=doubt)
        rules.append(rule)
    groups = tuple(_list_groups(people))
    rules += _list_record_rules(people, registered)
    words = "".join(rule.words for rule in rules)
    messages = (*doubts, *by_group.values())
    return Plan(
        extraction.record_id, tuple(rules), groups, messages, words, min_confidence
    )


def _plan_criterion(
    index: int,
    criterion: Criterion,
    limits: Sequence[Mapping[str, Any]],
    people: Eligibility,
) -> Rule:
    """Compile a criterion: its tests, and the words that stand in the way of a decision."""
    place = next(iter(criterion.evidence_for("quote")), _NOWHERE)
    includes = criterion.kind is CriterionKind.INCLUSION
    rule = Rule(
        index,
        criterion.kind.value,
        criterion.quote,
        place.section,
        place.start,
        place.end,
        words=f" {' '.join(spell_words(criterion.quote))} ",
    )
    idle = ["neutral", "defined"]
    tests = [*_list_limit_tests(criterion, limits, people)]
    if not includes:
        idle.append("disturbed")
    if criterion.turned:
        idle.append("denials")
    if not tests and criterion.time_windows:
        idle += ["opening", "ended", "denials"]
        tests = [*_list_window_tests(criterion)]
    masked = _mask(criterion, place.start)
    rest = _find_rest(_JOINTS.sub(" ", masked), *idle)
    if not tests and not criterion.time_windows:
        rest = []
        tests = [*_list_name_tests(criterion)]
    above = _find_rest(criterion.lead_in or "", *idle, "leading")
    lets_in = keeps_out = ""
    if rest:
        lets_in = f"more words: {' '.join(rest)}"
    is_linked = not _words("links").isdisjoint(rest)
    if is_linked or not includes or not criterion.constraints:
        keeps_out = lets_in
    if above:
        keeps_out = f"for whom it applies: {criterion.lead_in}"
    if not _words("links", "denials").isdisjoint(above):
        lets_in = keeps_out
    # an unexpected conjunction: the extraction does not call these limits alternatives
    joint = "or" if includes else "and"
    is_chosen = any(test.alternative for test in tests)
    if not is_chosen and re.search(rf"{_CUT}\W*{joint}\W*{_CUT}", masked):
        keeps_out = "how its limits are joined"
    if criterion.has_exception:
        quotes = [one.quote for one in criterion.evidence_for("has_exception")]
        keeps_out = f"an exception: {' '.join(quotes)}"
        if includes:
            lets_in = keeps_out
    is_denied = criterion.negated and not criterion.turned
    if criterion.demanded or (is_denied and (criterion.constraints or not includes)):
        lets_in = keeps_out = "what is negated"
    return rule._replace(tests=tuple(tests), keeps_out=keeps_out, lets_in=lets_in)


def _mask(criterion: Criterion, base: int) -> str:
    """Return the words of a criterion without those that its limits, times and exceptions cover.
    The time of a limit is left if it is long, because the value may be an old one.
    """
    pieces = [
        piece
        for piece in criterion.evidence
        if piece.field.startswith(("constraints[", "has_exception"))
    ]
    for number, window in enumerate(criterion.time_windows):
        is_recent = window.value * DAYS.get(window.unit, inf) <= _RECENT_DAYS
        for piece in criterion.evidence_for(f"time_windows[{number}]"):
            # what a window is about is more than the limit of the criterion
            is_of_limit = is_recent and not piece.field.endswith(".of")
            if is_of_limit or not criterion.constraints:
                pieces.append(piece)
    text = criterion.quote
    for piece in pieces:
        start, end = piece.start - base, piece.end - base
        text = text[:start] + _CUT * (end - start) + text[end:]
    return text


def _list_limit_tests(
    criterion: Criterion, limits: Sequence[Mapping[str, Any]], people: Eligibility
) -> Iterator[Test]:
    """Yield the tests of a criterion's limits."""
    excludes = criterion.kind is CriterionKind.EXCLUSION
    plain = criterion
    if criterion.turned:
        plain = criterion.model_copy(update={"negated": False})
    conditions = [
        (limit.quantity, limit.condition)
        for limit in criterion.constraints
        if limit.condition
    ]
    for number, limit in enumerate(criterion.constraints):
        cells, field = limits[number], f"constraints[{number}]"
        named = CanonicalLimit(*map(cells.get, CanonicalLimit._fields))
        sign = read_admitted(limit.comparator, plain) or "between"
        key = name_value(named) or ""
        spans = _list_spans(key, named, limit, sign)
        when, condition = _read_condition(limit.condition or "", cells["sex"])
        keeps_out = condition
        if not limit.condition:
            # the limit for some takes the place of the one for everybody
            keeps_out = dict(conditions).get(limit.quantity, "")
        if len(spans) > 1 and excludes is ("and" in spell_words(limit.quantity)):
            keeps_out = "which of them"
        if key == "age" and not _is_age_of_record(limit, people):
            keeps_out = "whose age it is"
        lets_in = ""
        if condition and spell_words(condition)[0] not in _words("neutral", "links"):
            lets_in = condition
        narrowed = _find_narrowing(limit.quantity)
        confidence = _find_least(criterion, field)
        if named.canonical_note == "implausible":
            confidence = 0.0
        yield Test(
            spans,
            len(spans),
            str(limit),
            confidence,
            when,
            narrowed or keeps_out,
            narrowed or lets_in,
            any(one.alternative for one in criterion.evidence_for(field)),
        )


def _is_age_of_record(limit: Constraint, people: Eligibility) -> bool:
    """Return whether the ends of an age are those of the record; otherwise, it may be the age of
    some people, or of relatives.
    """
    ages = [getattr(people, name) for name in AGES]
    known = {age.value for age in ages if age}
    return {limit.value, limit.value_high} - {None} <= known


def _find_narrowing(written: str) -> str:
    """Return the words of a quantity that its name does not contain: "question 9" of "PHQ-9
    question 9".
    """
    words = fold_words(written)
    rest = list(words)
    for name in find_names(words):
        rest[name.first : name.end] = [""] * (name.end - name.first)
    return " ".join(_find_rest(" ".join(rest), "neutral", "defined", "disturbed"))


def _list_spans(
    key: str, named: CanonicalLimit, limit: Constraint, sign: str
) -> tuple[tuple[str, str | None, Span], ...]:
    """Return the quantities that a limit bounds, each with its unit and the numbers that pass."""
    written = limit.value, limit.value_high
    unit = named.unit_canonical or named.unit_ucum or limit.unit
    if key == "age":
        return (
            (
                key,
                _UNITS.get(named.unit_ucum or "", "year"),
                _make_span(sign, *written),
            ),
        )
    known = list_quantities().get(key)
    parts = key.split("|")
    if known and known.both and ("_or_" in key or "_and_" in key):
        parts = sorted(known.both)
    if parts == [key]:
        low = named.value_canonical
        if low is None:
            return ((key, unit, _make_span(sign, *written)),)
        return ((key, unit, _make_span(sign, low, named.value_high_canonical)),)
    spans = []
    for part in map(get_quantity, parts):
        ends = [
            part.to_canonical(end, named.unit_ucum)
            for end in written
            if end is not None
        ]
        low, *high = ends
        # "ECOG or Karnofsky 0-1": no Karnofsky score is 1
        if low is not None and part.is_possible((high or ends)[0] or 0):
            spans.append((part.name, part.unit, _make_span(sign, low, *high)))
        elif low is None and part.fits(named.unit_ucum):
            spans.append((part.name, named.unit_ucum or "", _make_span(sign, *written)))
    return tuple(spans)


def _make_span(sign: str, one: float, other: float | None = None) -> Span:
    """Return the numbers that a comparator admits."""
    if sign in (">", ">="):
        return Span(one, with_low=sign == ">=")
    if sign in ("<", "<="):
        return Span(high=one, with_high=sign == "<=")
    high = one if other is None else other
    return Span(one, high=high, outside=sign in ("outside", "<>"))


def _make_sex_test(sex: str) -> Test:
    return Test((("sex", None, _make_span("=", SEXES.index(sex))),), 1, "sex")


def _read_condition(written: str, sex: str | None) -> tuple[tuple[Test, ...], str]:
    """Return tests of whether a condition applies, and the condition if they do not decide that."""
    when = [_make_sex_test(sex)] if sex in SEXES else []
    rest = _find_rest(written, "neutral")
    ages = [one for one in find_limits(read_text(written), None) if one.time_unit]
    if len(ages) == 1 and _words("links").isdisjoint(spell_words(written)):
        [age] = ages
        span = _make_span(age.comparator, age.value, age.value_high)
        when.append(Test((("age", age.time_unit, span),), 1, "age"))
        rest = [word for word in rest if not word.isdecimal()]
    if rest or not when:
        return tuple(when), written
    return tuple(when), ""


def _list_window_tests(criterion: Criterion) -> Iterator[Test]:
    """Yield the test of a time window, if the words tell whom an event within it lets in."""
    [window, *others] = criterion.time_windows
    is_counted = window.unit in DAYS and window.value_high is None and not others
    if not is_counted or not window.of or _AFTER.search(window.anchor or ""):
        return
    includes = criterion.kind is CriterionKind.INCLUSION
    is_within = window.comparator in ("<", "<=")
    has_ended = not _words("ended").isdisjoint(spell_words(criterion.quote))
    comparator = window.comparator
    admits_within = includes and not criterion.negated
    if is_within and not admits_within:
        opposite = comparator.opposite
        assert opposite, "a window has an end"
        comparator = opposite
    elif not is_within and not (has_ended and admits_within):
        return
    span = _make_span(comparator, window.value * DAYS[window.unit])
    names = [*_list_names(window.of)]
    need = len(names)
    if is_within and admits_within:
        need = 1
    confidence = _find_least(criterion, "time_windows")
    spans = tuple((f"since {name}", "day", span) for name in names)
    yield Test(spans, need, str(window), confidence)


def _list_names(text: str) -> Iterator[str]:
    """Yield the keys of names that commas or conjunctions join, without the words around them that
    do not change them.
    """
    idle = _words("neutral", "opening", "denials")
    for part in _PARTS.split(text):
        words = list(spell_words(part))
        while words and words[0] in idle:
            words.pop(0)
        while words and words[-1] in idle:
            words.pop()
        if words:
            yield make_key(" ".join(words))


def _list_name_tests(criterion: Criterion) -> Iterator[Test]:
    """Yield the test of a criterion that consists of names: a single one, or alternatives."""
    text = _SHORT.sub("", criterion.quote)
    names = [*_list_names(text)]
    words = {word for name in names for word in name.split()}
    # "asthma and eczema" may mean both; "asthma requiring steroids" is more than asthma
    is_joined = len(names) > 1 and "and" in spell_words(text)
    is_more = not (_words("details", "links") - {"other"}).isdisjoint(words)
    if is_joined or is_more or "(" in text or not names:
        return
    names += map(make_key, _SHORT.findall(criterion.quote))
    admits = (criterion.kind is CriterionKind.INCLUSION) is not bool(criterion.negated)
    need = 1 if admits else len(names)
    span = _make_span("=", float(admits))
    yield Test(tuple((f"has {name}", None, span) for name in names), need, "")


def _list_record_rules(
    people: Eligibility, registered: Mapping[str, Any]
) -> Iterator[Rule]:
    """Yield the ages and the sex of the whole record, from the text or else from the register."""
    ends = dict(zip(AGES, (">=", "<="), strict=True))
    for name in (*AGES, "sex"):
        value, test = getattr(people, name), None
        piece = next(iter(people.evidence_for(name)), _NOWHERE)
        if name == "sex":
            sex = str(value or registered.get("registered_sex") or "").lower()
            test = _make_sex_test(sex) if sex in SEXES else None
        elif value:
            sign = piece.comparator or ends[name]
            span = _make_span(sign, value.value)
            test = Test((("age", value.unit, span),), 1, f"{sign} {value}")
        elif registered.get(f"registered_{name}_days"):
            years = registered[f"registered_{name}_days"] / DAYS[TimeUnit.YEAR]
            span = _make_span(ends[name], years)
            test = Test((("age", "year", span),), 1, f"{ends[name]} {years:g} years")
        if test is None:
            continue
        kind = name if value else f"registered_{name}"
        sure = test._replace(confidence=_find_least(people, name))
        yield Rule(
            None, kind, piece.quote, piece.section, piece.start, piece.end, (sure,)
        )


def _list_groups(people: Eligibility) -> Iterator[Group]:
    """Yield the groups that do not simply add criteria to the list."""
    for group in people.groups:
        members = [
            place
            for place, criterion in enumerate(people.criteria)
            if group in people.list_around(criterion.group)
        ]
        excludes = any(
            people.criteria[place].kind is CriterionKind.EXCLUSION for place in members
        )
        # a list inside a list is left undecided
        is_nested = any(people.criteria[place].group != group.id for place in members)
        total = len(members)
        need = {GroupRule.ALL: total, GroupRule.ANY: 1}.get(group.rule, group.n or 1)
        if excludes:
            need = total - need + 1
        if is_nested or need < 1:
            need = 0
        if need < total:
            yield Group(tuple(members), need, group.lead_in or str(group))
