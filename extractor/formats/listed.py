"""Items of a free text: arms, interventions and outcomes, and their parts.

``split_items`` finds where items begin, ``find_parts`` what an item states: label, type, measure,
time frame, description. ``holds_list`` recognises a list of criteria without a heading.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

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
    r"(?P<label>[^\r\n:|\t]{1,120}?)[*_ ]*"
    r"(?:(?P<colon>:)(?=[\s*_])|[ \t][-–—](?=[ \t])|\||\t|\r?\n)"
)
_TYPE = re.compile(
    r"[*_]*(?P<type>Experimental|(?:(?:Active|Placebo|Sham) [Cc]omparator)|No [Ii]ntervention|Other"
    r"|Behavioral|Biological|Combination [Pp]roduct|Device|Diagnostic [Tt]est|Dietary [Ss]upplement"
    r"|Drug|Genetic|Procedure|Radiation)[*_]*:[*_ ]*(?=\S)"
)
"""The registered type of an arm or an intervention."""
_BRACKET = re.compile(
    r"[(\[](?P<words>(?:[^()\[\]\n]|\([^()\n]*\)|\[[^\[\]\n]*\])*+)[)\]]"
)
_LAST_BRACKET = re.compile(_BRACKET.pattern + r"[\s.,;]*\Z")
_LONGEST_FRAME = 300
_SEMICOLON = re.compile(r";[ \t]*(?=[A-Z\d])")
_ABBREVIATION = re.compile(r"\b[A-Z][A-Za-z]{0,4}[A-Z]\d?\b")
_ABBREVIATIONS = re.compile(
    rf"(?:{_ABBREVIATION.pattern}(?:,[ \t]*(?:and[ \t]+)?|[ \t]+and[ \t]+|\.?\Z))+"
)
_EDGES = " \t\r\n|*_:;,-–—"
_PHRASE = re.compile(
    r"\s*(?!(?:and|or|of|to|with|who|than|for|in|at|but|by|the)\b)"
    r"(?:(?![.!?][ \t]+[A-Z])[^|\t\r\n]){1,120}"
)
"""A phrase that does not begin as the rest of a line above does."""
_DESCRIPTION_LABEL = re.compile(r"[\s*_)\]]{0,20}Description[*_]{0,3}[:：][*_]{0,3}")
_FEW_LINES = 2
_LONGEST_LINE = 120
_LONGEST_LABEL = 60
_LONGEST_HEADER = 400
"""Characters of a line in which names of columns are looked for."""
_OPENING = 9


# Lines and cells.


def list_cells(raw: str, start: int, end: int) -> list[Place]:
    """Return the cells of a table's row. A blank one has no length.

    >>> raw = "| Pain | | 2 weeks |"
    >>> [raw[slice(*cell)] for cell in list_cells(raw, 0, len(raw))]
    ['Pain', '', '2 weeks']
    """
    start, end = strip_span(raw, start, end, " ")
    # the left border of the first cell
    if raw.startswith("|", start, end):
        start += 1
    return [
        strip_span(raw, *cell.span(), " \t\r\n|")
        for cell in _CELL.finditer(raw, start, end)
    ]


def list_words(raw: str, start: int, end: int) -> list[Place]:
    """Return the cells of a table's row that are not blank."""
    return [cell for cell in list_cells(raw, start, end) if cell[0] < cell[1]]


def names_columns(line: str) -> bool:
    """Return whether a line is the first row of a table: at least two cells, each with the name of
    a column.
    """
    cells = list_words(line, 0, min(len(line), _LONGEST_HEADER))
    names = [line[slice(*cell)].strip(_EDGES) for cell in cells]
    return len(names) > 1 and all(_covers("name_of_column", name) for name in names)


def _covers(name: str, words: str) -> bool:
    """Return whether a rule covers all the words."""
    tokens = read_text(words)
    return bool(rule(name).covers(tokens, 0, len(tokens)))


