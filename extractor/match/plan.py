"""Compile a trial once: its criteria become tests of numbers, which many patients can take."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import inf, nextafter
from types import MappingProxyType
from typing import Any, NamedTuple

from extractor.concepts.limits.admission import complete_gold, read_admitted
from extractor.concepts.limits.canonical import CanonicalLimit, name_limits
from extractor.concepts.limits.quantity_names import list_quantities
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.registered_ages import AGES, SIDES, read_comparator
from extractor.language.book import read_table, read_text, word_set
from extractor.language.numbers import DAYS
from extractor.language.values import group_pairs
from extractor.match.facts import SEXES, make_key, name_value
from extractor.measures.names import find_names, fold_words, spell_words
from extractor.schemas import (
    Comparator,
    Constraint,
    Criterion,
    Eligibility,
    Evidence,
    ExtractedItem,
    FindingKind,
    GroupRule,
    Sex,
    TimeUnit,
    TrialExtraction,
)
from extractor.schemas.values import index_evidence
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_CUT = "\0"
"""Stands for words that a test covers."""
_JOINTS = re.compile(
    r"\0[\s,;:()\[\]]*+(?:(?:and|or|either|both|plus|[/&])[\s,;:]*+)*+(?=\0)"
    r"|\bor (?:older|above|more|greater|higher|over|less|below|lower|under|better|younger|equal)\b"
    r"|\b(?:wo)?men (?:and|or) (?:wo)?men\b|\b(?:fe)?males?(?: ?/ ?| and | or )(?:fe)?males?\b",
    re.IGNORECASE,
)
"""Words that join two tests, and words with "or" that name no alternative."""
_OPEN_END = re.compile(r"\bor\W*$", re.IGNORECASE)
"""The end of a line whose next line is an alternative."""
_PARTS = re.compile(r"[,;/]|\band/or\b|\band\b|\bor\b", re.IGNORECASE)
_SHORT = re.compile(r" ?\(([A-Z][\w-]{1,6})\)")
"""An abbreviation behind its name."""
_MOMENT = re.compile(
    r"\bat (?:the )?(?:time of )?(?:screening|baseline|enrol|study entry|inclusion|randomi).*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:after|following|post|diagnosis|for|duration)\b", re.IGNORECASE
)
_RECENT_DAYS = 31
"""A laboratory value that is at most so old counts as the current one."""
_UNITS = {"d": "day", "wk": "week", "mo": "month", "h": "hour"}
"""The units of ages other than years, by their UCUM codes."""
_UNDECIDED = -1
_VERBS = {
    (False, False): "has",
    (False, True): "had",
    (True, False): "takes",
    (True, True): "took",
}
"""What is said of a name, by whether it is taken, and whether that may be in the past."""
_NOWHERE = Evidence.model_construct(section=None, start=0, end=0, quote="")
_DOUBTS = frozenset({FindingKind.STRUCTURE_DOUBTFUL, FindingKind.LANGUAGE_OTHER})
"""Findings after which a list may lack criteria, or hold wrong ones."""


class Test(NamedTuple):
    """A test of a patient's numbers, or of whether enough other tests are met.

    Attributes:
        shown: What is tested, as written.
        quantity: The quantity; empty for a test of other tests.
        unit: Its unit.
        low: The lowest number that passes.
        high: The highest number that passes.
        outside: Whether the other numbers pass instead.
        parts: The other tests.
        need: How many of them must be met; 0 for all.
        confidence: The confidence of what is tested.
        when: Tests of whether it applies to a patient.
        keeps_out: What stands in the way of a decision if the test is not met.
        lets_in: What stands in the way if it is met.
    """

    shown: str
    quantity: str = ""
    unit: str | None = None
    low: float = -inf
    high: float = inf
    outside: bool = False
    parts: tuple["Test", ...] = ()
    need: int = 0
    confidence: float = 1.0
    when: tuple["Test", ...] = ()
    keeps_out: str = ""
    lets_in: str = ""


class Rule(NamedTuple):
    """A criterion, or an age or a sex of the whole record (whose ``place`` is None), with its words
    and their place. ``words`` contains the spelled words between spaces.
    """

    place: int | None
    kind: str
    quote: str
    section: str | None
    start: int
    end: int
    test: Test
    words: str = ""


class Group(NamedTuple):
    """Criteria, by position, of which ``need`` must let a patient in; -1 if that is not known."""

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
    """Return the words of lists in ``match_words.toml``."""
    return word_set(" ".join(read_table("match_words")[name] for name in names))


def _find_rest(text: str, *lists: str) -> list[str]:
    """Return the words of a text that are in none of the lists."""
    return [word for word in spell_words(text) if word not in _words(*lists)]


def _find_lowest_confidence(item: ExtractedItem, *fields: str) -> float:
    """Return the lowest confidence of fields and their parts. Gold, which has none, is sure."""
    return _find_least(piece for field in fields for piece in item.evidence_for(field))


def _find_least(pieces: Iterable[Evidence]) -> float:
    return min(
        (1.0 if one.confidence is None else one.confidence for one in pieces),
        default=1.0,
    )


def plan_trial(
    extraction: TrialExtraction,
    min_confidence: float = DOUBTFUL_BELOW,
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
    doubts = [one.message for one in extraction.findings if one.kind in _DOUBTS]
    if not people.criteria:
        doubts.append("the record states no criteria")
    doubts_by_group = dict[str, str]()
    proofs = index_evidence(people)
    for place, group in enumerate(people.groups):
        if _find_least(proofs[f"groups[{place}]"]) < min_confidence:
            doubts_by_group[group.id] = (
                f"how this list belongs together: {group.lead_in or group}"
            )
    rules = []
    around = people.list_around()
    for place, criterion in enumerate(people.criteria):
        rule = _plan_criterion(place, criterion, people)
        groups_around = around[criterion.group]
        doubts_around = [doubts_by_group.get(group.id) for group in groups_around]
        doubt = next(filter(None, doubts_around), "")
        confidence = _find_lowest_confidence(
            criterion, "kind", "quote", "lead_in", "negated"
        )
        # says more than a doubt about a group
        if confidence < min_confidence:
            doubt = f"the doubtful structure of the list ({confidence:.2f})"
        if doubt:
            doubted = rule.test._replace(keeps_out=doubt, lets_in=doubt)
            rule = rule._replace(test=doubted)
        rules.append(rule)
    rules += _list_record_rules(people, registered)
    words = "".join(rule.words for rule in rules)
    messages = tuple(dict.fromkeys((*doubts, *doubts_by_group.values())))
    groups = tuple(_list_groups(people))
    return Plan(
        extraction.record_id, tuple(rules), groups, messages, words, min_confidence
    )


def _plan_criterion(place: int, criterion: Criterion, people: Eligibility) -> Rule:
    """Compile a criterion: its limits or, if it has none, its time windows or its names."""
    includes = criterion.is_inclusion
    # the lists in ``match_words.toml`` of words that need no test of their own
    idle_lists = {"neutral", "defined"}
    if not includes:
        idle_lists.add("disturbed")
    if criterion.turned:
        idle_lists.add("denials")
    if criterion.constraints:
        tests = _list_limit_tests(criterion, people)
    elif criterion.time_windows:
        idle_lists |= {"opening", "past", "taken", "ended", "denials"}
        tests = _list_window_tests(criterion)
    else:
        tests = _list_name_tests(criterion)
    piece = next(iter(criterion.evidence_for("quote")), _NOWHERE)
    # a test of names has judged all words of its line
    masked = ""
    if criterion.constraints or criterion.time_windows:
        masked = _mask(criterion, piece.start)
    keeps_out, lets_in = _find_obstacles(criterion, masked, sorted(idle_lists))
    this_and_above = people.criteria[max(0, place - 1) : place + 1]
    if includes and any(_OPEN_END.search(one.quote) for one in this_and_above):
        keeps_out = "an alternative in the next or the previous line"
    test = Test("", parts=tuple(tests), keeps_out=keeps_out, lets_in=lets_in)
    words = f" {' '.join(spell_words(criterion.quote))} "
    return Rule(
        place,
        criterion.kind.value,
        criterion.quote,
        piece.section,
        piece.start,
        piece.end,
        test,
        words,
    )


def _find_obstacles(
    criterion: Criterion, masked: str, idle_lists: Sequence[str]
) -> tuple[str, str]:
    """Return what stands in the way of a decision (``keeps_out``, ``lets_in``): if the tests of a
    criterion are not met, and if they are.

    An obstacle consists of words that no test covers, in the line (``masked``, in which ``_CUT``
    stands for the words that a test covers) or the line above, an exception, or a negation.
    """
    includes = criterion.is_inclusion
    rest = _find_rest(_JOINTS.sub(" ", masked), *idle_lists)
    above = _find_rest(criterion.lead_in or "", *idle_lists, "leading")
    exceptions = [piece.quote for piece in criterion.evidence_for("has_exception")]
    # "type 2 diabetes with HbA1c > 7 %" requires both, so whoever fails the limit is kept out
    requires_both = includes and criterion.constraints and not _has_any(rest, "links")
    # the extraction does not call such limits alternatives
    joint = "or" if includes else "and"
    is_chosen = any(piece.alternative for piece in criterion.evidence)
    between = rf"[^\w{_CUT}]*"
    loose = re.search(f"{_CUT}{between}{joint}{between}{_CUT}", masked)
    negated = _is_negated(criterion)
    # the obstacle, and whether it counts if the tests are not met, and if they are
    obstacles = [
        (f"more words: {' '.join(rest)}", rest and not requires_both, rest),
        (
            f"for whom it applies: {criterion.lead_in}",
            above,
            _has_any(above, "links", "denials"),
        ),
        ("how its limits are joined", loose and not is_chosen, False),
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


def _is_negated(criterion: Criterion) -> bool:
    """Return whether a criterion is worded against its list, or with a negation of which it is not
    known what it covers.
    """
    if not criterion.negated or criterion.turned:
        return criterion.demanded
    return bool(criterion.constraints) or not criterion.is_inclusion


def _has_any(words: Sequence[str], *lists: str) -> bool:
    return not _words(*lists).isdisjoint(words)


def _mask(criterion: Criterion, base: int) -> str:
    """Return the words of a criterion with ``_CUT`` for those that its limits, times and exceptions
    cover. The time of a limit is left if it is doubtful, or long, because the value may be an old
    one. ``base`` is the offset of the criterion in its section.
    """
    recent = {
        f"time_windows[{place}]"
        for place, window in enumerate(criterion.time_windows)
        if window.value * DAYS.get(window.unit, inf) <= _RECENT_DAYS
    }
    text = [*criterion.quote]
    for piece in criterion.evidence:
        # a person's annotation has no confidence
        confidence = 1 if piece.confidence is None else piece.confidence
        is_sure = not criterion.constraints or confidence >= DOUBTFUL_BELOW
        whole, _, part = piece.field.partition(".")
        is_covered = whole.startswith(("constraints[", "has_exception"))
        if whole.startswith("time_windows["):
            # the time and its anchor, but not its other parts, such as the event that it is about
            is_time = whole in recent and part in ("", "anchor")
            is_covered = is_sure and (is_time or not criterion.constraints)
        if is_covered:
            # as many characters, so that the offsets of the other pieces stay valid
            place = slice(max(0, piece.start - base), piece.end - base)
            text[place] = _CUT * len(text[place])
    return "".join(text)


def _list_limit_tests(criterion: Criterion, people: Eligibility) -> Iterator[Test]:
    """Yield the tests of a criterion's limits; those that are alternatives are one test."""
    alternatives = []
    proofs = index_evidence(criterion)
    # "creatinine < 2, or < 3 in patients with metastases"
    conditions = dict[str, str]()
    for limit in criterion.constraints:
        if limit.condition:
            conditions.setdefault(limit.quantity, limit.condition)
    for place, (limit, proof, named) in enumerate(name_limits(criterion)):
        test = _make_limit_test(criterion, limit, named, proof.sex, people)
        confidence = _find_least(proofs[f"constraints[{place}]"])
        if named.canonical_note == "implausible":
            confidence = 0.0
        keeps_out = test.keeps_out
        if not limit.condition:
            # the limit for some people takes the place of this one, which is for everybody
            keeps_out = keeps_out or conditions.get(limit.quantity, "")
        test = test._replace(confidence=confidence, keeps_out=keeps_out)
        if proof.alternative:
            alternatives.append(test)
        else:
            yield test
    if not alternatives:
        return
    # a single one is an alternative to words: "ANC > 1.0 or adequate marrow"
    obstacle = "an alternative" if len(alternatives) == 1 else ""
    yield Test("", parts=tuple(alternatives), need=1, keeps_out=obstacle)
    if not criterion.is_inclusion:
        # "A < 1, B < 2 and C < 3" may also mean any of them
        yield Test("", parts=tuple(alternatives), keeps_out="whether all must apply")


