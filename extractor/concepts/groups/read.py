"""Read how criteria belong together, from the line that introduces them or from their own words."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from extractor.concepts.criteria.lists import names_group
from extractor.evidence.drafts import Reading, Span, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import read_number
from extractor.language.passage import Passage
from extractor.language.patterns import Found
from extractor.schemas import CriterionGroup, CriterionKind, GroupRule, Support

OR = "or"
AND = "and"
_JOINT = r"(?P<word>and\s?/\s?or|or|and)"
_MARK = r"\(?(?:[a-z]|[ivx]{2,4}|\d{1,2}(?:\.\d{1,2}){0,3})\\?[.)]"
_BEFORE = re.compile(
    rf"(?<![^\W_]){_JOINT}(?:[\W_]*\n[^\S\n]*{_MARK}[^\S\n]*|[\s,;:.*•()\-–—]*)$",
    re.IGNORECASE,
)
"""A joint at the end of an item, or on a line of its own, with the mark of the next item."""
_FIRST = re.compile(rf"[\s(\[*_-]*{_JOINT}(?![^\W_]|\s?[<>=≤≥])", re.IGNORECASE)
_REACH = 60
"""Number of characters before an item its joint that may begin."""
_OTHER = {GroupRule.ALL: OR, GroupRule.ANY: AND}
"""The joint that contradicts the rule of the list."""

_PARTS_OF_ITS_SENSE = (
    ("exceptions_below", "exceptions"),
    ("examples_below", "examples"),
    ("kinds_below", "kinds"),
)
"""Rules of a line that hold if any of its parts does, with their cases."""


_NAMES_OF_GROUPS = ("names_people",)
_ALTERNATIVES = (
    (("alternative_part",), "alternative parts"),
    (("men_of_an_age", "women_of_an_age"), "ages of men and women"),
    (("for_some_people",), "some people each"),
    (_NAMES_OF_GROUPS, "groups of people"),
)
"""Rules of names by which items exclude each other, with their cases: of a part of the trial, a
sex, some of the people.
"""


class Joint(NamedTuple):
    """The word that joins an item to the one before it: ``or`` or ``and``. ``alone`` if it
    is in capitals.
    """

    word: str
    alone: bool
    span: Span


def usual_rule(kind: CriterionKind) -> GroupRule:
    """Return how the criteria of a list belong together: all inclusions must hold, one exclusion
    is enough.
    """
    return GroupRule.ANY if kind is CriterionKind.EXCLUSION else GroupRule.ALL


def read_words(tokens: Tokens) -> tuple[CriterionGroup, Range] | None:
    """Return the rule that an introducing line states, with its words; None if it states none.

    >>> tokens = read_text("High risk, shown by two or more of the following:")
    >>> group, place = read_words(tokens)
    >>> str(group), tokens.read(*place)
    ('at least 2 of', 'two or more of the following:')
    """
    stated: list[tuple[Found, CriterionGroup]] = []
    for name in ("number_of_parts", "number_of_named_parts"):
        for found in rule(name).find(tokens):
            group = _read_count(found)
            if group:
                stated.append((found, group))
    all_parts = CriterionGroup(id="", rule=GroupRule.ALL)
    stated += [(found, all_parts) for found in rule("all_of_parts").find(tokens)]
    any_part = CriterionGroup(id="", rule=GroupRule.ANY)
    stated += [(found, any_part) for found in rule("any_of_parts").find(tokens)]
    if not stated:
        return None
    # the words that stand last count, and of those that end there, the longest
    last, group = max(stated, key=lambda pair: (pair[0].end, -pair[0].first))
    return group, (last.first, last.end)


def _read_count(found: Found) -> CriterionGroup | None:
    """Return the rule of a number of parts: "one or more" is any of them."""
    least = read_number(found.read("n") or "")
    most = read_number(found.read("high") or "")
    if not isinstance(least, int):
        return None
    can_have_floor = "floor" in found.match.re.groupindex
    is_open = any(map(found.has, ("more", "floor", "open", "high")))
    if can_have_floor and not is_open:
        return None
    if found.has("more"):
        least += 1  # "more than two"
    # as in "Men with 2-3 risk factors:"
    if isinstance(most, int):
        return CriterionGroup(id="", rule=GroupRule.AT_LEAST, n=least, n_high=most)
    if least < 2:
        return CriterionGroup(id="", rule=GroupRule.ANY)
    return CriterionGroup(id="", rule=GroupRule.AT_LEAST, n=least)


def read_rule(
    line: Passage, items: Sequence[Passage], kind: CriterionKind
) -> Reading[CriterionGroup]:
    """Return how the items below a line belong together: by its words, by those that join the
    items, by their kind.

    >>> line, items = (
    ...     read_passage("Has one of these:"),
    ...     [read_passage("Asthma"), read_passage("Rhinitis")],
    ... )
    >>> reading = read_rule(line, items, CriterionKind.INCLUSION)
    >>> str(reading.value), reading.confidence
    ('any of', 0.96)
    """
    usual = usual_rule(kind)
    joints = [find_joint(item, following) for item, following in pairwise(items)]
    joining_words = {joint.word for joint in joints if joint}
    stated = read_words(line.tokens)
    if stated:
        group, place = stated
        return _read_stated(
            group, place, line, items, usual=usual, joining_words=joining_words
        )
    last = joints[-1] if joints else None
    if last and joining_words == {_OTHER[usual]}:
        if all(joints):
            return _join(usual, "joined items", last)
        # "A, B and C" lists exclusions, and each of them is enough, unless "and" stands behind
        # each.
        if last.alone or usual is GroupRule.ALL:
            return _join(usual, "last item joined", last)
    if usual is GroupRule.ALL:
        judged, case = _judge_inclusions(line.tokens, items)
        return _conclude(judged, case, line)
    # as in "Warfarin. It is permitted as long as the following hold:"
    if rule("permits_if").search(line.tokens):
        return _conclude(GroupRule.ALL, "permitted if", line)
    return _conclude(usual, "any exclusion", line)


def _read_stated(
    group: CriterionGroup,
    place: Range,
    line: Passage,
    items: Sequence[Passage],
    *,
    usual: GroupRule,
    joining_words: set[str],
) -> Reading[CriterionGroup]:
    """Return the rule that a line states, less sure if the words that join the items say otherwise.

    Among inclusions "any of" means all where the items are good values, and where they must be
    absent. ``group`` is the stated rule, ``place`` the tokens that state it.
    """
    if group.rule is GroupRule.ANY and usual is GroupRule.ALL:
        # "No history of any of these": none of them
        if rule("denies_parts").ends(line.tokens, place[0]):
            return _conclude(GroupRule.ALL, "none of the parts", line)
        # "Good marrow function, shown by any of these criteria:": good values are all good
        if rule("good_values").search(line.tokens) and _are_values(items):
            return _conclude(GroupRule.ALL, "any of good values", line)
    contrary = OR if group.rule is GroupRule.ALL else AND
    if joining_words == {contrary}:
        case = "said, but joined otherwise"
    else:
        case = f"said: {group.rule.value.replace('_', ' ')}"
    span = span_of(line.part(*place))
    return Reading(group, measured("group", case), (span,), Support.PARSED)


def _judge_inclusions(
    tokens: Tokens, items: Sequence[Passage]
) -> tuple[GroupRule, str]:
    """Return how inclusions below a line that does not say it belong together, and the case of
    the judgement.

    One is enough if they exclude each other, or if they are exceptions, examples or kinds of what
    the line names. Otherwise, and below the name of a group of people, all must hold.
    """
    alternatives = _find_alternatives(items)
    if alternatives:
        first, end, case = alternatives
        if first == 0 and end == len(items):
            return GroupRule.ANY, case
    if names_group(tokens) or _name_group(tokens):
        return GroupRule.ALL, "all of some people"
    are_values = _are_values(items)
    # "Adequate organ function:" wants each of the values below
    wants_values = any(rule(name).search(tokens) for name in ("good_values", "levels"))
    part_case = _find_part_case(tokens)
    if part_case is None and not are_values:
        # as in "One of the following diagnoses:"
        names_kinds = rule("kinds").search(tokens)
        if names_kinds and _are_names(items):
            part_case = "names of kinds"
    if part_case and not wants_values:
        return GroupRule.ANY, part_case
    # as in "Adequate organ function within 14 days of enrolment, defined as:"
    if not are_values:
        return GroupRule.ALL, "all inclusions"
    return GroupRule.ALL, "all values" if wants_values else "all stated values"


def _find_part_case(tokens: Tokens) -> str | None:
    """Return the case of a line that holds if any of its parts does, None for another line."""
    for name, case in _PARTS_OF_ITS_SENSE:
        if rule(name).search(tokens):
            return case
    return None


def _conclude(
    concluded: GroupRule, case: str, line: Passage
) -> Reading[CriterionGroup]:
    """Return a rule that was concluded from a whole line, as sure as the ``case`` was measured."""
    return Reading(
        CriterionGroup(id="", rule=concluded),
        measured("group", case),
        (span_of(line),),
        Support.INFERRED,
    )


def _join(usual: GroupRule, case: str, joint: Joint) -> Reading[CriterionGroup]:
    """Return the rule that a joint states, which is not the usual one of the list."""
    said = GroupRule.ANY if usual is GroupRule.ALL else GroupRule.ALL
    return Reading(
        CriterionGroup(id="", rule=said),
        measured("group", case),
        (joint.span,),
        Support.PARSED,
    )


def _are_values(items: Sequence[Passage]) -> bool:
    """Return whether most items state a level of something: "Platelets >= 100", "Bilirubin
    normal".
    """
    levels = [item for item in items if rule("level").search(item.tokens)]
    return 2 * len(levels) > len(items)


def _are_names(items: Sequence[Passage]) -> bool:
    """Return whether most items are short names, which state nothing about a participant."""
    names = 0
    for item in items:
        is_short = len(item.tokens) <= 10
        if is_short and not rule("no_kind").search(item.tokens):
            names += 1
    return 2 * names > len(items)


def find_joint(item: Passage, following: Passage) -> Joint | None:
    r"""Return the word that joins an item to the one before it: at the end of that, in a line
    between, or at its start.

    >>> section = read_section("eligibility", "- Asthma, or\n- Rhinitis\nOR\n- Eczema")
    >>> first, second, _, third = section.lines()
    >>> find_joint(first, second).word, find_joint(second, third).alone
    ('or', True)
    """
    section = item.section
    first, _ = item.raw_span
    start, end = following.raw_span
    if section.name != following.section.name or first >= start:
        return None
    offset = max(first, start - _REACH)
    joint = _BEFORE.search(section.raw[offset:start])
    if joint is None:
        offset = start
        joint = _FIRST.match(section.raw[start:end])
    if joint is None:
        return None
    written = joint["word"]
    # "and/or" is an "or"
    word = AND if written.casefold() == AND else OR
    span = Span(section.name, offset + joint.start("word"), offset + joint.end("word"))
    return Joint(word, written.isupper(), span)


def find_runs(
    items: Sequence[Passage], usual: GroupRule
) -> Iterator[tuple[int, int, Reading[CriterionGroup]]]:
    """Yield the adjacent items that are combined differently from their list, as
    ``items[first:end]``.

    "Or" joins inclusions, "AND" in capitals joins exclusions. Inclusions that exclude each other
    are alternatives, if no word joins any. ``usual`` is the rule of the list.

    >>> items = [
    ...     read_passage(text)
    ...     for text in ("Consent", "Part A: adults", "Part B: children")
    ... ]
    >>> [
    ...     (first, end, str(found.value))
    ...     for first, end, found in find_runs(items, GroupRule.ALL)
    ... ]
    [(1, 3, 'any of')]
    """
    joints = [find_joint(item, following) for item, following in pairwise(items)]
    joined = [_contradicts(joint, usual) for joint in joints]
    for first, end in _list_runs(joined):
        joint = joints[first]
        if joint:
            case = "joined, in capitals" if joint.alone else "joined"
            yield first, end, _join(usual, case, joint)
    if usual is not GroupRule.ALL or any(joined):
        return
    alternatives = _find_alternatives(items)
    if alternatives:
        first, end, case = alternatives
        yield first, end, _conclude(GroupRule.ANY, case, items[first])


def _contradicts(joint: Joint | None, usual: GroupRule) -> bool:
    """Return whether a joint contradicts it than the rule of its list."""
    if joint is None or joint.word != _OTHER[usual]:
        return False
    # "and" also joins the last of some exclusions, each of which is enough
    return joint.alone or usual is not GroupRule.ANY


def _find_alternatives(items: Sequence[Passage]) -> tuple[int, int, str] | None:
    """Return the first items beside each other that exclude each other, as ``items[first:end]``
    with their case; None if there are none. Each has a name of the same sort, and another one.
    """
    for rules, case in _ALTERNATIVES:
        names = [_name_item(item.tokens, rules) for item in items]
        both_named = [bool(name and following) for name, following in pairwise(names)]
        for first, end in _list_runs(both_named):
            if len(set(names[first:end])) == end - first:
                return first, end, case
    return None


def _list_runs(joined: Sequence[bool]) -> Iterator[Range]:
    """Yield the runs of two or more items that are each joined to the one before, as their first
    item and the one after their last. ``joined[n]`` indicates it of item ``n + 1``.

    >>> list(_list_runs([False, True, True, False]))
    [(1, 4)]
    """
    first = 0
    for position, goes_on in enumerate([*joined, False]):
        if goes_on:
            continue
        if position > first:
            yield first, position + 1
        first = position + 1


def _name_item(tokens: Tokens, rules: Sequence[str]) -> str:
    """Return the name of an item among alternatives, by its first words, or by which of several
    rules describes them; empty if it has none.
    """
    if rules == _NAMES_OF_GROUPS:
        return _name_group(tokens)
    for name in rules:
        found = rule(name).starts(tokens, 0)
        if found:
            return name if len(rules) > 1 else found.text.casefold()
    return ""


def _name_group(tokens: Tokens) -> str:
    """Return the people that an item only names; empty if it states more, or names none."""
    named = rule("names_people").covers(tokens, 0, len(tokens))
    return named.text.casefold() if named else ""
