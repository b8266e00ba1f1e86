"""Items of a free text: arms, interventions and outcomes, and their parts."""

import re
from collections.abc import Iterator, Sequence

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
_FEW_LINES = 2
_LONGEST_LINE = 120
_LONGEST_LABEL = 60
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
    r"""Return what introduces a list, and its items without their marks.

    Items have bullets or numbers, begin with one field each ("Outcome: "), or are rows of a table.
    Without any of these, each line is one (``by_line``, or if the lines are short phrases), or each
    line with a label, or all is.

    >>> from extractor.language.passage import read_section
    >>> raw = "To be measured:\n1. Pain\n   at rest\n2. Sleep"
    >>> [
    ...     raw[slice(*one)]
    ...     for one in split_items(
    ...         read_section("text", raw), 0, len(raw), by_line=True
    ...     )[1]
    ... ]
    ['Pain\n   at rest', 'Sleep']
    """
    raw = text.raw
    lines = [
        one.span()
        for one in LINE.finditer(raw, start, end)
        if one.group().strip(NO_WORDS)
    ]
    lines = [line for line in lines if not names_columns(raw[slice(*line)])]
    marks = [MARK.match(raw, *line) for line in lines]
    marks = marks if any(marks) else _list_fields(raw, lines)
    top = next(filter(None, marks), None)
    if top:
        starts = [
            at
            for at, mark in enumerate(marks)
            if mark
            and mark.lastgroup == top.lastgroup
            and len(mark["indent"]) <= len(top["indent"]) + 1
        ]
    else:
        starts = _find_starts(raw, lines, by_line=by_line)
    ends = [lines[at - 1][1] for at in [*starts[1:], len(lines)]] if lines else []
    items = [
        strip_span(raw, mark.end() if (mark := marks[at]) else lines[at][0], stop)
        for at, stop in zip(starts, ends, strict=True)
    ]
    lead = (lines[0][0], lines[starts[0] - 1][1]) if starts and starts[0] else None
    if lead and not raw[slice(*lead)].rstrip("* \t").endswith((".", ":")):
        items = [lead, *items]
        lead = None
    if by_line and len(items) == 1 and "\t" not in raw[slice(*items[0])]:
        items = list(_split_line(raw, *items[0]))
    return lead, items


def holds_list(raw: str, start: int, end: int) -> bool:
    r"""Return whether a text is a list and nothing else.

    Each line has a mark or continues an item, or is a phrase, and most of them state a limit or
    deny something.

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
    lines = [
        found.group()
        for found in LINE.finditer(raw, start, end)
        if not found.group().isspace()
    ]
    if len(lines) > 1 and all(MARK.match(line) or line[0].isspace() for line in lines):
        return True
    if len(lines) <= _FEW_LINES or not all(map(_LOWER_PHRASE.fullmatch, lines)):
        return False
    are_phrases = all(map(_PHRASE.fullmatch, lines))
    words = [read_text(line) for line in lines]
    telling = [
        line
        for line in words
        if find_limits(line, None)
        or rule("negated_statement").starts(line, 0, len(line))
    ]
    # a line that begins with a small letter may go on the line above, unless each says something
    return len(telling) == len(lines) or (are_phrases and 2 * len(telling) > len(lines))


def names_columns(line: str) -> bool:
    """Return whether a line is the first row of a table, with the names of its columns."""
    cells = [
        read_text(line[slice(*cell)].strip(_EDGES))
        for cell in list_words(line, 0, min(len(line), 400))
    ]
    if not (len(cells) > 1):
        return False
    return all(rule("name_of_column").covers(cell, 0, len(cell)) for cell in cells)


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
    start += raw.startswith("|", start, end)
    return [
        strip_span(raw, *found.span(), " \t\r\n|")
        for found in _CELL.finditer(raw, start, end)
    ]


def list_words(raw: str, start: int, end: int) -> list[Place]:
    """Return the cells of a table's row that are not blank."""
    return [
        (first, last) for first, last in list_cells(raw, start, end) if first < last
    ]


