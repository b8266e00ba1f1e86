"""Find the name of the event or treatment that a time window limits, and the moment from which the
window is counted.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from extractor.concepts.windows.times import Window
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens, keep
from extractor.language.passage import split_sentences
from extractor.schemas import TimeUnit

# Chosen by hand; half of it changes no case, and none of 120 registry records.
_REACH = 40
"""Maximum number of preceding tokens that may contain a window's name."""
# Without it reads "Heart attack within 6 months or a stroke with lasting loss of ..." otherwise.
_NEAR = 8
"""Maximum number of tokens between two windows that share a moment."""
# Without it reads "Cancer in the last 5 years, except a carcinoma cured for 1 year" otherwise.
_PAST_REACH = 2
"""Number of tokens before a window that may say that it is counted back from the present."""
# Chosen by hand; one less changes no case, and none of 120 registry records.
_JOINTS = 3
"""Maximum number of tokens between two windows if the second does not have a name."""


NamePosition = StrEnum("NamePosition", "BEFORE BEHIND SHARED")
NamePosition.__doc__ = (
    """Where a window is named: before it, behind it, or by the window before."""
)


class _Name(NamedTuple):
    """The tokens that name a window, and their position."""

    words: Range
    position: NamePosition


class Parts(NamedTuple):
    """The tokens of a window's name (``of``) and of the moment from which it is counted
    (``anchor``), including "before" or a similar word; each is None if the line does not state it.
    ``position`` is where the name is; None without a name.
    """

    of: Range | None = None
    anchor: Range | None = None
    position: NamePosition | None = None


@keep
def find_window_parts(tokens: Tokens, windows: tuple[Window, ...]) -> tuple[Parts, ...]:
    """Return the parts of each time window in a line, in the order of ``windows``.

    A window without its own words takes its name from the previous window and its moment from the
    next window: "aspirin within 3 days or 5 half-lives before surgery". In a line with
    "respectively", no window has a name.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.times import find_windows
    >>> tokens = read_text(
    ...     "Aspirin within 3 days or warfarin within 10 days before biopsy"
    ... )
    >>> windows = find_windows(tokens, None)
    >>> [tokens.read(*parts.of) for parts in find_window_parts(tokens, windows)]
    ['Aspirin', 'warfarin']
    """
    if not windows:
        return ()
    # as in "time from surgery to entry of 12 weeks, or 6 weeks after chemotherapy"
    interval = rule("interval_before")
    are_intervals = [
        interval.ends(tokens, window.first, window.first - _REACH) is not None
        for window in windows
    ]
    line_parts = _list_own_parts(tokens, windows, are_intervals)
    if len(line_parts) > 1 and rule("respective_word").search(tokens):
        # a model has to decide which name belongs to which window
        line_parts = [Parts(anchor=parts.anchor) for parts in line_parts]
    # from the last window to the first: a moment may be shared by more than two
    for at in reversed(range(len(windows) - 1)):
        if line_parts[at].anchor is not None:
            continue
        if are_intervals[at]:
            continue
        if not _share_moment(tokens, *windows[at : at + 2]):
            continue
        anchor = line_parts[at + 1].anchor
        if anchor and _turns(tokens, windows[at], anchor):
            anchor = anchor[0] + 1, anchor[1]
        line_parts[at] = line_parts[at]._replace(anchor=anchor)
    return tuple(line_parts)


def _list_own_parts(
    tokens: Tokens, windows: Sequence[Window], are_intervals: Sequence[bool]
) -> list[Parts]:
    """Return the parts of each window, with its own moment, if any, and its name, which may be that
    of the window before it. ``are_intervals`` tells which windows are times between two events, of
    which the one that a moment ends has no name of another window.
    """
    line_parts: list[Parts] = []
    # the end of the words that belong to windows before this one
    taken = 0
    stops = [window.first for window in windows[1:]]
    stops.append(len(tokens))
    for at, (window, stop) in enumerate(zip(windows, stops, strict=True)):
        anchor = _find_moment(tokens, window)
        end = window.length[1]
        if anchor:
            end = anchor[1]
        name = _find_name(tokens, window, taken, end, stop)
        taken = end
        # the "before" of "6 months before or 12 months after surgery"
        lone = rule("lone_direction").starts(tokens, end)
        if anchor is None and lone:
            taken = lone.first + 1
        if name and name.position is NamePosition.BEHIND:
            taken = name.words[1]
        ends_interval = anchor is not None and are_intervals[at - 1]
        if name is None and line_parts and not ends_interval:
            shared = line_parts[-1].of
            if shared:
                name = _Name(shared, NamePosition.SHARED)
        if name is None:
            line_parts.append(Parts(anchor=anchor))
        else:
            line_parts.append(Parts(name.words, anchor, name.position))
    return line_parts


