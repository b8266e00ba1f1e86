"""Split a line that contains several items: "1. Asthma 2. COPD", "- Asthma - COPD"."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.language.passage import Passage
from extractor.outline.lines import ROMAN, Line, strip_punctuation

_MARK = re.compile(
    r"(?:(?<=[\s;.,:)])|^)(?P<open>\(?)(?P<part>\d{1,2}\.)?"
    r"(?:(?P<circled>[①-⑳])\s*(?=\S)|(?:(?P<number>\d{1,2})|(?P<letters>[a-z]|[ivx]{2,4}))"
    r"(?P<close>\)\.?|\.(?![.\d])| ?-(?=\s+(?:[A-Z<>≥≤]|\d+ ?(?:to|-) ?\d))|)"
    r"(?:\s+(?=\S)|(?=[A-Z])))"
)
_BULLET = re.compile(
    r"(?:^|(?<=[\s.;:])|(?=~))(?P<mark>·(?!\s*10)\s*|[•▪●]\s*|(?<=  )[*-]\s+|(?<=[.;:]\s)[*-]\s+"
    r"|(?<!\d)(?<!\d )~+\s*(?:(?:[*•-]|\d{1,2}[.)])\s+)?(?!\d))(?=\S)"
)
_DASH = re.compile(
    r"(?<![^\s:])(?!(?<=\d )-\s+\d)(?P<mark>[-–*•~])\s+(?=[A-Za-z≥≤<>(\"]|\d+[ %).])"
)
_DASH_WITHIN = re.compile(r"(?<=\S\s)(?P<mark>-)\s+(?=[A-Z][a-z]|\d+ [a-z])")
_FEW_DASHES = 2
"""Minimum number of dashes in a list of items."""
_FEW_NUMBERS = 2
"""Minimum number of consecutive markers in a list that does not continue the line's own marker."""
_COUNTED = re.compile(
    r"\b(?:types?|grade|stage|class|phase|part|level|visit|cohort|group|arm|score|to|of|or|and|than"
    r"|least)\s*$",
    re.IGNORECASE,
)
"""Matches words to which a following number belongs."""
_LONGEST_COUNTED = 12
"""Number of characters before a number that are searched for such a word."""


class _Mark(NamedTuple):
    """A list marker within a line, ``text[start:end]``. ``style`` is the marker with its number
    replaced by "1", "a" or "i", and ``written`` is the marker itself.
    """

    start: int
    end: int
    style: str
    number: int
    written: str


def split_run_in(line: Line, below: Line | None = None) -> list[tuple[Passage, str]]:
    """Return the items that share a line as (passage, list marker) pairs: "1. Asthma 2. COPD".
    Numbers and letters must be consecutive, starting either at the start of the line or after the
    line's own marker; they are ignored if the line ``below`` begins with one of the same numbers.
    A line with only one item is returned whole.
    """
    passage = line.passage
    tokens = passage.tokens
    marks = _find_run_in(line, below)
    if not marks:
        return [(passage, line.mark)]
    items: list[tuple[Passage, str]] = []
    first = tokens.at(marks[0].start)
    if first > passage.first:
        before = passage.part(passage.first, first)
        items.append((strip_punctuation(before), line.mark))
    ends = [*(tokens.before(mark.start) for mark in marks[1:]), passage.end]
    for mark, stop in zip(marks, ends, strict=True):
        item = strip_punctuation(passage.part(tokens.at(mark.end), stop))
        if item.end > item.first:
            items.append((item, mark.written))
    return items


def _find_run_in(line: Line, below: Line | None) -> Sequence[_Mark]:
    """Return the list markers within a line: markers that count up or, failing that, dashes or,
    failing that, bullets. The result is empty if the line has fewer than two items.
    """
    text = line.passage.tokens.text
    start, end = line.span
    dashes: list[_Mark] = []
    if line.follows_heading:
        dashes = _find_bullets(_DASH, text, start, end)
    # as in "Exclusion: - Gout - COPD"
    if dashes and dashes[0].start == start:
        return [dash for dash in dashes if dash.written == dashes[0].written]
    counted = _find_counted(line, list(_list_marks(text, start, end)), below)
    if counted:
        return counted
    if line.style == "-":
        dashes = _find_bullets(_DASH_WITHIN, text, start, end)
        # "MI - 6 months, stroke - 12 months" is a single item
        has_capital = any(text[dash.end].isupper() for dash in dashes)
        if len(dashes) >= _FEW_DASHES and has_capital:
            return dashes
    bullets = _find_bullets(_BULLET, text, start, end)
    # "- Mild ~ moderate asthma" is a single item
    if line.mark and not line.mark.startswith("~"):
        bullets = [bullet for bullet in bullets if not bullet.written.startswith("~")]
    return bullets if len(bullets) + bool(line.mark) > 1 else []


