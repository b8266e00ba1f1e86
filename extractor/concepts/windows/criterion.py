"""Read the time windows of a criterion, and what they take from the lines around it."""

from collections.abc import Sequence
from dataclasses import replace

from extractor.concepts.windows.parts import (
    describe_naming,
    find_moment_of_items,
    find_parts,
    name_line,
    start_last_sentence,
)
from extractor.concepts.windows.read import (
    BACK,
    NO_UNITS,
    Time,
    Window,
    find_times,
    first_window,
    list_windows,
    make_window,
    may_be_window,
    stands_aside,
)
from extractor.concepts.windows.signs import list_signs
from extractor.evidence.drafts import Reading, Signs, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.schemas import CriterionKind, Support, TimeUnit, TimeWindow

_LONG = 6
"""The most words of a short name in another line."""


def read_windows(
    passage: Passage, kind: CriterionKind | None = None, topic: str = ""
) -> tuple[Reading[TimeWindow | None], Reading[tuple[TimeWindow, ...]]]:
    """Return the first time window of a criterion, and all of them with what they limit and are
    counted from.

    The first is one that defines a word in brackets, or belongs to an exception, only if there is
    no other. ``passage`` stands alone (``Passage.alone``). ``topic`` is the heading or parent line:
    a length of time under "Life expectancy" is not a window.

    >>> first, windows = read_windows(
    ...     read_passage("No chemotherapy within 4 weeks before enrolment")
    ... )
    >>> first.value.quote, windows.value[0].of, windows.value[0].anchor
    ('within 4 weeks before enrolment', 'chemotherapy', 'before enrolment')
    """
    tokens = passage.tokens
    times = find_times(tokens)
    windows = list_windows(tokens, kind)
    topic_words = {word.lower() for word in read_text(topic).words} if topic else set()
    if topic_words & {"age", "life", "survival"}:
        windows = ()
    possible = list[Window]()
    for window in windows:
        if window.unit not in NO_UNITS and not window.borrowed:
            possible.append(window)
    found = min(
        possible,
        key=lambda window: (stands_aside(tokens, window), window.first),
        default=None,
    )
    confidence = measured("time_window", _name_window_case(tokens, found, times))
    values = []
    spans = []
    parts = find_parts(tokens, windows)
    sure_parts = list[dict[str, float]]()
    signs = list[Signs]()
    first: Reading[TimeWindow | None] = Reading(None, confidence)
    for at, (window, (of, anchor)) in enumerate(zip(windows, parts, strict=True)):
        naming = describe_naming(tokens, windows, parts, at)
        sure_parts.append({"of": measured("of", naming)} if naming else {})
        signs.append(list_signs(tokens, windows, parts, times, at))
        place = _place_window(passage, window)
        named = {
            "of": of and passage.part(*of).raw,
            "anchor": anchor and passage.part(*anchor).raw,
        }
        values.append(make_window(window, place.raw).model_copy(update=named))
        spans.append(span_of(place))
        if window is found:
            first = Reading(
                first_window(values[-1:]), confidence, (span_of(place),), Support.PARSED
            )
    sure = measured("time_windows", _name_windows_case(tokens, windows, times))
    windows_read = Reading(
        tuple(values),
        sure,
        tuple(spans),
        Support.PARSED,
        sure_parts=tuple(sure_parts),
        signs=tuple(signs),
    )
    return first, windows_read


