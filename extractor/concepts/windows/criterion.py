"""Read the time windows of a criterion, and what they take from the lines around it."""

from collections.abc import Sequence
from dataclasses import replace

from extractor.concepts.people.subjects import Subject, read_subject
from extractor.concepts.windows.parts import (
    describe_naming,
    find_moment_of_items,
    find_parts,
    name_line,
    start_last_sentence,
)
from extractor.concepts.windows.read import (
    BACK,
    Time,
    Window,
    find_times,
    first_window,
    list_possible_firsts,
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
    """Return the first time window of a criterion, as ``time_window`` has it, and all of them, with
    what they limit and are counted from.

    The first one is in hours or longer units and has words of its own. It defines a word in
    brackets, or belongs to an exception, only if there is no other. ``passage`` stands alone
    (``Passage.alone``). ``topic`` is the heading or parent line: below one on age, life or
    survival, no length of time is a window.

    >>> first, windows = read_windows(
    ...     read_passage("No chemotherapy within 4 weeks before enrolment")
    ... )
    >>> first.value.quote, windows.value[0].of, windows.value[0].anchor
    ('within 4 weeks before enrolment', 'chemotherapy', 'before enrolment')
    """
    tokens = passage.tokens
    times = find_times(tokens)
    windows = list_windows(tokens, kind, topic=topic)
    topic_words = {word.lower() for word in read_text(topic).words} if topic else set()
    if topic_words & {"age", "life", "survival"}:
        windows = ()
    first_stated = _choose_first(tokens, windows)
    shape = _name_window_case(tokens, first_stated, times)
    confidence = measured("time_window", shape)
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
        if window is first_stated:
            value = first_window(values[-1:])
            first = Reading(value, confidence, (span_of(place),), Support.PARSED)
    shape_of_all = _name_windows_case(tokens, windows, times)
    windows_read = Reading(
        tuple(values),
        measured("time_windows", shape_of_all),
        tuple(spans),
        Support.PARSED,
        sure_parts=tuple(sure_parts),
        signs=tuple(signs),
    )
    return first, windows_read


def _choose_first(tokens: Tokens, windows: Sequence[Window]) -> Window | None:
    """Return the first window that ``time_window`` can have: none in minutes, cycles or half-lives,
    and none that borrows its direction. One in brackets, in an exception or in a definition counts
    behind all others.
    """
    return min(
        list_possible_firsts(windows),
        key=lambda window: (stands_aside(tokens, window), window.first),
        default=None,
    )


def name_limited(
    windows: Reading[tuple[TimeWindow, ...]], other: Passage
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows, in which those that name nothing limit what ``other`` names: another
    line, their item or its parent. They are less sure. If the other line names nothing, all stay as
    they are.

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
    signs_of_name: tuple[str, ...] = ("named in another line",)
    if len(other.tokens.words[slice(*named)]) > _LONG:
        signs_of_name = (*signs_of_name, "a long name")
    values = [*windows.value]
    sure_parts = [*windows.list_sure_parts()]
    signs = [*windows.signs]
    for at, window in enumerate(windows.value):
        if window.of:
            continue
        values[at] = window.model_copy(update={"of": words})
        sure_parts[at] = elsewhere
        signs[at] = {**signs[at], "of": signs_of_name}
    return replace(
        windows,
        value=tuple(values),
        sure_parts=tuple(sure_parts),
        signs=tuple(signs),
    )


def as_of_another_line(
    windows: Reading[tuple[TimeWindow, ...]],
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows of a line as those of an item below it. They have one sign more, and
    what they limit is less sure to be the item.
    """
    elsewhere = {"of": measured("of", "named in another line")}
    signs = list[Signs]()
    for of_window in windows.signs:
        signs.append(
            {part: (*own, "of the line above") for part, own in of_window.items()}
        )
    return replace(
        windows,
        sure_parts=(elsewhere,) * len(windows.value),
        signs=tuple(signs),
    )


def leave_to_items(
    windows: Reading[tuple[TimeWindow, ...]], introduction: Passage
) -> Reading[tuple[TimeWindow, ...]]:
    """Return the time windows of the line that introduces items. A window that limits what only
    announces the items ("any of the following drugs") names nothing then, since each item names
    itself.

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
    """Return the time windows of an item, in which those without a moment count from the moment
    that the line above gives to all its items. Those that look back from now ("in the last year")
    have none. All stay as they are if the line gives none.

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
    # "of asthma" behind "Duration" is what lasts, and no moment
    is_of_course = read_subject(introduction.text) is Subject.COURSE
    if is_of_course and words.lower().startswith("of "):
        return windows
    values = []
    for window in windows.value:
        quoted = map(str.lower, read_text(window.quote).words)
        looks_back = not BACK.isdisjoint(quoted)
        if window.anchor or looks_back:
            values.append(window)
        else:
            values.append(window.model_copy(update={"anchor": words}))
    above = {"anchor": ("the moment of the line above",)}
    return replace(
        windows,
        value=tuple(values),
        signs=tuple({**above, **own} for own in windows.signs),
    )


def demands_other(introduction: Passage) -> bool:
    """Return whether the items below a line belong to another clause of it than the one with its
    last time window: an "and" behind the window leads to another demand, and no words such as "one
    of" stand before the window.

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
    if rule("some_of").search(tokens, 0, last.first):
        return False
    return rule("joins_other_demand").search(tokens, last.end) is not None


def find_introduction(introduction: Passage) -> Passage:
    """Return the sentence of a line that introduces its items: the last one. Time windows of the
    sentences before it count for none of the items. If the last one refers back ("These are:"), it
    is the whole line.

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
    """Return the words of a window and of the moment directly behind it, without a bracket that
    closes there. A wash-out has no moment.
    """
    tokens = passage.tokens
    end = window.end
    # the upper end of "in the past 6 weeks to 12 months" is no moment
    has_moment = not rule("upper_end").starts(tokens, end)
    if has_moment and not window.washout:
        anchor = rule("window_anchor").starts(tokens, end)
        end = anchor.end if anchor else end
    if tokens.codes[end - 1] == ")":
        end -= 1
    return passage.part(window.first, end)


def _name_windows_case(
    tokens: Tokens, windows: Sequence[Window], times: Sequence[Time]
) -> str:
    """Return the shape of a line: how often all its time windows are right was measured for lines
    of this shape. ``times`` are all its lengths of time.
    """
    if not windows:
        return _name_window_case(tokens, None, times)
    is_single = len(windows) == 1
    for window in windows:
        if window.borrowed or window.washout or not window.sure:
            return "sense implied" if is_single else "sense implied of one of several"
    return "one" if is_single else "several"


def _name_window_case(
    tokens: Tokens, first_stated: Window | None, times: Sequence[Time]
) -> str:
    """Return the shape of a line: how often its first time window is right was measured for lines
    of this shape. ``first_stated`` is None if the line has no such window.
    """
    if first_stated:
        if not first_stated.sure:
            return "sense implied"
        count = sum(duration.unit is not TimeUnit.CYCLE for _, duration in times)
        return "one of several" if count > 1 else "the only length of time"
    if not times:
        return "no length of time"
    has_unread = any(may_be_window(tokens, time) for time in times)
    return "length of time not read" if has_unread else "only ages and the like"