def _make_limit_test(
    criterion: Criterion,
    limit: Constraint,
    named: CanonicalLimit,
    sex: Sex | None,
    people: Eligibility,
) -> Test:
    """Return the test of a limit for people of one sex or, if it is None, of both. Of several
    obstacles, the most specific one is named.
    """
    not_negated = criterion
    if criterion.turned:
        # the comparator has been turned with the criterion already
        not_negated = criterion.model_copy(update={"negated": False})
    sign = read_admitted(limit.comparator, not_negated) or "between"
    quantity = name_value(named) or ""
    when, condition = _read_condition(limit.condition or "", sex)
    keeps_out = condition
    if quantity == "age" and not _is_age_of_record(limit, people):
        keeps_out = "whose age it is"
    lets_in = ""
    if condition and spell_words(condition)[0] not in _words("neutral", "links"):
        lets_in = condition
    narrowed = _find_narrowing(limit.quantity)
    tests = [
        _make_bound_test(str(limit), part, unit, sign, *numbers)
        for part, unit, numbers in _list_quantities(quantity, named, limit)
    ]
    # "ALT and AST" must both be below an inclusion's limit, and "ALT or AST" above an exclusion's
    # limit is enough to be kept out; "ALT or AST" of an inclusion does not tell which
    has_and = "and" in spell_words(limit.quantity)
    if len(tests) > 1 and has_and is not criterion.is_inclusion:
        keeps_out = "which of them"
    return Test(
        str(limit),
        parts=tuple(tests),
        when=when,
        keeps_out=narrowed or keeps_out,
        lets_in=narrowed or lets_in,
    )


