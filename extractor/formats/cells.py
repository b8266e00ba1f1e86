"""Split texts that are lists: outcomes, interventions or products in a cell. Also join inclusion
and exclusion criteria into one section.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest

from extractor.formats.found import STARTS_TIME, FoundText, Sections, text_section
from extractor.language.clean import CELL, EDGE, EMPHASIS, may_hold_markup
from extractor.schemas import Part, Section

_MARK = r"(?:\d{1,2}[.)](?!\d)|\[\d{1,2}\]|[*~-](?=\s)|•)\s*"
_STARTS_ITEM = (
    rf"(?:\A|\n)[ \t]*{_MARK}|;(?!\s)(?![^][]{{0,400}}\])(?:{_MARK})?"
    r"|;\s+\d{1,2}[.)](?!\d)\s*"
)
_TYPE = (
    r"(?i:BEHAVIORAL|BIOLOGICAL|COMBINATION[_ ]PRODUCT|DEVICE|DIAGNOSTIC[_ ]TEST|DIETARY[_ "
    r"]SUPPLEMENT|DRUG|GENETIC|OTHER|PROCEDURE|RADIATION)"
)
_TYPED = re.compile(rf"(?P<type>{_TYPE}): ?(?P<name>.*)", re.DOTALL)
_PRODUCT = re.compile(r"\s*(?:Trade|Product) Name: *(?P<name>[^\n,]+)")
_STARTS = {
    "marks": re.compile(_STARTS_ITEM),
    "lines": re.compile(rf"{_STARTS_ITEM}|\n(?=\s{{0,9}}[^a-z\s])"),
    # A name may contain a bar, so only a bar before a type is a separator.
    "types": re.compile(rf"\|(?={_TYPE}:)"),
    "products": re.compile(r";(?!\s)|\n(?=\s{0,9}(?:Trade|Product) Name:)"),
}
_PARTS = ("measure", "description", "time_frame")
"""The parts of an outcome, in the order in which they are read."""
_OWN_HEADING = re.compile(
    r"\W*(?:\w+ ){0,3}(?:inclusion|exclusion)\b[^.\n]{0,40}(?::|\n)", re.IGNORECASE
)


def split_list(cell: str, by: str = "marks") -> list[tuple[str, str]]:
    r"""Return the items of a cell as (introductory text, item) pairs. Items have list markers, or
    are separated by semicolons that are not followed by a space. If ``by`` is "lines", each line
    without a list marker is also an item. Text that begins with "Time frame" or similar words
    belongs to the preceding item.

    >>> split_list("1. Pain; worst\n2. Sleep, week 4; 3. Cost")
    [('', 'Pain; worst'), ('', 'Sleep, week 4'), ('', 'Cost')]
    >>> split_list("Serum amyloid (A; B);Pain;Timepoint: week 4")
    [('', 'Serum amyloid (A; B)'), ('', 'Pain; Timepoint: week 4')]
    >>> split_list("First:\n- Pain\nThen:\n- Cost")
    [('First:', 'Pain'), ('Then:', 'Cost')]
    """
    # the starts and ends of the text between the marks
    edges = [0]
    for mark in _STARTS[by].finditer(cell):
        edges += mark.span()
    pieces = zip(edges[::2], [*edges[1::2], len(cell)], strict=True)
    items: list[tuple[str, str]] = []
    lead = ""  # the introductory text of the next item
    for item in filter(None, (cut(cell, *piece) for piece in pieces)):
        words, _, last = item.rpartition("\n")
        if items and STARTS_TIME.match(item):
            before, outcome = items.pop()
            items.append((before, f"{outcome}; {item}"))
        elif last.rstrip().endswith(":"):  # "Pain\nThen:" introduces the next item
            at = len(words)
            if words.strip():
                items.append((lead, cut(item, 0, at)))
            lead = cut(item, at, len(item))
        else:
            items.append((lead, item))
            lead = ""
    # no item follows, so it is one itself
    if lead:
        return [*items, ("", lead)]
    return items


def split_outcome_cell(item: str, openings: str) -> list[tuple[str, tuple[int, int]]]:
    r"""Return the parts of an outcome as (name, span) pairs: a single statement if it has none.
    ``openings`` is a pattern whose groups match what precedes the parts that they are named after.

    >>> split_outcome_cell("Pain[week 4].", r"(?P<time_frame>\[)")
    [('measure', (0, 4)), ('time_frame', (5, 11))]
    """
    found = list(re.finditer(openings, item)) if openings else []
    if not found:
        return [("statement", (0, len(item)))]
    parts = {"measure": (0, found[0].start())}
    for opening, following in zip_longest(found, found[1:]):
        end = following.start() if following else len(item)
        # the opening " (" of "Pain (week 4)" shows that the time ends before the last bracket
        closing = ""
        if "(" in opening[0]:
            closing = ")"
        end = len(item[:end].rstrip(f" \n.;]{closing}"))
        parts.setdefault(str(opening.lastgroup), (opening.end(), end))
    return [(name, parts[name]) for name in sorted(parts, key=_PARTS.index)]


def undo_breaks(text: str) -> str:
    r"""Return a text with each HTML line-break tag replaced by a line break that is padded with
    spaces to the length of the tag. Emphasis tags become spaces.

    >>> undo_breaks("Pain<br><b>Sleep</b>")
    'Pain   \n   Sleep    '
    """
    if not may_hold_markup(text):
        return text
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda code: " " * len(code[0]), text)
    return EDGE.sub(lambda code: "\n".rjust(len(code[0])), text)


def cut(words: str, start: int, end: int) -> FoundText:
    """Return the words from ``start`` to ``end``, without surrounding whitespace. The language is
    kept.
    """
    return FoundText(
        words[start:end].strip(), language=getattr(words, "language", None)
    )


def is_intervention_list(line: str) -> bool:
    """Return whether a line begins with an intervention type in capitals, as the lines of an
    intervention list do. Prose may begin with a type that is not in capitals, such as "Other:".

    >>> (
    ...     is_intervention_list("DRUG: Fictumab 5 mg|DEVICE: Pump"),
    ...     is_intervention_list("Drug: a survey of its abuse"),
    ... )
    (True, False)
    """
    typed = _TYPED.match(line)
    if typed is None:
        return False
    return typed["type"].isupper()


def list_interventions(
    cell: str, by: str = "types", first: int = 0
) -> Iterator[Section]:
    """Split a cell by type or by product, and yield a section for each intervention in it. The
    text is unchanged. The sections are numbered from ``first``.

    >>> [
    ...     section.part("name")
    ...     for section in list_interventions("DRUG: Fictumab|OTHER: Visit A|B")
    ... ]
    ['Fictumab', 'Visit A|B']
    >>> cell = "Drug: A;Trade Name: B, 5 mg"
    >>> [section.part("name") for section in list_interventions(cell, "products")]
    ['A', 'B']
    """
    for number, item in enumerate(filter(str.strip, _STARTS[by].split(cell)), first):
        typed = _TYPED.match(item)
        if by == "products":
            typed = _PRODUCT.match(item) or typed
        parts: list[Part] = []
        if typed:
            for part in typed.groupdict():
                start, end = typed.span(part)
                if start < end:
                    parts.append(Part(name=part, start=start, end=end))
        yield Section(name=f"interventions[{number}]", text=item, parts=tuple(parts))


def criteria_section(inclusion: str, exclusion: str) -> Sections:
    r"""Return the ``eligibility`` section of a source that separates inclusion and exclusion
    criteria. A heading is added to each list that does not have one; if the exclusion criteria are
    blank, no heading is added, because the inclusion criteria may then contain both lists. Return
    an empty tuple if both texts are blank.

    >>> [section] = criteria_section("Adults", "Exclusion criteria: Asthma")
    >>> section.text
    'Inclusion Criteria:\nAdults\n\nExclusion criteria: Asthma'
    """
    lines: list[str] = []
    has_exclusion = bool(exclusion.strip())
    if inclusion.strip():
        # A register without a field for exclusion criteria has both lists in the first field.
        if has_exclusion and not _OWN_HEADING.match(inclusion):
            lines.append("Inclusion Criteria:")
        lines.append(inclusion)
    if has_exclusion:
        gap = ""
        if lines:
            gap = "\n"
        if _OWN_HEADING.match(exclusion):
            lines.append(gap + exclusion)
        else:
            lines += [f"{gap}Exclusion Criteria:", exclusion]
    return text_section("eligibility", *lines)
