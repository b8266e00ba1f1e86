"""Find the parts of a text that are neither prose nor lists: tables of contents, page headers and
footers, and tables of visits.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from extractor.formats.contents import find_contents

CharRange = tuple[int, int]
"""Half-open offsets into a text."""
_LINE = re.compile(r"[^\r\n]+")
_PAGE = re.compile(
    r"\W{0,4}(?:page|pg\.?|p\.)?\s?(?P<page>\d{1,4})\s?(?:of|/|\()\s?(?P<pages>\d{1,4})\)?\W{0,4}"
    r"|\W{0,4}(?:page|pg\.)\s?(?P<only>\d{1,4})\W{0,4}",
    re.IGNORECASE,
)
"""A line that is only the number of a page: "Page 33 of 136", "32 (102)"."""
_LABEL = re.compile(
    r"(?:(?:clinical |study |trial ){0,2}protocol(?: (?:code|number|no\.?|id|version|date))?"
    r"|(?:study|trial) (?:code|number|no\.?|id|version|date)"
    r"|drug substance|product name|study drug name"
    r"|(?:edition|version|amendment|revision)(?: (?:number|no\.?|date))?"
    r"|eudract(?: (?:number|no\.?))?|ind(?: (?:number|no\.?))?|sponsor|confidential|date|company)"
    r"(?:\s?[:#]\s?|\s)(?=[\w(])[^;]{0,50}[^.;,]",
    re.IGNORECASE,
)
"""A line of a page header that names the study, its sponsor or the version."""
_CODE = re.compile(r"[A-Z\d].*\d|[A-Z][\w-]+(?: [A-Z][\w-]+){0,3}\Z|.*:")
_DIGITS = re.compile(r"\d+")
_NUMBERED = re.compile(r"[ \t]{0,12}\(?(?P<number>\d{1,2})[.)]\s")
_MARK = re.compile(r"[ \t]{0,12}(?:[-•*·]|\(?\w{1,2}[.)])\s")
_CELL = re.compile(r"[^|\t]+")
_CROSS = re.compile(r"\W{0,9}[Xx✓✔●√](?:\W{0,3}[a-z\d])?\W{0,9}\Z")
"""A cell that says that something happens at a visit."""
_LONGEST = 80
_NEAR = 6
"""Maximum number of lines between a running line and a page number."""
_FEW = 3
"""Minimum number of times that a running line stands in a text."""
_FEW_CROSSES = 2


@dataclass(frozen=True, slots=True)
class Furniture:
    """The parts of a text that are neither prose nor lists.

    Attributes:
        hidden: The lines of tables of contents and of page headers and footers.
        tables: The rows of tables of visits.
        running: The number of lines in page headers and footers.
    """

    hidden: Sequence[CharRange] = ()
    tables: Sequence[CharRange] = ()
    running: int = 0


def find_furniture(text: str) -> Furniture:
    r"""Return the furniture of a text.

    >>> text = "1. Asthma\nStudy Code C-1\n32 (102)\n2. Gout\nVisit\t1\t2\nECG\tX\tX\nMRI\tX\tX"
    >>> found = find_furniture(text)
    >>> [text[start:end] for start, end in (*found.hidden, *found.tables)][:3]
    ['Study Code C-1', '32 (102)', 'Visit\t1\t2']
    """
    spans = [line.span() for line in _LINE.finditer(text)]
    lines = [text[start:end] for start, end in spans]
    contents = find_contents(lines).lines
    running = _find_running(lines)
    hidden = sorted(contents | running)
    visits = _find_visits(lines)
    return Furniture(
        [spans[number] for number in hidden],
        [spans[number] for number in visits],
        len(running),
    )


def _find_running(lines: Sequence[str]) -> set[int]:
    """Return the lines of page headers and footers: page numbers, and the lines beside one that
    name the study or recur beside others. Between two items of a list that go on, the name of the
    study needs no page number.
    """
    pages = [number for number, line in enumerate(lines) if _PAGE.fullmatch(line)]
    counts = Counter[str]()
    if pages:
        short = [line for line in lines if len(line) <= _LONGEST]
        counts.update(map(_mask, short))
    running: set[int] = set()
    for page in pages:
        beside = [
            *_walk(lines, range(page - 1, page - 1 - _NEAR, -1), counts),
            *_walk(lines, range(page + 1, page + 1 + _NEAR), counts),
        ]
        # a lone "3/4" may be a value
        if beside or len(pages) >= _FEW:
            running.update([page, *beside])
    running.update(_find_labels_in_lists(lines))
    return running


def _walk(lines: Sequence[str], places: range, counts: dict[str, int]) -> Iterator[int]:
    """Yield the running lines that follow each other from a page number on."""
    for place in places:
        if not 0 <= place < len(lines):
            return
        line = lines[place]
        recurs = counts.get(_mask(line), 0) >= _FEW
        if not _is_running(line, recurs=recurs):
            return
        yield place


def _is_running(line: str, *, recurs: bool) -> bool:
    words = line.strip()
    if len(words) > _LONGEST:
        return False
    if _MARK.match(line):
        return False
    if _PAGE.fullmatch(line):
        return True
    return recurs or _is_label(words)


def _is_label(words: str) -> bool:
    return bool(_LABEL.fullmatch(words) and _CODE.match(words))


def _find_labels_in_lists(lines: Sequence[str]) -> Iterator[int]:
    """Yield the lines that name the study between two numbered items that follow each other."""
    number = 0
    between: list[int] = []
    for place, line in enumerate(lines):
        item = _NUMBERED.match(line)
        if item:
            if between and int(item["number"]) == number + 1:
                yield from between
            number = int(item["number"])
            between = []
        elif number and len(between) < _NEAR and _is_label(line.strip()):
            between.append(place)


def _mask(line: str) -> str:
    """Return a line with every number replaced by "0"."""
    return _DIGITS.sub("0", line.strip())


def _find_visits(lines: Sequence[str]) -> list[int]:
    """Return the rows of tables in which at least two rows have crosses in several cells."""
    found: list[int] = []
    numbered = enumerate(lines)
    for is_table, group in groupby(
        numbered, key=lambda each: _count_cells(each[1]) > 1
    ):
        rows = list(group)
        crossed = [
            line
            for _, line in rows
            if is_table and _count_crosses(line) >= _FEW_CROSSES
        ]
        if len(crossed) > 1:
            found += [number for number, _ in rows]
    return found


def _count_cells(line: str) -> int:
    if "\t" not in line and "|" not in line:
        return 1
    return sum(bool(cell.strip()) for cell in _CELL.findall(line))


def _count_crosses(line: str) -> int:
    return sum(_CROSS.match(cell) is not None for cell in _CELL.findall(line))
