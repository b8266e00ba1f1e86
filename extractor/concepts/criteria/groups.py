"""Groups: whether all, any or a certain number of the criteria in a group must apply.

``read_rule`` determines the rule of a line from its words, from "or" and "and" between the items,
or from the wording of the items. ``find_runs`` finds adjacent items that exclude each other, and
``find_group_rule`` checks whether the words of a line support a rule. The phrases are in
``rules/groups.toml``.

The required number of members is read, and considered proven, only if the text states it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from extractor.concepts.criteria.lists import names_group
from extractor.concepts.places import Derived
from extractor.confidence import weigh
from extractor.evidence.drafts import Reading, Span, span_of
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import read_number
from extractor.language.passage import Passage
from extractor.language.patterns import RuleMatch
from extractor.schemas import (
    CriterionGroup,
    CriterionKind,
    GroupRule,
    Support,
)

OR = "or"
AND = "and"
_JOINT = r"(?P<word>and\s?/\s?or|or|and)"
_MARK = r"\(?(?:[a-z]|[ivx]{2,4}|\d{1,2}(?:\.\d{1,2}){0,3})\\?[.)]"
_BEFORE_ITEM = re.compile(
    rf"(?<![^\W_]){_JOINT}(?:[\W_]*\n[^\S\n]*{_MARK}[^\S\n]*|[\s,;:.*•()\-–—]*)$",
    re.IGNORECASE,
)
"""Matches an "or" or "and" at the end of an item or on its own line, followed by the list marker of
the next item.
"""
_FIRST_WORD = re.compile(rf"[\s(\[*_-]*{_JOINT}(?![^\W_]|\s?[<>=≤≥])", re.IGNORECASE)
"""Matches an "or" or "and" at the start of an item, but not the "or" in "or = 38 degrees"."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_REACH = 60
"""Maximum distance, in characters, between the joining word and the item after it."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_LONGEST_NAME = 10
"""Maximum number of tokens in an item that is only a name, such as "Chronic hand eczema"."""
_CONTRARY = {GroupRule.ALL: OR, GroupRule.ANY: AND}
"""The joining word that contradicts the usual rule of each list."""

_COUNTS = ("number_of_parts", "number_of_named_parts")
_OF_PARTS = {"all_of_parts": GroupRule.ALL, "any_of_parts": GroupRule.ANY}
_ANY_OF_TOPIC = {
    "exceptions_below": "exceptions",
    "examples_below": "examples",
    "kinds_below": "kinds",
}
"""Rules for lines below which any single item is sufficient, such as "Acceptable methods are:",
each with its case.
"""
_ALTERNATIVES = {
    "alternative_part": "alternative parts",
    "people_of_an_age": "ages of men and women",
    "for_some_people": "some people each",
    "names_people": "groups of people",
}
"""Rules for the opening words of mutually exclusive items, with their cases."""


class JoiningWord(NamedTuple):
    """The word, ``or`` or ``and``, that joins an item to the previous item."""

    word: str
    in_capitals: bool
    span: Span


_SAID = {
    GroupRule.ANY: "said: any",
    GroupRule.ALL: "said: all",
    GroupRule.AT_LEAST: "said: at least",
}
"""The features of a line that says how its items belong together."""


def usual_rule(kind: CriterionKind) -> GroupRule:
    """Return how the criteria in a list are usually combined: all inclusions must apply; a single
    exclusion is sufficient.
    """
    if kind is CriterionKind.EXCLUSION:
        return GroupRule.ANY
    return GroupRule.ALL


def read_rule_words(tokens: Tokens) -> tuple[CriterionGroup, Range] | None:
    """Return the rule that an introducing line states, with the words that state it; None if the
    line does not state a rule.

    >>> tokens = read_text("High risk, shown by two or more of the following:")
    >>> group, place = read_rule_words(tokens)
    >>> str(group), tokens.read(*place)
    ('at least 2 of', 'two or more of the following:')
    """
    stated: list[tuple[CriterionGroup, RuleMatch]] = []
    for name in _COUNTS:
        for match in rule(name).find(tokens):
            group = _read_count(match)
            if group:
                stated.append((group, match))
    for name, of_parts in _OF_PARTS.items():
        group = CriterionGroup(id="", rule=of_parts)
        stated += [(group, match) for match in rule(name).find(tokens)]
    if not stated:
        return None
    # the last match is used; if several matches end there, the longest one
    group, last = max(stated, key=lambda pair: (pair[1].end, -pair[1].first))
    return group, (last.first, last.end)


def _read_count(match: RuleMatch) -> CriterionGroup | None:
    """Return the rule for a number of parts: "one or more" means any of them. A number before
    named parts is treated as a rule only if it is a range or is accompanied by words such as "at
    least": "at least two risk factors", but not "two risk factors".
    """
    least = read_number(match.read("n"))
    most = read_number(match.read("high"))
    # only the rule for named parts has this group
    names_parts = "floor" in match.match.re.groupindex
    is_open = any(map(match.has, ("more", "floor", "open", "high")))
    if not isinstance(least, int):
        return None
    if names_parts and not is_open:
        return None
    if match.has("more"):  # "more than two"
        least += 1
    if least < 2 and most is None:
        return CriterionGroup(id="", rule=GroupRule.ANY)
    high = None
    if isinstance(most, int):
        high = most
    return CriterionGroup(id="", rule=GroupRule.AT_LEAST, n=least, n_high=high)


def find_group_rule(tokens: Tokens, value: CriterionGroup) -> Derived | None:
    """Find the words that support a rule: the words that state it, or the whole line if the line
    does not state any rule and ``value`` does not have a number. Return None if the line does not
    support the rule.

    "Any of the following" can also support the rule "all": normal values "in any of the tests
    below" are required in all of them, and "no history of any" means that all must be absent.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("High risk, shown by two or more of the following:")
    >>> rules = [
    ...     CriterionGroup(id="", rule="at_least", n=2),
    ...     CriterionGroup(id="", rule="any"),
    ... ]
    >>> [bool(find_group_rule(tokens, rule)) for rule in rules]
    [True, False]
    """
    stated = read_rule_words(tokens)
    if stated is None:
        if value.n is None:
            return Derived(0, len(tokens), Support.INFERRED)
        return None
    group, (first, end) = stated
    if group == value:
        return Derived(first, end)
    # "no history of any of the following" asks that all are absent
    is_denied = rule("denies_parts").ends(tokens, first) is not None
    may_mean_all = is_denied or "any" in tokens.read(first, end).lower().split()
    if not may_mean_all:
        return None
    if (group.rule, value.rule) != (GroupRule.ANY, GroupRule.ALL):
        return None
    return Derived(first, end, Support.INFERRED)


def read_rule(
    line: Passage, items: Sequence[Passage], kind: CriterionKind
) -> Reading[CriterionGroup]:
    """Return how the items below a line are combined, as shown by the line's wording, by the words
    that join the items, or by the kind of the items.

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
    stated = read_rule_words(line.tokens)
    if stated:
        joining_words = {joint.word for joint in joints if joint}
        group, place = stated
        return _read_stated(group, place, line, items, usual, joining_words)
    if len(items) == 1:
        return _conclude(usual, "one item", line)
    joined = _read_joints(joints, usual)
    if joined:
        return joined
    if usual is GroupRule.ALL:
        return _judge_inclusions(line, items)
    # as in "Warfarin. It is permitted as long as the following hold:"
    if rule("permits_if").search(line.tokens):
        return _conclude(GroupRule.ALL, "permitted if", line)
    return _conclude(usual, "any exclusion", line)


