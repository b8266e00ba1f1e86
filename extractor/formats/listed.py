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

NAMES_TIME = re.compile(
    r"""
      (?:second|minute|min|hour|hr|day|week|wk|month|mo|year|yr|cycle|visit|time|season|phase|period|course)s?\b
    | \b(?:baseline|follow[- ]?up|complet\w+|discharge|end|admission|surgery|treatment|study)\b
    | \b(?:delivery|birth|immediately|during|through|throughout|after|before|until|within)\b
    | \b(?:at|up\ to|on|post|pre|peri|intra)\b
    | \b\d+\s*[dwmyh]\b | \b[dwmy]\s?\d | \b(?:19|20)\d\d\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A word of a time frame."""
_MEASURED = re.compile(
    r"\d|baseline|week|month|year|day|end of|follow[- ]?up|time|complet", re.IGNORECASE
)
_LONGEST_FRAME = 300
LABELS = re.compile(
    r"(?:\d{1,2}[.\d]{0,12}\s)?[\s*_\[(]{0,12}"
    r"(?:(?P<time_frame>(?:measure(?:ment)? )?time[ -]?(?:frames?|points?)(?:\(s\))?[^:\n]{0,60}?)"
    r"|(?P<description>(?:measure(?:ment)? )?(?:description|method|details))"
    r"|(?P<other>type|sample size|intervention))"
    r"[ \t]*(?:\[\d+\])?[*_]*(?:[:：=][*_\s]*|\Z)",
    re.IGNORECASE,
)
"""A label of a part of an outcome, or of an arm."""
_NAMED_TIME = re.compile(
    r"(?P<open>[\[(])?(?:(?<=[\[(\s,;.*-])|\A)[\s*]{0,12}(?:measure )?time[ -]?(?:frame|point)s?"
    r"[ \t]*[*_]*[:=][*_\s]*",
    re.IGNORECASE,
)
_LAST_BRACKET = re.compile(r"[(\[](?P<words>(?:[^()\[\]]|\([^()]*\))*+)[)\]][\s.,;]*\Z")
_TYPE = re.compile(
    r"[*_]*(?P<type>Experimental|(?:(?:Active|Placebo|Sham) [Cc]omparator)|No [Ii]ntervention|Other"
    r"|Behavioral|Biological|Combination [Pp]roduct|Device|Diagnostic [Tt]est|Dietary [Ss]upplement"
    r"|Drug|Genetic|Procedure|Radiation)[*_]*:[*_ ]*(?=\S)|[*_]*(?:Group|Arm)[*_]*:[*_ ]*"
)
"""The registered type of an arm or an intervention."""
_LABEL = re.compile(
    r"(?P<label>[^\n:|\t]{1,120}?)[*_ ]*(?::(?=[\s*_])|[ \t][-–—](?=[ \t])|\||\t)"
)
_CELL = re.compile(r"[^|\t]+")
_EDGES = " \t\r\n|*_:;,-–—"
_PHRASE = re.compile(r"(?:[^;\n]|;(?![ \t]{0,12}[A-Z\d]))+")
"""An outcome among others on a line, which semicolons separate."""
_ABBREVIATION = re.compile(r"[A-Z][A-Za-z]{0,4}[A-Z]\d?\b")
_ABBREVIATIONS = re.compile(
    rf"(?:{_ABBREVIATION.pattern}(?:,[ \t]*(?:and[ \t]+)?|[ \t]+and[ \t]+|\.?\Z))+"
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
    is_behind: bool = False
    goes_on: bool = False


def states_time(words: str) -> bool:
    """Return whether a short text names a time.

    >>> states_time("up to 2 years"), states_time("EASI")
    (True, False)
    """
    return len(words) <= _LONGEST_FRAME and NAMES_TIME.search(words) is not None


def group_items(
    text: str, section: str, entries: Sequence[Entry]
) -> tuple[list[Entry], list[list[Entry]]]:
    """Return the lines that introduce the items of a section, and the lines of each item.

    Marks begin items, else lines; a line that is a time or a label continues the item above it.
    """
    marked = [one for one in entries if _begins(text, section, one)]
    begins = {one.words for one in marked if _is_like(one, marked[0])}
    lead: list[Entry] = []
    items: list[list[Entry]] = []
    for entry in entries:
        is_first = entry.words in begins
        is_lead = bool(marked) and not is_first and text[entry.end - 1] == ":"
        if (
            items
            and not is_first
            and (marked or _continues(text, items[-1][-1], entry))
        ):
            items[-1].append(entry)
        elif not items and is_lead:
            lead.append(entry)
        else:
            items.append([entry])
    return lead, items


def _is_like(entry: Entry, first: Entry) -> bool:
    """Return whether a line with a mark is no part of an item that begins as the first one does."""
    is_outer = entry.column < first.column + _INDENT
    return is_outer and (entry.kind is not BlockKind.ITEM or entry.style == first.style)


def _begins(text: str, section: str, entry: Entry) -> bool:
    """Return whether a line surely begins an item: it has a mark, or is "Arm A:", "Drug: ..."."""
    if entry.goes_on or LABELS.match(text, entry.words, entry.end):
        return False
    if entry.kind is BlockKind.ITEM or entry.name in STATES:
        return True
    is_typed = _TYPE.match(text, entry.words, entry.end) is not None
    return is_typed and section not in OUTCOMES


def _continues(text: str, above: Entry, entry: Entry) -> bool:
    """Return whether a line without a mark belongs to the item above it."""
    if entry.goes_on or LABELS.match(text, entry.words, entry.end):
        return True
    words = text[above.words : above.end].rstrip(" *_")
    label = LABELS.match(words)
    if words.endswith(":") or (label and label.end() == len(words)):
        return True
    return _is_time(text[entry.words : entry.end])


def _is_time(words: str) -> bool:
    tokens = read_text(words)
    return rule("lone_time").covers(tokens, 0, len(tokens)) is not None


def split_line(text: str, item: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the outcomes of a line without a mark: "Responder rate; MIDAS", "OS, ORR and DoR"."""
    first = item[0]
    words = text[first.words : first.end]
    pattern = _ABBREVIATION if _ABBREVIATIONS.fullmatch(words) else _PHRASE
    found = [one for one in pattern.finditer(words) if one[0].strip()]
    is_row = "\t" in words or "|" in words or first.kind is BlockKind.ITEM
    if len(item) > 1 or is_row or len(found) < 2:
        yield list(item)
        return
    for one in found:
        start = first.words + one.start()
        yield [Entry(start, start, start + len(one[0].rstrip()))]


def find_parts(text: str, section: str, item: Sequence[Entry]) -> list[Part]:
    """Return the parts of an item, in their order."""
    read = _read_outcome if section in OUTCOMES else _read_group
    parts: list[Part] = []
    for name, (start, end) in read(text, section, item):
        first, last = strip_span(text, start, end, _EDGES)
        if first < last and parts and parts[-1][0] == name:
            first = parts.pop()[1][0]
        if first < last:
            parts.append((name, (first, last)))
    if [name for name, _ in parts] == ["measure"]:
        return [("statement", parts[0][1])]
    return parts


def _read_outcome(text: str, _: str, item: Sequence[Entry]) -> list[Part]:
    first = item[0]
    found = _CELL.finditer(text, first.words, first.end)
    cells = [cell.span() for cell in found if cell[0].strip()]
    if len(cells) > 1:
        return _read_row(text, cells)
    parts = _split_frame(text, first.words, first.end, "measure")
    name = "description"
    for entry in item[1:]:
        start = entry.words
        label = LABELS.match(text, start, entry.end)
        if label and not label["other"]:
            name = label.lastgroup or name
            start = label.end()
        elif name == "description" and _is_time(text[start : entry.end]):
            name = "time_frame"
        parts += _split_frame(text, start, entry.end, name)
        # a bare label names the line below it
        name = name if start == entry.end else "description"
    return parts


def _read_row(text: str, cells: Sequence[Span]) -> list[Part]:
    """Return the parts of a row: the measure, its description, its time."""
    has_time = states_time(text[slice(*cells[-1])]) or len(cells) > 2
    middle = cells[1:-1] if has_time else cells[1:]
    parts = [("measure", cells[0]), *(("description", cell) for cell in middle)]
    return [*parts, ("time_frame", cells[-1])] if has_time else parts


def _split_frame(text: str, start: int, end: int, name: str) -> list[Part]:
    """Return a part, and its time if it is named so, or is in a bracket at the end of a measure."""
    named = _NAMED_TIME.search(text, start, end)
    if named:
        stop = end
        if named["open"] and text[end - 1] in "])":
            stop = end - 1
        return [(name, (start, named.start())), ("time_frame", (named.end(), stop))]
    bracket = _LAST_BRACKET.search(text[start:end]) if name == "measure" else None
    words = bracket["words"] if bracket else ""
    if not (bracket and states_time(words) and _MEASURED.search(words)):
        return [(name, (start, end))]
    first, last = bracket.span("words")
    frame = (start + first, start + last)
    return [(name, (start, start + bracket.start())), ("time_frame", frame)]


def _read_group(text: str, section: str, item: Sequence[Entry]) -> list[Part]:
    """Return the parts of an arm or an intervention."""
    first = item[0]
    name = "label" if section == ARMS else "name"
    opening = _TYPE.match(text, first.words, first.end)
    label = _LABEL.match(text, first.words, first.end)
    is_label = label is not None and len(label["label"]) <= _LONGEST_LABEL
    is_short = len(item) > 1 or first.end - first.words <= _LONGEST_LABEL
    parts: list[Part] = [("description", (first.words, first.end))]
    if opening:
        kind = ("type", opening.span("type"))
        parts = [kind, (name, (opening.end(), first.end))]
    elif label and (section == ARMS or is_label):
        rest = ("description", (label.end(), first.end))
        parts = [(name, label.span("label")), rest]
    elif section == ARMS and is_short:
        parts = [(name, (first.words, first.end))]
    return parts + [("description", (one.words, one.end)) for one in item[1:]]