def holds_list(raw: str, start: int, end: int) -> bool:
    r"""Return whether a text is a list of criteria and nothing else: at least two lines that have a
    mark or continue an item, or more phrases of which most state a limit or deny something; all of
    them, if one begins with a small letter.

    >>> texts = (
    ...     "1. Adult\n2. Asthma",
    ...     "Asthma is common.\n- It is",
    ...     "ECOG 0-1\nAsthma\nNo HIV",
    ... )
    >>> [holds_list(text, 0, len(text)) for text in texts]
    [True, False, True]
    """
    lines = [line.group() for line in LINE.finditer(raw, start, end)]
    lines = [line for line in lines if not line.isspace()]
    is_marked = all(MARK.match(line) or line[0].isspace() for line in lines)
    if is_marked and len(lines) > 1:
        return True
    if len(lines) <= _FEW_LINES or not all(map(_PHRASE.fullmatch, lines)):
        return False
    criteria = sum(_states_criterion(read_text(line)) for line in lines)
    may_wrap = any(line.lstrip()[:1].islower() for line in lines)
    return criteria == len(lines) or (not may_wrap and 2 * criteria > len(lines))


def _states_criterion(line: Tokens) -> bool:
    """Return whether a phrase states a limit or denies something, as most criteria do."""
    denies = rule("negated_statement").starts(line, 0, len(line))
    return bool(denies or find_limits(line, None))


# Items.


def split_items(
    text: LexedSection, start: int, end: int, *, by_line: bool
) -> tuple[Place | None, list[Place]]:
    r"""Return what introduces a list, or None, and its items without their marks.

    Items have bullets or numbers, begin with one field each ("Outcome: "), or are rows of a table.
    Without any of these, each line is an item (``by_line``, or if all lines are short phrases), or
    each line with a label begins one, or the whole text is one. With ``by_line``, a single item
    that has no tabs is split at semicolons, or into its abbreviations.

    >>> from extractor.language.passage import read_section
    >>> raw = "To be measured:\n1. Pain\n   at rest\n2. Sleep"
    >>> _, items = split_items(read_section("text", raw), 0, len(raw), by_line=True)
    >>> [raw[slice(*item)] for item in items]
    ['Pain\n   at rest', 'Sleep']
    """
    raw = text.raw
    lines = [
        line.span()
        for line in LINE.finditer(raw, start, end)
        if line.group().strip(NO_WORDS) and not names_columns(line.group())
    ]
    if not lines:
        return None, []
    begins = _find_begins(raw, lines, by_line=by_line)
    lead: Place | None = None
    first = min(begins)
    if first:
        lead = (lines[0][0], lines[first - 1][1])
        # What introduces a list ends as a sentence does. Otherwise it is the first item, unmarked.
        if not raw[slice(*lead)].rstrip("* \t").endswith((".", ":")):
            lead = None
            begins = {0: lines[0][0], **begins}
    items = [
        strip_span(raw, begins[number], lines[following - 1][1])
        for number, following in pairwise([*begins, len(lines)])
    ]
    if by_line and len(items) == 1 and "\t" not in raw[slice(*items[0])]:
        items = list(_split_line(raw, *items[0]))
    return lead, items


def _find_begins(raw: str, lines: Sequence[Place], *, by_line: bool) -> dict[int, int]:
    """Return where the words of each item begin, by the number of its line."""
    marks = [MARK.match(raw, *line) for line in lines]
    top = next(filter(None, marks), None)
    if top is None:
        marks = _match_fields(raw, lines)
        top = next(filter(None, marks), None)
    if top is not None:
        # marks of the same sort as the first one, at most one character farther to the right
        return {
            number: mark.end()
            for number, mark in enumerate(marks)
            if mark
            and mark.lastgroup == top.lastgroup
            and len(mark["indent"]) <= len(top["indent"]) + 1
        }
    begins = _find_unmarked(
        [raw[slice(*line)].strip() for line in lines], by_line=by_line
    )
    return {number: lines[number][0] for number in begins}