def _read_joints(
    joints: Sequence[JoiningWord | None], usual: GroupRule
) -> Reading[CriterionGroup] | None:
    """Return the rule stated by the words between the items, if it differs from the usual rule of
    the list; otherwise, return None. ``joints`` contains the word before each item except the
    first.
    """
    last = None
    if joints:
        last = joints[-1]
    words = {joint.word for joint in joints if joint}
    if last is None or words != {_CONTRARY[usual]}:
        return None
    if all(joints):
        return _conclude_contrary(usual, "joined items", last)
    # each exclusion in "A, B and C" is sufficient on its own, unless "AND" is in capitals
    if last.in_capitals or usual is GroupRule.ALL:
        return _conclude_contrary(usual, "last item joined", last)
    return None


def _read_stated(
    group: CriterionGroup,
    place: Range,
    line: Passage,
    items: Sequence[Passage],
    usual: GroupRule,
    joining_words: set[str],
) -> Reading[CriterionGroup]:
    """Return the rule that a line states in the tokens at ``place``. The rule is less certain if
    the words that join the items contradict it. In an inclusion list, "any of" means all of the
    items if they are healthy values or must be absent.
    """
    if group.rule is GroupRule.ANY and usual is GroupRule.ALL:
        # "No history of any of these" means none of them
        if rule("denies_parts").ends(line.tokens, place[0]):
            return _conclude(GroupRule.ALL, "none of the parts", line)
        # "Good marrow function, shown by any of these criteria:" requires all of the values
        if rule("good_values").search(line.tokens) and _are_values(items):
            return _conclude(GroupRule.ALL, "any of good values", line)
    contrary = AND
    if group.rule is GroupRule.ALL:
        contrary = OR
    case = _SAID[group.rule]
    if joining_words == {contrary}:
        case = "said, but joined otherwise"
    span = span_of(line.part(*place))
    return _weigh_group(group, case, span, Support.PARSED)


