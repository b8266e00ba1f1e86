"""Read the lines of a text in reading order, using the outline.

A table row never continues the row above. If the first cell of a row is a heading, the other cells
are its content. If the column names of a table are headings, the table is read column by column.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

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
    "field": DESCRIPTION,
    "label": DESCRIPTION,
}
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
_DIGITS = re.compile(r"\d+")
_BREAK = re.compile(
    r"(?:(?<![\w-])(?P<word>[a-z]{2,40})-(?=[ \t]*\n\s*[a-z]))?(?<![ \t])[ \t]*+\n\s*+"
)
_WORD = re.compile(r"(?<![\w-])[a-z]{2,40}(?!-?\w|-[ \t]*\n)")
_SOFT = "\u00ad"
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
        opens: The section that a cell of a table of objectives belongs to; empty for others.
    """

    block: Block
    start: int
    words_start: int
    end: int
    continues_line: bool
    has_unknown_label: bool
    style: str
    number: tuple[int, ...] = ()
    opens: str = ""

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
    for (first, last), has_unknown_label in _list_parts(text):
        end = -1
        for block in read_outline(read_section("text", text[first:last]), VOCABULARY):
            words_start = first + block.start
            line_start = max(first, shown.rfind("\n", first, words_start) + 1)
            # the previous block ends on the same line
            continues_line = line_start < end
            end = first + block.end
            # a line such as "- 12 -"
            is_page_number = _PAGE_NUMBER.match(shown, line_start) is not None
            if is_page_number or block.kind is BlockKind.FURNITURE:
                continue
            start = line_start
            if continues_line:
                start = words_start
            mark = _MARK.match(shown, line_start)
            style = _DIGITS.sub("1", mark["mark"]) if mark else block.style
            number = _NUMBER.fullmatch(mark["mark"]) if mark else None
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
                )
            )
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
            before_gap = f"{word}-" if word in words else word
            filler = _SOFT if word else " "
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


def _list_parts(text: str) -> Iterator[tuple[CharRange, bool]]:
    """Yield, as (span, has_unknown_label) pairs, the parts of a text that are outlined separately:
    the lines between tables, and the cells or rows of tables. ``has_unknown_label`` is True for a
    row in a table of labels and texts if its label is not a known heading. An empty text has no
    parts.
    """
    all_lines = [line.span() for line in LINE.finditer(text)]
    for is_table, group in groupby(all_lines, key=lambda line: _is_row(text, line)):
        lines = list(group)
        if is_table:
            yield from _list_cells(text, lines)
            continue
        start, _ = lines[0]
        _, end = lines[-1]
        yield (start, end), False


def _is_row(text: str, line: CharRange) -> bool:
    """Return whether a line has several cells or is an outcome rank that divides a table."""
    words = text[slice(*line)].strip()
    if words.lower() in RANKS:
        return True
    return len(find_cells(text, *line)) > 1


def _list_cells(
    text: str, rows: Sequence[CharRange]
) -> Iterator[tuple[CharRange, bool]]:
    """Yield the cells or rows of a table as (span, has_unknown_label) pairs, omitting a row of
    plain column names. The cells below a row of headings are yielded column by column; a row
    without any heading is yielded whole.
    """
    columns: list[list[CharRange]] = []  # not empty below a row of headings
    # rows below a row with a known label are labels and texts, too
    follows_label = False
    for row in rows:
        cells = find_cells(text, *row)
        shown = [text[slice(*cell)] for cell in cells]
        headings = [_is_heading(cell) for cell in shown[:_MOST_CELLS]]
        parts: list[CharRange] = []
        if _names_columns(shown):  # "Arm | Description"
            continue
        if headings.count(True) > 1:  # "Inclusion criteria | Exclusion criteria"
            parts = list(chain(*columns))
            columns = [[cell] for cell in cells]
        elif columns:
            # a rank that is alone in its row applies to all columns
            for column, cell in zip(columns, cells * len(columns), strict=False):
                column.append(cell)
        elif _is_heading(" ".join(shown)):  # "Eligibility criteria | Value"
            parts = [row]
        elif headings[0] and len(cells) > 1:  # "Primary endpoint | Pain | week 4"
            follows_label = True
            label, *contents = cells
            content_start, _ = contents[0]
            _, content_end = contents[-1]
            parts = [label, (content_start, content_end)]
        elif any(headings):  # "3.1 | Inclusion criteria"
            parts = cells
        else:
            yield row, follows_label
        for part in parts:
            yield part, False
    for part in chain(*columns):
        yield part, False


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
