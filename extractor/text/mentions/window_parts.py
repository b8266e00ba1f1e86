"""Find what a time window limits, and the moment that it is counted from: places in the tokens of a line."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from extractor.text.book import rule
from extractor.text.lexer import Range, Tokens

from .bounds import LOWER
from .windows import BACK, Window

_ONWARD = frozenset({"since", "from", "after", "following", "post"})
_REACH = 24
"""How many tokens behind a window the moment of a later one may stand that is its own, too."""
_NEAR = 60
"""How many tokens before or behind a window are examined."""


class Parts(NamedTuple):
    """Places of what a window limits (``of``), and of the moment that it is counted from."""

    of: Range | None = None
    anchor: Range | None = None


@lru_cache(maxsize=32)
def find_parts(tokens: Tokens, windows: tuple[Window, ...]) -> tuple[Parts, ...]:
    """Return the parts of each time window of a line, which are given in order.

    >>> from extractor.text.book import read_text
    >>> from .windows import list_windows
    >>> tokens = read_text("Aspirin within 3 days or warfarin within 10 days before biopsy")
    >>> [tokens.read(*one.of) for one in find_parts(tokens, list_windows(tokens, None))]
    ['Aspirin', 'warfarin']
    """
    anchors = [_find_anchor(tokens, window) for window in windows]
    parts = list[Parts]()
    for at, window in enumerate(windows):
        last = windows[at - 1] if at else None
        floor = (
            max(last.end, *(place[1] for place in parts[-1] if place and place[1] <= window.first), 0) if last else 0
        )
        own = _find_before(tokens, window, floor)
        if own is None and last is not None and _continues(tokens, floor, window.first):
            own, anchor = parts[-1].of, anchors[at] or (None if is_past(tokens, window) else anchors[at - 1])
            anchors[at] = anchor
        elif own is None:
            stop = windows[at + 1].first if at + 1 < len(windows) else len(tokens)
            own, anchors[at] = _find_behind(tokens, window, anchors[at], stop)
            own = own or (parts[-1].of if parts else None)
        parts.append(Parts(own, anchors[at]))
    return tuple(_share_anchors(tokens, windows, parts))


def _find_before(tokens: Tokens, window: Window, floor: int) -> Range | None:
    """Return what stands before a window, without an exception: "drugs, except vitamins, within 2 weeks" are drugs.

    Something that has lasted belongs to the exception itself: "cancer, except a carcinoma that was cured for 5 years".
    """
    behind = tokens.words[tokens.codes.find(")", window.end) + 1 :][:1]
    if behind and behind[0][0].isalpha() and rule("names_behind").ends(tokens, window.first, window.first - 3):
        return None
    if state := rule("state_behind").starts(tokens, window.end):
        return state.first, state.end
    first = _open_clause(tokens, max(floor, window.first - _NEAR), window.first)
    if found := rule("excepted").search(tokens, first, window.first):
        halves = (first, found.first), (found.end, window.first)
        named = (narrow(tokens, *half) for half in (reversed(halves) if window.comparator in LOWER else halves))
        return next(filter(None, named), None)
    return narrow(tokens, first, window.first)


def _find_anchor(tokens: Tokens, window: Window) -> Range | None:
    found = rule("window_anchor_words").starts(tokens, window.end)
    if found is None and tokens.words[window.first].lower() == "within" and not is_past(tokens, window):
        found = rule("of_within").starts(tokens, window.end)
    return _trim_end(tokens, *found.place("words")) if found else None


def _share_anchors(tokens: Tokens, windows: Sequence[Window], parts: list[Parts]) -> list[Parts]:
    """Give a window the moment of the next one in its clause: "aspirin within 3 or warfarin within 10 days before"."""
    for at in range(len(windows) - 2, -1, -1):
        one, following = windows[at], windows[at + 1]
        between = tokens.codes[one.end : following.first]
        joined = frozenset(".;)(:").isdisjoint(between) or parts[at].of == parts[at + 1].of
        is_near = len(between) <= _REACH and joined and ";" not in between
        alike = (one.comparator in LOWER) is (following.comparator in LOWER)
        if parts[at].anchor is None and is_near and alike and not is_past(tokens, one):
            parts[at] = parts[at]._replace(anchor=parts[at + 1].anchor)
    return parts


def is_past(tokens: Tokens, window: Window) -> bool:
    """Return whether a window counts from now, as "in the past year" does."""
    return not BACK.isdisjoint(word.lower() for word in tokens.words[window.first : window.end])


def _continues(tokens: Tokens, floor: int, first: int) -> bool:
    """Return whether only joints stand between a window and the next one."""
    return floor >= first or rule("window_joint").covers(tokens, floor, first) is not None


def _open_clause(tokens: Tokens, floor: int, end: int) -> int:
    """Return the start of the words before a window: behind the last sentence, or behind a bracket that has words."""
    start = floor
    for at in range(floor, end - 1):
        word, following = tokens.words[at], tokens.words[at + 1]
        if word == "." and following[0].isupper() and at and len(tokens.words[at - 1]) > 1:
            start = at + 1
    depth = 0
    for at in range(end - 1, start - 1, -1):
        if tokens.codes[at] == ")":
            depth += 1
        elif tokens.codes[at] == "(":
            depth -= 1
            if depth < 0 and narrow(tokens, at + 1, end):
                return at + 1
            depth = max(depth, 0)
    return start


def narrow(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the words that name what is limited, without the verbs and people around them; None if there are none.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Patients who have received systemic steroids")
    >>> tokens.read(*narrow(tokens, 0, len(tokens)))
    'systemic steroids'
    """
    place = _trim(tokens, first, end)
    if place is None:
        return None
    for cut in reversed([*rule("limited_cut").find(tokens, *place)]):
        if _is_bracketed(tokens, place, cut.first):
            continue
        if rest := narrow(tokens, cut.end, place[1]):
            return rest
        if (shorter := _trim(tokens, place[0], cut.first)) is None:
            return None
        place = shorter
    return place


