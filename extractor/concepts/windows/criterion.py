"""Read the time windows of a criterion, with their places and features, and the windows that an
item inherits from the line above it.
"""

from typing import Any, NamedTuple

from extractor.concepts.windows.features import list_window_features
from extractor.concepts.windows.parts import (
    find_window_parts,
    name_line,
)
from extractor.concepts.windows.times import (
    Window,
    find_windows,
    first_window,
    list_possible_firsts,
    make_window,
)
from extractor.evidence.drafts import Reading, Supported, ValuePart, span_of
from extractor.evidence.items import Read
from extractor.language.book import read_words, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.language.values import replace
from extractor.schemas import CriterionKind, Support, TimeWindow

_NO_WINDOWS_BELOW = frozenset({"age", "life", "survival"})
_OF_OTHER_LINE = "named in another line"
_INHERITED = "of the line above"
OTHER_UNIT = "a time in another unit"

FirstWindow = Read[TimeWindow]
Windows = Reading[tuple[TimeWindow, ...]]


class Times(NamedTuple):
    """All time windows of a criterion, and the index of the first one, from which ``take_first``
    makes its ``time_window``; None if none can be that.
    """

    windows: Windows
    first: int | None = None


def read_windows(
    passage: Passage, kind: CriterionKind | None = None, topic: str = ""
) -> Times:
    """Return all time windows of a criterion, and which of them is the first. Each window has the
    name of the event or treatment that it limits, and the moment from which it is counted. The
    first window must be in hours or longer units. A window that has no direction of its own, or
    that is in an explanation or an exception, is used only if there is no other window.
    ``passage`` contains only the criterion (``Passage.alone``). ``topic`` is the heading or parent
    line; durations below a line about age, life or survival are not treated as windows.

    >>> windows, first = read_windows(
    ...     read_passage("No chemotherapy within 4 weeks before enrolment")
    ... )
    >>> first, windows.value[0].of, windows.value[0].anchor
    (0, 'chemotherapy', 'before enrolment')
    """
    tokens = passage.tokens
    topic_words = map(str.lower, read_words(topic).words)
    windows: tuple[Window, ...] = ()
    if _NO_WINDOWS_BELOW.isdisjoint(topic_words):
        windows = find_windows(tokens, kind, topic)
    if not windows:
        return Times(Reading((), features=(_describe_none(tokens),)))
    parts = find_window_parts(tokens, windows)
    members: list[Supported[TimeWindow]] = []
    for at, window in enumerate(windows):
        of, anchor, _ = parts[at]
        words = passage.part_at(window)
        update = {"of": _quote(passage, of), "anchor": _quote(passage, anchor)}
        value = make_window(window, words.raw).model_copy(update=update)
        own, of_parts = list_window_features(tokens, windows, parts, at)
        place = span_of(words)
        members.append(Supported(value, place, Support.PARSED, own, of_parts))
    every_window = Reading(()).with_supported(members)
    possible = list_possible_firsts(windows)
    if not possible:
        return Times(every_window)
    # an aside explains or excepts; the criterion itself may state its time behind it
    plain = [window for window in possible if not window.is_aside]
    return Times(every_window, windows.index((plain or possible)[0]))


def take_first(windows: Reading[Any], first: int | None) -> FirstWindow:
    """Return the reading of ``time_window``: the window at the index ``first`` of all windows, in
    the form of ``time_window``; without a value if ``first`` is None.

    >>> take_first(*read_windows(read_passage("No alcohol for 3-5 days"))).value.value
    3
    """
    nothing = replace(
        windows, value=None, spans=(), support=Support.LITERAL, members=()
    )
    if first is None:
        return nothing
    member = windows.members[first]
    return nothing.with_supported([replace(member, value=first_window([member.value]))])


def _quote(passage: Passage, place: Range | None) -> str | None:
    if place:
        return passage.part(*place).raw
    return None


def _describe_none(tokens: Tokens) -> str:
    """Return the feature of a line without windows: why it has none."""
    if not any(find_durations(tokens)):
        return "no length of time"
    if rule("names_age").search(tokens):
        return "only ages and the like"
    return "length of time not read"


def name_limited(windows: Windows, other: Passage) -> Windows:
    """Add the name found in another line (the windows' item or its parent) to all time windows
    without a name. These windows are less certain. If the other line does not contain a name, all
    windows are left unchanged.

    >>> windows, _ = read_windows(read_passage("within 4 weeks"))
    >>> name_limited(windows, read_passage("Treatment with statins:")).value[0].of
    'statins'
    """
    if all(window.of for window in windows.value):
        return windows
    line = other.alone()
    name = name_line(line.tokens, line.first, line.end)
    if name is None:
        return windows
    words = line.part(*name).raw
    members = list(windows.members)
    for at, member in enumerate(members):
        if member.value.of is None:
            value = member.value.model_copy(update={"of": words})
            parts = {**member.parts, "of": ValuePart((_OF_OTHER_LINE,))}
            members[at] = replace(member, value=value, parts=parts)
    return windows.with_supported(members)


def inherit_windows(windows: Windows, introduction: Passage, item: Passage) -> Windows:
    """Return the time windows of an introducing line as windows of an item below it. These windows
    are less certain. If a window does not have a name, or its name only announces the items ("any
    of the following drugs"), it takes its name from the item.

    >>> line = read_passage("Any of the following drugs within 2 weeks:")
    >>> windows, _ = read_windows(line)
    >>> inherit_windows(windows, line, read_passage("Aspirin")).value[0].of
    'Aspirin'
    """
    announced = rule("announces_items").search(introduction.cut())
    members: list[Supported[TimeWindow]] = []
    for member in windows.members:
        value = member.value
        parts = dict(member.parts)
        of, _ = parts.pop("of", ValuePart())
        # "any of the following drugs": the item below is the drug
        if announced:
            value = value.model_copy(update={"of": None})
        elif of:
            parts["of"] = ValuePart((*of, _INHERITED))
        features = (*member.features, _INHERITED)
        members.append(replace(member, value=value, features=features, parts=parts))
    return name_limited(windows.with_supported(members), item)


def demands_other(introduction: Passage) -> bool:
    """Return whether the items below a line belong to a different clause from the line's last time
    window. They do if "and" after the window leads to another requirement, unless words such as
    "one of" precede the window.

    >>> demands_other(
    ...     read_passage("A negative test within 72 hours and one of the following:")
    ... )
    True
    """
    tokens = introduction.cut()
    windows = find_windows(tokens, None)
    if not windows:
        return False
    last = windows[-1]
    if rule("announces_items").search(tokens, 0, last.first):
        return False
    return rule("joins_other_demand").occurs(tokens, last.length[1])


def is_of_kind(introduction: Passage, item: Passage, *, is_value: bool) -> bool:
    """Return whether an item is of the type that its introduction announces. Only measured values
    are expected below an introduction to laboratory tests; other items indicate that the layout is
    doubtful.

    ``is_value`` means that the item has its own limits, which do not limit a treatment.

    >>> tests = read_passage("Adequate renal function within 14 days, defined as:")
    >>> items = ("Bilirubin within normal limits", "Vasectomized partner")
    >>> [is_of_kind(tests, read_passage(item), is_value=False) for item in items]
    [True, False]
    """
    if is_value or not rule("organ_function").search(introduction.cut()):
        return True
    return rule("names_measurement").occurs(item.cut())