def _find_name(
    tokens: Tokens, window: Window, taken: int, end: int, stop: int
) -> _Name | None:
    """Return the name of a window. It is searched for, in this order, in words directly after its
    duration that can only be its name ("1 year post-menopausal", "6 weeks for nitrosoureas"), in
    the words before the window, and in the words after the window and its moment.

    Return None if these words name nothing, if the window is joined to the previous one and has no
    name before it ("3 days or 5 half-lives"), or if it is the time until which people may take part
    rather than the time of an event.

    The words of the previous window end at token ``taken`` (0 without one), the window's own words
    end at ``end``, and the next window begins at ``stop``.
    """
    length_end = window.length[1]
    if rule("stay_until").ends(tokens, window.length[0], taken):
        return None
    rules = ["state_behind"]
    if window.rule == "kept_before":
        rules.append("lasting_before")
    has_lender = window.takes_direction or window.rule == "alone"
    if taken or has_lender:
        rules.append("window_of_other")
    for rule_name in rules:
        following = rule(rule_name).starts(tokens, length_end, stop)
        if following:
            return _name_behind(narrow(tokens, *following.place("words")))
    words = _find_before(tokens, window, max(taken, window.first - _REACH))
    if words:
        return _Name(words, NamePosition.BEFORE)
    since = rule("since_event").starts(tokens, length_end, stop)
    if since:
        # the name begins after the "since"
        return _name_behind(narrow(tokens, since.first + 1, since.end))
    if taken and (has_lender or window.first - taken <= _JOINTS):
        return None
    return _name_behind(name_line(tokens, end, stop))


def _name_behind(words: Range | None) -> _Name | None:
    if words is None:
        return None
    return _Name(words, NamePosition.BEHIND)


def _find_before(tokens: Tokens, window: Window, first: int) -> Range | None:
    """Return the name of a window in the words before it, from token ``first``: in the last item of
    the last sentence, without an exception at its end ("drugs, except vitamins, within 14 days").
    Return None if these words do not contain a name.
    """
    end = window.first
    if first < end:
        start, stop = tokens.span(first, end)
        last_sentence, _ = split_sentences(tokens.text[start:stop])[-1]
        first = tokens.at(start + last_sentence)
    # a mark directly before the window or its first word does not begin an item
    for mark in rule("item_break").find(tokens, first, end - 2):
        first = mark.end
    state = rule("state_of_exception").ends(tokens, end, first)
    if state:
        return state.place("words")
    exception = rule("not_limited").ends(tokens, end, first + 1)
    if exception:
        end = exception.first
    return narrow(tokens, first, end)


