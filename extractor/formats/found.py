"""The output of a format's reader: the content of a record, or why it cannot be read.

Readers do not know about files. They turn a byte stream into ``RecordContent`` and
``UnreadableSource`` values, and ``records`` adds the file, the id and the place.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

from extractor.errors import RecordError
from extractor.language.line_ends import unify_line_ends
from extractor.schemas import (
    DocumentText,
    OtherLanguage,
    Part,
    Piece,
    RegistryFields,
    Section,
)
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

    def locate(self, path: str, *above: str | None) -> RecordError:
        """Return the error for users: of a file, at a place below others."""
        place = join_place(*above, self.place)
        return RecordError(path, self.problem, self.remedy, place=place)


def join_place(*places: str | None) -> str | None:
    """Return places within each other as one, None without any.

    >>> join_place("trials.zip", None, "line 3")
    'trials.zip, line 3'
    """
    return ", ".join(filter(None, places)) or None


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
        places = join_place(place, problem.place)
        return UnreadableSource(problem.problem, problem.remedy, place=places)
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


def find_trial_id(text: str | None) -> str | None:
    """Return a registry's number (NCT, ISRCTN, EU CT) if it is the whole of an id field.

    >>> (
    ...     find_trial_id(" nct90000001 "),
    ...     find_trial_id("2021-000001-10"),
    ...     find_trial_id("2021-500001-10-00"),
    ... )
    ('NCT90000001', None, '2021-500001-10-00')
    """
    number = (text or "").strip().upper()
    return number if _TRIAL_ID.fullmatch(number) else None


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
    return join_texts(name, [text])


class Words(str):
    """Some words of the source, with where they are in it, and the language if it is not English.

    >>> words = Words("Alter ab 18", at=7, language="German")
    >>> words, words.at, words.language
    ('Alter ab 18', 7, 'German')
    """

    at: int | None
    language: str | None

    def __new__(
        cls, text: str, *, at: int | None = None, language: str | None = None
    ) -> "Words":
        words = super().__new__(cls, text)
        words.at = at
        words.language = language
        return words


def join_parts(
    name: str, parts: Iterable[tuple[str, str | None]]
) -> tuple[Section, ...]:
    r"""Return a tuple with the section of texts, each the part of that name, on lines of its own; a
    text of the name "" is no part. Blank texts are left out; the tuple is empty if all are.

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
    marks: dict[str, Any] = defaultdict(list)
    start = 0
    for part, text in parts:
        if not text or text.isspace():
            continue
        line = text if _has_usual_ends(text) else unify_line_ends(text)
        end = start + len(line)
        lines.append(line)
        if part:
            marks["parts"].append(Part(name=part, start=start, end=end))
        if isinstance(text, Words) and text.at is not None:
            marks["pieces"].append(Piece(start=start, at=text.at))
        if isinstance(text, Words) and text.language:
            span = OtherLanguage(start=start, end=end, language=text.language)
            marks["other_languages"].append(span)
        start = end + len("\n")
    if not lines:
        return ()
    return (Section(name=name, text="\n".join(lines), **marks),)


def _has_usual_ends(text: str) -> bool:
    """Return whether a text has no line ends but line feeds; much faster than to look for them."""
    has_others = "\r" in text or "\v" in text or "\f" in text or "\x1c" in text
    has_separators = "\x1d" in text or "\x1e" in text
    return text.isascii() and not (has_others or has_separators)


def join_texts(name: str, texts: Iterable[str | None]) -> tuple[Section, ...]:
    """Return a tuple with the section of texts that are no parts, as ``join_parts`` does."""
    return join_parts(name, (("", text) for text in texts))


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
    lines: list[str] = []
    has_exclusion = bool(exclusion.strip())
    if inclusion.strip():
        # Registers without a field for exclusion criteria have both lists in the first field.
        if has_exclusion and not _OWN_HEADING.match(inclusion):
            lines.append("Inclusion Criteria:")
        lines.append(inclusion)
    if has_exclusion:
        gap = "\n" if lines else ""
        if _OWN_HEADING.match(exclusion):
            lines.append(gap + exclusion)
        else:
            lines += [f"{gap}Exclusion Criteria:", exclusion]
    return join_texts("eligibility", lines)


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
    language = cell.language if isinstance(cell, Words) else None
    items: list[str] = []
    for item in filter(None, map(str.strip, _STARTS_ITEM.split(cell))):
        if items and STARTS_TIME.match(item):
            items[-1] += f"; {item}"
        else:
            items.append(item)
    for number, item in enumerate(items, first):
        words = Words(item, language=language)
        yield from join_parts(f"{name}[{number}]", [("statement", words)])


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


def list_interventions(name: str, cell: str, first: int = 0) -> Iterator[Section]:
    """Yield a section ``name[i]`` for each item, with the item's text unchanged.

    >>> [
    ...     section.part("name")
    ...     for section in list_interventions(
    ...         "interventions", "DRUG: Fictumab|OTHER: Visit A|B"
    ...     )
    ... ]
    ['Fictumab', 'Visit A|B']
    """
    for number, item in enumerate(filter(str.strip, _SEPARATOR.split(cell)), first):
        yield _intervention_section(f"{name}[{number}]", item, _ITEM.match(item))


_STARTS_PRODUCT = re.compile(r";(?!\s)|\n(?=\s{0,9}(?:Trade|Product) Name:)")
_PRODUCT = re.compile(r"\s*(?:Trade|Product) Name: *(?P<name>[^\n,]+)")


def list_products(name: str, cell: str, first: int = 0) -> Iterator[Section]:
    """Yield a section ``name[i]`` for each product or typed intervention of a cell.

    >>> [
    ...     section.part("name")
    ...     for section in list_products("interventions", "Drug: A;Trade Name: B, 5 mg")
    ... ]
    ['A', 'B']
    """
    for number, item in enumerate(
        filter(str.strip, _STARTS_PRODUCT.split(cell)), first
    ):
        stated = _PRODUCT.match(item) or _ITEM.match(item)
        yield _intervention_section(f"{name}[{number}]", item, stated)


def _intervention_section(
    name: str, item: str, stated: re.Match[str] | None
) -> Section:
    """Return the section of an intervention, whose parts are the groups of a match."""
    parts: list[Part] = []
    for part in stated.groupdict() if stated else ():
        start, end = stated.span(part) if stated else (0, 0)
        if start < end:
            parts.append(Part(name=part, start=start, end=end))
    return Section(name=name, text=item, parts=tuple(parts))