def _is_bracketed(tokens: Tokens, place: Range, at: int) -> bool:
    """Return whether a token stands in brackets that open and close in a range."""
    front = tokens.codes[place[0] : at]
    return front.count("(") > front.count(")") and ")" in tokens.codes[at : place[1]]


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a range without the words at its ends that name nothing; None if it has no others."""
    end = _trim_end(tokens, first, end)[1]
    if tokens.codes[first:end].count(")") > tokens.codes[first:end].count("(") and tokens.codes[end - 1] == ")":
        end -= 1
    while first < end and (found := rule("limited_lead").starts(tokens, first, end)) and found.end > found.first:
        first = found.end
    named = any(word[0].isalpha() for word in tokens.words[first:end])
    return (first, end) if named and not rule("limited_nothing").covers(tokens, first, end) else None


def _trim_end(tokens: Tokens, first: int, end: int) -> Range:
    while first < end and (found := rule("limited_tail").ends(tokens, end, first)) and found.end > found.first:
        end = found.first
    return first, end


def _find_behind(tokens: Tokens, window: Window, anchor: Range | None, stop: int) -> tuple[Range | None, Range | None]:
    """Return what a window limits if that stands behind it, and its moment: "at least 2 weeks since surgery"."""
    if anchor and window.comparator in LOWER and tokens.words[anchor[0]].lower() in _ONWARD:
        anchor = None  # what it is counted from is what has not gone on since
    start = anchor[1] if anchor else window.end
    is_list = tokens.codes[start : start + 1] in (":", ",")
    named = name_line(tokens, start, stop, "limited_stop" if is_list else "list_stop")
    later = rule("window_anchor_words").starts(tokens, named[1]) if named and not anchor else None
    return named, _trim_end(tokens, *later.place("words")) if later else anchor


def name_line(tokens: Tokens, first: int, end: int, stop: str = "limited_stop") -> Range | None:
    """Return what the beginning of some words names: an item below "Within 4 weeks before screening:"."""
    end = min(end, first + _NEAR)
    for at in (*(found.first for found in rule(stop).find(tokens, first, end)), end):
        if at < end and rule("limited_cut").ends(tokens, at, first):  # "taking or applying drugs"
            continue
        if named := narrow(tokens, first, at):
            return named
        first = max(first, at)
    return None
