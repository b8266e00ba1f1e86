"""Read the lines of a text as written: their starts, list markers, table rows and page
furniture.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from extractor.language.clean import ITEM
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import LexedSection, Passage
from extractor.language.values import replace
from extractor.language.wrapping import is_page_edge
from extractor.outline.boundaries import describe_mark, list_marker_meanings
from extractor.outline.headings import Heading, Vocabulary, find_heading

_CELL_END = re.compile(r"[\t|]")
_COLUMN_END = re.compile(r"[\t|]|(?<=\S) {3,}(?=\S)|(?<=\n) {3,}(?=\S)")
"""Columns that are only set apart by spaces need a header that names lists."""
_RULE = re.compile(r"(?:[|:\-=_*\s]{3,}+|\s*+>+)$")
_RULED = re.compile(r"\s*\|[\s:|-]*-[\s:|-]*(?:\n|$)")
_ROW = re.compile(r"\s*\|.*\S\s*$")
# Half of it reads "| Inclusion criteria | Exclusion criteria | / ..." otherwise.
_MOST_CELLS = 4
"""Only this many cells at the start of a row are searched for a heading."""


@dataclass(frozen=True, slots=True)
class Written:
    """A line as written, or a cell of a table.

    Attributes:
        passage: Its words.
        begin: The offset in the cleaned text from which its column is counted.
        gap: Whether an empty line precedes it.
        is_row: Whether it is a row or a cell of a table.
        is_furniture: Whether it is a header that names no list.
    """

    passage: Passage
    begin: int
    gap: bool
    is_row: bool = False
    is_furniture: bool = False


def list_written(section: LexedSection, vocabulary: Vocabulary) -> Iterator[Written]:
    """Yield the lines of a section that contain words, and the cells of its tables."""
    lines = list(_list_lines(section))
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        columns = _list_cells(line, _COLUMN_END)
        headings = _find_headings(columns, vocabulary)
        # "Inclusion" beside "Exclusion": a table with a column for each list
        if len({heading.name for heading in headings.values()}) > 1:
            end = _find_end(lines, place, vocabulary)
            yield from _list_columns(line, lines[place:end])
            place = end
        else:
            yield from _read_row(line, vocabulary)


def _list_lines(section: LexedSection) -> Iterator[Written]:
    """Yield the lines that contain words, without the signs that quote an e-mail."""
    text = section.tokens.text
    end_above = 0
    written = list(section.lines())
    is_quoted = len(written) > 1 and all(line.text[0] == ">" for line in written)
    for line in written:
        start, end = section.tokens.span(line.first, line.end)
        begin = text.rfind("\n", 0, start) + 1
        gap = text.count("\n", end_above, start) > 1
        end_above = end
        passage = strip_punctuation(line, "-•·")
        if _RULE.match(text, begin, end):
            continue
        if is_quoted:  # as an e-mail quotes another one
            passage = passage.part(line.first + 1, passage.end)
            begin = start + 1
        if passage.end > passage.first:
            yield Written(passage, begin, gap)


def strip_punctuation(passage: Passage, characters: str) -> Passage:
    """Return a passage without leftover punctuation at its end: tokens that are one of the
    ``characters``.
    """
    words = passage.tokens.words
    end = passage.end
    while end > passage.first and words[end - 1] in characters:
        end -= 1
    return passage.part(passage.first, end)


def _list_cells(line: Written, cell_end: re.Pattern[str]) -> list[Passage]:
    """Return the cells of a line, some of which may be empty. Tabs are spaces in the cleaned text,
    so that they are searched in the raw one.
    """
    section = line.passage.section
    text = section.cleaned.text
    end = text.find("\n", section.tokens.ends[line.passage.end - 1])
    if end < 0:
        end = len(text)
    start, stop = section.cleaned.raw_span(line.begin, end)
    cells: list[Passage] = []
    for match in cell_end.finditer(section.raw, start, stop):
        cells.append(section.between(start, match.start()))
        start = match.end()
    cells.append(section.between(start, stop))
    return cells


def _find_headings(
    cells: Sequence[Passage], vocabulary: Vocabulary
) -> dict[int, Heading]:
    """Return the cells that are nothing but a heading, by their places in a row of several."""
    found: dict[int, Heading] = {}
    if len(cells) == 1:
        return found
    for place, cell in enumerate(cells[:_MOST_CELLS]):
        heading = find_heading(cell, vocabulary)
        if heading and heading.is_whole:
            found[place] = heading
    return found


def _find_end(lines: Sequence[Written], place: int, vocabulary: Vocabulary) -> int:
    """Return the place after the last row of a table. A line without cells is the end if an empty
    line precedes it, or if it is a heading.
    """
    for end in range(place, len(lines)):
        line = lines[end]
        is_line = len(_list_cells(line, _COLUMN_END)) == 1
        # a cell that goes on in the next line has no cells of its own
        if is_line and (line.gap or find_heading(line.passage, vocabulary)):
            return end
    return len(lines)


def _list_columns(header: Written, rows: Sequence[Written]) -> Iterator[Written]:
    """Yield the cells of a table that are not empty, column by column."""
    table = [_list_cells(row, _COLUMN_END) for row in (header, *rows)]
    for place in range(max(map(len, table))):
        for cells in table:
            yield from _make_cells(header, cells[place : place + 1])


def _make_cells(
    row: Written, cells: Sequence[Passage], *, are_furniture: bool = False
) -> Iterator[Written]:
    """Yield the cells that contain words, as lines of their own."""
    for cell in cells:
        passage = strip_punctuation(cell, "-•·")
        if passage.end > passage.first:
            begin = passage.tokens.starts[passage.first]
            yield Written(
                passage, begin, row.gap, is_row=True, is_furniture=are_furniture
            )


def _read_row(line: Written, vocabulary: Vocabulary) -> Iterator[Written]:
    """Yield a line or, of a row of cells, its heading and what follows it."""
    cells = _list_cells(line, _CELL_END)
    is_ruled = _ROW.match(line.passage.text) is not None
    headings = _find_headings(cells, vocabulary)
    # the column names of a table, above a ruled line
    if is_ruled and _is_header(line):
        yield from _make_cells(line, [_trim_row(line.passage)], are_furniture=True)
    elif headings:
        place = min(headings)
        yield from _make_cells(line, cells[:place], are_furniture=True)
        yield from _make_cells(line, cells[place:])
    elif is_ruled:
        yield replace(line, passage=_trim_row(line.passage), is_row=True)
    else:
        yield line


def _is_header(line: Written) -> bool:
    """Return whether a row is followed by a ruled line."""
    tokens = line.passage.tokens
    _, end = line.passage.clean_span
    return _RULED.match(tokens.text[end : end + 80].lstrip("\n")) is not None


def _trim_row(passage: Passage) -> Passage:
    """Return the part of a row from the first cell that contains a word to the last cell."""
    words = passage.tokens.words
    first = passage.first
    stop = passage.end
    for at in range(first, stop):
        # "| 1 | Age": the first cell often has only the number of the row
        if words[at] == "|":
            first = at + 1
        elif words[at][:1].isalpha():
            break
    while stop > first and words[stop - 1] == "|":
        stop -= 1
    return passage.part(first, stop)


_BULLET = (
    r"(?:[•·▪◦○●■□➢✓✔→⁃∙‣§・･⦁❑❒◾◽▶➔\uf06c\uf06e\uf076\uf0a7\uf0a8\uf0b7\uf0d8\uf0fc]\s*|\?(?=\s+\S)|[*+](?=\s)|-{1,2}(?=\s|[A-Z]|[a-z][A-Z])"
    r"|o\s(?=\s*\S)|\[[ xX]\]"
    r"|(?:>+(?=\s+(?:\d+[.)]|[-*•])\s))|\\?>\s+(?=[A-Z][A-Za-z])(?![UL]LN)|~+(?=\s|[^\W\d]|\d{1,2}[.)]\s))"
)
_NUMBER = (
    r"(?:\(\d{1,2}\)|\[\d{1,2}\]|\d{1,2} ?[.)](?!\d)(?=\s|[A-Za-z(])"
    r"|\d{1,2}(?:\.\)|:)(?=\s*[^\W\d]|\s+\d)|#\d{1,2}(?=\s)"
    r"|[①-⑳]|(?:Criterion|No\.) \d{1,2}:?(?=\s)|[IE]#\d{1,2}(?=\s)"
    r"|\d{1,2}(?P<tail>(?:\.\d{1,2}){1,3})(?:\.?(?=\s+[A-Z(])|(?<=\.\d\.\d)(?=\s+\S)))"
)
_LETTER = (
    r"(?:\((?:[a-z]{1,4}|xviii|[A-Z])\)"
    r"|(?:[a-z]|[A-Z]|[ivx]{2,5}|[IVX]{2,5})[.)](?=\s*\S))"
)
_CODE = (
    r"(?P<code>\[?(?P<prefix>[A-Z]{1,4})[ -]?(?P<n4>\d{1,3})"
    r"(?P<sign>\]?[.:)](?!\d)|\]|(?=\s+\S)))"
)
_MARK = re.compile(rf"\s*(?:(?P<bullet>{_BULLET})|{_CODE}|{_NUMBER}|{_LETTER})\s*")
_DASH = re.compile(r"-(?P<space>\s?)(?=\S)")
# Without it reads "* 1. a) - Asthma / * 2. b) - Gout" otherwise.
_MOST_MARKS = 3
"""Maximum number of list markers that a line may have, as in "* 1. a) Age"."""
_HASHES = re.compile(r"\s*(?P<hashes>#{1,6})\s+(?=\S)")
_BARE = re.compile(
    r"\s*(?P<n>\d{1,2})(?:(?:\s?-\s+)(?:(?P<sure>(?=[A-Z][a-z]|\d+ ?(?:to|-) ?\d))|(?=\S))"
    r"|\s\s\s*(?=\S)|,\s*(?=\S)|(?=[A-Z][A-Za-z]|[a-z][A-Z])"
    r"|(?P<blank>\s)(?:(?=[A-Z])|(?P<weak>(?=\w))))"
)
"""Matches a number that may be a list marker even if no full stop or bracket follows it. ``sure``
means that a single number suffices ("1 - Age", "1 - 18 to 65"), ``blank`` that only a space
follows ("1 Age"), and ``weak`` that the next word has no capital ("1 age").
"""
# Without it reads "Inclusion Criteria: / 1 Asthma / 2 Gout" otherwise.
_FEW_NUMBERS = 2
"""Maximum number of successive lines that may begin with a number without being treated as a
list.
"""
_CODES_OF_LISTS = frozenset(
    ["I", "E", "IC", "EC", "INC", "EXC", "IN", "EX", "SI", "SE", "INCL", "EXCL"]
)
_LEADERS = re.compile(r"(?<![. ])(?: ?\.){4,}\s*\d+\s*$")
_PRINTED = re.compile(
    r"(?:\d{1,2}[/.]\d{1,2}[/.]\d{4},? \d{1,2}:\d{2}|https?://\S+\s+\d+/\d+)$"
)
"""Text that a browser prints in page margins: the date, the address or the page number."""


_JOINT = re.compile(r"(?:and|or|and ?/ ?or)(?: either)?[:;,]?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line that contains words.

    Attributes:
        passage: Its words without the list marker.
        column: The column at which the line begins.
        text_column: The column at which its words begin.
        gap: Whether an empty line precedes the line.
        mark: The list marker as written, such as "3." or "*".
        style: The marker's style, such as "1." for "3.".
        ordinal: The marker's number; 0 for a bullet.
        hashes: The number of hashes in a Markdown heading.
        outer: The line as read before its last marker was recognised, or None.
        is_row: Whether the line is a table row.
        is_furniture: Whether the line is page furniture, a table header or an entry in a table of
            contents.
        follows_heading: Whether a heading precedes these words on the same line.
    """

    passage: Passage
    column: int
    text_column: int
    gap: bool
    mark: str = ""
    style: str = ""
    ordinal: int = 0
    hashes: int = 0
    outer: "TextLine | None" = None
    is_row: bool = False
    is_furniture: bool = False
    follows_heading: bool = False

    @property
    def text(self) -> str:
        """The words of the line."""
        return self.passage.text

    @property
    def tokens(self) -> Tokens:
        """The tokens of the words, without the rest of the section."""
        return self.passage.cut()

    @property
    def span(self) -> Range:
        """The offsets of the words in the cleaned text."""
        return self.passage.clean_span


