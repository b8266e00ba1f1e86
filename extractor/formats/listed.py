"""The items of a section of arms, interventions or outcomes, and the parts of each."""

import re
from collections.abc import Iterator, Sequence

from extractor.formats.headings import ARMS, OUTCOMES, STATES
from extractor.formats.layout import Entry, Span, find_cells
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
_GROUP = re.compile(
    r"(?P<opening>[*_]*(?:(?P<type>Experimental|(?:Active|Placebo|Sham) [Cc]omparator"
    r"|No [Ii]ntervention|Other|Behavioral|Biological|Combination [Pp]roduct|Device"
    r"|Diagnostic [Tt]est|Dietary [Ss]upplement|Drug|Genetic|Procedure|Radiation)|Group|Arm)"
    r"[*_]*:[*_ ]*)?(?P<name>[^\n:|\t]{1,120}?)[*_ ]*"
    r"(?P<sign>:(?=[\s*_])|[ \t][-–—](?=[ \t])|\||\t|\Z)"
)
"""The registered type of an arm or an intervention, its name, and the sign after that."""
_PHRASE = re.compile(r"(?:[^;\n]|;(?![ \t]{0,12}[A-Z\d]))+")
_EDGES = " \t\r\n|*_:;,-–—"
_INDENT = 2
_LONGEST_NAME = 60


def list_items(text: str, section: str, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the lines of each item of a section.

    Marks and labels such as "Arm A:" begin items, else lines do. A line with a colon above the
    first mark introduces the items. A single line of outcomes may have several: "OS; ORR".
    """
    marked = [entry for entry in entries if _is_marked(text, section, entry)]
    items: list[list[Entry]] = []
    for entry in entries:
        if marked:
            is_part = entry.column >= marked[0].column + _INDENT
            is_new = _is_marked(text, section, entry) and not is_part
            is_first = not items and text[entry.end - 1] != ":"
        else:
            is_first = not items
            is_new = not is_first and not _continues(text, items[-1][-1], entry)
        if is_new or is_first:
            items.append([entry])
        elif items:
            items[-1].append(entry)
    if section in OUTCOMES and len(entries) == 1 and not marked:
        return [[entry] for entry in _split_line(text, entries[0])]
    return items


def _is_marked(text: str, section: str, entry: Entry) -> bool:
    if entry.kind is BlockKind.ITEM or entry.name in STATES:
        return True
    found = _GROUP.match(text, entry.words, entry.end)
    return section not in OUTCOMES and bool(found and found["opening"])


def _continues(text: str, above: Entry, entry: Entry) -> bool:
    """Return whether a line without a mark belongs to the item of the line above."""
    words = text[above.words : above.end].rstrip(" *_")
    label = LABELS.match(words)
    if words.endswith(":") or (label and label.end() == len(words)):
        return True
    if LABELS.match(text, entry.words, entry.end):
        return True
    return _is_time(text[entry.words : entry.end])


def _is_time(words: str) -> bool:
    tokens = read_text(words)
    return rule("lone_time").covers(tokens, 0, len(tokens)) is not None


def _split_line(text: str, entry: Entry) -> Iterator[Entry]:
    """Yield the outcomes of a line, which semicolons separate."""
    for found in _PHRASE.finditer(text, entry.words, entry.end):
        yield Entry(found.start(), found.start(), found.end())


def find_parts(text: str, section: str, item: Sequence[Entry]) -> list[Part]:
    """Return the parts of an item, in their order; consecutive lines of the same name are
    joined.
    """
    is_outcome = section in OUTCOMES
    found = (
        _read_outcome(text, item) if is_outcome else _read_group(text, section, item)
    )
    parts: list[Part] = []
    for name, span in found:
        start, end = strip_span(text, *span, _EDGES)
        if start >= end:
            continue
        if parts and parts[-1][0] == name:
            start = parts.pop()[1][0]
        parts.append((name, (start, end)))
    if [name for name, _ in parts] == ["measure"]:
        return [("statement", parts[0][1])]
    return parts


def _read_outcome(text: str, item: Sequence[Entry]) -> Iterator[Part]:
    first = item[0]
    cells = find_cells(text, first.words, first.end)
    if len(cells) > 1:
        has_time = len(cells) > 2 or _is_time(text[slice(*cells[-1])])
        yield "measure", cells[0]
        for cell in cells[1:-1]:
            yield "description", cell
        yield "time_frame" if has_time else "description", cells[-1]
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
        if start < entry.end:  # a bare label names the line below it
            name = "description"


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
    """Yield the parts of an arm or an intervention. A line without a sign is the name of an arm, if
    it is short or has others below it.
    """
    first = item[0]
    found = _GROUP.match(text, first.words, first.end)
    start = first.words
    if found:
        is_short = len(item) > 1 or len(found["name"]) <= _LONGEST_NAME
        is_named = found["opening"] or (is_short and (section == ARMS or found["sign"]))
        if is_named:
            yield "type", found.span("type")
            yield "label" if section == ARMS else "name", found.span("name")
            start = found.end()
    yield "description", (start, first.end)
    for entry in item[1:]:
        yield "description", (entry.words, entry.end)
