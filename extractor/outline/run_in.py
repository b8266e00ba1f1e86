"""Items that share one line: "1. Asthma 2. COPD", "- Asthma - COPD"."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.language.passage import Passage
from extractor.outline.lines import ROMAN, Line, strip_signs

_MARK = re.compile(
    r"(?:(?<=[\s;.,:)])|^)(?P<open>\(?)(?P<part>\d{1,2}\.)?"
    r"(?:(?P<circled>[①-⑳])\s*(?=\S)|(?:(?P<number>\d{1,2})|(?P<letters>[a-z]|[ivx]{2,4}))"
    r"(?P<close>\)\.?|\.(?![.\d])| ?-(?=\s+(?:[A-Z<>≥≤]|\d+ ?(?:to|-) ?\d))|)"
    r"(?:\s+(?=\S)|(?=[A-Z])))"
)
_BULLET = re.compile(
    r"(?:^|(?<=[\s.;:]))(?P<mark>·(?!\s*10)\s*|[•▪●]\s*|(?<=  )[*-]\s+|(?<=[.;:]\s)[*-]\s+)(?=\S)"
)
_DASH = re.compile(
    r"(?<![^\s:])(?!(?<=\d )-\s+\d)(?P<mark>[-–*•])\s+(?=[A-Za-z≥≤<>(\"]|\d+[ %).])"
)
_DASH_WITHIN = re.compile(r"(?<=\S\s)(?P<mark>-)\s+(?=[A-Z][a-z]|\d+ [a-z])")
_FEW_DASHES = 2
"""The number of dashes that a sentence may contain without being a list."""
_FEW_NUMBERS = 2
"""How many numbers a sentence may contain without punctuation, or with different punctuation from
the line's marker.
"""
_COUNTED = re.compile(
    r"\b(?:types?|grade|stage|class|phase|part|level|visit|cohort|group|arm|score|to|of|or|and|than"
    r"|least)\s*$",
    re.IGNORECASE,
)
"""Words that a following number belongs to."""


class _Mark(NamedTuple):
    """A list marker within a line: ``text[start:end]``, with its style and number."""

    start: int
    end: int
    style: str
    number: int
    written: str


def split_run_in(line: Line, below: Line | None = None) -> list[tuple[Passage, str]]:
    """Return the items that share one line, each with its list marker: "1. Asthma 2. COPD".
    Numbers and letters must count up, either from the start of the line or from its own marker;
    they are ignored if the line ``below`` continues the same sequence. A line without such items
    is returned whole.
    """
    passage = line.passage
    tokens = passage.tokens
    found = _find_run_in(line, below)
    if not found:
        return [(passage, line.mark)]
    pieces: list[tuple[Passage, str]] = []
    first = tokens.at(found[0].start)
    if first > passage.first:
        pieces.append((strip_signs(passage.part(passage.first, first)), line.mark))
    ends = [*(tokens.before(mark.start) for mark in found[1:]), passage.end]
    for mark, stop in zip(found, ends, strict=True):
        piece = strip_signs(passage.part(tokens.at(mark.end), stop))
        if piece.end > piece.first:
            pieces.append((piece, mark.written))
    return pieces


def _find_run_in(line: Line, below: Line | None) -> Sequence[_Mark]:
    """Return the list markers within a line: the ones that count up, else dashes, else bullets.
    The result is empty if there are fewer than two items.
    """
    text = line.passage.tokens.text
    start, end = line.span
    dashes: list[_Mark] = []
    if line.is_behind_heading:
        dashes = _find_bullets(_DASH, text, start, end)
    if dashes and dashes[0].start == start:
        return [dash for dash in dashes if dash.written == dashes[0].written]
    counted = _find_counted(line, list(_list_marks(text, start, end)), below)
    if counted:
        return counted
    if line.style == "-":
        dashes = _find_bullets(_DASH_WITHIN, text, start, end)
        # "MI - 6 months, stroke - 12 months" is one item
        has_capital = any(text[dash.end].isupper() for dash in dashes)
        if len(dashes) >= _FEW_DASHES and has_capital:
            return dashes
    bullets = _find_bullets(_BULLET, text, start, end)
    return bullets if len(bullets) + bool(line.mark) > 1 else []


def _find_bullets(
    pattern: re.Pattern[str], text: str, start: int, end: int
) -> list[_Mark]:
    return [
        _Mark(found.start(), found.end(), "", 0, found["mark"].strip())
        for found in pattern.finditer(text, start, end)
    ]


def _list_marks(text: str, start: int, end: int) -> Iterator[_Mark]:
    """Yield possible counting markers: numbers, letters and Roman numerals. A marker that could be
    a letter or a Roman numeral is yielded as both.
    """
    for found in _MARK.finditer(text, start, end):
        place = (found.start(), found.end())
        written = found[0].strip()
        close = (found["close"] or "").strip()
        shape = (found["open"] + (found["part"] or "") + "{}" + close[:1]).format
        if found["circled"]:
            yield _Mark(*place, "①", ord(found["circled"]) - ord("①") + 1, written)
        elif found["open"] and not close.startswith(")"):
            continue
        elif found["number"]:
            if _is_numeral(text, found, start):
                yield _Mark(*place, shape("1"), int(found["number"]), written)
        elif close in (")", "."):
            for sort, number in _count_letters(found["letters"]):
                yield _Mark(*place, shape(sort), number, written)


def _is_numeral(text: str, found: re.Match[str], start: int) -> bool:
    """Return whether a number may be a list marker: it has punctuation, or does not belong to the
    preceding word; without a dash, it must precede a capital.
    """
    if found["close"] in (")", ".", ")."):
        return True
    if not found["close"] and not text[found.end()].isupper():
        return False
    before = text[max(start, found.start() - 12) : found.start()]
    return _COUNTED.search(before) is None


def _count_letters(letters: str) -> Iterator[tuple[str, int]]:
    if len(letters) == 1:
        yield "a", ord(letters) - ord("a") + 1
    if letters in ROMAN:
        yield "i", ROMAN.index(letters) + 1


def _find_counted(
    line: Line, marks: Sequence[_Mark], below: Line | None
) -> Sequence[_Mark]:
    """Return the markers that count up, in the most frequent style; empty if there are too few."""
    styles: dict[str, list[_Mark]] = defaultdict(list)
    for mark in marks:
        styles[mark.style].append(mark)
    circled = styles.pop("①", [])
    best = _count_up(line, "①", circled)
    for style, own in styles.items():
        with_circled = sorted([*own, *circled]) if "1" in style else own
        run = _count_up(line, style, with_circled)
        best = run if len(run) > len(best) else best
    if not best or _goes_on_below(line, best, below):
        return ()
    return best


def _count_up(line: Line, style: str, marks: Sequence[_Mark]) -> Sequence[_Mark]:
    """Return the markers of one style that count up. They continue from the line's own marker or
    start at its beginning; after a heading they may start anywhere, and after a bullet the first
    one may be missing.
    """
    start, _ = line.span
    is_own = line.ordinal > 0 and style == line.style
    run: list[_Mark] = []
    last = line.ordinal or _find_number_before(line, marks, start)
    for mark in marks:
        if mark.number == last + 1:
            run.append(mark)
            last = mark.number
    has_sign = style[-1:] != "1"
    begins = bool(run) and run[0].start == start
    is_sure = is_own or (has_sign and (begins or line.is_behind_heading))
    least = 2 - is_own if is_sure else _FEW_NUMBERS
    return run if len(run) >= least else ()


def _find_number_before(line: Line, marks: Sequence[_Mark], start: int) -> int:
    """Return the number that precedes the first marker of a list within an unnumbered line; -1 if
    no list begins there.
    """
    has_first = any(mark.number == 1 for mark in marks)
    for mark in marks:
        is_early = mark.start == start or line.is_behind_heading
        if mark.number == 1 and is_early:
            return 0
    if line.mark and marks and not has_first:
        return marks[0].number - 1
    return -1


def _goes_on_below(line: Line, run: Sequence[_Mark], below: Line | None) -> bool:
    """Return whether the line below begins with a number that was also found in this line."""
    if below is None or not line.ordinal or below.style != line.style:
        return False
    return line.ordinal < below.ordinal <= run[-1].number