def read_section_lines(section: LexedSection, vocabulary: Vocabulary) -> list[TextLine]:
    """Return the lines of a section that contain words, each with its list marker."""
    lines = list(map(_read_line, list_written(section, vocabulary)))
    lines = _drop_false_marks(lines)
    lines = _read_bare_numbers(_read_joined_dashes(lines))
    return list(_find_furniture(lines))


def _read_line(written: Written) -> TextLine:
    """Return a line with its list marker; if the line has several ("* 1."), the last marker is
    used.
    """
    passage = written.passage
    text = passage.tokens.text
    start, end = passage.clean_span
    column = len(text[written.begin : start].expandtabs(4))
    line = TextLine(
        passage,
        column,
        column,
        written.gap,
        is_row=written.is_row,
        is_furniture=written.is_furniture,
    )
    if _is_html_item(passage):
        line = replace(line, mark="<li>", style="<li>")
    hashes = _HASHES.match(text, start, end)
    if hashes:
        line = replace(line, hashes=len(hashes["hashes"]))
        start = hashes.end()
    line = _begin_at(line, start, passage)
    for _ in range(_MOST_MARKS):
        match = _MARK.match(text, start, end)
        if not match or match.end() >= end:
            break
        start = match.end()
        marked = _mark(line, match)
        line = _begin_at(marked, start, passage)
    return line