def _find_bullets(
    pattern: re.Pattern[str], text: str, start: int, end: int
) -> list[_Mark]:
    return [
        _Mark(match.start(), match.end(), "", 0, match["mark"].strip())
        for match in pattern.finditer(text, start, end)
    ]


def _list_marks(text: str, start: int, end: int) -> Iterator[_Mark]:
    """Yield possible list markers with a number, a letter or a Roman numeral. A marker that could
    be a letter or a Roman numeral is yielded as both.
    """
    for match in _MARK.finditer(text, start, end):
        written = match[0].strip()
        close = (match["close"] or "").strip()
        make_style = (match["open"] + (match["part"] or "") + "{}" + close[:1]).format
        if match["circled"]:
            number = ord(match["circled"]) - ord("①") + 1
            yield _Mark(*match.span(), "①", number, written)
        elif match["open"] and not close.startswith(")"):
            continue
        elif match["number"]:
            if _may_be_marker(text, match, start):
                number = int(match["number"])
                yield _Mark(*match.span(), make_style("1"), number, written)
        elif close in (")", "."):
            for first_letter, number in _read_letters(match["letters"]):
                yield _Mark(*match.span(), make_style(first_letter), number, written)


def _may_be_marker(text: str, match: re.Match[str], start: int) -> bool:
    """Return whether a number may be a list marker. A closing bracket or full stop suffices.
    Otherwise the number must not belong to the preceding word, as in "grade 2 - Fever", and must
    be followed by a dash or a capital.
    """
    if match["close"] in (")", ".", ")."):
        return True
    if not match["close"] and not text[match.end()].isupper():
        return False
    before = text[max(start, match.start() - _LONGEST_COUNTED) : match.start()]
    return _COUNTED.search(before) is None


def _read_letters(letters: str) -> Iterator[tuple[str, int]]:
    """Yield the meanings of letters as (first letter of the sequence, number) pairs: "i" is the
    ninth letter and the first Roman numeral.
    """
    if len(letters) == 1:
        yield "a", ord(letters) - ord("a") + 1
    if letters in ROMAN:
        yield "i", ROMAN.index(letters) + 1


def _find_counted(
    line: Line, marks: Sequence[_Mark], below: Line | None
) -> Sequence[_Mark]:
    """Return the longest run of markers of one style that count up: ["2.", "3."] for the line
    "1. Asthma 2. COPD 3. Fever (a) viral".

    A circled number also continues a run of ordinary numbers, as in "1) Asthma ② COPD 3) Fever".
    Return an empty sequence if no run is long enough, or if the line ``below`` begins with a
    number from the longest run: these numbers are then treated as part of the text.
    """
    by_style: dict[str, list[_Mark]] = defaultdict(list)
    for mark in marks:
        by_style[mark.style].append(mark)
    circled = by_style.pop("①", [])
    longest = _count_up(line, "①", circled)
    for style, same_style in by_style.items():
        additional = circled if "1" in style else []
        run = _count_up(line, style, sorted([*same_style, *additional]))
        longest = run if len(run) > len(longest) else longest
    return () if _is_repeated_below(line, longest, below) else longest


def _count_up(line: Line, style: str, marks: Sequence[_Mark]) -> Sequence[_Mark]:
    """Return the markers of one style that count up. They continue from the line's own marker or
    begin with 1 at the start of the line. After a heading they may begin anywhere, and after a
    bullet they may begin with any number.
    """
    run: list[_Mark] = []
    last = line.ordinal or _find_number_before(line, marks)
    for mark in marks:
        if mark.number == last + 1:
            run.append(mark)
            last = mark.number
    continues_own = line.ordinal > 0 and style == line.style
    least = 1 if continues_own else _FEW_NUMBERS
    return run if len(run) >= least else ()


def _find_number_before(line: Line, marks: Sequence[_Mark]) -> int:
    """Return the number that precedes the first marker of a list within an unnumbered line: 0 if
    the list begins with 1, and -1 if no list begins there.
    """
    start, _ = line.span
    has_first = any(mark.number == 1 for mark in marks)
    for mark in marks:
        is_early = mark.start == start or line.follows_heading
        if mark.number == 1 and is_early:
            return 0
    if line.mark and marks and not has_first:
        return marks[0].number - 1
    return -1


def _is_repeated_below(line: Line, run: Sequence[_Mark], below: Line | None) -> bool:
    """Return whether the line below begins with a number that is also in this line's run."""
    if below is None or not run or not line.ordinal or below.style != line.style:
        return False
    return line.ordinal < below.ordinal <= run[-1].number
