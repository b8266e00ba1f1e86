"""Name what speaks for or against each time window of a line, what it limits, and the moment that
it is counted from.

The names are those of ``evidence/weights/signs.toml``, which says how much each counts.
"""

from collections.abc import Iterator, Mapping, Sequence

from extractor.concepts.limits.bounds import LOWER
from extractor.concepts.windows.parts import Parts, describe_naming, is_past
from extractor.concepts.windows.read import Time, Window, stands_aside
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.schemas import TimeUnit

_USUAL = frozenset({TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR})
_FEW = 2
"""The most windows of a line that are few."""
_WORDS = ((1, "one word"), (3, "two or three words"), (6, "four to six words"))
"""Names of what is limited, by their most words."""
_LONG_LINE = 45
"""Tokens from which on a line is long."""
NO_THING = "says that something is given, not what"
_LONG_MOMENT = 4
"""Words from which on a moment is long."""


def list_signs(
    tokens: Tokens,
    windows: Sequence[Window],
    parts: Sequence[Parts],
    times: Sequence[Time],
    at: int,
) -> Mapping[str, tuple[str, ...]]:
    """Return the signs of the time window at index ``at`` of a line: its own by the key "", those
    of what it limits by "of", and those of its moment by "anchor", as far as the line names them.

    ``windows`` and ``parts`` are those of the whole line, ``times`` all its lengths of time.
    """
    window = windows[at]
    around = tuple(_describe_line(tokens, windows, times))
    direction = tuple(_describe_direction(window))
    signs = {"": (*_describe_window(tokens, window), *around)}
    of, anchor = parts[at]
    if of:
        naming = describe_naming(tokens, windows, parts, at)
        of_name = (f"{naming}", *_describe_words(tokens, of))
        of_moment = () if anchor else ("without a moment",)
        signs["of"] = (*of_name, *of_moment, *direction, *around)
    if anchor:
        of_anchor = _describe_moment(tokens, windows, at, anchor)
        signs["anchor"] = (*of_anchor, *direction, *around)
    return signs


def _describe_window(tokens: Tokens, window: Window) -> Iterator[str]:
    """Yield the signs of a window by itself: its direction, how sure that is, and its unit."""
    yield from _describe_direction(window)
    if not window.sure:
        yield "its sense follows from the words around"
    if window.borrowed:
        yield "the sense of the window beside it"
    if window.washout:
        yield "a wash-out"
    if window.unit not in _USUAL:
        yield "another unit than days to years"
    if window.other_end is not None:
        yield "a range"
    if is_past(tokens, window):
        yield "counted back from now"
    if stands_aside(tokens, window):
        yield "in brackets or an exception"


def _describe_direction(window: Window) -> Iterator[str]:
    """Yield the sign of a lower limit; an upper one has none."""
    if window.comparator in LOWER:
        yield "at least"


def _describe_line(
    tokens: Tokens, windows: Sequence[Window], times: Sequence[Time]
) -> Iterator[str]:
    """Yield the signs of the line as a whole: how many windows and other lengths of time it has,
    and whether it is long.
    """
    if len(windows) == 1:
        yield "the only window"
    elif len(windows) > _FEW:
        yield "one of many windows"
    if len(times) > len(windows):
        yield "other lengths of time in the line"
    if len(tokens) > _LONG_LINE:
        yield "a long line"


def _describe_words(tokens: Tokens, place: Range) -> Iterator[str]:
    """Yield the signs of the words that name what is limited, at the tokens ``place``: how many
    they are, what joins or parts them, and whether the line begins with them.
    """
    first, end = place
    names = [word for word in tokens.words[first:end] if word[0].isalnum()]
    words = [word.lower() for word in names]
    yield _describe_count(len(words))
    if {"and", "or"} & {*words}:
        yield "joined by and or or"
    if "," in tokens.codes[first:end]:
        yield "a comma"
    if "(" in tokens.codes[first:end]:
        yield "a bracket"
    if {"of", "in", "with", "to", "for", "by"} & {*words}:
        yield "words in relation"
    if any(word[-1].isdigit() for word in words):
        yield "a number within"
    if rule("treatment_verb").search(tokens, first, end):
        yield "a verb within"
    if rule("names_no_treatment").covers(tokens, first, end):
        yield NO_THING
    if first == 0:
        yield "at the start of the line"


def _describe_count(count: int) -> str:
    for most, name in _WORDS:
        if count <= most:
            return name
    return "many words"


def _describe_moment(
    tokens: Tokens, windows: Sequence[Window], at: int, place: Range
) -> Iterator[str]:
    """Yield the signs of the words of a moment, at the tokens ``place``: how far they are from the
    window at index ``at`` and whether they follow a later one, how many they are, and which.
    """
    first, end = place
    window = windows[at]
    if not window.end <= first <= window.end + 2:
        yield "apart from its time"
    if any(later.end <= first for later in windows[at + 1 :]):
        yield "the moment of a later window"
    if end - first > _LONG_MOMENT:
        yield "a long moment"
    words = {word.lower() for word in tokens.words[first:end]}
    if {"and", "or"} & words:
        yield "joined by and or or"
    if {"prior", "before", "of", "to"} & words:
        yield "words before a moment"
