"""Items of a free text: arms, interventions and outcomes, and their parts."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from extractor.concepts.limits.read import find_limits
from extractor.formats.found import STARTS_TIME
from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection, strip_span
from extractor.schemas import Part

Place = tuple[int, int]
"""Half-open offsets into the text."""

BULLET = r"[-*+•·▪◦–●○‣⁃∙\uf0b7\uf0a7]"
LINE = re.compile(r"[^\r\n]+")
NO_WORDS = " \t\r\n|:=_*+-"
"""Signs of a line that has no words, such as one between the rows of a table."""
MARK = re.compile(
    r"(?P<indent>[ \t>]{0,99})(?:\|[ \t]{0,9})?"
    rf"(?:(?P<number>[(\[]?\d{{1,2}}[.)\]]+(?!\d))|(?P<letter>\(?[A-Za-z][.)])"
    rf"|(?P<bullet>{BULLET}))[ \t]+"
)
_CELL = re.compile(r"[^|\t]+[|\t]?|[|\t]")
"""A cell of a table's row, which may be blank, with the border behind it."""
_FIELD = re.compile(
    r"(?P<indent>[ \t>]{0,99})(?P<field>[^\r\n:：|\t]{1,60}?)[ \t]{0,9}[:：][ \t]*"
)
_LABEL = re.compile(
    r"(?P<label>[^\r\n:|\t]{1,120}?)[*_ ]*(?::(?=[\s*_])|[ \t][-–—](?=[ \t])|\||\t|\r?\n)"
)
_TYPE = re.compile(r"[*_]*(?P<type>[A-Z][a-z]+(?:[ _][A-Z]?[a-z]+)?)[*_]*:[*_ ]*(?=\S)")
_CLOSED = re.compile(r"[\])][\s.,;]*$")
_SEMICOLON = re.compile(r";[ \t]*(?=[A-Z\d])")
_ABBREVIATION = re.compile(r"\b[A-Z][A-Za-z]{0,4}[A-Z]\d?\b")
_ABBREVIATIONS = re.compile(
    rf"(?:{_ABBREVIATION.pattern}(?:,[ \t]*(?:and[ \t]+)?|[ \t]+and[ \t]+|\.?\Z))+"
)
_PAIRS = {"(": ")", "[": "]"}
_EDGES = " \t\r\n|*_:;,-–—"
_PHRASE = re.compile(r"\s*(?![a-z])(?:(?![.!?][ \t]+[A-Z])[^|\t\r\n]){1,120}")
_LOWER_PHRASE = re.compile(
    r"\s*(?!(?:and|or|of|to|with|who|than|for|in|at|but|by|the)\b)"
    r"(?:(?![.!?][ \t]+[A-Z])[^|\t\r\n]){1,120}"
)
"""A phrase that may begin with a small letter, but not as the rest of a line above does."""
_DESCRIPTION_LABEL = re.compile(r"[\s*_)\]]{0,20}Description[*_]{0,3}[:：][*_]{0,3}")
_FEW_LINES = 2
_LONGEST_LINE = 120
_LONGEST_LABEL = 60
_LONGEST_HEADER = 400
"""Characters of a line in which names of columns are looked for."""
_LONGEST_FRAME = 300
_OPENING = 9
_TYPES = {
    "arms": (
        "experimental",
        "active comparator",
        "placebo comparator",
        "sham comparator",
        "no intervention",
        "other",
    ),
    "interventions": (
        *(
            "behavioral",
            "biological",
            "combination product",
            "device",
            "diagnostic test",
            "dietary supplement",
        ),
        *("drug", "genetic", "other", "procedure", "radiation"),
    ),
}
"""The registered types, which stand before an arm's label and an intervention's name."""