def _is_age_of_record(limit: Constraint, people: Eligibility) -> bool:
    """Return whether the ends of an age are those of the record; otherwise, it may be the age of
    some people, or of relatives.
    """
    ages = [getattr(people, name) for name in AGES]
    # None is the second end of a limit that has only one
    known = {None, *(age.value for age in ages if age)}
    return {limit.value, limit.value_high} <= known


def _find_narrowing(written: str) -> str:
    """Return the words of a quantity that its name does not contain: "question 9" of "PHQ-9
    question 9".
    """
    words = list(fold_words(written))
    for name in find_names(tuple(words)):
        # as many empty words, so that the places of the other names stay valid
        words[name.first : name.end] = [""] * (name.end - name.first)
    return " ".join(_find_rest(" ".join(words), "neutral", "defined", "disturbed"))


def _list_quantities(
    quantity: str, named: CanonicalLimit, limit: Constraint
) -> Iterator[tuple[str, str | None, tuple[float, float | None]]]:
    """Yield the quantities that a limit bounds, with the unit and the two ends, of which the second
    is None for a limit with one end.
    """
    written = limit.value, limit.value_high
    if quantity == "age":
        yield quantity, _UNITS.get(named.unit_ucum or "", "year"), written
        return
    ends = written
    if named.value_canonical is not None:
        ends = named.value_canonical, named.value_high_canonical
    known = list_quantities().get(quantity)
    parts = quantity.split("|")
    # one name for two quantities: "alt_or_ast"
    if known and ("_or_" in quantity or "_and_" in quantity):
        parts = sorted(known.both)
    for part in parts:
        yield part, named.unit_canonical or named.unit_ucum or limit.unit, ends