def _list_fields(raw: str, lines: Sequence[Place]) -> list[re.Match[str] | None]:
    """Return the marks of the lines that begin with the field of the first one ("Outcome: "), if
    there are several.
    """
    fields = [_FIELD.match(raw, *line) for line in lines]
    names = [found and found["field"] for found in fields]
    words = read_text(names[0] or "") if names else None
    if (
        words is None
        or names.count(names[0]) < _FEW_LINES
        or not rule("name_of_column").covers(words, 0, len(words))
    ):
        return [None] * len(lines)
    return [
        found if name == names[0] else None
        for found, name in zip(fields, names, strict=True)
    ]


def _find_starts(raw: str, lines: Sequence[Place], *, by_line: bool) -> list[int]:
    """Return the numbers of the lines that begin an item, where none has a mark."""
    words = [raw[slice(*line)].strip() for line in lines]
    rows = [line.startswith("|") or "\t" in line for line in words]
    if any(rows):
        return [at for at, row in enumerate(rows) if row or not at]
    phrases = all(
        len(line) <= _LONGEST_LINE and not line.endswith(".") for line in words
    )
    if by_line or phrases:
        return [
            at
            for at in range(len(lines))
            if not at or not _continues(words[at - 1], words[at])
        ]
    labelled = [
        at
        for at, line in enumerate(words)
        if (found := _LABEL.match(line)) and line[found.end() - 1] == ":"
    ]
    if labelled[:1] == [0]:
        return labelled
    if lines:
        return [0]
    return []


def _continues(before: str, line: str) -> bool:
    """Return whether a line without a mark belongs to the item of the line before."""
    tokens = read_text(line[:_LONGEST_LINE])
    above = read_text(before[:_LONGEST_LINE])
    named = rule("named_time").search(tokens, 0, _OPENING) or rule("named_time").covers(
        above, 0, len(above)
    )
    if bool(named):
        return True
    if _is_time(tokens):
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
    return bool(
        rule("lone_time").covers(tokens, 0, len(tokens))
        and rule("moment").search(tokens)
    )


def _speaks_of_time(tokens: Tokens) -> bool:
    """Return whether the bracket behind an outcome says when it is measured."""
    if any(rule(name).search(tokens) for name in ("moment", "timely_opening")):
        return True
    return bool(rule("lone_time").covers(tokens, 0, len(tokens)))


def _split_line(raw: str, start: int, end: int) -> Iterator[Place]:
    """Yield the items of a line: abbreviations, or what stands between semicolons that a capital
    follows.
    """
    if _ABBREVIATIONS.fullmatch(raw, start, end):
        yield from (found.span() for found in _ABBREVIATION.finditer(raw, start, end))
        return
    first = start
    for found in _SEMICOLON.finditer(raw, start, end):
        if STARTS_TIME.match(raw, found.end()):
            continue
        if all(
            raw.count(sign, first, found.start())
            <= raw.count(_PAIRS[sign], first, found.start())
            for sign in _PAIRS
        ):
            yield strip_span(raw, first, found.start())
            first = found.end()
    yield strip_span(raw, first, end)


def _find_bracket(raw: str, start: int, end: int) -> Place | None:
    """Return the text of the bracket with which a line ends.

    >>> line = "Survival (5 years (or 10))."
    >>> line[slice(*_find_bracket(line, 0, len(line)))]
    '5 years (or 10)'
    """
    closed = _CLOSED.search(raw, max(start, end - _LONGEST_FRAME), end)
    depth = 0
    for at in range(closed.start(), start - 1, -1) if closed else ():
        depth += (raw[at] in ")]") - (raw[at] in "([")
        if not depth:
            return at + 1, closed.start() if closed else end
    return None