def split_items(
    text: LexedSection, start: int, end: int, *, by_line: bool
) -> tuple[Place | None, list[Place]]:
    r"""Return what introduces a list, or None, and its items without their marks.

    Items have bullets or numbers, begin with one field each ("Outcome: "), or are rows of a table.
    Without any of these, each line is an item (``by_line``, or if all lines are short phrases), or
    each line with a label begins one, or the whole text is one. Blank lines and a first row with
    names of columns are left out. With ``by_line``, a single item that has no tabs is split at
    semicolons, or into its abbreviations.

    >>> from extractor.language.passage import read_section
    >>> raw = "To be measured:\n1. Pain\n   at rest\n2. Sleep"
    >>> [
    ...     raw[slice(*item)]
    ...     for item in split_items(
    ...         read_section("text", raw), 0, len(raw), by_line=True
    ...     )[1]
    ... ]
    ['Pain\n   at rest', 'Sleep']
    """
    raw = text.raw
    lines: list[Place] = []
    for line in LINE.finditer(raw, start, end):
        if not line.group().strip(NO_WORDS):
            continue
        if not names_columns(line.group()):
            lines.append(line.span())
    if not lines:
        return None, []
    marks = [MARK.match(raw, *line) for line in lines]
    if not any(marks):
        marks = _list_fields(raw, lines)
    starts = _list_marked(marks)
    if not starts:
        starts = _find_starts(raw, lines, by_line=by_line)
    items: list[Place] = []
    for number, following in pairwise([*starts, len(lines)]):
        mark = marks[number]
        begin = mark.end() if mark else lines[number][0]
        items.append(strip_span(raw, begin, lines[following - 1][1]))
    lead: Place | None = None
    if starts[0]:
        lead = (lines[0][0], lines[starts[0] - 1][1])
    # What introduces a list ends as a sentence does. Otherwise it is the first item, unmarked.
    if lead:
        ends_sentence = raw[slice(*lead)].rstrip("* \t").endswith((".", ":"))
        if not ends_sentence:
            items = [lead, *items]
            lead = None
    if by_line and len(items) == 1 and "\t" not in raw[slice(*items[0])]:
        items = list(_split_line(raw, *items[0]))
    return lead, items


def _list_marked(marks: Sequence[re.Match[str] | None]) -> list[int]:
    """Return the numbers of the lines that begin an item: those with a mark of the same sort as
    the first mark (number, letter, bullet or field), and at most one character farther to the
    right.
    """
    starts: list[int] = []
    top: re.Match[str] | None = None
    for number, mark in enumerate(marks):
        if not mark:
            continue
        top = top or mark
        if mark.lastgroup != top.lastgroup:
            continue
        if len(mark["indent"]) <= len(top["indent"]) + 1:
            starts.append(number)
    return starts


def holds_list(raw: str, start: int, end: int) -> bool:
    r"""Return whether a text is a list of criteria and nothing else.

    Each of at least two lines has a mark or continues an item; or each of more than ``_FEW_LINES``
    lines is a phrase, and most of them state a limit or deny something, all of them if a phrase
    begins with a small letter.

    >>> [
    ...     holds_list(text, 0, len(text))
    ...     for text in ("1. Adult\n2. Asthma", "Asthma is common.\n- It is")
    ... ]
    [True, False]
    >>> [
    ...     holds_list(text, 0, len(text))
    ...     for text in ("ECOG 0-1\nAsthma\nNo HIV", "ECOG 0-1\nAsthma\nWeek 2")
    ... ]
    [True, False]
    >>> holds_list("Age 18-65\nweight > 5 kg\nBMI < 30", 0, 31)
    True
    """
    written = [line.group() for line in LINE.finditer(raw, start, end)]
    lines = [line for line in written if not line.isspace()]
    is_marked = all(MARK.match(line) or line[0].isspace() for line in lines)
    if is_marked and len(lines) > 1:
        return True
    if len(lines) <= _FEW_LINES:
        return False
    if not all(map(_LOWER_PHRASE.fullmatch, lines)):
        return False
    criteria = 0
    for line in lines:
        if _states_criterion(read_text(line)):
            criteria += 1
    if criteria == len(lines):
        return True
    # A line that begins with a small letter may go on the line above, unless each says something.
    are_phrases = all(map(_PHRASE.fullmatch, lines))
    return are_phrases and 2 * criteria > len(lines)


def _states_criterion(line: Tokens) -> bool:
    """Return whether a phrase states a limit or denies something, as most criteria do."""
    if find_limits(line, None):
        return True
    return bool(rule("negated_statement").starts(line, 0, len(line)))