def _make_bound_test(
    shown: str,
    quantity: str,
    unit: str | None,
    sign: str,
    one: float,
    other: float | None = None,
) -> Test:
    """Return the test of a number. ``sign`` is the comparator of the numbers that pass: those
    between ``one`` and ``other``, or outside them, for a sign that needs both ends.
    """
    # "=" and "<>" have one number
    both_ends = (one, one if other is None else other)
    low, high = {
        ">=": (one, inf),
        ">": (nextafter(one, inf), inf),
        "<=": (-inf, one),
        "<": (-inf, nextafter(one, -inf)),
    }.get(sign, both_ends)
    return Test(shown, quantity, unit, low, high, sign in ("outside", "<>"))


def _test_sex(sex: str) -> Test:
    return _make_bound_test("sex", "sex", None, "=", SEXES.index(sex))


def _read_condition(written: str, sex: str | None) -> tuple[tuple[Test, ...], str]:
    """Return tests of whether a condition applies to a patient, and the condition as written if
    they do not decide that, or else "".
    """
    when = [_test_sex(sex)] if sex in SEXES else []
    rest = [word for word in _find_rest(written, "neutral") if word != "if"]
    ages = [one for one in find_limits(read_text(written), None) if one.time_unit]
    links = _words("links") - {"if", "when", "where"}
    # "if aged 65 years or older"
    if len(ages) == 1 and links.isdisjoint(spell_words(written)):
        [age] = ages
        ends = age.value, age.value_high
        when.append(
            _make_bound_test("age", "age", age.time_unit, age.comparator, *ends)
        )
        rest = [word for word in rest if not word.isdecimal()]
    is_decided = when and not rest
    return tuple(when), "" if is_decided else written


