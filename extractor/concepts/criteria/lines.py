r"""The lines of an eligibility section, with their bullets, numbers, codes and columns.

Lines come from the layout of the raw text, because indentation and line breaks make up the list.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from extractor.concepts.criteria.layout import (
    Bullet,
    Layout,
    lay_out,
    read_marker,
    skip_box,
    skip_padding,
    skip_signs_before_mark,
)
from extractor.concepts.criteria.list_headings import find_headings
from extractor.concepts.criteria.list_names import mend_names
from extractor.language.book import expression, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import LexedSection, Passage, strip_span
from extractor.schemas import CriterionKind


class LineRole(StrEnum):
    """The role of an entry: a criterion, a line that introduces criteria, a remark, or a
    doubtful sentence.
    """

    CRITERION = "criterion"
    PARENT = "parent"
    REMARK = "remark"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A line of the list of ``kind``, if known, or a sentence of running text. ``passage`` stands
    alone.

    ``listed`` is true for list items, false for prose. ``heading`` is the nearest heading above,
    ``parent`` the line that introduces the entry; it is ``doubtful`` if other items stand between
    them. ``confidence`` is that of the role of a sentence of running text. ``kind_at_most`` and
    ``quote_at_most`` say how sure the list of the entry, and its borders, can be where the
    structure of the text is in doubt. ``parent_states``: the parent is a criterion itself, so that
    its limits are its own.
    """

    passage: Passage
    kind: CriterionKind | None
    role: LineRole = LineRole.CRITERION
    listed: bool = True
    parent: Passage | None = None
    heading: Passage | None = None
    confidence: float | None = None
    doubtful: bool = False
    parent_states: bool = False
    kind_at_most: float = 1.0
    quote_at_most: float = 1.0

    @property
    def sense(self) -> CriterionKind:
        """The list of the entry. Without a list, its words decide."""
        if self.kind:
            return self.kind
        # as in "Pregnant women will be excluded"
        if rule("refusal").search(self.passage.tokens):
            return CriterionKind.EXCLUSION
        return CriterionKind.INCLUSION


_COMMENT = "<!-- -->"
"""The separator of two lists in the registry's Markdown, which is not a line."""
_RULER = re.compile(r"(?=\S[^\n]|\|)[\s|:=_*+\-–—#>]+")
"""A line of signs alone: between the rows of a table, or under a heading."""
_OPEN_END = re.compile(r"\b(?:following|the|all|any|of|for|in|meet|these|this|each)$")
_LINE = re.compile(r"[^\n]+|\n[ \t\r]*(?=\n)")
_LONG_COUNT = 4
"""So many items that count up are numbered, wherever they begin."""
_WIDE = 50
"""The characters of a line that may have been wrapped."""
_MOST_MARKS = 3
"""The most marks before an item: "* 1. Age" has two."""
_CELL = re.compile(r"[^|]+")
_BETWEEN_LISTS = " \t\r\n|/"
"""Signs between two lists in one line."""
_NO_WORDS = " \t\r\n|:#.*_-"


@dataclass(frozen=True)
class TextLine:
    """The words of a line or a block, ``section.raw[start:end]``, without the bullet.

    ``column`` is the start of the words in the line, ``width`` the length of the line. ``gap`` is
    true after a blank line. ``ordinal`` is an item's number, with letters and Roman numerals
    converted. ``doubt`` says why its borders are in doubt, if they are.
    """

    section: LexedSection
    start: int
    end: int
    column: int
    width: int
    gap: bool = False
    bullet: Bullet | None = None
    ordinal: int | None = None
    doubt: str = ""

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end

    @cached_property
    def passage(self) -> Passage:
        """The words on one line, with no tokens around them."""
        return self.section.between(*self.span).alone()

    @property
    def tokens(self) -> Tokens:
        return self.passage.tokens

    @cached_property
    def names(self) -> Tokens:
        """The words with the names of lists as they were meant."""
        return mend_names(self.tokens)

    @property
    def is_mended(self) -> bool:
        """Whether the name of a list is misspelt."""
        return self.names is not self.tokens