def _mark(line: TextLine, match: re.Match[str]) -> TextLine:
    """Return a line with a further list marker. ``match`` is a match of ``_MARK``."""
    mark = match[0].strip()
    if line.style.endswith("#") and match["bullet"]:
        # the dash of "IC1 - Asthma" is a part of the code
        return replace(line, mark=f"{line.mark} {mark}", outer=line)
    style, ordinal = _read_style(match)
    return replace(line, mark=mark, style=style, ordinal=ordinal, outer=line)


def _begin_at(line: TextLine, start: int, passage: Passage) -> TextLine:
    """Return a line whose words begin at offset ``start``, skipping leftover punctuation."""
    tokens = passage.tokens
    text_column = line.column + start - tokens.starts[passage.first]
    first = tokens.at(start)
    # the second full stop of "1. . Age"
    if line.mark and passage.end > first + 1 and tokens.words[first] in (".", ";"):
        first += 1
    words = passage.part(first, passage.end)
    return replace(line, passage=words, text_column=text_column)


def _read_style(match: re.Match[str]) -> tuple[str, int]:
    """Return the style of a list marker, a match of ``_MARK``, and its number.

    - a bullet: its sign and 0
    - a code ("I-4"): its letters with "#", and its number
    - a nested number ("1.2.3"): "1.1" with an "x" for each further level, and 0
    - any other marker: the last of its meanings
    """
    mark = match[0].strip()
    if match["bullet"]:
        return mark[:1], 0
    if match["code"]:
        return match["prefix"] + "#", int(match["n4"])
    if match["tail"]:
        return "1.1" + "x" * match["tail"].count("."), 0
    return list(list_marker_meanings(mark, *describe_mark(mark)))[-1]


