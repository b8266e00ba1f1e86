"""The items of a section of arms, interventions or outcomes, and the parts of each."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.formats.headings import ARMS, OUTCOMES, STATES
from extractor.formats.layout import Span
from extractor.language.book import read_text, rule
from extractor.language.passage import strip_span
from extractor.outline import BlockKind

Part = tuple[str, Span]
"""The name of a part, and its place; the name is empty for what is none."""

_TIME = re.compile(
    r"""
      (?:second|minute|min|hour|hr|day|week|wk|month|mo|year|yr|cycle|visit|time|season|phase|period|course)s?\b
    | \b(?:baseline|follow[- ]?up|complet\w+|discharge|end|admission|surgery|treatment|study)\b
    | \b(?:delivery|birth|immediately|during|through|throughout|after|before|until|within)\b
    | \b(?:at|up\ to|on|post|pre|peri|intra)\b
    | \b\d+\s*[dwmyh]\b | \b[dwmy]\s?\d | \b(?:19|20)\d\d\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MEASURED = re.compile(
    r"\d|baseline|week|month|year|day|end of|follow[- ]?up|time|complet", re.IGNORECASE
)
_LONGEST_FRAME = 300
LABELS = re.compile(
    r"(?:\d{1,2}[.\d]*\s)?[\s*_\[(]*(?:(?P<time_frame>(?:measure(?:ment)? )?time[ -]?(?:frames?|points?)(?:\(s\))?[^:\n]{0,60}?)"
    r"|(?P<description>(?:measure(?:ment)? )?(?:description|method|details))"
    r"|(?P<other>type|sample size|intervention))"
    r"[ \t]*(?:\[\d+\])?[*_]*(?:[:：=][*_\s]*|\Z)",
    re.IGNORECASE,
)
"""A label of a part of an outcome, or of an arm."""
_NAMED_TIME = re.compile(
    r"[\[(\s,;.*-]{1,4}(?:measure )?time[ -]?(?:frame|point)s?[ \t]*[*_]*[:=][*_\s]*",
    re.IGNORECASE,
)
_LAST_BRACKET = re.compile(r"[(\[](?P<words>(?:[^()\[\]]|\([^()]*\))*+)[)\]][\s.,;]*\Z")
_TYPE = re.compile(
    r"[*_]*(?P<type>Experimental|(?:(?:Active|Placebo|Sham) [Cc]omparator)|No [Ii]ntervention|Other"
    r"|Behavioral|Biological|Combination [Pp]roduct|Device|Diagnostic [Tt]est|Dietary [Ss]upplement"
    r"|Drug|Genetic|Procedure|Radiation)[*_]*:[*_ ]*(?=\S)"
)
"""The registered type of an arm or an intervention."""
_LABEL = re.compile(
    r"(?P<label>[^\n:|\t]{1,120}?)[*_ ]*(?::(?=[\s*_])|[ \t][-–—](?=[ \t])|\||\t)"
)
_ITEM_OF = re.compile(r"[*_ ]*(?:group|arm)[*_ ]*:[*_ ]*", re.IGNORECASE)
_CELL = re.compile(r"[^|\t]*[^|\t\s][^|\t]*")
_EDGES = " \t\r\n|*_:;,-–—[]"
_SEMICOLON = re.compile(r";[ \t]*(?=[A-Z\d])")
_ABBREVIATION = r"[A-Z][A-Za-z]{0,4}[A-Z]\d?\b"
_ABBREVIATIONS = re.compile(
    rf"(?:{_ABBREVIATION}(?:,[ \t]*(?:and[ \t]+)?|[ \t]+and[ \t]+|\.?\Z))+"
)
_INDENT = 2
_LONGEST_LABEL = 60


@dataclass(slots=True)
class Entry:
    """A line of a section, or more that a sentence takes: ``start:end`` of a text, with its mark;
    ``words`` is where its words begin, ``kind`` what the outline takes it for, ``name`` the kind of
    a heading.
    """

    start: int
    words: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH
    name: str | None = None
    style: str = ""
    column: int = 0
    gap: bool = False
    goes_on: bool = False


