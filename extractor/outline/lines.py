"""The lines of a text as they are written: where they begin, list markers, table rows and page
furniture.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from extractor.language.lexer import Tokens
from extractor.language.markup import ITEM
from extractor.language.passage import LexedSection, Passage
from extractor.language.wrapping import is_page_edge

_BULLET = (
    r"(?:[•·▪◦○●■□➢✓✔→⁃∙‣§]\s*|[*+](?=\s)|-{1,2}(?=\s|[A-Z]|[a-z][A-Z])|o\s(?=\s*\S)|\[[ xX]\]"
    r"|(?:>+(?=\s+(?:\d+[.)]|[-*•])\s))|\\?>\s+(?=[A-Z][a-z]))"
)
_NUMBER = (
    r"(?P<number>\(\d{1,2}\)|\[\d{1,2}\]|\d{1,2} ?[.)](?!\d)(?=\s|[A-Za-z(])"
    r"|\d{1,2}(?:\.\)|:|、)(?=\s*[^\W\d]|\s+\d)|#\d{1,2}(?=\s)"
    r"|(?P<circled>[①-⑳])|(?:Criterion|No\.) \d{1,2}:?(?=\s)|[IE]#\d{1,2}(?=\s)"
    r"|\d{1,2}(?P<tail>(?:\.\d{1,2}){1,3})(?:\.?(?=\s+[A-Z(])|(?<=\.\d\.\d)(?=\s+\S)))"
)
_LETTER = (
    r"(?P<letter>\((?P<l1>[a-z]{1,4}|[A-Z])\)"
    r"|(?P<l2>[a-z]|[A-Z]|[ivx]{2,4}|[IVX]{2,4})[.)](?=\s*\S))"
)
_CODE = (
    r"(?P<code>\[?(?P<prefix>[A-Z]{1,4})[ -]?(?P<n4>\d{1,3})"
    r"(?P<sign>\]?[.:)](?!\d)|\]|(?=\s+\S)))"
)
_MARK = re.compile(rf"\s*(?:(?P<bullet>{_BULLET})|{_CODE}|{_NUMBER}|{_LETTER})\s*")
_HASHES = re.compile(r"\s*(?P<hashes>#{1,6})\s+(?=\S)")
_BARE = re.compile(
    r"\s*(?P<n>\d{1,2})(?:(?P<dash>\s?-\s+)(?:(?P<sure>(?=[A-Z][a-z]|\d+ ?(?:to|-) ?\d))|(?=\S))"
    r"|\s\s\s*(?=\S)|,\s*(?=\S)|(?=[A-Z][A-Za-z]|[a-z][A-Z])"
    r"|(?P<blank>\s)(?:(?=[A-Z])|(?P<weak>(?=\w))))"
)
_FEW_NUMBERS = 2
"""Numbers that may begin a line outside a list."""
_ROW = re.compile(r"\s*\|.*\S\s*$")
_RULE = re.compile(r"(?:[|:\-=_*\s]{3,}+|\s*+>+)$")
_CODES_OF_LISTS = frozenset(
    ["I", "E", "IC", "EC", "INC", "EXC", "IN", "EX", "SI", "SE", "INCL", "EXCL"]
)
ROMAN = [
    "i",
    "ii",
    "iii",
    "iv",
    "v",
    "vi",
    "vii",
    "viii",
    "ix",
    "x",
    "xi",
    "xii",
    "xiii",
    "xiv",
    "xv",
]
_LEADERS = re.compile(r"(?<![. ])(?: ?\.){4,}\s*\d+\s*$")
_PRINTED = re.compile(
    r"(?:\d{1,2}[/.]\d{1,2}[/.]\d{4},? \d{1,2}:\d{2}|https?://\S+\s+\d+/\d+)$"
)
"""Text that a browser prints in page margins: the date, the address and the page number."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that contains words. ``passage`` is its words without the list marker. ``column`` is
    the column of the marker, and ``text_column`` that of the words. ``mark`` is the marker as
    written, ``style`` its style ("1." or "*"), and ``ordinal`` its number. ``gap`` means that an
    empty line precedes it, and ``is_behind_heading`` that it follows a heading on the same line.
    """

    passage: Passage
    column: int
    text_column: int
    gap: bool
    mark: str = ""
    style: str = ""
    ordinal: int = 0
    hashes: int = 0
    outer: "Line | None" = None
    is_row: bool = False
    is_furniture: bool = False
    is_behind_heading: bool = False

    @property
    def text(self) -> str:
        """The words of the line."""
        return self.passage.text

    @property
    def tokens(self) -> Tokens:
        """The tokens of the words alone."""
        return self.passage.tokens.cut(self.passage.first, self.passage.end)

    @property
    def span(self) -> tuple[int, int]:
        """The place of the words in the cleaned text."""
        return self.passage.tokens.span(self.passage.first, self.passage.end)


def read_lines(section: LexedSection) -> list[Line]:
    """Return the lines of a section that contain words, each with its list marker."""
    lines: list[Line] = []
    end_above = 0
    for written in section.lines():
        start, end = section.tokens.span(written.first, written.end)
        text = section.tokens.text
        begin = text.rfind("\n", 0, start) + 1
        gap = text.count("\n", end_above, start) > 1
        end_above = end
        passage = strip_signs(written, "-•·")
        if _RULE.match(text, begin, end) or passage.end <= passage.first:
            continue
        lines.append(_read_line(passage, begin, gap=gap))
    lines = _drop_false_marks(lines)
    lines = _read_bare_numbers(lines)
    lines = _read_tables(lines)
    return list(_find_furniture(lines))


def _read_line(passage: Passage, begin: int, *, gap: bool) -> Line:
    """Return one line with its list marker; if it has several ("* 1."), the last one counts.
    ``begin`` is the offset at which the line begins in the text.
    """
    text = passage.tokens.text
    start, end = passage.tokens.span(passage.first, passage.end)
    column = len(text[begin:start].expandtabs(4))
    line = Line(passage, column, column, gap)
    hashes = _HASHES.match(text, start, end)
    if hashes:
        line = replace(line, hashes=len(hashes["hashes"]))
        start = hashes.end()
    line = _begin_at(line, start, passage)
    for _ in range(3):
        found = _MARK.match(text, start, end)
        if not found or found.end() >= end:
            break
        style, ordinal = describe_mark(found)
        start = found.end()
        marked = replace(
            line, mark=found[0].strip(), style=style, ordinal=ordinal, outer=line
        )
        line = _begin_at(marked, start, passage)
    if not line.mark and _is_html_item(passage):
        line = replace(line, mark="<li>", style="<li>")
    return line


def _begin_at(line: Line, start: int, passage: Passage) -> Line:
    """Return a line whose words begin at an offset in the text, skipping leftover punctuation."""
    tokens = passage.tokens
    text_column = line.column + start - tokens.starts[passage.first]
    first = tokens.at(start)
    if line.mark and passage.end > first + 1 and tokens.words[first] in (".", ";"):
        first += 1
    words = passage.part(first, passage.end)
    return replace(line, passage=words, text_column=text_column)


def strip_signs(passage: Passage, signs: str = ";,") -> Passage:
    """Return a passage without leftover punctuation at its end."""
    words = passage.tokens.words
    end = passage.end
    while end > passage.first and words[end - 1] in signs:
        end -= 1
    return passage.part(passage.first, end)


def describe_mark(found: re.Match[str]) -> tuple[str, int]:
    """Return the style of a list marker and its number, which is 0 for a bullet."""
    written = found[0].strip()
    if found["bullet"]:
        return written[:1], 0
    if found["code"]:
        return found["prefix"] + "#", int(found["n4"])
    if found["circled"]:
        return "①", ord(found["circled"]) - ord("①") + 1
    if found["tail"]:
        return "1.1" + "x" * found["tail"].count("."), 0
    if found["number"]:
        digits = re.sub(r"\D+", "", written)
        return written.replace(digits, "1"), int(digits)
    letters = found["l1"] or found["l2"]
    is_roman = letters.lower() in ROMAN and letters.lower() not in ("c", "d")
    sort = "i" if is_roman else "a"
    ordinal = ord(letters[0].lower()) - 96
    if is_roman:
        ordinal = ROMAN.index(letters.lower()) + 1
    return written.replace(
        letters, sort.upper() if letters.isupper() else sort
    ), ordinal


def _is_html_item(passage: Passage) -> bool:
    """Return whether an HTML tag that begins an item immediately precedes a line."""
    start, _ = passage.raw_span
    raw = passage.section.raw[max(0, start - 80) : start].rstrip()
    return raw.endswith((">", "&gt;")) and ITEM.search(raw) is not None


def _drop_false_marks(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, removing list markers that are really words: "CD20 positive", "E. coli",
    "I have".

    A code or a letter is a list marker if it is the first in its sequence or follows the previous
    one in its sequence.
    """
    following: dict[str, set[int]] = {}
    for line in lines:
        for style, ordinal in _list_meanings(line):
            following.setdefault(style, set()).add(ordinal)
    kept: list[Line] = []
    for line in lines:
        true_line = line
        while true_line.outer and _is_false_mark(true_line, following):
            true_line = true_line.outer
        kept.append(true_line)
    return kept