def _find_unmarked(lines: Sequence[str], *, by_line: bool) -> list[int]:
    """Return the numbers of the lines that begin an item, where none has a mark: the first, and in
    a table each row; of short lines each that does not continue the one above; in prose each with a
    label, if the first one has one ("Arm A: ...").
    """
    are_rows = [line.startswith("|") or "\t" in line for line in lines]
    are_phrases = all(
        len(line) <= _LONGEST_LINE and not line.endswith(".") for line in lines
    )
    if any(are_rows):
        begins = are_rows
    elif by_line or are_phrases:
        begins = [True, *(not _continues(*pair) for pair in pairwise(lines))]
    else:
        labels = [_LABEL.match(line) for line in lines]
        begins = [bool(label and label["colon"]) for label in labels]
        begins = begins if begins[0] else []
    return [0, *(number for number in range(1, len(begins)) if begins[number])]


def _match_fields(raw: str, lines: Sequence[Place]) -> list[re.Match[str] | None]:
    """Return for each line the field with which it begins, if that is the first line's field
    ("Outcome: "), names a column, and occurs more than once; else no field.
    """
    fields = [_FIELD.match(raw, *line) for line in lines]
    first = fields[0]
    if first is None:
        return []
    name = first["field"]
    same = [field if field and field["field"] == name else None for field in fields]
    count = len(same) - same.count(None)
    return same if count >= _FEW_LINES and _covers("name_of_column", name) else []


def _continues(before: str, line: str) -> bool:
    """Return whether a line without a mark belongs to the item of the line before."""
    tokens = read_text(line[:_LONGEST_LINE])
    signs = (
        line[0].islower() or line.startswith(("(", "[")),
        before.endswith((",", ":")),
        _DESCRIPTION_LABEL.match(line),
        # "Time frame: 12 weeks" is below its outcome, and "12 weeks" below "Time frame"
        rule("named_time").search(tokens, 0, _OPENING),
        len(before) <= _LONGEST_LINE and _covers("named_time", before),
        _is_time(tokens),
    )
    return any(signs)


def _is_time(tokens: Tokens) -> bool:
    """Return whether a line states only when something is measured.

    >>> lines = ("Weeks 16 and 52", "2-year survival", "at rest")
    >>> [_is_time(read_text(line)) for line in lines]
    [True, False, False]
    """
    is_lone = rule("lone_time").covers(tokens, 0, len(tokens))
    return bool(is_lone and rule("moment").search(tokens))


def _split_line(raw: str, start: int, end: int) -> Iterator[Place]:
    """Yield the items of a line: its abbreviations if it has nothing else ("OS, PFS and ORR"), else
    what is between semicolons that a capital or a digit follows, outside of brackets.
    """
    if _ABBREVIATIONS.fullmatch(raw, start, end):
        for abbreviation in _ABBREVIATION.finditer(raw, start, end):
            yield abbreviation.span()
        return
    first = start
    for semicolon in _SEMICOLON.finditer(raw, start, end):
        stop = semicolon.start()
        opened = raw.count("(", first, stop) + raw.count("[", first, stop)
        closed = raw.count(")", first, stop) + raw.count("]", first, stop)
        if opened > closed or STARTS_TIME.match(raw, semicolon.end()):
            continue
        yield strip_span(raw, first, stop)
        first = semicolon.end()
    yield strip_span(raw, first, end)


# Parts.