def name_limited(
    windows: Reading[tuple[TimeWindow, ...]], other: Passage
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows. Those that name nothing limit what another line names: their item,
    or its parent.

    >>> _, windows = read_windows(read_passage("within 4 weeks"))
    >>> name_limited(windows, read_passage("Treatment with statins:")).value[0].of
    'statins'
    """
    if all(window.of for window in windows.value):
        return windows
    named = name_line(other.tokens, other.first, other.end)
    if named is None:
        return windows
    words = other.part(*named).raw
    elsewhere = {"of": measured("of", "named in another line")}
    how: tuple[str, ...] = ("named in another line",)
    if len(other.tokens.words[slice(*named)]) > _LONG:
        how = (*how, "a long name")
    values = [*windows.value]
    sure_parts = [*windows.list_sure_parts()]
    signs = [*windows.signs]
    for at, window in enumerate(windows.value):
        if window.of:
            continue
        values[at] = window.model_copy(update={"of": words})
        sure_parts[at] = elsewhere
        signs[at] = {**signs[at], "of": how}
    return replace(
        windows,
        value=tuple(values),
        sure_parts=tuple(sure_parts),
        signs=tuple(signs),
    )


def as_of_another_line(
    windows: Reading[tuple[TimeWindow, ...]],
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows of the line that introduces an item: what they limit is less sure
    to be the item.
    """
    elsewhere = {"of": measured("of", "named in another line")}
    inherited = ("of the line above",)
    return replace(
        windows,
        sure_parts=(elsewhere,) * len(windows.value),
        signs=tuple(
            {name: (*own, *inherited) for name, own in one.items()}
            for one in windows.signs
        ),
    )


def leave_to_items(
    windows: Reading[tuple[TimeWindow, ...]], introduction: Passage
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows of the line that introduces items. What only announces these names
    nothing: each item is named by itself.

    >>> line = read_passage("Any of the following drugs within 2 weeks:")
    >>> _, windows = read_windows(line)
    >>> leave_to_items(windows, line).value[0].of is None
    True
    """
    tokens = introduction.tokens
    announced = set[str]()
    for announcement in rule("announces_list").find(tokens):
        first = announcement.end
        longest = min(first + _LONG, len(tokens))
        for end in range(first + 1, longest + 1):
            announced.add(introduction.part(first, end).raw)
    values = list[TimeWindow]()
    for window in windows.value:
        of = None if window.of in announced else window.of
        values.append(window.model_copy(update={"of": of}))
    return replace(windows, value=tuple(values))


def anchor_windows(
    windows: Reading[tuple[TimeWindow, ...]], introduction: Passage
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows. Those without a moment count from that of the line that introduces
    the item.

    Those that look back from now ("in the last year") have none.

    >>> _, windows = read_windows(read_passage("Chemotherapy: 3 weeks"))
    >>> anchor_windows(
    ...     windows, read_passage("Within these intervals before the first dose:")
    ... ).value[0].anchor
    'before the first dose'
    """
    moment = find_moment_of_items(introduction.tokens)
    if moment is None:
        return windows
    words = introduction.part(*moment).raw

    def anchor(window: TimeWindow) -> TimeWindow:
        looks_back = not BACK.isdisjoint(
            word.lower() for word in read_text(window.quote).words
        )
        if window.anchor or looks_back:
            return window
        return window.model_copy(update={"anchor": words})

    above = {"anchor": ("the moment of the line above",)}
    return replace(
        windows,
        value=tuple(map(anchor, windows.value)),
        signs=tuple({**above, **own} for own in windows.signs),
    )


def demands_other(introduction: Passage) -> bool:
    """Return whether the items below a line belong to another clause of it than the one with its
    last time window.

    >>> demands_other(
    ...     read_passage("A negative test within 72 hours and one of the following:")
    ... )
    True
    """
    tokens = introduction.tokens
    windows = list_windows(tokens, None)
    if not windows:
        return False
    last = windows[-1]
    listed = rule("some_of").search(tokens, 0, last.first)
    return (
        listed is None
        and rule("joins_other_demand").search(tokens, last.end) is not None
    )


def find_introduction(introduction: Passage) -> Passage:
    """Return the sentence of a line that introduces its items: the last one. Time windows of
    those before it count for none of the items, unless it refers back to them ("These are:").

    >>> paragraph = (
    ...     "Abstain for 4 weeks after the last dose. Two of these methods are needed:"
    ... )
    >>> find_introduction(read_passage(paragraph)).raw
    'Two of these methods are needed:'
    """
    tokens = introduction.tokens
    first = start_last_sentence(tokens)
    if not first or rule("refers_back").starts(tokens, first):
        return introduction
    return introduction.part(first, introduction.end).alone()


def is_of_kind(introduction: Passage, item: Passage, *, is_value: bool) -> bool:
    """Return whether an item is of the kind that its introduction speaks of. Only measured values
    stand below laboratory tests: an item of another kind is there because the layout is in doubt.

    ``is_value``: the item has limits of its own, and they are not those of a treatment.

    >>> tests = read_passage("Adequate renal function within 14 days, defined as:")
    >>> items = ("Bilirubin within normal limits", "Vasectomized partner")
    >>> [is_of_kind(tests, read_passage(item), is_value=False) for item in items]
    [True, False]
    """
    tokens = introduction.tokens
    if rule("laboratory").covers(tokens, 0, len(tokens)) is None:
        return True
    return is_value or item.search("names_measurement") is not None


def _place_window(passage: Passage, window: Window) -> Passage:
    """Return the words of a window, up to the moment that it is counted from. Nothing follows a
    wash-out.
    """
    tokens = passage.tokens
    anchor = (
        None if window.washout else rule("window_anchor").starts(tokens, window.end)
    )
    end = anchor.end if anchor else window.end
    return passage.part(window.first, end - (tokens.codes[end - 1] == ")"))


def _name_windows_case(
    tokens: Tokens, windows: Sequence[Window], times: Sequence[Time]
) -> str:
    if not windows:
        return _name_window_case(tokens, None, times)
    if any(one.borrowed or one.washout or not one.sure for one in windows):
        return (
            "sense implied" if len(windows) == 1 else "sense implied of one of several"
        )
    return "one" if len(windows) == 1 else "several"


def _name_window_case(
    tokens: Tokens, found: Window | None, times: Sequence[Time]
) -> str:
    if found:
        if not found.sure:
            return "sense implied"
        several = sum(duration.unit is not TimeUnit.CYCLE for _, duration in times) > 1
        return "one of several" if several else "the only length of time"
    if not times:
        return "no length of time"
    unread = any(may_be_window(tokens, time) for time in times)
    return "length of time not read" if unread else "only ages and the like"