def _list_meanings(line: Line) -> Iterator[tuple[str, int]]:
    """Yield the (style, number) pairs of a list marker; a Roman "i", "v" or "x" is also read as a
    letter.
    """
    yield line.style, line.ordinal
    letter = line.mark.strip("().")
    if len(letter) == 1 and letter in "ivxIVX":
        style = line.style.replace("i", "a").replace("I", "A")
        yield style, ord(letter.lower()) - ord("a") + 1


def _is_false_mark(line: Line, following: Mapping[str, set[int]]) -> bool:
    others = following.get(line.style, set())
    is_next = line.ordinal - 1 in others or line.ordinal + 1 in others
    if line.style.endswith("#"):
        is_of_list = line.style[:-1] in _CODES_OF_LISTS
        is_signed = line.mark[-1:] in (":", ".", ")", "]")
        return (is_next, is_of_list, is_signed).count(True) < 2
    sort = line.style.strip("(")[:1].lower()
    if sort not in ("a", "i") or line.mark == "<li>":
        return False
    return not is_next and line.ordinal != 1 and not _counts_on(line)


def _counts_on(line: Line) -> bool:
    """Return whether the next letter is a list marker within the line: "e. Asthma f. COPD"."""
    following = re.escape(line.mark[:-2] + chr(ord(line.mark[-2]) + 1) + line.mark[-1])
    return re.search(rf"\s{following}\s", line.text) is not None