def _judge_inclusions(
    line: Passage, items: Sequence[Passage]
) -> Reading[CriterionGroup]:
    """Return how inclusions are combined below a line that does not state a rule. Any one of the
    items is sufficient if they are mutually exclusive, exceptions to the line's topic, or examples
    or kinds of that topic. Otherwise, or if the line names a group of people, all of the items
    must apply.
    """
    # "Part A: adults", "Part B: children": nobody can meet both
    for first, end, alternatives in _find_alternatives(items):
        if end - first == len(items):
            return alternatives
    tokens = line.tokens
    if names_group(tokens) or rule("names_people").covers(tokens):
        return _conclude(GroupRule.ALL, "all of some people", line)
    # "Adequate organ function:" requires all of the values below
    are_values = _are_values(items)
    wants_values = any(rule(name).search(tokens) for name in ("good_values", "levels"))
    for name, case in _ANY_OF_TOPIC.items():
        # values are all required, even where the line names them as examples
        if rule(name).search(tokens) and not wants_values:
            return _conclude(GroupRule.ANY, case, line)
    # names below a line such as "Confirmed diseases of the skin:"
    are_names = 2 * sum(map(_is_name, items)) > len(items)
    if not are_values and are_names and rule("kinds").search(tokens):
        return _conclude(GroupRule.ANY, "names of kinds", line)
    case = "all inclusions"
    if are_values:
        case = "all stated values"
        if wants_values:
            case = "all values"
    return _conclude(GroupRule.ALL, case, line)


def _is_name(item: Passage) -> bool:
    """Return whether an item is a short name that does not state anything about a participant."""
    if len(item.tokens) > _LONGEST_NAME:
        return False
    return not rule("no_kind").search(item.tokens)


def _conclude(
    concluded: GroupRule, case: str, line: Passage
) -> Reading[CriterionGroup]:
    """Return a rule that is inferred from a whole line, with the confidence of its
    ``case``.
    """
    group = CriterionGroup(id="", rule=concluded)
    return _weigh_group(group, case, span_of(line), Support.INFERRED)


def _conclude_contrary(
    usual: GroupRule, case: str, joint: JoiningWord
) -> Reading[CriterionGroup]:
    """Return the rule that joining words state, which is the opposite of the list's usual rule. The
    rule has the confidence of its ``case``.
    """
    contrary = GroupRule.ALL
    if usual is GroupRule.ALL:
        contrary = GroupRule.ANY
    group = CriterionGroup(id="", rule=contrary)
    return _weigh_group(group, case, joint.span, Support.PARSED)


def _weigh_group(
    group: CriterionGroup, case: str, span: Span, support: Support
) -> Reading[CriterionGroup]:
    # the rules of headings are read when the record is weighed already
    confidence = weigh("eligibility.criteria.rule", (case,))
    return Reading(
        group,
        spans=(span,),
        support=support,
        features=(case,),
        weighed=confidence,
    )


def _are_values(items: Sequence[Passage]) -> bool:
    """Return whether most items state a level: "Platelets >= 100", "Bilirubin normal"."""
    levels = [item for item in items if rule("level").search(item.tokens)]
    return 2 * len(levels) > len(items)