def read_lines(section: LexedSection, layout: Layout | None = None) -> list[TextLine]:
    r"""Return all lines with words, in order, without their marks, codes and numbers.

    A heading followed by text on the same line becomes a separate line. Empty lines, rulers, and
    the header rows of tables are skipped; the line behind an empty one has a ``gap``.

    >>> lines = read_lines(read_section("eligibility", "Criteria:\n\n 1. Age\n * Sex"))
    >>> [
    ...     (line.bullet and line.bullet.value, line.ordinal, line.column)
    ...     for line in lines
    ... ]
    [(None, None, 0), ('number', 1, 4), ('star', None, 3)]
    """
    layout = layout or lay_out(section.raw)
    text = layout.text
    names = mend_names(section.tokens)
    lines: list[TextLine] = []
    gap = False
    header_rows = _find_header_rows(text) if "|" in text else frozenset()
    for row in _LINE.finditer(text):
        words = row.group().strip("\r\n\t \u00a0")
        if words in ("", _COMMENT) or _RULER.fullmatch(words):
            gap = True
            continue
        if row.start() in header_rows:
            continue
        wrapped = False
        if lines and not gap:
            last = lines[-1]
            is_wide = last.width > _WIDE
            wrapped = is_wide and _OPEN_END.search(text, *last.span) is not None
        parts = _split_at_headings(section, names, text, row.span(), wrapped=wrapped)
        for start, end in parts:
            line = _read_line(section, layout, start, end, gap=gap)
            if line:
                lines.append(line)
                gap = False
    with_codes = list(_read_codes(lines))
    return list(_read_bare_numbers(_read_dashed_numbers(with_codes)))


def _find_header_rows(text: str) -> frozenset[int]:
    """Return the starts of the first rows of tables in Markdown: a row of signs stands below
    each.
    """
    header_rows: set[int] = set()
    above: re.Match[str] | None = None
    for line in re.finditer(r"[^\n]+", text):
        words = line.group().strip()
        is_ruler = "|" in words and "-" in words and _RULER.fullmatch(words)
        if is_ruler and above and above.group().strip().startswith("|"):
            header_rows.add(above.start())
        above = line
    return frozenset(header_rows)


def _split_at_headings(
    section: LexedSection,
    names: Tokens,
    text: str,
    span: Range,
    *,
    wrapped: bool,
) -> Iterator[Range]:
    """Yield the parts of a line, cut before and after each heading of a list in it.

    ``names`` are the section's tokens with the names of lists mended, ``text`` is its layout.
    ``span`` and the parts are characters of both. ``wrapped``: the line continues a sentence.
    """
    start, end = span
    line = section.between(start, end)
    done = start
    if rule("names_a_list").search(names, line.first, line.end):
        for heading in find_headings(names, line.first, line.end, wrapped=wrapped):
            heading_start, heading_end = line.part(*heading).raw_span
            before = section.between(done, heading_start).alone().tokens
            if any(word.isalpha() and len(word) > 1 for word in before.words):
                yield strip_span(text, done, heading_start, _BETWEEN_LISTS)
                done = heading_start
            # The first heading keeps the white space before it, which shows its column.
            is_first = done == start and not text[start:heading_start].strip()
            yield start if is_first else heading_start, heading_end
            done = heading_end
    if text[done:end].strip():
        yield done, end


def _read_line(
    section: LexedSection, layout: Layout, start: int, end: int, *, gap: bool
) -> TextLine | None:
    """Return the words of ``layout.text[start:end]`` behind its marks; None if nothing stands
    behind them.

    The first mark gives the bullet, the first number the ordinal: "* 1. Age" is a starred item 1.
    Of a row of a table, only what it says is kept, as an item.
    """
    text = layout.text
    words = skip_signs_before_mark(text, skip_padding(text, start, end), end)
    column = layout.columns.get(words, words - start)
    is_row = text.startswith("|", words)
    if is_row:
        words, end = _find_cells(text, words, end)
    bullet = None
    ordinal = None
    has_column_of_html = words in layout.columns
    for _ in range(_MOST_MARKS):
        marker = read_marker(text, words, end)
        if not marker:
            break
        behind = skip_box(text, skip_padding(text, marker.end, end), end)
        if behind >= end:
            break
        if bullet is None:
            bullet = marker.bullet
        if ordinal is None:
            ordinal = marker.ordinal
        if not has_column_of_html:
            column = behind - start
        words = behind
    if is_row:
        bullet = bullet or Bullet.CIRCLE
        column = 0
    elif not bullet:
        column = words - start
    _, stop = strip_span(text, words, end)
    if stop <= words:
        return None
    return TextLine(section, words, stop, column, end - start, gap, bullet, ordinal)


def _find_cells(text: str, start: int, end: int) -> Range:
    """Return the characters of what a table's row says: its cells from the first to the last one
    that is no number or code.

    If all are, all cells with words count; if none has words, the range is empty.
    """
    cells: list[Range] = []
    telling: list[Range] = []
    for match in _CELL.finditer(text, start, end):
        first, last = strip_span(text, *match.span())
        words = text[first:last]
        if not words.strip(_NO_WORDS):
            continue
        cells.append((first, last))
        # "1" or "INC-1" before "Adult" only counts the rows
        if not expression("number_or_code").match(words):
            telling.append((first, last))
    chosen = telling or cells
    if not chosen:
        return start, start
    return chosen[0][0], chosen[-1][1]