def names_columns(line: str) -> bool:
    """Return whether a line is the first row of a table: at least two cells, each with the name of
    a column.
    """
    cells = list_words(line, 0, min(len(line), _LONGEST_HEADER))
    if len(cells) < 2:
        return False
    for cell in cells:
        name = read_text(line[slice(*cell)].strip(_EDGES))
        if not rule("name_of_column").covers(name, 0, len(name)):
            return False
    return True


def list_cells(raw: str, start: int, end: int) -> list[Place]:
    """Return the cells of a table's row. A blank one has no length.

    >>> [
    ...     raw[slice(*cell)]
    ...     for raw in ["| Pain | | 2 weeks |"]
    ...     for cell in list_cells(raw, 0, len(raw))
    ... ]
    ['Pain', '', '2 weeks']
    """
    start, end = strip_span(raw, start, end, " ")
    # the left border of the first cell
    if raw.startswith("|", start, end):
        start += 1
    cells: list[Place] = []
    for cell in _CELL.finditer(raw, start, end):
        first, last = cell.span()
        cells.append(strip_span(raw, first, last, " \t\r\n|"))
    return cells


def list_words(raw: str, start: int, end: int) -> list[Place]:
    """Return the cells of a table's row that are not blank."""
    return [
        (first, last) for first, last in list_cells(raw, start, end) if first < last
    ]


def _list_fields(raw: str, lines: Sequence[Place]) -> list[re.Match[str] | None]:
    """Return for each line the field with which it begins ("Outcome: ") if that is the first line's
    field, else None.

    All are None if less than ``_FEW_LINES`` lines begin so, or if the words are no name of a
    column.
    """
    unmarked: list[re.Match[str] | None] = [None] * len(lines)
    first = _FIELD.match(raw, *lines[0])
    if first is None:
        return unmarked
    name = first["field"]
    marks: list[re.Match[str] | None] = []
    for line in lines:
        field = _FIELD.match(raw, *line)
        is_same = field is not None and field["field"] == name
        marks.append(field if is_same else None)
    if len(lines) - marks.count(None) < _FEW_LINES:
        return unmarked
    words = read_text(name)
    if not rule("name_of_column").covers(words, 0, len(words)):
        return unmarked
    return marks


def _find_starts(raw: str, lines: Sequence[Place], *, by_line: bool) -> list[int]:
    """Return the numbers of the lines that begin an item, where none has a mark. The first line
    always does.

    In a table each row does; with ``by_line``, or if all lines are short phrases, each line that
    does not continue the one before; in prose each line with a label, if the first one has one.
    """
    words = [raw[slice(*line)].strip() for line in lines]
    below = range(1, len(words))
    if any(map(_is_row, words)):
        return [0, *(at for at in below if _is_row(words[at]))]
    are_phrases = all(
        len(line) <= _LONGEST_LINE and not line.endswith(".") for line in words
    )
    if by_line or are_phrases:
        return [0, *(at for at in below if not _continues(words[at - 1], words[at]))]
    # "Arm A: ..." in the first line shows that the other arms have labels, too
    if not _has_label(words[0]):
        return [0]
    return [0, *(at for at in below if _has_label(words[at]))]


def _is_row(line: str) -> bool:
    return line.startswith("|") or "\t" in line


def _has_label(line: str) -> bool:
    """Return whether a line begins with a label and a colon."""
    label = _LABEL.match(line)
    return label is not None and line[label.end() - 1] == ":"


def _continues(before: str, line: str) -> bool:
    """Return whether a line without a mark belongs to the item of the line before: it says only
    when something is measured, is a description, begins with a small letter or a bracket, or
    follows a comma or a colon.
    """
    tokens = read_text(line[:_LONGEST_LINE])
    above = read_text(before[:_LONGEST_LINE])
    # "Time frame: 12 weeks" stands below its outcome, and "12 weeks" below "Time frame".
    if rule("named_time").search(tokens, 0, _OPENING):
        return True
    if rule("named_time").covers(above, 0, len(above)):
        return True
    if _is_time(tokens):
        return True
    # "Description:" stands below its outcome, too
    if _DESCRIPTION_LABEL.match(line):
        return True
    if line[0].islower():
        return True
    if line.startswith(("(", "[")):
        return True
    return before.endswith((",", ":"))


