r"""Lists that run on in one line or paragraph: "1. Adult 2. Asthma 3. Consent"."""

import re
from collections.abc import Iterator

from extractor.parse.values import value

from .lines import Bullet, read_marker

__all__ = ["Mark", "find_marks"]

_ENUMERATED = re.compile(
    r"(?P<before>[.;:,)\]）；。]|\w|\s)(?P<blank>\s*)"
    r"(?=[(（]?(?:\d{1,2}(?:[.-]\d{1,2}\s?\\?[.)）、\s]|\s?\\?[.)）、])|(?:[a-z]|[ivx]{2,4})\s?\\?[.)）、]))"
)
_SURE = ".;:,)]）；。"
_ROMAN_LETTERS = {"v": 5, "x": 10}
_CIRCLED = re.compile(r"(?<=[\s;])[•●▪◦■②-⑳]\s*(?=[^\W\d])")
_CAPITAL = re.compile(r"\s*(?:[A-Z\d]|\\?[<>≤≥])")


@value(frozen=True, slots=True)
class Mark:
    """``raw[start:end]`` is the number or bullet of a further item; ``closed`` is where the item before it ends."""

    bullet: Bullet
    ordinal: int | None
    closed: int
    start: int
    end: int
    sure: bool = True


def find_marks(raw: str, start: int, end: int, first: tuple[Bullet, int] | None, follows: int | None) -> list[Mark]:
    """The marks within ``raw[start:end]``, an item whose own mark is ``first``; ``follows`` numbers the next item.

    Numbers and letters count up from the item's own. Without punctuation in front of them they are believed
    if there are several, or if the next item goes on counting where they end.

    >>> raw = "Adult 2. Asthma 3. Consent"
    >>> [raw[mark.end:mark.end + 8] for mark in find_marks(raw, 0, len(raw), (Bullet.NUMBER, 1), None)]
    [' Asthma ', ' Consent']
    """
    bullets = list(_find_circled(raw, start, end))
    if first is None or not _counts_on(raw, start, end, *first):
        return bullets
    counted = list(_count_up(raw, start, end, *first))
    guessed = [mark for mark in counted if not mark.sure]
    goes_on = follows is not None and bool(counted) and follows == (counted[-1].ordinal or 0) + 1
    if guessed and not goes_on and (len(counted) < 2 or follows in [mark.ordinal for mark in counted]):
        counted = list(_count_up(raw, start, end, *first, sure_only=True))
    return sorted([*bullets, *counted], key=lambda mark: mark.start)


def _find_circled(raw: str, start: int, end: int) -> Iterator[Mark]:
    if raw.isascii():
        return
    for found in _CIRCLED.finditer(raw, start, end):
        if raw.count("(", start, found.start()) <= raw.count(")", start, found.start()):
            yield Mark(Bullet.CIRCLE, None, found.start(), found.start(), found.end())


def _counts_on(raw: str, start: int, end: int, bullet: Bullet, ordinal: int) -> bool:
    """Whether the next number or letter can be in the text at all: a quick look."""
    if bullet in (Bullet.NUMBER, Bullet.DECIMAL):
        return raw.find(str(ordinal + 1), start, end) >= 0
    if bullet is Bullet.LETTER:
        following = chr(ord("a") + ordinal)
        return any(raw.find(following + closing, start, end) >= 0 for closing in (".", ")", "\\", " ", "、"))
    return bullet is Bullet.ROMAN


def _count_up(
    raw: str, start: int, end: int, bullet: Bullet, ordinal: int, *, sure_only: bool = False
) -> Iterator[Mark]:
    seen = 0
    for found in _ENUMERATED.finditer(raw, start, end):
        marker = read_marker(raw, found.end(), end)
        if not marker:
            continue
        number = marker[1] or 0
        if bullet is Bullet.ROMAN and marker[0] is Bullet.LETTER:
            number = _ROMAN_LETTERS.get(raw[found.end()], 0)
        elif marker[0] is not bullet:
            continue
        sure = found["before"] in _SURE or (not found["blank"] and found["before"].isspace())
        skips = number == ordinal + 2 and bullet is Bullet.LETTER and seen >= 2
        if number != ordinal + 1 and not (skips and sure):
            continue
        if sure or (not sure_only and _CAPITAL.match(raw, marker[2], end)):
            yield Mark(bullet, number, found.end("before"), found.end(), marker[2], sure)
            ordinal, seen = number, seen + 1
