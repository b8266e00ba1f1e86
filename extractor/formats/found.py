"""The output of a format's reader: the content of a record, or why it cannot be read.

Readers do not know about files. They turn a byte stream into ``RecordContent`` and
``UnreadableSource`` values, and ``records`` adds the file, the id and the place.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

from extractor.language.line_ends import unify_line_ends
from extractor.schemas import DocumentText, Part, RegistryFields, Section
from extractor.schemas.record_limits import MAX_SECTIONS

_TRIAL_ID = re.compile(r"NCT\d{8}|ISRCTN\d{8}|\d{4}-\d{6}-\d{2}-\d{2}", re.ASCII)
_Value = TypeVar("_Value")

DOWNLOAD = (
    "download the record from its registry, or export it from the WHO's trialsearch.who.int "
    "(docs/reference/formats.md lists what is read)"
)
"""The remedy for a file that holds no record of a known format."""


@dataclass(frozen=True, slots=True)
class RecordContent:
    """A record's content, without file and id.

    Attributes:
        sections: The sections of free text.
        format: The format of the source.
        trial_id: The registry's number.
        registry: The structured fields.
        place: The place in the file.
        notes: What the reader had to mend or guess, each as a sentence for people; they become
            findings.
        document: The text of a PDF or a Word file.
        given: A free text as it was given.
    """

    sections: tuple[Section, ...]
    format: str
    trial_id: str | None = None
    registry: RegistryFields = field(default_factory=RegistryFields)
    place: str | None = None
    notes: tuple[str, ...] = ()
    document: DocumentText | None = None
    given: str | None = None


class UnreadableSource(Exception):
    """A problem that prevents reading, with a remedy for the user.

    Readers yield it if they can read the rest of the document, and raise it if not.
    """

    def __init__(self, problem: str, remedy: str, *, place: str | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.place = place
        super().__init__(problem, remedy, place)


Found = RecordContent | UnreadableSource


def build_content(
    build: Callable[[_Value], RecordContent], value: _Value, place: str | None
) -> Found:
    """Build the content of one record's value, with its place, or return the problem. Does not
    raise: an unexpected error of ``build`` is a problem, too, and so is a record without a text.
    """
    try:
        content = build(value)
    except UnreadableSource as problem:
        places = ", ".join(filter(None, (place, problem.place)))
        return UnreadableSource(problem.problem, problem.remedy, place=places or None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one record's failure must not stop the others
        return UnreadableSource(
            f"an unexpected {type(error).__name__}",
            "please report it with the record",
            place=place,
        )
    if not content.sections:
        return UnreadableSource(
            "the record holds no free text", "give a record with text", place=place
        )
    return replace(content, place=place)


def find_trial_id(text: str | None, numbers: re.Pattern[str] = _TRIAL_ID) -> str | None:
    """Return a registry's number (NCT, ISRCTN, EU CT) if it is the whole of an id field.

    >>> (
    ...     find_trial_id(" nct90000001 "),
    ...     find_trial_id("2021-000001-10"),
    ...     find_trial_id("2021-500001-10-00"),
    ... )
    ('NCT90000001', None, '2021-500001-10-00')
    """
    number = (text or "").strip().upper()
    return number if numbers.fullmatch(number) else None


def take_sections(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return all sections, but at most one more than a record may have. Such a record is refused
    later.
    """
    return tuple(islice(sections, MAX_SECTIONS + 1))


def text_section(name: str, text: str | None) -> tuple[Section, ...]:
    """Return a tuple with the section, empty if there is no text.

    >>> text_section("title", " ")
    ()
    """
    if not text or text.isspace():
        return ()
    return (Section(name=name, text=unify_line_ends(text)),)


def join_parts(
    name: str, parts: Iterable[tuple[str, str | None]]
) -> tuple[Section, ...]:
    r"""Return a tuple with the section of an item whose source keeps it in several fields. Blank
    fields are left out; the tuple is empty if all are.

    >>> [section] = join_parts(
    ...     "arms[0]",
    ...     [
    ...         ("label", "Cohort 1"),
    ...         ("type", None),
    ...         ("description", "1 x 10^6 cells/kg"),
    ...     ],
    ... )
    >>> section.text, section.part("description")
    ('Cohort 1\n1 x 10^6 cells/kg', '1 x 10^6 cells/kg')
    """
    lines: list[str] = []
    spans: list[Part] = []
    start = 0
    for part, text in parts:
        if not text or text.isspace():
            continue
        line = unify_line_ends(text)
        lines.append(line)
        spans.append(Part(name=part, start=start, end=start + len(line)))
        start += len(line) + len("\n")
    if not lines:
        return ()
    return (Section(name=name, text="\n".join(lines), parts=tuple(spans)),)


_OWN_HEADING = re.compile(
    r"\W*(?:\w+ ){0,3}(?:inclusion|exclusion)\b[^.\n]{0,40}(?::|\n)", re.IGNORECASE
)