def find_parts(text: LexedSection, place: Place, section: str) -> tuple[Part, ...]:
    r"""Return the parts of an item, as offsets into the item. Parts without a letter or digit are
    left out.

    Args:
        text: The text.
        place: Where the item is in it.
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
    for name, words in named:
        start, end = strip_span(text.raw, *words, _EDGES)
        if any(map(str.isalnum, text.raw[start:end])):
            parts.append(Part(name=name, start=start - place[0], end=end - place[0]))
    return tuple(parts)


def _read_group(
    raw: str, start: int, end: int, section: str
) -> Iterator[tuple[str, Place]]:
    """Yield the parts of an arm or an intervention: its registered type ("Drug:"), its name, which
    ends with a colon, dash, border or line break, and its description behind that.

    Without such a sign, the words are the name of a short arm or behind a type, else a description.
    """
    name = "label" if section == "arms" else "name"
    # "Experimental: fictumab 5 mg" on one line is a label with its description.
    may_have_type = section == "interventions" or "\n" in raw[start:end]
    prefix = _TYPE.match(raw, start, end) if may_have_type else None
    if prefix:
        yield "type", prefix.span("type")
        start = prefix.end()
    label = _LABEL.match(raw, start, end)
    if label:
        yield name, label.span("label")
        yield "description", (label.end(), end)
        return
    is_short = section == "arms" and end - start <= _LONGEST_LABEL
    yield name if prefix or is_short else "description", (start, end)


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
    if len(cells) > 1:
        names = ("measure", "description", "time_frame")
        if len(cells) == 2:
            names = ("measure", "time_frame", "")
        yield from zip(names, cells, strict=False)
        return
    line_end = _end_line(raw, start, end)
    frame = _find_frame(text, start, end, line_end)
    if frame is None:
        # A line that begins with a small letter goes on with the sentence above it.
        if line_end == end or raw[line_end:end].lstrip()[:1].islower():
            yield "statement", (start, end)
            return
        description = (line_end, end)
        yield "measure", (start, line_end)
    else:
        opening, words = frame
        yield "measure", (start, min(opening, line_end))
        # the description is between measure and time frame, else behind the time frame
        description = (line_end, opening)
        if not raw[line_end:opening].strip(_EDGES):
            description = (words[1], end)
        yield "time_frame", words
    label = _DESCRIPTION_LABEL.match(raw, *description)
    yield "description", (label.end() if label else description[0], description[1])


def _end_line(raw: str, start: int, end: int) -> int:
    """Return where the line ends in which ``start`` is, at most at ``end``."""
    at = raw.find("\n", start, end)
    return at if at >= 0 else end


def _find_frame(
    text: LexedSection, start: int, end: int, line_end: int
) -> tuple[int, Place] | None:
    """Return the time frame of an outcome, with where what names it begins, such as its bracket: it
    is named ("Time frame: 2 weeks"), in brackets at the end of the first line, or alone on the last
    line; None without any.
    """
    raw = text.raw
    words = text.between(start, end)
    stated = rule("opening_of_time").search(words.tokens, words.first, words.end)
    if stated:
        opening, begin = text.whole.part(stated.first, stated.end).raw_span
        name = text.whole.part(*stated.place("named")).raw_span[0]
        # What opens may be before the name: "[measured at rest; time frame: ...".
        brackets = (raw.rfind("[", opening, name), raw.rfind("(", opening, name))
        first = max(opening, *brackets)
        closed = _BRACKET.match(raw, first, end)
        stop = closed.end("words") if closed else _end_line(raw, begin, end)
        return first, (begin, max(begin, stop))
    bracket = _LAST_BRACKET.search(raw, max(start, line_end - _LONGEST_FRAME), line_end)
    if bracket and _states_time(read_text(bracket["words"])):
        return bracket.start(), bracket.span("words")
    last = raw.rfind("\n", start, end)
    if last >= 0 and _is_time(read_text(raw[last + 1 : end].strip())):
        return last, (last, end)
    return None


def _states_time(tokens: Tokens) -> bool:
    """Return whether the bracket behind an outcome states when it is measured."""
    if rule("lone_time").covers(tokens, 0, len(tokens)):
        return True
    return bool(rule("moment").search(tokens) or rule("timely_opening").search(tokens))
