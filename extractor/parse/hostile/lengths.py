"""Words without end, and words said over and over: nobody writes them, and a reader could choke on them."""

import re
from collections.abc import Iterator

from extractor.schemas import FindingKind

from .stretch import Stretch

__all__ = ["find_endless"]

_STEP, _LONGEST_WORD = 200, 400
"""A word of ``_LONGEST_WORD`` characters covers a whole window of ``_STEP`` that begins at a multiple of it."""
_WINDOW, _PROBE, _PERIOD = 400, 8, 80
_WORD = re.compile(r"[!-~]{400,}")
_RULED = re.compile(r"[-_=*.~#\s\\]+")


def find_endless(text: str) -> Iterator[Stretch]:
    """Words of 400 characters and more, and what is repeated, 80 characters at a time or fewer, over a window of 400.

    >>> [(one.start, one.end) for one in find_endless("Dose: " + "A" * 500 + " daily")]
    [(6, 506)]
    >>> list(find_endless("-" * 500))
    []
    """
    if len(text) < _LONGEST_WORD:
        return
    for start, end in (*_find_words(text), *_find_repeated(text)):
        if not _RULED.fullmatch(text, start, end):
            yield Stretch(start, end, FindingKind.OVERSIZED_TOKEN, blanked=True)


def _find_words(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for start in range(0, len(text) - _STEP + 1, _STEP):
        if start < done or text.find(" ", start, start + _STEP) >= 0 or text.find("\n", start, start + _STEP) >= 0:
            continue
        before = max(text.rfind(" ", 0, start), text.rfind("\n", 0, start)) + 1
        if found := _WORD.match(text, before):
            yield found.span()
            done = found.end()


def _find_repeated(text: str) -> Iterator[tuple[int, int]]:
    """Stretches in which each character is the one a period before; they fill a window, whose begin is probed."""
    done = 0
    for start in range(0, len(text) - _WINDOW + 1, _WINDOW):
        probe = text[start : start + _PROBE]
        again = text.find(probe, start + 1, start + _PERIOD + _PROBE)
        if start < done or again < 0 or probe.isspace():
            continue
        end = start + _WINDOW
        if text[again:end] == text[start : start + end - again]:
            begin, done = _run_on(text, start, end, again - start)
            yield begin, done


def _run_on(text: str, start: int, end: int, period: int) -> tuple[int, int]:
    """Where a repetition begins and ends, cut-off ends of it included."""
    while start > 0 and text[start - 1] == text[start - 1 + period]:
        start -= 1
    while end < len(text) and text[end] == text[end - period]:
        end += 1
    return start, end