def _is_html_item(passage: Passage) -> bool:
    """Return whether a line is immediately preceded by an HTML tag that begins an item."""
    start, _ = passage.raw_span
    raw = passage.section.raw[max(0, start - 80) : start].rstrip()
    return raw.endswith((">", "&gt;")) and ITEM.search(raw) is not None


def _drop_false_marks(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the lines, turning false list markers back into words: "CD20 positive", "E. coli",
    "I have".

    A letter is a list marker if it is the first in its sequence or if the adjacent letter begins
    another line. To count as a list marker, a code needs two of these three signs: an adjacent
    number on another line, the prefix of a criteria list, and punctuation.
    """
    ordinals: dict[str, set[int]] = {}
    for line in lines:
        for style, ordinal in list_marker_meanings(line.mark, line.style, line.ordinal):
            ordinals.setdefault(style, set()).add(ordinal)
    kept: list[TextLine] = []
    for line in lines:
        true_line = line
        while true_line.outer and _is_false_mark(true_line, ordinals):
            true_line = true_line.outer
        kept.append(true_line)
    return kept


def _is_false_mark(line: TextLine, ordinals: Mapping[str, set[int]]) -> bool:
    """Return whether a list marker is really a word. ``ordinals`` contains the numbers of all
    markers in the section, by style.
    """
    same_style = ordinals.get(line.style, set())
    has_neighbour = line.ordinal - 1 in same_style or line.ordinal + 1 in same_style
    if line.style.endswith("#"):
        is_list_code = line.style[:-1] in _CODES_OF_LISTS
        is_punctuated = line.mark[-1:] in (":", ".", ")", "]", "-")
        return (has_neighbour, is_list_code, is_punctuated).count(True) < 2
    first_letter = line.style.strip("(")[:1].lower()
    # the style of a letter is "a", that of a Roman numeral "i"; numbers and bullets are no words
    if first_letter not in ("a", "i"):
        return False
    if line.mark == "<li>":
        return False
    if has_neighbour:
        return False
    return line.ordinal != 1


def _read_joined_dashes(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """Return the lines, treating a dash directly before a number as a list marker if two lines or
    more begin with a dash and none of them has a space behind it: "-18 to 65 years" above "-EDSS of
    5.5". A single one is a minus ("between" above "-2.5 and 1").
    """
    wholes = [line.outer or line for line in lines]
    dashes = [_DASH.match(whole.passage.tokens.text, *whole.span) for whole in wholes]
    found = [dash["space"] for dash in dashes if dash]
    if len(found) < 2:
        return lines
    if any(found):
        return lines
    read = list(lines)
    for index, dash in enumerate(dashes):
        # a line that has a marker keeps it
        if dash and not lines[index].mark:
            marked = replace(lines[index], mark="-", style="-", outer=lines[index])
            read[index] = _begin_at(marked, dash.end(), lines[index].passage)
    return read


def _read_bare_numbers(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the lines, treating numbers without punctuation, or with a dash or a comma, as list
    markers if they count up from line to line: "1 Age", "1 - Age", "1Age", "1、Age".
    """
    numbers: dict[int, re.Match[str]] = {}
    for index, line in enumerate(lines):
        match = _BARE.match(line.passage.tokens.text, *line.span)
        if not match or line.mark:
            continue
        numbers[index] = match
    read = list(lines)
    for run in _list_counting(numbers):
        marks = [numbers[index] for index in run]
        are_cells = all(_ends_cell(lines[index], numbers[index]) for index in run)
        if not are_cells and not _is_numbering(marks):
            continue
        for index in run:
            read[index] = _mark_bare(read[index], numbers[index])
    return read


def _ends_cell(line: TextLine, match: re.Match[str]) -> bool:
    """Return whether a tab follows a number. In the cleaned text, it is a space."""
    section = line.passage.section
    end = match.end("n")
    raw_end, _ = section.cleaned.raw_span(end, end + 1)
    return section.raw[raw_end : raw_end + 1] == "\t"


def _list_counting(numbers: Mapping[int, re.Match[str]]) -> list[list[int]]:
    """Return the runs of numbers that count up from 1, each as the indexes of its lines. Lines
    without a number may intervene.
    """
    runs: list[list[int]] = []
    for index, match in numbers.items():
        number = int(match["n"])
        if number == 1:
            runs.append([index])
        elif runs and number == len(runs[-1]) + 1:
            runs[-1].append(index)
        else:
            # a number out of order ends the run
            runs.append([])
    return [run for run in runs if run]


def _is_numbering(marks: Sequence[re.Match[str]]) -> bool:
    """Return whether numbers at the starts of lines are list markers; this requires at least three
    numbers, two with a dash or without a space, or one with a dash before a capital or a range. At
    most half of the numbers may be followed by a word without a capital.
    """
    if len(marks) == 1:
        return marks[0]["sure"] is not None
    weak = [mark for mark in marks if mark["weak"] is not None]
    # "2 prior lines", "3 months of ..." are words, not items
    if len(weak) * 2 > len(marks):
        return False
    has_no_space = all(mark["blank"] is None for mark in marks)
    return len(marks) > _FEW_NUMBERS or has_no_space


def _mark_bare(line: TextLine, match: re.Match[str]) -> TextLine:
    """Return a line with its leading number, which has no punctuation, as its list marker."""
    first = line.passage.tokens.at(match.end())
    return replace(
        line,
        passage=line.passage.part(first, line.passage.end),
        mark=match["n"],
        style="1",
        ordinal=int(match["n"]),
    )


def _find_furniture(lines: Sequence[TextLine]) -> Iterator[TextLine]:
    """Yield the lines, marking as furniture page margins, table-of-contents entries and the words
    that join two items: "OR".
    """
    for line, below in zip_longest(lines, lines[1:]):
        is_furniture = line.is_furniture or _is_furniture(line, below)
        yield replace(line, is_furniture=is_furniture)


def _is_furniture(line: TextLine, below: TextLine | None) -> bool:
    """Return whether a line is a page margin, an entry of a table of contents or the word that
    joins two items.
    """
    # a line with a list marker is an item, whatever page it mentions
    if not line.mark and is_page_edge(line.tokens):
        return True
    if _PRINTED.match(line.text) or _LEADERS.search(line.text):
        return True
    is_above_item = below is not None and below.mark != ""
    return is_above_item and _JOINT.match(line.text) is not None
