"""Compile a criterion that has a time window, but no limit: a test of the time since an event."""

import re
from collections.abc import Sequence

from extractor.language.numbers import DAYS
from extractor.match.limits import find_wider
from extractor.match.synonyms import make_key
from extractor.match.tests import Test, of_bounds
from extractor.match.words import words_of
from extractor.measures.names import spell_words
from extractor.schemas import Criterion
from extractor.schemas.values import index_evidence

_AFTER = re.compile(
    r"\b(?:after|following|post|diagnosis|for|duration|next|coming|now)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[,;/]|\band/or\b|\band\b|\bor\b", re.IGNORECASE)
_FORBIDS = re.compile(
    r" (?:is|are) (?:prohibited|forbidden|not (?:allowed|permitted))\s*\.?$"
    r"|\b(?:prohibited|forbidden)\s*\.?$",
    re.IGNORECASE,
)
_ANAPHORS = ("its", "their", "this", "these", "which")
_DENIALS = ("no", "not", "none", "without", "never", "absence", "free")


def plan_windows(
    criterion: Criterion, base: int, *, required: bool
) -> tuple[Test, bool]:
    """Compile a criterion that has time windows. The test is empty for several windows, or for a
    window after an event.

    Args:
        criterion: The criterion.
        base: Its offset in its section.
        required: Whether the line must be true to let a patient in.

    Returns:
        The test, and whether the words of the line negate it.
    """
    [window, *others] = criterion.time_windows
    is_counted = window.unit in DAYS and window.value_high is None and not others
    words = f"{window.quote} {window.anchor or ''}"
    if not is_counted or _AFTER.search(words):
        return Test(""), False
    text = criterion.quote
    forbidden = bool(_FORBIDS.search(text))
    text = _FORBIDS.sub("", text)
    rest = _mask_words(criterion, base, text)
    named = spell_words(window.of or "")
    dropped = [word for word in (*rest, *named) if word in _DENIALS]
    negated = bool(dropped) is not forbidden
    around = words_of("around_events", "ended") | set(_DENIALS)
    uncovered = [word for word in rest if word not in around]
    whens = [word for word in spell_words(words) if not word.isdecimal()]
    uncovered += [word for word in whens if word not in around]
    uncovered += [word for word in named if word in _ANAPHORS]
    lead = set(rest) | set(whens)
    ends = not words_of("no_longer").isdisjoint(lead | set(named))
    has_ended = not words_of("ended").isdisjoint(lead | set(named))
    must_be = required is not negated
    is_within = window.comparator in ("<", "<=")
    sign: str | None = window.comparator
    if is_within and not must_be:
        # of an exclusion: longer ago passes
        sign = window.comparator.opposite
    elif not is_within:
        # only "stopped at least 4 weeks ago" says whom more time lets in
        if negated or not (has_ended or "ago" in spell_words(criterion.quote)):
            return Test(""), negated
        sign = window.comparator if must_be else window.comparator.opposite
    days = window.value * DAYS[window.unit]
    verb = "since"
    if not is_within:
        verb = "after"
    elif ends:
        verb = "ended"
    names = _list_events(window.of or "")
    tests = [
        of_bounds(str(window), f"{verb} {name}", "day", sign or "", days)._replace(
            wider=tuple(f"{verb} {each}" for each in find_wider(name))
        )
        for name in names
    ]
    pieces = index_evidence(criterion)["time_windows[0]"]
    confidence = min(
        (1.0 if one.confidence is None else one.confidence for one in pieces),
        default=1.0,
    )
    need = int(must_be) if is_within else 0
    obstacle = f"more words: {' '.join(dict.fromkeys(uncovered))}" if uncovered else ""
    # the time may be that of the exception: "unless more than 3 months ago"
    if criterion.has_exception:
        obstacle = "an exception"
    whole = Test(
        str(window),
        parts=tuple(tests),
        # one of the required events is enough, but all of the others must be long ago
        need=need,
        confidence=confidence,
        keeps_out=obstacle,
        lets_in=obstacle,
    )
    return whole, negated


def _mask_words(criterion: Criterion, base: int, text: str) -> Sequence[str]:
    """Return the words of a line that neither its time, its anchor nor its event covers."""
    letters = [*text]
    for piece in criterion.evidence:
        whole, _, part = piece.field.partition(".")
        is_time = whole == "time_windows[0]" and part in ("", "anchor", "of")
        if is_time or whole.startswith("has_exception"):
            for at in range(
                max(0, piece.start - base), min(piece.end - base, len(letters))
            ):
                letters[at] = " "
    return spell_words("".join(letters))


def _list_events(text: str) -> list[str]:
    """Return the keys of the events that commas or conjunctions join."""
    idle = words_of("around_events", "ended") | set(_DENIALS)
    names = []
    for part in _PARTS.split(text):
        words = list(spell_words(part))
        while words and words[0] in idle:
            words.pop(0)
        while words and words[-1] in idle:
            words.pop()
        if words:
            names.append(make_key(" ".join(words)))
    return names