def _list_window_tests(criterion: Criterion) -> Iterator[Test]:
    """Yield the test of the time since the events of a time window, if the words tell whom an event
    within it lets in. There is none for several windows, or for a window after an event.
    """
    [window, *others] = criterion.time_windows
    is_counted = window.unit in DAYS and window.value_high is None and not others
    words = f"{window.quote} {window.anchor or ''}"
    if not is_counted or _AFTER.search(words):
        return
    requires_event = criterion.is_inclusion and not criterion.negated
    is_within = window.comparator in ("<", "<=")
    has_ended = _has_any(spell_words(criterion.quote), "ended")
    # "surgery within 4 weeks" of an inclusion
    sign: Comparator | None = window.comparator
    if is_within and not requires_event:
        # of an exclusion: longer ago passes
        sign = window.comparator.opposite
    elif not is_within and not (has_ended and requires_event):
        # only "stopped at least 4 weeks ago" says whom more time lets in
        return
    days = window.value * DAYS[window.unit]
    tests = [
        _make_bound_test(str(window), f"since {name}", "day", sign or "", days)
        for _, name in _list_names(window.of or "")
    ]
    # one of the required events is enough, but all of the others must be long ago
    yield Test(
        str(window),
        parts=tuple(tests),
        need=int(is_within and requires_event),
        confidence=_find_lowest_confidence(criterion, "time_windows"),
    )


def _list_names(text: str, *lists: str) -> Iterator[tuple[str, str]]:
    """Yield the names that commas or conjunctions join, without the words around them that do not
    change them, each as a verb (see ``_VERBS``) and a key: "History of asthma" as "had" and
    "asthma". The ``lists`` contain more of such words.
    """
    idle_words = _words("opening", "past", "taken", *lists)
    for part in _PARTS.split(text):
        words = list(spell_words(part))
        dropped = []
        while words and words[0] in idle_words:
            dropped.append(words.pop(0))
        while words and words[-1] in idle_words:
            dropped.append(words.pop())
        verb = _VERBS[_has_any(dropped, "taken"), _has_any(dropped, "past")]
        if words:
            yield verb, make_key(" ".join(words))