def _is_time(tokens: Tokens) -> bool:
    """Return whether a line says only when something is measured.

    >>> [
    ...     _is_time(read_text(line))
    ...     for line in ("Weeks 16 and 52", "2-year survival", "at rest")
    ... ]
    [True, False, False]
    """
    if not rule("lone_time").covers(tokens, 0, len(tokens)):
        return False
    return bool(rule("moment").search(tokens))


def _speaks_of_time(tokens: Tokens) -> bool:
    """Return whether the bracket behind an outcome says when it is measured."""
    if rule("moment").search(tokens):
        return True
    if rule("timely_opening").search(tokens):
        return True
    return bool(rule("lone_time").covers(tokens, 0, len(tokens)))


def _split_line(raw: str, start: int, end: int) -> Iterator[Place]:
    """Yield the items of a line: its abbreviations if it has nothing else ("OS, PFS and ORR"), else
    what stands between semicolons that a capital or a digit follows.

    A semicolon before a time frame, or within brackets, parts nothing.
    """
    if _ABBREVIATIONS.fullmatch(raw, start, end):
        for abbreviation in _ABBREVIATION.finditer(raw, start, end):
            yield abbreviation.span()
        return
    first = start
    for semicolon in _SEMICOLON.finditer(raw, start, end):
        if STARTS_TIME.match(raw, semicolon.end()):
            continue
        if _opens_bracket(raw, first, semicolon.start()):
            continue
        yield strip_span(raw, first, semicolon.start())
        first = semicolon.end()
    yield strip_span(raw, first, end)


def _opens_bracket(raw: str, start: int, end: int) -> bool:
    """Return whether a part of a text has more opening than closing brackets of a sort."""
    for opening, closing in _PAIRS.items():
        if raw.count(opening, start, end) > raw.count(closing, start, end):
            return True
    return False


def _find_bracket(raw: str, start: int, end: int) -> Place | None:
    """Return the place of the words in the bracket with which a line ends, or None.

    >>> line = "Survival (5 years (or 10))."
    >>> line[slice(*_find_bracket(line, 0, len(line)))]
    '5 years (or 10)'
    """
    closed = _CLOSED.search(raw, max(start, end - _LONGEST_FRAME), end)
    if not closed:
        return None
    depth = 0
    for at in range(closed.start(), start - 1, -1):
        if raw[at] in ")]":
            depth += 1
        elif raw[at] in "([":
            depth -= 1
        if depth == 0:
            return at + 1, closed.start()
    return None


def _find_end(raw: str, opening: int, start: int, end: int) -> int:
    """Return where the bracket at ``opening`` closes, else the end of the line.

    Args:
        raw: The text.
        opening: Where the bracket stands; at any other sign there is none to close.
        start: Where the words in it begin.
        end: Where the item ends.
    """
    line_end = raw.find("\n", start, end)
    if line_end < 0:
        line_end = end
    close = _PAIRS.get(raw[opening])
    if close is None:
        return line_end
    depth = 1
    for at in range(start, line_end):
        if raw[at] == raw[opening]:
            depth += 1
        elif raw[at] == close:
            depth -= 1
        if depth == 0:
            return at
    return line_end


def find_parts(text: LexedSection, place: Place, section: str) -> tuple[Part, ...]:
    r"""Return the parts of an item, as offsets into the item. Parts without a letter or digit are
    left out.

    Args:
        text: The text.
        place: Where the item stands in it.
        section: The name of its section, without a number: ``arms``.

    >>> from extractor.language.passage import read_section
    >>> raw = "Pain at rest [Time Frame: 12 weeks]"
    >>> parts = find_parts(read_section("text", raw), (0, len(raw)), "primary_outcomes")
    >>> {part.name: raw[part.start : part.end] for part in parts}
    {'measure': 'Pain at rest', 'time_frame': '12 weeks'}
    """
    if section.endswith("_outcomes"):
        named = _read_outcome(text, *place)
    else:
        named = _read_group(text.raw, *place, section)
    parts: list[Part] = []
    offset, _ = place
    for name, words in named:
        start, end = strip_span(text.raw, *words, _EDGES)
        if not any(map(str.isalnum, text.raw[start:end])):
            continue
        parts.append(Part(name=name, start=start - offset, end=end - offset))
    return tuple(parts)