def name_line(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the name at the beginning of the tokens ``first:end``, such as an item below "Within 4
    weeks before screening:"; None if they do not contain a name.

    The name ends at the first match of the rule ``limited_stop`` that follows it.
    """
    at = first
    for match in rule("limited_stop").find(tokens, first, end):
        name = narrow(tokens, at, match.first)
        if name:
            return name
        at = match.end
    return narrow(tokens, at, end)


def narrow(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the tokens in ``first:end`` that name the limited event or treatment, excluding the
    surrounding verbs and words for people; None if the tokens do not contain a name.

    The name follows the last words that lead to a name ("who have received"). If there is no name
    after these words, the name is the one before them ("asthma treated with").

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients who have received systemic steroids")
    >>> tokens.read(*narrow(tokens, 0, len(tokens)))
    'systemic steroids'
    """
    for cut in reversed(list(rule("limited_cut").find(tokens, first, end))):
        name = _trim(tokens, cut.end, end)
        if name:
            return name
        end = cut.first
    return _trim(tokens, first, end)


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a name without the surrounding words that do not belong to it: asides, closing and
    opening words, and an unmatched bracket with the words before it. Return None if the remaining
    words do not name anything.
    """
    # the name is before the aside
    aside = rule("limited_aside").search(tokens, first + 1, end)
    if aside:
        end = aside.first
    closing = rule("limited_closing").ends(tokens, end, first)
    if closing:
        end = closing.first
    opening = rule("limited_opening").starts(tokens, first, end)
    if opening:
        first = opening.end
    if first >= end:
        return None
    # the name begins in a compound, of which the word before is a part: "post-operative"
    if tokens.gap(first) == "-":
        first -= 1
    bracket = tokens.codes.rfind("(", first, end)
    # the bracket opened before the name
    if bracket < 0 and tokens.codes[end - 1] == ")":
        end -= 1
    # an open bracket contains both the window and its name
    elif bracket >= 0 and ")" not in tokens.codes[bracket:end]:
        return _trim(tokens, bracket + 1, end)
    has_word = any(word[:2].isalpha() for word in tokens.words[first:end])
    if not has_word or rule("limited_nothing").covers(tokens, first, end):
        return None
    return first, end


def is_past(tokens: Tokens, window: Window) -> bool:
    """Return whether a window is counted back from the present, as in "in the past year"."""
    near = max(0, window.first - _PAST_REACH)
    return rule("past_word").occurs(tokens, near, window.length[1])


def _find_moment(tokens: Tokens, window: Window) -> Range | None:
    """Return the tokens of the moment from which a window is counted, including "before" or a
    similar word; None if the line does not state a moment. Words that belong to the duration, such
    as the drug of "5 half-lives of the study drug", may precede the moment.
    """
    at = window.length[1]
    own_words = rule("own_words").starts(tokens, at)
    if own_words:
        at = own_words.end
    kept = rule("lasting_before").starts(tokens, at)
    if kept and window.rule == "kept_before":
        at = kept.place("sign")[0]
    elif window.unit is TimeUnit.HALF_LIFE:
        owner = rule("half_life_owner").starts(tokens, at)
        if owner:
            at = owner.end
    moment = rule("window_anchor_words").starts(tokens, at)
    # "within 4 weeks of the first dose", but not "in the past 4 weeks of treatment"
    if moment is None and window.rule == "looking_back" and not is_past(tokens, window):
        moment = rule("of_within").starts(tokens, at)
    if moment is None:
        return None
    first, end = moment.place("words")
    # a line that opens with its window has its name behind the moment
    thing = rule("thing_behind_moment").starts(tokens, first, end)
    if thing and window.first == 0:
        end = thing.place("thing")[0]
    closing = rule("moment_closing").ends(tokens, end, first + 1)
    if closing:
        end = closing.first
    return first, end


def _turns(tokens: Tokens, window: Window, anchor: Range) -> bool:
    """Return whether a window and the moment of the next one have opposite directions: "7 days
    before and 3 days after biopsy".
    """
    lone = rule("lone_direction").starts(tokens, window.length[1])
    if lone is None:
        return False
    is_before = rule("before_word").starts(tokens, lone.first) is not None
    after = rule("after_word").starts(tokens, anchor[0])
    before = rule("before_word").starts(tokens, anchor[0])
    if is_before:
        return after is not None
    return before is not None


def is_of_other_direction(tokens: Tokens, window: Window, anchor: Range) -> bool:
    """Return whether a window has the moment of the next one, in the other direction."""
    first = anchor[0] - 1
    return anchor[0] > window.length[1] + 1 and _turns(tokens, window, (first, first))


def _share_moment(tokens: Tokens, window: Window, following: Window) -> bool:
    """Return whether a window is joined to the next window and counted from the same moment: "3
    days or 5 half-lives before surgery".
    """
    between = (window.length[1], following.first)
    if following.first - window.length[1] > _NEAR:
        return False
    # these two are counted from another moment: the one that is kept, or now
    if window.rule == "kept_before" or is_past(tokens, window):
        return False
    if window.comparator is not following.comparator:
        return False
    if not rule("window_link").occurs(tokens, *between):
        return False
    return not rule("parts_clause").occurs(tokens, *between)