def _list_name_tests(criterion: Criterion) -> Iterator[Test]:
    """Yield the test of a criterion that consists of names: a single one, or alternatives."""
    text = _MOMENT.sub("", _SHORT.sub("", criterion.quote))
    more_lists = ["denials"] if criterion.negated else []
    named = [*_list_names(text, *more_lists)]
    words = " ".join(key for _, key in named).split()
    # "asthma and eczema" may mean both; "asthma requiring steroids" is more than asthma
    is_joined = len(named) > 1 and "and" in spell_words(text)
    says_more = _has_any(words, "details", "denials", "links") or "(" in text
    if is_joined or says_more or not named:
        return
    verb = named[0][0]
    names = [key for _, key in named]
    # an abbreviation is another name for the same thing
    names += map(make_key, _SHORT.findall(criterion.quote))
    # "asthma" of an inclusion, or "no asthma" of an exclusion
    requires_name = criterion.is_inclusion is not bool(criterion.negated)
    tests = [
        _make_bound_test("named", f"{verb} {name}", None, "=", int(requires_name))
        for name in names
    ]
    # one of the names is enough; without ``requires_name``, the patient must have none of them
    yield Test("", parts=tuple(tests), need=int(requires_name))


def _list_record_rules(
    people: Eligibility, registered: Mapping[str, Any]
) -> Iterator[Rule]:
    """Yield the ages and the sex of the whole record, from the text or else from the register."""
    for name in (*AGES, "sex"):
        value = getattr(people, name)
        piece = next(iter(people.evidence_for(name)), _NOWHERE)
        kind = name if value else f"registered_{name}"
        # the register's ages are numbers of days
        stated = value or registered.get(f"{kind}_days") or registered.get(kind)
        if name == "sex":
            # "all" limits nobody
            if str(stated).lower() not in SEXES:
                continue
            test = _test_sex(str(stated).lower())
        elif value:
            sign = read_comparator(name, people.evidence)
            test = _make_bound_test(str(value), "age", value.unit, sign, value.value)
        elif isinstance(stated, float):
            sign = SIDES[name]
            years = stated / DAYS[TimeUnit.YEAR]
            shown = f"{sign} {years:g} years"
            test = _make_bound_test(shown, "age", "year", sign, years)
        else:
            continue
        obstacle = "for whom the age is" if _is_of_some(piece, people) else ""
        confidence = _find_lowest_confidence(people, name)
        test = test._replace(confidence=confidence, keeps_out=obstacle)
        yield Rule(None, kind, piece.quote, piece.section, piece.start, piece.end, test)


def _is_of_some(age: Evidence, people: Eligibility) -> bool:
    """Return whether an age is one that excludes only people of one sex or with a condition."""
    return any(
        piece.start <= age.start < piece.end
        and (piece.sex or ".condition" in piece.field)
        for criterion in people.criteria
        for piece in criterion.evidence
        if not criterion.is_inclusion
    )


def _list_groups(people: Eligibility) -> Iterator[Group]:
    """Yield the groups that do not simply add criteria to the list."""
    around = people.list_around()
    places = group_pairs(
        (group.id, place)
        for place, criterion in enumerate(people.criteria)
        for group in around[criterion.group]
    )
    for group in people.groups:
        members = places[group.id]
        inside = [people.criteria[place] for place in members]
        total = len(members)
        need = {GroupRule.ALL: total, GroupRule.ANY: 1}.get(group.rule, group.n or 1)
        # if 2 of 5 findings exclude a patient, 4 of the 5 must be absent
        if not all(one.is_inclusion for one in inside):
            need = total - need + 1
        # a list inside a list is left undecided
        if need < 1 or any(one.group != group.id for one in inside):
            need = _UNDECIDED
        # if all must let a patient in, they do not need their group
        if need < total:
            yield Group(tuple(members), need, f"the list: {group.lead_in or group}")