def _read_codes(lines: Sequence[TextLine]) -> Iterator[TextLine]:
    """Yield the lines without the codes before them ("INC-2 Adult", "SE01: Adult") where these
    count up from 1. Such a line is an item with the number of its code.
    """
    codes: list[re.Match[str] | None] = []
    for line in lines:
        code = None
        if not line.bullet:
            code = expression("code_of_item").match(line.section.raw, *line.span)
        codes.append(code)
    series = _find_series([code for code in codes if code])
    for line, code in zip(lines, codes, strict=True):
        has_words = code is not None and code.end() < line.end
        if code and has_words and series.has(code):
            yield _begin_behind_number(line, code.end(), int(code["count"]))
        else:
            yield line


@dataclass(frozen=True, slots=True)
class _CodeSeries:
    """The codes that count up: their letters, and the brackets around those."""

    letters: set[str]
    brackets: set[tuple[str, str]]

    def has(self, code: re.Match[str]) -> bool:
        """Return whether a code has letters that count up, or is closed as such codes are."""
        if code["letters"].upper() in self.letters:
            return True
        return bool(code["close"]) and _read_brackets(code) in self.brackets


def _find_series(codes: Sequence[re.Match[str]]) -> _CodeSeries:
    """Return the series of codes in which number 2 comes next after number 1.

    Without brackets, only letters that begin with I or E, such as those of inclusion and exclusion,
    count.
    """
    series = _CodeSeries(set(), set())
    last_numbers: dict[str, int] = {}
    for code in codes:
        letters = code["letters"].upper()
        number = int(code["count"])
        counts_up = number == 2 and last_numbers.get(letters) == 1
        has_bracket = bool(code["open"] or code["close"])
        if counts_up and (has_bracket or letters[0] in "IE"):
            series.letters.add(letters)
            series.brackets.add(_read_brackets(code))
        last_numbers[letters] = number
    return series


def _read_brackets(code: re.Match[str]) -> tuple[str, str]:
    return code["open"] or "", code["close"] or ""


def _begin_behind_number(line: TextLine, start: int, ordinal: int) -> TextLine:
    """Return a line as an item with a number: its words begin at ``start``, behind the number."""
    return replace(
        line,
        start=start,
        column=line.column + start - line.start,
        bullet=line.bullet or Bullet.NUMBER,
        ordinal=ordinal,
    )


def _read_dashed_numbers(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the lines without the numbers in "1 - 18 years and older" where the items count up:
    "2 - Asthma" stands below.

    Alone, such a line is a range.
    """
    read = list(lines)
    # upwards for the first items of a list, then downwards for all others
    places = range(len(read))
    for order, step in ((reversed(places), 1), (places, -1)):
        for place in order:
            line = read[place]
            beside = place + step
            if line.ordinal or not 0 <= beside < len(read):
                continue
            number = expression("number_and_dash").match(line.section.raw, *line.span)
            if number is None:
                continue
            ordinal = int(number["ordinal"])
            if read[beside].ordinal == ordinal + step:
                read[place] = _begin_behind_number(line, number.end(), ordinal)
    return read


def _read_bare_numbers(lines_with_numbers: Iterable[TextLine]) -> Iterator[TextLine]:
    """Yield the lines without numbers that lack punctuation ("2 Signed consent") where the items
    count up. Such a line is an item with that number.

    The count begins at 1 or after an item with a marked number, or has at least four items: "2 ECG
    leads" keeps its number.
    """
    lines = list(lines_with_numbers)
    numbers: list[re.Match[str] | None] = []
    counts: list[int] = []
    for line in lines:
        number = None
        count = line.ordinal or 0
        if not line.ordinal:
            number = expression("bare_number").match(line.section.raw, *line.span)
        if number:
            count = int(number["ordinal"])
        numbers.append(number)
        counts.append(count)
    starts = list(range(len(lines)))  # for each line, where its count began
    for place in range(1, len(lines)):
        above = counts[place - 1]
        counts_on = above > 0 and counts[place] == above + 1
        if numbers[place] and counts_on:
            starts[place] = starts[place - 1]
    lengths = Counter(starts)
    for line, number, count, start in zip(lines, numbers, counts, starts, strict=True):
        begins_count = counts[start] == 1 or numbers[start] is None
        is_count = lengths[start] > 1 and begins_count
        is_long = lengths[start] >= _LONG_COUNT
        if number is None or number.end() >= line.end:
            yield line
        elif is_count or is_long:
            yield _begin_behind_number(line, number.end(), count)
        else:
            yield line
