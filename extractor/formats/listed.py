"""Split a section of arms, interventions or outcomes into items, and each item into parts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.concepts.outcomes.split import split_at_times
from extractor.formats.cells import split_outcome_cell
from extractor.formats.layout import (
    ARMS,
    OUTCOMES,
    ROW_RANKS,
    STATES,
    CharRange,
    PlacedBlock,
    find_cells,
)
from extractor.formats.registers import load_table, make_register
from extractor.language.book import read_text, rule
from extractor.language.passage import read_passage, strip_span

Part = tuple[str, CharRange]
"""The name of a part and its span."""

LABELS = re.compile(
    r"(?:\d{1,2}[.\d]{0,12}\s)?[\s*_\[(]{0,12}"
    r"(?:(?P<time_frame>(?:measure(?:ment)? )?time[ -]?(?:frames?|points?)(?:\(s\))?[^:\n]{0,60}?)"
    r"|(?P<description>(?:measure(?:ment)? )?(?:description|method|details))"
    r"|(?P<measure>type|sample size|intervention))"
    r"[ \t]*(?:\[\d+\])?[*_]*(?:[:：=][*_\s]*|\Z)",
    re.IGNORECASE,
)
"""The label of a part of an outcome or arm."""
_GROUP = re.compile(
    r"(?P<opening>[*_]*(?:(?P<type>Experimental|(?:Active|Placebo|Sham) [Cc]omparator"
    r"|No [Ii]ntervention|Other|Behavioral|Biological|Combination [Pp]roduct|Device"
    r"|Diagnostic [Tt]est|Dietary [Ss]upplement|Drug|Genetic|Procedure|Radiation)|Group|Arm)"
    r"[*_]*:[*_ ]*)?(?P<name>[^\n:|\t]{1,120}?)[*_ ]*"
    r"(?P<sign>:(?=[\s*_])|[ \t][-–—](?=[ \t])|\||\t|\Z)"
)
"""The registered type of an arm or intervention, its name, and the separator after the name."""
# "OS; ORR" is two outcomes, but "OS; Time frame: 2 years" is one.
_PHRASE = re.compile(
    r"(?:[^;\n]|;(?![ \t]{0,12}(?!(?i:time[ -]?(?:frame|point)))[A-Z\d]))+"
)
_STRENGTH = re.compile(
    r"[ \t,(]{1,4}\d[\d.,]{0,12}[ \t]?(?:mg|g|mcg|µg|ug|IU|U|%)(?:/\d*[ \t]?m[lL])?[ \t]"
    r"[^\n.;]{0,30}?\b(?:capsule|tablet|vial|syringe|pen|ampoule|sachet|cream|solution|suspension"
    r"|injection)s?\b[^\n]{0,40}"
)
"""The strength and the form of a product behind its name."""
_OPENINGS = make_register("ictrp", load_table("ictrp")).openings
_EDGES = " \t\r\n|*_:;,-–—"
_INDENT = 2
_LONGEST_NAME = 60


def list_items(
    text: str, section: str, entries: Sequence[PlacedBlock]
) -> list[list[PlacedBlock]]:
    """Return the lines of each item in a section. List markers and labels such as "Arm A:" begin
    items; in a section without markers and labels, each line is an item. A line that precedes the
    first marker and ends with a colon introduces the items and is omitted. A single line of
    outcomes may contain several items: "OS; ORR".
    """
    products = [entry for entry in entries if not entry.belongs_above]
    if len(products) < len(entries):
        return _list_products(text, section, products, entries[len(products) :])
    marks = [_is_marked(text, section, entry) for entry in entries]
    if any(marks):
        return _list_marked(text, entries, marks)
    if section in OUTCOMES and len(entries) == 1:
        return _list_phrases(text, entries[0])
    items: list[list[PlacedBlock]] = []
    for entry in entries:
        if items and _continues(text, items[-1][-1], entry):
            items[-1].append(entry)
        else:
            items.append([entry])
    return items


def _list_marked(
    text: str, entries: Sequence[PlacedBlock], marks: Sequence[bool]
) -> list[list[PlacedBlock]]:
    """Return the lines of each item that a mark begins. A marked line that is indented more than
    the first one belongs to the item above.
    """
    too_deep = entries[marks.index(True)].block.column + _INDENT
    items: list[list[PlacedBlock]] = []
    for entry, is_marked in zip(entries, marks, strict=True):
        if items:
            begins_item = is_marked and entry.block.column < too_deep
        else:
            begins_item = is_marked or text[entry.end - 1] != ":"
        if begins_item:
            items.append([entry])
        # a line that introduces the items belongs to none
        elif items:
            items[-1].append(entry)
    return items


def _list_phrases(text: str, entry: PlacedBlock) -> list[list[PlacedBlock]]:
    """Return the outcomes on a single line as items of a line each: "OS; ORR"."""
    return [
        [replace(entry, words_start=start, end=end)]
        for phrase in _PHRASE.finditer(text, entry.words_start, entry.end)
        for start, end in _split_phrase(text, phrase.span())
    ]


def _split_phrase(text: str, span: CharRange) -> Iterator[CharRange]:
    """Yield the outcomes of a phrase, each of which states its own time: "lactate at 6 h, death at
    28 days".
    """
    start, end = span
    for outcome in split_at_times(read_passage(text[start:end])):
        first, stop = outcome.clean_span
        yield start + first, start + stop


def _list_products(
    text: str,
    section: str,
    products: Sequence[PlacedBlock],
    rows: Sequence[PlacedBlock],
) -> list[list[PlacedBlock]]:
    """Return the lines of each product of a synopsis. The rows below a single product are its
    dose, route and length, so that the strength behind its name is none. Below several products,
    each row is an item.
    """
    items = list_items(text, section, products)
    if len(items) != 1:
        return [*items, *([row] for row in rows)]
    [[product, *others]] = items
    strength = _STRENGTH.search(text, product.words_start, product.end)
    if strength:
        product = replace(product, end=strength.start())
    return [[product, *others, *rows]]


def _is_marked(text: str, section: str, entry: PlacedBlock) -> bool:
    if entry.is_item:
        return True
    if entry.block.name in STATES:
        return True
    if section in OUTCOMES:
        return _is_numbered_row(text, entry)
    group = _GROUP.match(text, entry.words_start, entry.end)
    return bool(group and group["opening"])


def _continues(text: str, above: PlacedBlock, entry: PlacedBlock) -> bool:
    """Return whether a line without a list marker belongs to the same item as the line above."""
    if _is_in_ranked_row(text, above.end, entry):
        return True
    words = text[above.words_start : above.end].rstrip(" *_")
    if words.endswith(":"):
        return True
    if LABELS.fullmatch(words):
        return True
    return LABELS.match(text, entry.words_start, entry.end) is not None


def _is_in_ranked_row(text: str, end_above: int, entry: PlacedBlock) -> bool:
    """Return whether a cell stands in the row of the cell that ends at ``end_above``, one of whose
    cells is its rank: "Survival | Primary | 24 months".
    """
    if end_above > entry.start or "\n" in text[end_above : entry.start]:
        return False
    start = text.rfind("\n", 0, end_above) + 1
    cells = find_cells(text, start, entry.end)
    return any(text[slice(*cell)].lower() in ROW_RANKS for cell in cells)


def find_parts(text: str, section: str, item: Sequence[PlacedBlock]) -> list[Part]:
    """Return the parts of an item in order, joining consecutive lines of the same part."""
    if item[-1].belongs_above:
        return _name_rows(text, item)
    if section in OUTCOMES:  # noqa: SIM108 - longer than a line
        pieces = _read_outcome(text, item)
    else:
        pieces = _read_group(text, section, item)
    parts: list[Part] = []
    for name, span in pieces:
        start, end = strip_span(text, *span, _EDGES)
        if start < end:
            # extend the part of the line above
            if parts and parts[-1][0] == name:
                start = parts.pop()[1][0]
            parts.append((name, (start, end)))
    # an outcome that is not divided
    if [name for name, _ in parts] == ["measure"]:
        return [("statement", parts[0][1])]
    return parts


def _name_rows(text: str, item: Sequence[PlacedBlock]) -> list[Part]:
    """Return the parts of a product with rows of a synopsis, whose labels are kept."""
    product = next(entry for entry in item if not entry.belongs_above)
    row = next(entry for entry in item if entry.belongs_above)
    rows = (row.words_start, item[-1].end)
    return [
        ("name", strip_span(text, product.words_start, product.end, _EDGES)),
        ("description", strip_span(text, *rows, _EDGES)),
    ]


def _read_outcome(text: str, item: Sequence[PlacedBlock]) -> Iterator[Part]:
    """Yield the parts of an outcome. A part continues in the lines below until a label begins
    another one.
    """
    first = item[0]
    cells = find_cells(text, first.words_start, first.end)
    # the number of a row that follows another: "2 | Sleep | week 4"
    if _is_numbered_row(text, first):
        cells = cells[1:]
    if len(cells) > 1:  # "Pain | on a scale of 0 to 10 | week 4"
        yield from zip(_name_cells(text, cells), cells, strict=True)
        return
    name = "measure"
    for entry in item:
        label = LABELS.match(text, entry.words_start, entry.end)
        start = entry.words_start
        if label and entry is not first and label.lastgroup != "measure":
            name = label.lastgroup or name
            start = label.end()
        is_in_row = _is_in_ranked_row(text, first.end, entry)
        if is_in_row and _is_time(text[start : entry.end]):
            name = "time_frame"
        for part, (begin, end) in split_outcome_cell(
            text[start : entry.end], _OPENINGS
        ):
            # such a part is what the label or the lines above say
            if part not in ("measure", "statement"):
                name = part
            yield name, (start + begin, start + end)
        if start < entry.end:  # a label without text applies to the next line
            name = "description"


def _name_cells(text: str, cells: Sequence[CharRange]) -> list[str]:
    """Return the parts of an outcome that the cells of a row contain. The time is in the last cell
    that is only a time or, in a row of three cells or more, in the last one.
    """
    names = ["measure", *["description"] * (len(cells) - 1)]
    times = [
        place
        for place, cell in enumerate(cells)
        if place > 0 and _is_time(text[slice(*cell)])
    ]
    if times:
        names[times[-1]] = "time_frame"
    elif len(cells) > 2:
        names[-1] = "time_frame"
    return names


def _is_time(cell: str) -> bool:
    tokens = read_text(cell)
    return rule("lone_time").covers(tokens, 0, len(tokens)) is not None


def _is_numbered_row(text: str, entry: PlacedBlock) -> bool:
    """Return whether a row begins with a cell that is only its number, which is no list marker."""
    if entry.is_item or not entry.number:
        return False
    first, *others = find_cells(text, entry.words_start, entry.end)
    number = ".".join(map(str, entry.number))
    return bool(others) and text[slice(*first)].strip(" .)") == number


def _read_group(text: str, section: str, item: Sequence[PlacedBlock]) -> Iterator[Part]:
    """Yield the parts of an arm or intervention. A first line without a separator is treated as
    the name of an arm if it is short or if other lines follow.
    """
    first = item[0]
    group = _GROUP.match(text, first.words_start, first.end)
    start = first.words_start
    if group:
        is_short = len(item) > 1 or len(group["name"]) <= _LONGEST_NAME
        is_name = is_short and (section == ARMS or group["sign"])
        if is_name or group["opening"]:
            yield "type", group.span("type")
            yield "label" if section == ARMS else "name", group.span("name")
            start = group.end()
    yield "description", (start, first.end)
    for entry in item[1:]:
        yield "description", (entry.words_start, entry.end)