def find_joint(item: Passage, following: Passage) -> JoiningWord | None:
    r"""Return the word that joins an item to the previous item. It can be at the end of the
    previous item, on a separate line between the items, or at the start of the item.

    >>> section = read_section("eligibility", "- Asthma, or\n- Rhinitis\nOR\n- Eczema")
    >>> first, second, _, third = section.lines()
    >>> find_joint(first, second).word, find_joint(second, third).in_capitals
    ('or', True)
    """
    section = item.section
    first, _ = item.raw_span
    start, end = following.raw_span
    if section.name != following.section.name or first >= start:
        return None
    joint = _BEFORE_ITEM.search(section.raw, max(first, start - _REACH), start)
    joint = joint or _FIRST_WORD.match(section.raw, start, end)
    if joint is None:
        return None
    # "and/or" is an "or"
    word = OR
    if joint["word"].casefold() == AND:
        word = AND
    return JoiningWord(
        word, joint["word"].isupper(), Span(section.name, *joint.span("word"))
    )


def find_runs(
    items: Sequence[Passage], usual: GroupRule
) -> Iterator[tuple[int, int, Reading[CriterionGroup]]]:
    """Yield each run of adjacent items that are combined differently from their list, as (first,
    end, reading) tuples.

    "Or" joins inclusions, and "AND" in capitals joins exclusions. Mutually exclusive inclusions are
    alternatives even if no word joins them. ``usual`` is the rule of the list.

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
    joined = [joint is not None and _contradicts(joint, usual) for joint in joints]
    for first, end in _list_runs(joined):
        joint = joints[first]
        if joint:  # always, because the second item of a run is joined to the first
            case = "joined"
            if joint.in_capitals:
                case = "joined, in capitals"
            yield first, end, _conclude_contrary(usual, case, joint)
    # exclusions that exclude each other need no group: each is sufficient anyway
    if usual is not GroupRule.ALL or any(joined):
        return
    yield from _find_alternatives(items)


def _find_alternatives(
    items: Sequence[Passage],
) -> Iterator[tuple[int, int, Reading[CriterionGroup]]]:
    """Yield at most one run of adjacent items that exclude each other because they begin with
    different names of the same type ("Part A:", "Part B:"), as the index of its first item, the
    index after its last, and the rule "any of". Types are tried in the order of ``_ALTERNATIVES``.
    """
    for rule_name, case in _ALTERNATIVES.items():
        names = [_read_name(item.tokens, rule_name) for item in items]
        are_both_named = [bool(name and next_) for name, next_ in pairwise(names)]
        for first, end in _list_runs(are_both_named):
            run = names[first:end]
            # "Men ...", "Women ..." are alternatives, unlike two items about men
            are_distinct = len(set(run)) == len(run)
            if are_distinct:
                yield first, end, _conclude(GroupRule.ANY, case, items[first])
                return


def _contradicts(joint: JoiningWord, usual: GroupRule) -> bool:
    """Return whether a joining word contradicts the rule of its list. In a list of exclusions, a
    lower-case "and" does not contradict the rule, since it may merely introduce the last of
    several exclusions, each of which is sufficient.
    """
    is_strong = joint.in_capitals or usual is not GroupRule.ANY
    return joint.word == _CONTRARY[usual] and is_strong


def _list_runs(joined: Sequence[bool]) -> Iterator[Range]:
    """Yield each run of two or more items in which every item is joined to the previous one, as the
    index of its first item and the index after its last. ``joined[n]`` is true if item ``n + 1``
    is joined to item ``n``.

    >>> list(_list_runs([False, True, True, False]))
    [(1, 4)]
    """
    first = 0
    for position, is_joined in enumerate([*joined, False]):
        if is_joined:
            continue
        if position > first:
            yield first, position + 1
        first = position + 1


def _read_name(tokens: Tokens, rule_name: str) -> str:
    """Return the opening words that distinguish an item from its alternatives, case-folded; an
    empty string if the rule does not match at its beginning.
    """
    match = rule(rule_name).starts(tokens, 0)
    if match:
        return match.text.casefold()
    return ""