def criteria_section(inclusion: str, exclusion: str) -> tuple[Section, ...]:
    r"""Return the section ``eligibility`` of a source that keeps inclusion and exclusion criteria
    apart.

    Each list gets a heading, unless it has one of its own. Inclusion criteria alone get none: the
    text may hold both lists. Without either text there is no section.

    >>> [section] = criteria_section("Adults", "Exclusion criteria: Asthma")
    >>> section.text
    'Inclusion Criteria:\nAdults\n\nExclusion criteria: Asthma'
    """
    has_exclusion = bool(exclusion.strip())
    lists: list[str] = []
    if inclusion.strip():
        # Registers without a field for exclusion criteria have both lists in the first field.
        is_whole = not has_exclusion or _OWN_HEADING.match(inclusion)
        lists.append(inclusion if is_whole else f"Inclusion Criteria:\n{inclusion}")
    if has_exclusion:
        is_headed = _OWN_HEADING.match(exclusion)
        lists.append(exclusion if is_headed else f"Exclusion Criteria:\n{exclusion}")
    return text_section("eligibility", "\n\n".join(lists))


_MARK = r"(?:\d{1,2}[.)](?!\d)|[*-](?=\s)|•)\s*"
_STARTS_ITEM = re.compile(
    rf"(?:\A|\n)[ \t]*{_MARK}|;(?!\s)(?:{_MARK})?|;\s+\d{{1,2}}[.)](?!\d)\s*"
)


STARTS_TIME = re.compile(
    r"\W{0,5}(?:measure(?:ment)? )?time[ -]?(?:frames?|points?)\b", re.IGNORECASE
)
"""What begins so is the time frame of the outcome before it, and no outcome."""


def list_items(name: str, cell: str, first: int = 0) -> Iterator[Section]:
    r"""Yield a section ``name[i]`` for each item of a cell, numbered from ``first`` on.

    Items have marks, or semicolons without a blank after them. What begins with "Time frame" and
    the like belongs to the item before it.

    >>> [
    ...     section.text
    ...     for section in list_items(
    ...         "primary_outcomes", "1. Pain; worst\n2. Sleep, week 4; 3. Cost"
    ...     )
    ... ]
    ['Pain; worst', 'Sleep, week 4', 'Cost']
    >>> [
    ...     section.name
    ...     for section in list_items(
    ...         "primary_outcomes", "Apolipoprotein;Serum amyloid (A; B);", 2
    ...     )
    ... ]
    ['primary_outcomes[2]', 'primary_outcomes[3]']
    >>> [
    ...     section.text
    ...     for section in list_items(
    ...         "primary_outcomes", "Pain;Timepoint: week 4;Sleep"
    ...     )
    ... ]
    ['Pain; Timepoint: week 4', 'Sleep']
    """
    items: list[str] = []
    for item in filter(None, map(str.strip, _STARTS_ITEM.split(cell))):
        if items and STARTS_TIME.match(item):
            items[-1] += f"; {item}"
        else:
            items.append(item)
    for number, item in enumerate(items, first):
        yield from join_parts(f"{name}[{number}]", [("statement", item)])


_TYPE = (
    r"(?i:BEHAVIORAL|BIOLOGICAL|COMBINATION[_ ]PRODUCT|DEVICE|DIAGNOSTIC[_ ]TEST|DIETARY[_ "
    r"]SUPPLEMENT|DRUG|GENETIC"
    r"|OTHER|PROCEDURE|RADIATION)"
)
_ITEM = re.compile(rf"(?P<type>{_TYPE}): ?(?P<name>.*)", re.DOTALL)
# A name may contain a bar: only a bar before a type is a separator.
_SEPARATOR = re.compile(rf"\|(?={_TYPE}:)")


def is_intervention_list(line: str) -> bool:
    """Return whether a line starts like a list of interventions. Prose may start with "Other:"; a
    list has capitals.

    >>> (
    ...     is_intervention_list("DRUG: Fictumab 5 mg|DEVICE: Pump"),
    ...     is_intervention_list("Drug: a survey of its abuse"),
    ... )
    (True, False)
    """
    found = _ITEM.match(line)
    return found is not None and found["type"].isupper()


def list_interventions(cell: str) -> Iterator[Section]:
    """Yield a section ``interventions[i]`` for each item, with the item's text unchanged.

    >>> [
    ...     section.part("name")
    ...     for section in list_interventions("DRUG: Fictumab|OTHER: Visit A|B")
    ... ]
    ['Fictumab', 'Visit A|B']
    """
    for number, item in enumerate(filter(str.strip, _SEPARATOR.split(cell))):
        yield intervention_section(number, item)


def intervention_section(number: int, item: str) -> Section:
    """Return the section of an intervention, with the type and the name as parts if it states
    them.
    """
    name = f"interventions[{number}]"
    stated = _ITEM.match(item)
    if not stated:
        return Section(name=name, text=item)
    parts: list[Part] = []
    for part in ("type", "name"):
        start, end = stated.span(part)
        if start < end:
            parts.append(Part(name=part, start=start, end=end))
    return Section(name=name, text=item, parts=tuple(parts))