def _find_end(raw: str, opening: int, start: int, end: int) -> int:
    """Return where the bracket opened at ``opening`` closes, else the end of the line, for a
    text from ``start``.
    """
    line = raw.find("\n", start, end)
    line = end if line < 0 else line
    depth = 1
    close = _PAIRS.get(raw[opening])
    for at in range(start, line) if close else ():
        depth += (raw[at] == raw[opening]) - (raw[at] == close)
        if not depth:
            return at
    return line


def find_parts(text: LexedSection, place: Place, section: str) -> tuple[Part, ...]:
    r"""Return the parts of an item, as offsets into the item.

    >>> from extractor.language.passage import read_section
    >>> raw = "Pain at rest [Time Frame: 12 weeks]"
    >>> parts = find_parts(read_section("text", raw), (0, len(raw)), "primary_outcomes")
    >>> {part.name: raw[part.start : part.end] for part in parts}
    {'measure': 'Pain at rest', 'time_frame': '12 weeks'}
    """
    if section.endswith("_outcomes"):
        found = _read_outcome(text, *place)
    else:
        found = _read_group(text.raw, *place, section)
    stripped = (
        (name, *strip_span(text.raw, start, end, _EDGES))
        for name, (start, end) in found
    )
    return tuple(
        Part(name=name, start=start - place[0], end=end - place[0])
        for name, start, end in stripped
        if any(map(str.isalnum, text.raw[start:end]))
    )


def _read_group(
    raw: str, start: int, end: int, section: str
) -> Iterator[tuple[str, Place]]:
    """Yield the parts of an arm or an intervention: what stands before a colon, dash or line
    break is its name.
    """
    named = "label" if section == "arms" else "name"
    kind = _TYPE.match(raw, start, end)
    if (
        kind
        and kind["type"].lower() in _TYPES[section]
        and (section == "interventions" or "\n" in raw[start:end])
    ):
        yield "type", kind.span("type")
        start = kind.end()
    found = _LABEL.match(raw, start, end)
    if found:
        yield named, found.span("label")
        yield "description", (found.end(), end)
    elif kind or (section == "arms" and end - start <= _LONGEST_LABEL):
        yield named, (start, end)
    else:
        yield "description", (start, end)


def _read_outcome(
    text: LexedSection, start: int, end: int
) -> Iterator[tuple[str, Place]]:
    """Yield the parts of an outcome: its first line or cell, the time frame that it names, and
    the rest.
    """
    raw = text.raw
    cells = list_words(raw, start, end)
    if len(cells) > 1:
        names: tuple[str, ...] = ("measure", "description", "time_frame")
        if len(cells) == 2:
            names = ("measure", "time_frame")
        yield from zip(names, cells, strict=False)
        return
    line_end = raw.find("\n", start, end)
    last = raw.rfind("\n", start, end)
    line_end = end if line_end < 0 else line_end
    words = text.between(start, end)
    stated = rule("opening_of_time").search(words.tokens, words.first, words.end)
    bracket = _find_bracket(raw, start, line_end)
    if stated:
        first, begin = text.whole.part(stated.first, stated.end).raw_span
        name = text.whole.part(*stated.place("named")).raw_span[0]
        first = max(first, raw.rfind("[", first, name), raw.rfind("(", first, name))
        stop = _find_end(raw, first, begin, end)
    elif bracket and _speaks_of_time(read_text(raw[slice(*bracket)])):
        first, begin, stop = bracket[0] - 1, *bracket
    elif last >= 0 and _is_time(read_text(raw[last + 1 : end].strip())):
        first = last
        begin = last
        stop = end
    elif line_end == end or raw[line_end:end].strip()[:1].islower():
        yield "statement", (start, end)
        return
    else:
        first = line_end
        begin = end
        stop = end
    yield "measure", (start, min(first, line_end))
    more = (line_end, first) if raw[line_end:first].strip(_EDGES) else (stop, end)
    yield "description", more
    yield "time_frame", (begin, stop)