def _read_bare_numbers(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, treating numbers without punctuation, or with a dash or a comma, as list
    markers where successive lines count up: "1 Age", "1 - Age", "1Age", "1、Age".
    """
    numbers: list[re.Match[str] | None] = []
    for line in lines:
        text = line.passage.tokens.text
        found = None if line.mark else _BARE.match(text, *line.span)
        numbers.append(found)
    read = list(lines)
    for run in _list_counting(numbers):
        marks = [mark for place in run if (mark := numbers[place])]
        if _is_numbering(marks):
            for place, mark in zip(run, marks, strict=True):
                read[place] = _mark_bare(read[place], mark)
    return read


def _list_counting(numbers: Sequence[re.Match[str] | None]) -> Iterator[list[int]]:
    """Yield the indexes of lines whose numbers count up from 1; unnumbered lines may intervene."""
    run: list[int] = []
    for place, found in enumerate(numbers):
        if found is None:
            continue
        number = int(found["n"])
        if number != len(run) + 1:
            yield run
            run = []
        if number == len(run) + 1:
            run.append(place)
    yield run


def _is_numbering(marks: Sequence[re.Match[str]]) -> bool:
    """Return whether numbers at the starts of lines are list markers: at least three of them, two
    with a dash or without a space, or one with a dash before a capital or a range. At most half of
    the numbers may precede a word without a capital.
    """
    if len(marks) == 1:
        return marks[0]["sure"] is not None
    weak = [mark for mark in marks if mark["weak"] is not None]
    if len(weak) * 2 > len(marks):
        return False
    return len(marks) > _FEW_NUMBERS or (
        len(marks) > 1 and all(mark["blank"] is None for mark in marks)
    )


def _mark_bare(line: Line, found: re.Match[str]) -> Line:
    first = line.passage.tokens.at(found.end())
    return replace(
        line,
        passage=line.passage.part(first, line.passage.end),
        mark=found["n"],
        style="1-" if found["dash"] else "1",
        ordinal=int(found["n"]),
    )


def _read_tables(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, reducing each table row to its longest cell and marking header rows, which
    are followed by a ruled line, as furniture.
    """
    read: list[Line] = []
    for line in lines:
        text = line.passage.tokens.text
        start, end = line.span
        if not _ROW.match(text, start, end):
            read.append(line)
            continue
        behind = text[end : end + 80].lstrip("\n")
        is_header = re.match(r"\s*\|[\s:|-]*-[\s:|-]*(?:\n|$)", behind) is not None
        cells = _find_cells(line.passage)
        row = replace(line, passage=cells, is_row=True, is_furniture=is_header)
        read.append(row)
    return read


def _find_cells(passage: Passage) -> Passage:
    """Return a row from its first to its last cell that contains words."""
    words = passage.tokens.words
    first = passage.first
    stop = passage.end
    for place in range(first, stop):
        if words[place] == "|":
            first = place + 1
        elif words[place][:1].isalpha():
            break
    while stop > first and words[stop - 1] == "|":
        stop -= 1
    return passage.part(first, stop)


def _find_furniture(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines, marking page edges and table-of-contents entries as furniture."""
    for line in lines:
        is_edge = not line.mark and is_page_edge(line.tokens)
        is_printed = _PRINTED.match(line.text) or _LEADERS.search(line.text)
        yield replace(line, is_furniture=True) if is_edge or is_printed else line