def _read_group(
    raw: str, start: int, end: int, section: str
) -> Iterator[tuple[str, Place]]:
    """Yield the parts of an arm or an intervention: its registered type ("Drug:"), its name, which
    stands before a colon, dash, border or line break, and its description behind that.

    Without such a sign, the words are the name of a short arm or behind a type, else a description.
    """
    name = "label" if section == "arms" else "name"
    prefix = _TYPE.match(raw, start, end)
    is_registered = prefix and prefix["type"].lower() in _TYPES[section]
    # "Experimental: fictumab 5 mg" on one line is a label with its description.
    may_have_type = section == "interventions" or "\n" in raw[start:end]
    if prefix and is_registered and may_have_type:
        yield "type", prefix.span("type")
        start = prefix.end()
    label = _LABEL.match(raw, start, end)
    if label:
        yield name, label.span("label")
        yield "description", (label.end(), end)
        return
    is_short = section == "arms" and end - start <= _LONGEST_LABEL
    if prefix or is_short:
        yield name, (start, end)
    else:
        yield "description", (start, end)


def _read_outcome(
    text: LexedSection, start: int, end: int
) -> Iterator[tuple[str, Place]]:
    """Yield the parts of an outcome: its first line or cell, the time frame that it names, and
    the rest.

    Without a time frame, the first line is the measure and the lines below are its description. If
    there are no other lines, or they go on with its sentence, all is a "statement" of which no part
    is known.
    """
    raw = text.raw
    cells = list_words(raw, start, end)
    # the row of a table
    if len(cells) == 2:
        yield "measure", cells[0]
        yield "time_frame", cells[1]
        return
    if len(cells) > 2:
        yield from zip(("measure", "description", "time_frame"), cells, strict=False)
        return
    line_end = raw.find("\n", start, end)
    if line_end < 0:
        line_end = end
    frame = _find_frame(text, start, end, line_end)
    if frame is None:
        below = raw[line_end:end].strip()
        # A line that begins with a small letter goes on with the sentence above it.
        if line_end == end or below[:1].islower():
            yield "statement", (start, end)
        else:
            yield "measure", (start, line_end)
            yield "description", _skip_label(raw, line_end, end)
        return
    yield "measure", (start, min(frame.first, line_end))
    # the description stands between measure and time frame, else behind the time frame
    description = (line_end, frame.first)
    if not raw[slice(*description)].strip(_EDGES):
        description = (frame.stop, end)
    yield "description", _skip_label(raw, *description)
    yield "time_frame", (frame.start, frame.stop)


def _skip_label(raw: str, start: int, end: int) -> Place:
    """Return a description without the word "Description" and the colon in front of it."""
    label = _DESCRIPTION_LABEL.match(raw, start, end)
    return (label.end(), end) if label else (start, end)


class _Frame(NamedTuple):
    """A time frame within an outcome.

    Attributes:
        first: Where what names it begins, such as its bracket.
        start: Where its own words begin.
        stop: Where they end.
    """

    first: int
    start: int
    stop: int


def _find_frame(
    text: LexedSection, start: int, end: int, line_end: int
) -> _Frame | None:
    """Return the time frame that an outcome names ("Time frame: 2 weeks"), has in brackets at the
    end of its first line, or alone on its last line; None without any.

    ``line_end`` is where the first line of the outcome ``start:end`` ends.
    """
    raw = text.raw
    words = text.between(start, end)
    stated = rule("opening_of_time").search(words.tokens, words.first, words.end)
    if stated:
        opening, begin = text.whole.part(stated.first, stated.end).raw_span
        name = text.whole.part(*stated.place("named")).raw_span[0]
        # What opens may lie before the name: "[measured at rest; time frame: ...".
        brackets = (raw.rfind("[", opening, name), raw.rfind("(", opening, name))
        first = max(opening, *brackets)
        return _Frame(first, begin, _find_end(raw, first, begin, end))
    bracket = _find_bracket(raw, start, line_end)
    if bracket and _speaks_of_time(read_text(raw[slice(*bracket)])):
        return _Frame(bracket[0] - 1, *bracket)
    last = raw.rfind("\n", start, end)
    if last >= 0 and _is_time(read_text(raw[last + 1 : end].strip())):
        return _Frame(last, last, end)
    return None