def states_time(words: str) -> bool:
    """Return whether a short text names a time.

    >>> states_time("up to 2 years"), states_time("EASI")
    (True, False)
    """
    return len(words) <= _LONGEST_FRAME and _TIME.search(words) is not None


def group_items(
    text: str, section: str, entries: Sequence[Entry]
) -> tuple[list[Entry], list[list[Entry]]]:
    """Return the lines that introduce the items of a section, and the lines of each item.

    Marks begin items, else lines; a line that is a time or a label continues the item above it.
    """
    marked = [
        one
        for one in entries
        if one.kind is BlockKind.ITEM or _begins(text, section, one)
    ]
    lead: list[Entry] = []
    items: list[list[Entry]] = []
    for entry in entries:
        if items and LABELS.match(text, entry.words, entry.end):
            is_new = False
        elif marked and entry.kind is BlockKind.ITEM:
            is_new = entry.column < marked[0].column + _INDENT
            is_new = is_new and (entry.style == marked[0].style or not items)
        elif marked and items:
            is_new = _begins(text, section, entry)
        else:
            is_new = not items or not _continues(text, section, items[-1], entry)
        ends = text[entry.start : entry.end].endswith(":")
        if marked and not items and ends and entry is not marked[0]:
            lead.append(entry)
        elif is_new and not entry.goes_on:
            items.append([entry])
        elif items:
            items[-1].append(entry)
    return lead, items


def _begins(text: str, section: str, entry: Entry) -> bool:
    """Return whether a line without a mark surely begins an item: "Arm A:", "Drug: ..."."""
    is_typed = section not in OUTCOMES and _TYPE.match(text, entry.words, entry.end)
    return bool(is_typed) or entry.name in STATES


def _continues(text: str, section: str, item: Sequence[Entry], entry: Entry) -> bool:
    """Return whether a line without a mark belongs to the item above it."""
    words = text[entry.words : entry.end]
    above = text[item[-1].words : item[-1].end]
    if LABELS.match(words) or above.rstrip(" *_").endswith(":"):
        return True
    label = LABELS.match(above)
    if label and label.end() == len(above):
        return True
    if entry.column >= item[0].column + _INDENT:
        return True
    if section not in OUTCOMES:
        is_named = _begins(text, section, item[0])
        return is_named and not _LABEL.match(words)
    tokens = read_text(words)
    return rule("lone_time").covers(tokens, 0, len(tokens)) is not None


