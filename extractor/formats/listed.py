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
"""The name of a part, and its place."""

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
_PHRASE = re.compile(r"(?:[^;\n]|;(?![ \t]{0,12}[A-Z\d]))+")
"""An outcome among others on a line, which semicolons separate."""
_ABBREVIATION = re.compile(r"[A-Z][A-Za-z]{0,4}[A-Z]\d?\b")
_ABBREVIATIONS = re.compile(
    rf"(?:{_ABBREVIATION.pattern}(?:,[ \t]*(?:and[ \t]+)?|[ \t]+and[ \t]+|\.?\Z))+"
)
_EDGES = " \t\r\n|*_:;,-–—"
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


def list_items(text: str, section: str, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the lines of each item of a section. Outcomes may be alone on a line: "OS, ORR and
    DoR", "Responder rate; MIDAS".
    """
    items = _group(text, section, entries)
    is_line = len(items) == 1 and len(items[0]) == 1 and section in OUTCOMES
    if not is_line or items[0][0].kind in (BlockKind.ITEM, BlockKind.ROW):
        return items
    line = items[0][0]
    words = text[line.words : line.end]
    pattern = _ABBREVIATION if _ABBREVIATIONS.fullmatch(words) else _PHRASE
    spans = [strip_span(words, *found.span()) for found in pattern.finditer(words)]
    first = line.words
    pieces = [Entry(first + at, first + at, first + end) for at, end in spans]
    return [[piece] for piece in pieces if piece.start < piece.end]


def _group(text: str, section: str, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the lines of each item.

    Marks begin items, else lines; a line that is a time or a label continues the item above it, and
    a line with a colon above the first mark introduces the items.
    """
    marked = [one for one in entries if _begins(text, section, one)]
    begins = {one.words for one in marked if _is_like(one, marked[0])}
    items: list[list[Entry]] = []
    for entry in entries:
        is_new = entry.words in begins
        if not begins:
            is_new = not items or not _continues(text, items[-1][-1], entry)
        introduces = bool(begins) and text[entry.end - 1] == ":"
        if is_new or not (items or introduces):
            items.append([entry])
        elif items:
            items[-1].append(entry)
    return items


def _begins(text: str, section: str, entry: Entry) -> bool:
    """Return whether a line surely begins an item: it has a mark, or is "Arm A:", "Drug: ..."."""
    if LABELS.match(text, entry.words, entry.end):
        return False
    if entry.kind is BlockKind.ITEM or entry.name in STATES:
        return True
    is_typed = _TYPE.match(text, entry.words, entry.end) is not None
    return is_typed and section not in OUTCOMES


def _is_like(entry: Entry, first: Entry) -> bool:
    """Return whether a line with a mark is no part of an item that begins as the first one does."""
    is_outer = entry.column < first.column + _INDENT
    return is_outer and (entry.kind is not BlockKind.ITEM or entry.style == first.style)


def _continues(text: str, above: Entry, entry: Entry) -> bool:
    """Return whether a line without a mark belongs to the item above it."""
    words = text[above.words : above.end].rstrip(" *_")
    label = LABELS.match(words)
    is_label_above = label is not None and label.end() == len(words)
    if words.endswith(":") or is_label_above:
        return True
    is_label = LABELS.match(text, entry.words, entry.end) is not None
    return is_label or _is_time(text[entry.words : entry.end])


def _is_time(words: str) -> bool:
    tokens = read_text(words)
    return rule("lone_time").covers(tokens, 0, len(tokens)) is not None


def find_parts(text: str, section: str, item: Sequence[Entry]) -> list[Part]:
    """Return the parts of an item, in their order; lines of one name below each other are one."""
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


def _read_outcome(text: str, _: str, item: Sequence[Entry]) -> Iterator[Part]:
    first = item[0]
    found = _CELL.finditer(text, first.words, first.end)
    cells = [cell.span() for cell in found if cell[0].strip()]
    if len(cells) > 1:
        has_time = len(cells) > 2 or _is_time(text[slice(*cells[-1])])
        names = ["measure", *["description"] * len(cells)][: len(cells)]
        names[-1] = "time_frame" if has_time else "description"
        yield from zip(names, cells, strict=True)
        return
    yield from _split_frame(text, first.words, first.end, "measure")
    name = "description"
    for entry in item[1:]:
        start = entry.words
        label = LABELS.match(text, start, entry.end)
        if label and not label["other"]:
            name = label.lastgroup or name
            start = label.end()
        elif name == "description" and _is_time(text[start : entry.end]):
            name = "time_frame"
        yield from _split_frame(text, start, entry.end, name)
        # a bare label names the line below it
        name = name if start == entry.end else "description"


def _split_frame(text: str, start: int, end: int, name: str) -> Iterator[Part]:
    """Yield a part, and its time if that is named."""
    named = _NAMED_TIME.search(text, start, end)
    if named is None:
        yield name, (start, end)
        return
    is_closed = named["open"] is not None and text[end - 1] in "])"
    yield name, (start, named.start())
    yield "time_frame", (named.end(), end - is_closed)


def _read_group(text: str, section: str, item: Sequence[Entry]) -> Iterator[Part]:
    """Yield the parts of an arm or an intervention."""
    first = item[0]
    name = "label" if section == ARMS else "name"
    opening = _TYPE.match(text, first.words, first.end)
    label = _LABEL.match(text, first.words, first.end)
    is_label = label is not None and len(label["label"]) <= _LONGEST_LABEL
    is_short = len(item) > 1 or first.end - first.words <= _LONGEST_LABEL
    if opening:
        yield "type", opening.span("type")
        yield name, (opening.end(), first.end)
    elif label and (section == ARMS or is_label):
        yield name, label.span("label")
        yield "description", (label.end(), first.end)
    else:
        is_name = section == ARMS and is_short
        yield name if is_name else "description", (first.words, first.end)
    for entry in item[1:]:
        yield "description", (entry.words, entry.end)
