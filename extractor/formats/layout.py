"""Read the lines of a text in reading order, using the outline.

A table row never continues the row above. If the first cell of a row is a heading, the other cells
are its content. If the column names of a table are headings, the table is read column by column.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import NamedTuple

from extractor.language.book import read_text, rule
from extractor.language.passage import read_passage, read_section, strip_span
from extractor.outline import Block, BlockKind, Vocabulary, read_outline
from extractor.outline.headings import find_heading

TITLE = "title"
DESCRIPTION = "detailed_description"
ELIGIBILITY = "eligibility"
ARMS = "arms"
INTERVENTIONS = "interventions"
OUTCOMES = ("primary_outcomes", "secondary_outcomes", "other_outcomes")
ITEMS = (ARMS, INTERVENTIONS, *OUTCOMES)
"""The numbered sections. Each item becomes one section."""
RANKS = dict(zip(("primary", "secondary", "other"), OUTCOMES, strict=True))
"""The section that a rank without the word "outcome" opens below an outcomes heading."""
SECTIONS = {
    **RANKS,
    **dict.fromkeys(("criteria", "inclusion", "exclusion"), ELIGIBILITY),
    "arm": ARMS,
    "group": ARMS,
    "treatment": INTERVENTIONS,
    "health_conditions": "conditions",
    "objectives": DESCRIPTION,
    "dose_row": INTERVENTIONS,
    "course_row": DESCRIPTION,
    "length_row": DESCRIPTION,
    "field": DESCRIPTION,
    "label": DESCRIPTION,
}
PRODUCT_ROWS = ("dose_row", "course_row", "length_row")
"""Kinds of headings whose text belongs to the product above them."""
STATES = ("arm", "group", "treatment")
"""Kinds of headings that begin an item."""
VOCABULARY = Vocabulary(
    "text_headings",
    spelling=(
        "inclusion",
        "inclusions",
        "exclusion",
        "exclusions",
        "criteria",
        "eligibility",
    ),
    lookalikes=frozenset(
        {"infusion", "infusions", "criterion", "occlusion", "conclusion", "effusion"}
    ),
    run_on="list_run_on",
    front="text_front",
)


def name_section(kind: str | None) -> str | None:
    """Return the section that a kind of heading opens.

    >>> name_section("criteria"), name_section("title")
    ('eligibility', 'title')
    """
    if kind:
        return SECTIONS.get(kind, kind)
    return None


CharRange = tuple[int, int]
"""Half-open offsets into a text."""
LINE = re.compile(r"[^\r\n]+")
_CELL = re.compile(r"[^|\t]+")
_PAGE_NUMBER = re.compile(r"[ \t]*[-–—] ?\d{1,4} ?[-–—][ \t]*$", re.MULTILINE)
_MARK = re.compile(
    r"[ \t>]*(?P<mark>[*_]*(?:#{1,6}|={2,6}|(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2})*[.)]?"
    r"|[A-HIVX]{1,4}[.)]))[ \t]"
)
_NUMBER = re.compile(r"(?P<number>\d{1,2}(?:\.\d{1,2})*)[.)]?")
_RANK = re.compile(
    r"[\s#*_|]*(?P<rank>(?:key )?(?:primary|secondary|tertiary|exploratory|other|safety))"
    r"(?: (?:efficacy )?(?:objectives?|end ?points?|outcomes?)(?:\(s\))?)?[\s:*_|]*",
    re.IGNORECASE,
)
"""A rank that is alone in a row of a table."""
_RANK_IN_FRONT = re.compile(
    r"[\s#*_|]*(?P<rank>(?:key )?(?:primary|secondary|tertiary|exploratory|safety))[ \t*_]*:",
    re.IGNORECASE,
)
"""A rank in front of an objective, in the first cell of a row."""
_OBJECTIVES = re.compile(
    r"[^a-zA-Z\n]{0,20}(?:(?:table|study|trial)\b[^a-zA-Z\n]{0,8}){0,2}(?P<objectives>objectives?)"
    r"[^\n]{1,40}?\b(?P<endpoints>end ?points?|outcome measures?|outcomes?)\W*",
    re.IGNORECASE,
)
"""The line above a table with a column of objectives and one of endpoints."""
_DIGITS = re.compile(r"\d+")
_BREAK = re.compile(
    r"(?:(?<![\w-])(?P<word>[a-z]{2,40})-(?=[ \t]*\n\s*[a-z]))?(?<![ \t])[ \t]*+\n\s*+"
)
_WORD = re.compile(r"(?<![\w-])[a-z]{2,40}(?!-?\w|-[ \t]*\n)")
_SOFT = "\u00ad"
ROW_RANKS = ("primary", "secondary")
"""Ranks that may stand alone before endpoints, or in a cell beside one."""
_COLUMN_OF_RANKS = "rank"
_ROW = 3
"""The number of cells of a row whose last cell may be its kind."""
_MOST_CELLS = 4
"""Only this many cells at the start of a row are checked for headings."""


@dataclass(slots=True)
class PlacedBlock:
    """A block of the outline in a text.

    Attributes:
        block: The block.
        start: The offset of its list marker or indentation.
        words_start: The offset of its words.
        end: The end offset.
        continues_line: Whether another block precedes it on the same line.
        has_unknown_label: Whether it is a row in a table of labels and texts and its label is not
            a known heading.
        style: The style of its mark, with digits replaced by "1".
        number: The numbers of its mark, such as (5, 2) for "5.2"; empty for other marks.
        belongs_above: Whether it belongs to the product above it, as rows of a synopsis do.
        ends_columns: Whether it is the first block below a table that was read by columns.
    """

    block: Block
    start: int
    words_start: int
    end: int
    continues_line: bool
    has_unknown_label: bool
    style: str
    number: tuple[int, ...] = ()
    ends_columns: bool = False
    belongs_above: bool = False

    @property
    def is_item(self) -> bool:
        """Whether the block has a list marker."""
        if self.block.mark != "":
            return True
        return self.block.kind is BlockKind.ITEM


def read_entries(text: str, shown: str) -> list[PlacedBlock]:
    """Return the blocks of a text in reading order, excluding page headers, footers and page
    numbers. ``shown`` is the text as readers see it, and has the same length as ``text``.
    """
    entries: list[PlacedBlock] = []
    is_in_columns = False
    for (first, last), has_unknown_label, is_column in _list_parts(text):
        end = -1
        ends_columns = is_in_columns and not is_column
        is_in_columns = is_column
        for block in read_outline(read_section("text", text[first:last]), VOCABULARY):
            words_start = first + block.start
            line_start = max(first, shown.rfind("\n", first, words_start) + 1)
            # the previous block ends on the same line
            continues_line = line_start < end
            end = first + block.end
            # a line such as "- 12 -"
            is_page_number = _PAGE_NUMBER.match(shown, line_start) is not None
            if is_page_number:
                continue
            if block.kind is BlockKind.FURNITURE:
                continue
            start = line_start
            if continues_line:
                start = words_start
            mark = _MARK.match(shown, line_start)
            style = block.style
            number = None
            if mark:
                style = _DIGITS.sub("1", mark["mark"])
                number = _NUMBER.fullmatch(mark["mark"])
            entries.append(
                PlacedBlock(
                    block,
                    start,
                    words_start,
                    end,
                    continues_line,
                    has_unknown_label,
                    style,
                    tuple(map(int, number["number"].split("."))) if number else (),
                    ends_columns,
                )
            )
            ends_columns = False
    return entries


def join_lines(text: str, entries: Sequence[PlacedBlock]) -> str:
    """Return a text of the same length as the input, in which the lines of each entry are joined
    by spaces, or by soft hyphens if a hyphen splits a word at the line end. Doubtful entries are
    unchanged.
    """
    # if "treatment" is a word in the text, "treatment-" at a line end keeps its hyphen
    words = set(_WORD.findall(text))
    characters = list(text)
    for entry in entries:
        if entry.block.doubt:
            continue
        for line_end in _BREAK.finditer(text, entry.words_start, entry.end):
            word = line_end["word"] or ""
            before_gap = word
            if word in words:
                before_gap = f"{word}-"
            filler = " "
            if word:
                filler = _SOFT
            # one character for each of the original, so that the offsets stay valid
            joined = before_gap.ljust(len(line_end[0]), filler)
            characters[slice(*line_end.span())] = joined
    return "".join(characters)


def find_cells(text: str, start: int, end: int) -> list[CharRange]:
    """Return the cells of a line that contain words.

    >>> find_cells("| Age | 18 |", 0, 12)
    [(2, 5), (8, 10)]
    """
    return [
        strip_span(text, *cell.span())
        for cell in _CELL.finditer(text, start, end)
        if cell[0].strip()
    ]


class _OutlinedPart(NamedTuple):
    """A part of a text that is outlined separately, see ``_list_parts``. ``is_column`` means that
    it is a cell of a table that is read by columns.
    """

    span: CharRange
    has_unknown_label: bool = False
    is_column: bool = False


def _list_parts(text: str) -> Iterator[_OutlinedPart]:
    """Yield the parts of a text that are outlined separately:
    the lines between tables, and the cells or rows of tables. ``has_unknown_label`` is True for a
    row in a table of labels and texts if its label is not a known heading. An empty text has no
    parts.
    """
    above = (0, 0)  # the last line of the group above
    all_lines = [line.span() for line in LINE.finditer(text)]
    for is_table, lines in _group_rows(text, all_lines):
        start, _ = lines[0]
        _, end = lines[-1]
        if is_table:
            yield from _list_cells(text, lines, _find_columns(text, above))
        else:
            yield _OutlinedPart((start, end))
        above = lines[-1]


def _group_rows(
    text: str, lines: Sequence[CharRange]
) -> Iterator[tuple[bool, list[CharRange]]]:
    """Yield the groups of successive lines, each with whether it is a table. A rank belongs to the
    rows below it, and a line whose first cell is empty to the rows above it.
    """
    group: list[CharRange] = []
    is_table = False
    for line, below in zip_longest(lines, lines[1:]):
        is_row = _is_row(text, line)
        if not is_row and below and _is_row(text, below):
            is_row = _find_rank(text, line) is not None
        if not is_row and is_table:
            is_row = text[line[0]] == "\t" and bool(find_cells(text, *line))
        if group and is_row != is_table:
            yield is_table, group
            group = []
        is_table = is_row
        group.append(line)
    if group:
        yield is_table, group


def _find_rank(text: str, line: CharRange) -> CharRange | None:
    """Return the rank in a line that is only a rank, with a noun or without one: "Primary",
    "Key secondary objectives".
    """
    rank = _RANK.fullmatch(text, *line)
    if rank:
        return rank.span("rank")
    return None


def _find_columns(text: str, above: CharRange) -> list[list[CharRange]]:
    """Return the columns that the line above a table names, each with the word that names it:
    "Objectives and endpoints".
    """
    names = _OBJECTIVES.fullmatch(text, *above)
    if names:
        return [[names.span("objectives")], [names.span("endpoints")]]
    return []


def _is_row(text: str, line: CharRange) -> bool:
    """Return whether a line has several cells or is an outcome rank that divides a table."""
    words = text[slice(*line)].strip()
    if words.lower() in RANKS:
        return True
    return len(find_cells(text, *line)) > 1


def _list_cells(
    text: str, rows: Sequence[CharRange], named: list[list[CharRange]]
) -> Iterator[_OutlinedPart]:
    """Yield the cells or rows of a table, omitting a row of plain column names. The cells below a
    row of headings are yielded column by column; a row without any heading is yielded whole.
    ``named`` contains the columns that the line above the table names.
    """
    columns = named  # not empty below a row of headings
    # rows below a row with a known label are labels and texts, too
    follows_label = False
    for row in rows:
        cells = find_cells(text, *row)
        shown = [text[slice(*cell)] for cell in cells]
        # "Primary outcomes" above the names of the columns
        is_rank = len(cells) == 1 and _find_rank(text, cells[0]) is not None
        if not is_rank and _names_columns(shown):  # "Arm | Description"
            # "Endpoint | Rank | Time", where each row states its own rank
            if _COLUMN_OF_RANKS in map(str.lower, shown) and _is_heading(shown[0]):
                yield _OutlinedPart(cells[0])
            continue
        title = _find_only_title(cells, shown)
        if title:
            yield _OutlinedPart(title)
            continue
        headings = [_is_heading(cell) for cell in shown[:_MOST_CELLS]]
        if headings.count(True) > 1:  # "Inclusion criteria | Exclusion criteria"
            # the first row of headings replaces what the line above the table names
            if columns is not named:
                yield from _list_columns(columns)
            columns = [[cell] for cell in cells]
        elif columns:
            _fill_columns(text, row, columns)
        elif _is_heading(" ".join(shown)):  # "Eligibility criteria | Value"
            yield _OutlinedPart(row)
        elif headings[0] and len(cells) > 1:  # "Primary endpoint | Pain | week 4"
            follows_label = True
            yield _OutlinedPart(cells[0])
            yield _OutlinedPart((cells[1][0], cells[-1][1]))
        elif _ranks_row(shown):
            yield from map(_OutlinedPart, _put_rank_first(cells, shown))
        # "I1 | Gout for 2 years | Disease": the last cell is the kind of the row
        elif _is_kind_of_row(headings, shown):
            yield _OutlinedPart((row[0], cells[-2][1]), follows_label)
        elif any(headings):  # "3.1 | Inclusion criteria"
            yield from map(_OutlinedPart, cells)
        else:
            yield _OutlinedPart(row, follows_label)
    yield from _list_columns(columns)


def _find_only_title(
    cells: Sequence[CharRange], shown: Sequence[str]
) -> CharRange | None:
    """Return the only heading of a row whose other cells are names of columns, as in "No. |
    Inclusion criteria | Yes | No"; otherwise, None. ``shown`` contains the words of the cells.
    """
    titles: list[CharRange] = []
    others: list[str] = []
    for cell, words in zip(cells, shown, strict=True):
        if _is_heading(words):
            titles.append(cell)
        else:
            others.append(words)
    if len(titles) == 1 and others and _names_columns(others):
        return titles[0]
    return None


def _put_rank_first(
    cells: Sequence[CharRange], shown: Sequence[str]
) -> list[CharRange]:
    """Return the cells of a row with the rank as the heading of the outcome in front of it."""
    ranks: list[CharRange] = []
    others: list[CharRange] = []
    for cell, words in zip(cells, shown, strict=True):
        if words.lower() in ROW_RANKS:
            ranks.append(cell)
        else:
            others.append(cell)
    return [*ranks, *others]


def _ranks_row(cells: Sequence[str]) -> bool:
    """Return whether a cell behind the first one is the rank of an outcome, and the only one:
    "Overall survival | Primary | 24 months".
    """
    ranks = [words.lower() in ROW_RANKS for words in cells]
    return ranks.count(True) == 1 and not ranks[0]


def _is_kind_of_row(headings: Sequence[bool], cells: Sequence[str]) -> bool:
    """Return whether the last of at least three cells is the only heading of a row, and opens no
    list of criteria.
    """
    # a long row, of which not all cells were read
    if len(cells) != len(headings):
        return False
    if len(cells) < _ROW:
        return False
    if not headings[-1] or headings.count(True) > 1:
        return False
    heading = find_heading(read_passage(cells[-1]), VOCABULARY)
    return heading is None or name_section(heading.name) != ELIGIBILITY


def _list_columns(columns: Sequence[Sequence[CharRange]]) -> Iterator[_OutlinedPart]:
    """Yield the cells of a table, column by column."""
    for cell in chain(*columns):
        yield _OutlinedPart(cell, is_column=True)


def _fill_columns(
    text: str, row: CharRange, columns: Sequence[list[CharRange]]
) -> None:
    """Add the cells of a row to the columns. A rank that is alone in its row, or stands in a cell
    before those of the columns, applies to all columns. Further cells belong to the last column,
    as does a cell behind an empty one.
    """
    cells = find_cells(text, *row)
    rank = _find_rank(text, cells[0])
    opening = _RANK_IN_FRONT.match(text, *cells[0])
    # as in "Primary: to show efficacy | ORR at week 24"
    if rank is None and opening:
        for column in columns[1:]:
            column.append(opening.span("rank"))
    is_alone = len(cells) == 1
    is_before_columns = len(cells) > len(columns)
    if rank and (is_alone or is_before_columns):
        for column in columns:
            column.append(rank)
        cells = cells[1:]
    elif is_alone and text[row[0]] == "\t":
        columns[-1].append(cells.pop())
    for place, cell in enumerate(cells):
        columns[min(place, len(columns) - 1)].append(cell)


def _is_heading(cell: str) -> bool:
    """Return whether a cell is a heading or begins with a criteria heading. Headings of individual
    arms and interventions are ignored.
    """
    heading = find_heading(read_passage(cell), VOCABULARY)
    if heading is None:
        return False
    if heading.name in STATES:
        return False
    if heading.is_whole:
        return True
    return name_section(heading.name) == ELIGIBILITY


def _names_columns(cells: Sequence[str]) -> bool:
    """Return whether the cells of a row are the column names of a table of arms or outcomes."""
    names = [read_text(cell.strip(" *_:")) for cell in cells]
    pattern = rule("name_of_column")
    return all(pattern.covers(name, 0, len(name)) is not None for name in names)
