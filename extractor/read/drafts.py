"""The output of a format's reader: the content of a record, or why it cannot be read.

Readers do not know about files. They turn a byte stream into ``Draft`` and ``Unreadable`` values, and ``records`` adds
the file, the id and the place.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from extractor.schemas import Part, RegistryFields, Section

_NCT_ID = re.compile(r"NCT\d{8}", re.ASCII)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Draft:
    """A record's content, without file and id."""

    sections: tuple[Section, ...]
    nct_id: str | None = None
    registry: RegistryFields = field(default_factory=RegistryFields)
    place: str | None = None


class Unreadable(Exception):
    """A problem that prevents reading, with a remedy for the user.

    Readers yield it if they can read the rest of the document, and raise it if not.
    """

    def __init__(self, problem: str, remedy: str, *, place: str | None = None) -> None:
        self.problem, self.remedy, self.place = problem, remedy, place
        super().__init__(problem, remedy, place)


Found = Draft | Unreadable


def build_draft(build: Callable[[_Value], Draft], value: _Value, place: str | None) -> Found:
    """Build the draft of one record's value, or return the problem. Does not raise."""
    try:
        draft = build(value)
    except Unreadable as problem:
        places = ", ".join(filter(None, (place, problem.place)))
        return Unreadable(problem.problem, problem.remedy, place=places or None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one record's failure must not stop the others
        return Unreadable(f"an unexpected {type(error).__name__}", "please report it with the record", place=place)
    if not draft.sections:
        return Unreadable("the record holds no free text", "give a record with text", place=place)
    return replace(draft, place=place)


def find_nct_id(text: str | None) -> str | None:
    """Return the NCT number if it is the whole of an id field.

    >>> find_nct_id(" nct90000001 "), find_nct_id("2021-000001-10")
    ('NCT90000001', None)
    """
    number = (text or "").strip().upper()
    return number if _NCT_ID.fullmatch(number) else None


def text_section(name: str, text: str | None) -> tuple[Section, ...]:
    """Return a tuple with the section, empty if there is no text.

    >>> text_section("title", " ")
    ()
    """
    return (Section(name=name, text=text),) if text and not text.isspace() else ()


def join_parts(name: str, parts: Iterable[tuple[str, str | None]]) -> tuple[Section, ...]:
    r"""Return the section of an item whose source keeps it in several fields; blank fields are left out.

    >>> [section] = join_parts("arms[0]", [("label", "Cohort 1"), ("type", None), ("description", "1 x 10^6 cells/kg")])
    >>> section.text, section.part("description")
    ('Cohort 1\n1 x 10^6 cells/kg', '1 x 10^6 cells/kg')
    """
    present = [(part, text) for part, text in parts if text and not text.isspace()]
    spans, start = [], 0
    for part, text in present:
        spans.append(Part(name=part, start=start, end=start + len(text)))
        start += len(text) + 1
    if not present:
        return ()
    return (Section(name=name, text="\n".join(text for _, text in present), parts=tuple(spans)),)


_TYPE = (
    r"(?i:BEHAVIORAL|BIOLOGICAL|COMBINATION[_ ]PRODUCT|DEVICE|DIAGNOSTIC[_ ]TEST|DIETARY[_ ]SUPPLEMENT|DRUG|GENETIC"
    r"|OTHER|PROCEDURE|RADIATION)"
)
_ITEM = re.compile(rf"(?P<type>{_TYPE}): ?(?P<name>.*)", re.DOTALL)
# A name may contain a bar: only a bar before a type is a separator.
_SEPARATOR = re.compile(rf"\|(?={_TYPE}:)")


def is_intervention_list(line: str) -> bool:
    """Whether a line starts like a list of interventions. Prose may start with "Other:"; a list has capitals.

    >>> is_intervention_list("DRUG: Fictumab 5 mg|DEVICE: Pump"), is_intervention_list("Drug: a survey of its abuse")
    (True, False)
    """
    found = _ITEM.match(line)
    return found is not None and found["type"].isupper()


def list_interventions(cell: str) -> Iterator[Section]:
    """Yield a section ``interventions[i]`` for each item, with the item's text unchanged.

    >>> [section.part("name") for section in list_interventions("DRUG: Fictumab|OTHER: Visit A|B")]
    ['Fictumab', 'Visit A|B']
    """
    for number, item in enumerate(filter(str.strip, _SEPARATOR.split(cell))):
        found = _ITEM.match(item)
        spans = [(name, *found.span(name)) for name in ("type", "name")] if found else []
        parts = tuple(Part(name=name, start=start, end=end) for name, start, end in spans if end > start)
        yield Section(name=f"interventions[{number}]", text=item, parts=parts)
