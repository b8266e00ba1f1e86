"""Compile a criterion that has time windows, but no limit: tests of the time since an event."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from extractor.language.numbers import DAYS
from extractor.match.limits import find_lowest
from extractor.match.synonyms import make_key
from extractor.match.tests import Test, of_bounds
from extractor.match.wider import find_wider, strip_event
from extractor.match.words import words_of
from extractor.measures.names import spell_words
from extractor.schemas import Criterion, Evidence, TimeWindow
from extractor.schemas.values import index_evidence

_AFTER = re.compile(
    r"\b(?:after|following|post|diagnosis|for|duration|next|coming|now)\b",
    re.IGNORECASE,
)
_EVENT_BEHIND = re.compile(r"(?:since|from)\b", re.IGNORECASE)
"""The beginning of an anchor that may name the event: "since the last chemotherapy"."""
_PARTS = re.compile(r"[,;/]|\band/or\b|\band\b|\bor\b", re.IGNORECASE)
_CONJUNCTION = re.compile(r"/|\b(?:and|or)\b", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"\s*(?:[,;]|(?:,\s*)?\b(?:and/)?or\b)\s*", re.IGNORECASE)
"""What joins two windows of which each keeps a patient out."""
_FORBIDS = re.compile(
    r" (?:is|are) (?:prohibited|forbidden|not (?:allowed|permitted))\s*\.?$"
    r"|\b(?:prohibited|forbidden)\s*\.?$",
    re.IGNORECASE,
)
_ANAPHORS = frozenset({"its", "their", "this", "these", "which"})
_DENIALS = frozenset({"no", "not", "none", "without", "never", "absence", "free"})


class _WindowPart(NamedTuple):
    """A part of a line, with one window.

    Attributes:
        text: Its words.
        start: Its offset in the section.
        window: Its window.
        pieces: The evidence of the window, by part: ``""``, ``anchor`` or ``of``.
        exceptions: The evidence of the line's exceptions.
    """

    text: str
    start: int
    window: TimeWindow
    pieces: dict[str, Evidence]
    exceptions: tuple[Evidence, ...]


class _Words(NamedTuple):
    """The words of a part, by what they belong to.

    Attributes:
        event: The words of the event, as written.
        time: The number, its unit and its comparator.
        anchor: The words of the time from which is counted.
        rest: All others.
    """

    event: str
    time: tuple[str, ...]
    anchor: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def outside(self) -> frozenset[str]:
        """The words that are not those of the event."""
        return frozenset((*self.time, *self.anchor, *self.rest))

    @property
    def denials(self) -> list[str]:
        """The words that deny the event."""
        words = (*self.rest, *spell_words(self.event))
        return [word for word in words if word in _DENIALS]


def plan_windows(criterion: Criterion, base: int, *, required: bool) -> Test:
    """Compile a criterion that has time windows. The test is empty for a window after an event, and
    for several windows unless each of them keeps a patient out.

    Args:
        criterion: The criterion.
        base: Its offset in its section.
        required: Whether the line must be true to let a patient in.
    """
    if not all(map(_is_counted, criterion.time_windows)):
        return Test("")
    forbids = _FORBIDS.search(criterion.quote)
    text = _FORBIDS.sub("", criterion.quote)
    parts = _split(criterion, text, base)
    if not parts:
        return Test("")
    first, *others = [_read_words(part) for part in parts]
    negated = bool(first.denials) is not bool(forbids)
    must_be = required is not negated
    if others and (must_be or any(one.denials for one in others)):
        return Test("")
    tests = [
        _plan_part(part, words, negated=negated, must_be=must_be)
        for part, words in zip(parts, (first, *others), strict=True)
    ]
    if any(not test.parts for test in tests):
        return Test("")
    whole = tests[0] if len(tests) == 1 else Test("", parts=tuple(tests))
    if criterion.has_exception:
        # the time may be that of the exception: "unless more than 3 months ago"
        obstacle = "an exception"
        return whole._replace(keeps_out=obstacle, lets_in=obstacle)
    return whole


def _is_counted(window: TimeWindow) -> bool:
    """Return whether a window is one number of days before today."""
    if window.unit not in DAYS or window.value_high is not None:
        return False
    return not _AFTER.search(f"{window.quote} {window.anchor or ''}")


def _split(criterion: Criterion, text: str, base: int) -> list[_WindowPart]:
    """Return the parts of a line, each with one window; none if something else than alternatives
    joins them.
    """
    proofs = index_evidence(criterion)
    exceptions = tuple(
        piece for piece in criterion.evidence if piece.field.startswith("has_exception")
    )
    parts: list[_WindowPart] = []
    begin = 0
    last = len(criterion.time_windows) - 1
    for place, window in enumerate(criterion.time_windows):
        field = f"time_windows[{place}]"
        pieces = {
            piece.field.removeprefix(field).removeprefix("."): piece
            for piece in proofs[field]
        }
        whole = pieces.get("")
        if whole is None:
            return []
        end = len(text) if place == last else whole.end - base
        if place:
            joint = _ALTERNATIVE.match(text, begin)
            if not joint:
                return []
            begin = joint.end()
        is_inside = all(
            base + begin <= one.start < base + end for one in pieces.values()
        )
        if not is_inside:
            return []
        parts.append(
            _WindowPart(text[begin:end], base + begin, window, pieces, exceptions)
        )
        begin = end
    return parts


def _read_words(part: _WindowPart) -> _Words:
    """Return the words of a part, by what covers each of its characters."""
    marks = ["rest"] * len(part.text)
    # a later one is inside of an earlier one
    for name in ("", "anchor", "of"):
        if name in part.pieces:
            _mark(marks, part, part.pieces[name], name)
    for piece in part.exceptions:
        _mark(marks, part, piece, "exception")
    time = spell_words(_take(part, marks, ""))
    anchor = _take(part, marks, "anchor")
    rest = spell_words(_take(part, marks, "rest"))
    is_event = bool(_EVENT_BEHIND.match(anchor.strip()))
    if not part.window.of and is_event:
        return _Words(_EVENT_BEHIND.sub("", anchor.strip()), time, ("since",), rest)
    return _Words(part.window.of or "", time, spell_words(anchor), rest)


def _mark(marks: list[str], part: _WindowPart, piece: Evidence, name: str) -> None:
    first = max(0, piece.start - part.start)
    for at in range(first, min(piece.end - part.start, len(marks))):
        marks[at] = name


def _take(part: _WindowPart, marks: Sequence[str], name: str) -> str:
    """Return the characters with a mark; spaces for all others."""
    pairs = zip(part.text, marks, strict=True)
    return "".join(letter if mark == name else " " for letter, mark in pairs)


def _plan_part(
    part: _WindowPart, words: _Words, *, negated: bool, must_be: bool
) -> Test:
    """Compile a part of a line. The test is empty if it does not say whom the time lets in."""
    window = part.window
    opposite = window.comparator.opposite
    if opposite is None:
        return Test("")
    is_within = window.comparator in ("<", "<=")
    is_ago = "ago" in spell_words(part.text)
    has_ended = _says(words, "ended") or is_ago
    # only "stopped at least 4 weeks ago" says whom more time lets in
    if not is_within and (negated or not has_ended):
        return Test("")
    sign = window.comparator
    if not must_be:
        # of an exclusion: longer ago passes
        sign = opposite
    verb = "since"
    if not is_within:
        verb = "after"
    elif _says(words, "no_longer"):
        verb = "ended"
    days = window.value * DAYS[window.unit]
    events = _list_events(words.event)
    tests = [_test_event(str(window), verb, name, sign, days) for name in events]
    uncovered = _list_uncovered(words)
    obstacle = f"more words: {' '.join(uncovered)}" if uncovered else ""
    read = set(part.pieces)
    if len(events) == 1 and not uncovered:
        # nothing else in the line can be what the time is of
        read.discard("of")
    return Test(
        str(window),
        parts=tuple(tests),
        # one of the required events is enough, but all of the others must be long ago
        need=int(must_be) if is_within else 0,
        confidence=find_lowest(part.pieces[name] for name in read),
        keeps_out=obstacle,
        lets_in=obstacle or _find_doubt_of_shared(words, events),
    )


def _find_doubt_of_shared(words: _Words, events: Sequence[str]) -> str:
    """Return an obstacle if the time may be only that of the last event: "History of cancer, stroke
    within 6 months".
    """
    if len(events) < 2:
        return ""
    is_list = bool(_CONJUNCTION.search(words.event))
    is_past = "history" in (*words.rest, *spell_words(words.event))
    return "" if is_list and not is_past else "which of them the time is of"


def _test_event(shown: str, verb: str, name: str, sign: str, days: float) -> Test:
    test = of_bounds(shown, f"{verb} {name}", "day", sign, days)
    return test._replace(wider=tuple(f"{verb} {each}" for each in find_wider(name)))


def _says(words: _Words, name: str) -> bool:
    """Return whether a word of a list stands anywhere in a part."""
    all_words = words.outside.union(spell_words(words.event))
    return not words_of(name).isdisjoint(all_words)


def _list_uncovered(words: _Words) -> list[str]:
    """Return the words that neither the time, its anchor nor the event covers."""
    around = words_of("around_events", "ended") | _DENIALS
    of_time = around | words_of("around_times")
    uncovered = [word for word in words.rest if word not in around]
    uncovered += [
        word for word in words.time if not word.isdecimal() and word not in of_time
    ]
    uncovered += [
        word for word in words.anchor if not word.isdecimal() and word not in around
    ]
    uncovered += [word for word in spell_words(words.event) if word in _ANAPHORS]
    return _unique(uncovered)


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _list_events(text: str) -> list[str]:
    """Return the keys of the events that commas or conjunctions join."""
    names = []
    for part in _PARTS.split(text):
        words = strip_event(part)
        if words:
            names.append(make_key(" ".join(words)))
    return names