def split_line(text: str, item: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the outcomes of a line without a mark: "Responder rate; MIDAS", "OS, ORR and DoR"."""
    first = item[0]
    words = text[first.words : first.end]
    ends = [one.start() for one in _SEMICOLON.finditer(words)]
    if _ABBREVIATIONS.fullmatch(words):
        ends = [one.end() for one in re.finditer(_ABBREVIATION, words)][:-1]
    is_row = "\t" in words or "|" in words
    if len(item) > 1 or first.kind is not BlockKind.PARAGRAPH or is_row or not ends:
        yield list(item)
        return
    begin = 0
    for end in [*ends, len(words)]:
        piece = re.compile(r"[\s,;]*(?:and\b)?\s*").match(words, begin)
        start = first.words + (piece.end() if piece else begin)
        yield [Entry(start, start, first.words + end)]
        begin = end


def find_parts(text: str, section: str, item: Sequence[Entry]) -> list[Part]:
    """Return the parts of an item, in their order."""
    if section in OUTCOMES:
        return _trim(text, _read_outcome(text, item))
    return _trim(text, _read_group(text, section, item))


def _trim(text: str, parts: Sequence[Part]) -> list[Part]:
    """Return the parts without signs at their edges; none without words."""
    trimmed: list[Part] = []
    for name, (start, end) in parts:
        start, end = strip_span(text, start, end, _EDGES)  # noqa: PLW2901 - the same part
        if text[start:end].count("(") < text[start:end].count(")"):
            end -= text[start:end].endswith(")")
        if text[start:end].count("[") > text[start:end].count("]"):
            end += text[end : end + 1] == "]"
        if start < end and trimmed and trimmed[-1][0] == name:
            start = trimmed.pop()[1][0]
        if start < end:
            trimmed.append((name, (start, end)))
    return trimmed


def _read_outcome(text: str, item: Sequence[Entry]) -> list[Part]:
    first = item[0]
    cells = [one.span() for one in _CELL.finditer(text, first.words, first.end)]
    if len(cells) > 1:
        return _read_row(text, cells)
    parts = _split_frame(text, (first.words, first.end))
    waits = ""
    for entry in item[1:]:
        words = text[entry.words : entry.end]
        label = LABELS.match(words)
        name = waits or "description"
        begin = 0
        if label:
            name = label.lastgroup or ""
            name = "description" if name == "other" else name
            begin = 0 if label["other"] else label.end()
        waits = name if label and label.end() == len(words) else ""
        is_time = not label and rule("lone_time").covers(*_all(words)) is not None
        if is_time and name == "description":
            name = "time_frame"
        if label or name != "description":
            parts.append((name, (entry.words + begin, entry.end)))
        else:
            parts += [
                ("description" if part == "measure" else part, span)
                for part, span in _split_frame(text, (entry.words, entry.end))
            ]
    has_parts = len(parts) > 1
    name, span = parts[0]
    return [(name if has_parts else "statement", span), *parts[1:]]


def _all(words: str) -> tuple[object, ...]:
    tokens = read_text(words)
    return tokens, 0, len(tokens)


def _read_row(text: str, cells: Sequence[Span]) -> list[Part]:
    """Return the parts of a row: the measure, its description, its time."""
    last = text[slice(*cells[-1])]
    frame = cells[-1] if states_time(last) or len(cells) > 2 else None
    middle = cells[1:-1] if frame else cells[1:]
    parts: list[Part] = [("measure", cells[0])]
    if middle:
        parts.append(("description", (middle[0][0], middle[-1][1])))
    return [*parts, ("time_frame", frame)] if frame else parts


def _split_frame(text: str, span: Span) -> list[Part]:
    """Return the measure, and its time if it is named so or is in a bracket at the end."""
    start, end = span
    named = _NAMED_TIME.search(text, start, end)
    if named:
        return [("measure", (start, named.start())), ("time_frame", (named.end(), end))]
    bracket = _LAST_BRACKET.search(text[start:end])
    words = bracket["words"] if bracket else ""
    if not (bracket and states_time(words) and _MEASURED.search(words)):
        return [("measure", span)]
    first, last = bracket.span("words")
    return [
        ("measure", (start, start + bracket.start())),
        ("time_frame", (start + first, start + last)),
    ]


def _read_group(text: str, section: str, item: Sequence[Entry]) -> list[Part]:
    """Return the parts of an arm or an intervention."""
    first = item[0]
    start = first.words
    name = "label" if section == ARMS else "name"
    parts: list[Part] = []
    typed = _TYPE.match(text, start, first.end)
    field_name = _ITEM_OF.match(text, start, first.end)
    label = _LABEL.match(text, start, first.end)
    is_label = label is not None and len(label["label"]) <= _LONGEST_LABEL
    is_whole = len(item) > 1 or first.end - start <= _LONGEST_LABEL
    if typed:
        parts.append(("type", typed.span("type")))
        start = typed.end()
    if field_name:
        start = field_name.end()
    if typed or field_name:
        parts.append((name, (start, first.end)))
    elif label and (section == ARMS or is_label):
        parts += [
            (name, label.span("label")),
            ("description", (label.end(), first.end)),
        ]
    elif section == ARMS and is_whole:
        parts.append((name, (start, first.end)))
    else:
        parts.append(("description", (start, first.end)))
    parts += [("description", (entry.words, entry.end)) for entry in item[1:]]
    return parts
