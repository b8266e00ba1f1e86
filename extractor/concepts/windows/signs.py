"""Name the signs of a time window: evidence for or against it, its name and its moment."""

from collections.abc import Iterator, Mapping, Sequence

from extractor.concepts.limits.bounds import LOWER
from extractor.concepts.windows.parts import Parts
from extractor.concepts.windows.times import Window
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import find_durations
from extractor.schemas import Comparator, TimeUnit

_USUAL = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_LONG_LINE = 60
_FEW_WORDS = 3
_SOME_WORDS = 6
_MANY_WORDS = 10
_LONG_LIST = 3


def list_signs(
    tokens: Tokens, windows: Sequence[Window], parts: Sequence[Parts], at: int
) -> Mapping[str, tuple[str, ...]]:
    """Return the signs of the time window at index ``at`` of a line: its own by the key "", those
    of what it limits by "of", and those of its moment by "anchor", as far as the line names them.
    """
    window = windows[at]
    own = parts[at]
    signs = {
        "": (*_describe_window(tokens, window, own), *_describe_line(tokens, windows))
    }
    only = ("the only window",) if len(windows) == 1 else ()
    if own.of:
        signs["of"] = (*_describe_name(tokens, windows, parts, at), *only)
    if own.anchor:
        signs["anchor"] = (*_describe_moment(tokens, window, own.anchor), *only)
    return signs


def _describe_window(tokens: Tokens, window: Window, own: Parts) -> Iterator[str]:
    yield f"read as {window.rule}"
    if window.comparator in LOWER:
        yield "at least"
    if window.comparator is Comparator.BETWEEN:
        yield "a range"
    if window.unit not in _USUAL:
        yield "another unit than days to years"
    if not window.sure:
        yield "its direction is not in its words"
    if window.borrowed:
        yield "its direction is that of another window"
    if window.explains:
        yield "an explanation or an exception"
    elif window.aside:
        yield "in brackets"
    if rule("past_word").search(tokens, window.first, window.length[1]):
        yield "counted back from now"
    if own.of is None:
        yield "limits nothing named"
    if own.anchor is None:
        yield "without a moment"
    reach = max(0, window.first - 14)
    if rule("asked_ahead").ends(tokens, window.first, reach):
        yield "something ahead is asked"
    if rule("counted_days").starts(tokens, window.length[1]):
        yield "the time is counted or dosed"


def _describe_line(tokens: Tokens, windows: Sequence[Window]) -> Iterator[str]:
    if len(windows) == 1:
        yield "the only window"
    if len(tokens) > _LONG_LINE:
        yield "a long line"
    lengths = list(find_durations(tokens))
    if len(lengths) > len(windows):
        yield "other lengths of time"


def _describe_name(
    tokens: Tokens, windows: Sequence[Window], parts: Sequence[Parts], at: int
) -> Iterator[str]:
    """Yield the signs of what a window limits: its place, its words, and what is left beside it."""
    window = windows[at]
    own = parts[at]
    assert own.of is not None
    first, end = own.of
    yield f"named {own.place}"
    yield f"named {own.place} by {window.rule}"
    if own.anchor is None:
        yield "without a moment"
    if window.comparator in LOWER:
        yield "at least"
    count = sum(word[0].isalnum() for word in tokens.words[first:end])
    yield _describe_count(count)
    if count > _MANY_WORDS or any(find_durations(tokens, first, end)):
        yield "an unlikely name"
    if NUMBER in tokens.codes[first:end]:
        yield "a number within"
    if "(" in tokens.codes[first:end]:
        yield "a bracket"
    if rule("relation_word").search(tokens, first, end):
        yield "words in relation"
    commas = tokens.codes[first:end].count(",")
    if commas:
        yield "a long list" if commas >= _LONG_LIST else "a list"
    if rule("joint_word").search(tokens, first, end):
        yield "joined by and or or"
    if rule("limited_cut").search(tokens, first, end):
        yield "a verb within"
    if own.place == "before":
        yield from _describe_gap(tokens, window, own.of)


def _describe_gap(tokens: Tokens, window: Window, name: Range) -> Iterator[str]:
    """Yield the signs of the words around a name that is before its window."""
    if window.first - name[1] <= 1:
        yield "adjoins its time"
    start = max(0, name[0] - 6)
    if name[0] == 0:
        yield "opens its line"
    elif rule("treatment_verb").ends(tokens, name[0], start):
        yield "behind a verb of treatment or illness"
    elif rule("limited_cut").ends(tokens, name[0], start):
        yield "behind another verb"
    elif rule("limited_lead").ends(tokens, name[0], start):
        yield "behind a word of no meaning"
    else:
        yield "behind other words"


def _describe_count(count: int) -> str:
    """Return in words how long a name is."""
    if count == 1:
        return "one word"
    if count <= _FEW_WORDS:
        return "two or three words"
    if count <= _SOME_WORDS:
        return "four to six words"
    return "many words" if count <= _MANY_WORDS else "very many words"


def _describe_moment(tokens: Tokens, window: Window, moment: Range) -> Iterator[str]:
    """Yield the signs of the moment that a window is counted from."""
    first, end = moment
    yield _describe_count(end - first)
    if first < window.length[1] or first > window.length[1] + 1:
        yield "apart from its time"
    if rule("moment_word").search(tokens, first, end) is None:
        yield "no word of a moment"
