"""New items and values from marked words: the rules read the words as they would in a record."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from extractor.apps.evaluation.places import find_places
from extractor.apps.pages.view import Json, ShownText
from extractor.apps.review.forms import FIELDS, Form, FormField, make_empty, write_item
from extractor.evidence.drafts import CERTAIN
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import (
    ExtractedItem,
    Rank,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.vocabulary import Effort

PEOPLE = "eligibility"
_BY_RULES = ExtractionOptions(effort=Effort.NONE)
_LIST_NAME = re.compile(r"\b(inclusion|exclusion)\b", re.IGNORECASE)
_OUTCOMES = re.compile(r"(primary|secondary|other)_outcomes\[(\d+)\]")
_NAMES = {
    "constraints": "quantity",
    "amounts": "unit",
    "time_windows": "quote",
    "instrument": "name",
    "groups": "lead_in",
}
"""The field for marked words from which the rules read nothing."""


class Selection(BaseModel):
    """Words marked in a section, with offsets in the shown text as JavaScript counts them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class MarkedWords(NamedTuple):
    """Marked words in a record: whole words, without surrounding white space."""

    record: TrialRecord
    section: Section
    start: int
    end: int

    @property
    def text(self) -> str:
        """The marked text."""
        return self.section.text[self.start : self.end]


def find_words(record: TrialRecord, selection: Selection) -> MarkedWords:
    """Return the words of a selection, cut ones made whole. Raises ``ValueError`` for an empty
    selection.
    """
    section = record.section(selection.section)
    if section is None:
        raise ValueError(f"there is no section {selection.section!r}")
    text = section.text
    start, end = ShownText(text).read(selection.start, selection.end)
    marked = text[start:end]
    start = start + len(marked) - len(marked.lstrip())
    end = end - len(marked) + len(marked.rstrip())
    if start >= end:
        raise ValueError("no words are marked")
    # gold quotes whole words
    while start and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return MarkedWords(record, section, start, end)


def refuse_endpoint(words: MarkedWords, endpoints: Iterable[Json]) -> None:
    """Raise ``ValueError`` for words outside a registered outcome, or in one that is already an
    endpoint.
    """
    found = _find_outcome(words)
    if found is None:
        raise ValueError(
            "these words are not in one registered outcome: select words of a single registered "
            "outcome"
        )
    rank, index = found
    if any((one["rank"], one["index"]) == (rank.value, index) for one in endpoints):
        raise ValueError(
            f"{rank} outcome {index + 1} is already an endpoint: correct it there"
        )


def propose_item(group: str, words: MarkedWords) -> tuple[Json, bool]:
    """Return the item that the rules read from the marked words, and whether all of it is
    certain.
    """
    found: tuple[ExtractedItem, ...]
    fixed: Json = {"section": words.section.name}
    unread: Json = {}
    if group == "eligibility.criteria":
        before = _LIST_NAME.findall(words.section.text[: words.start])
        listed = before[-1].lower() if before else "inclusion"
        found = _read(
            words, "eligibility", f"{listed.capitalize()} Criteria:\n\n* {words.text}"
        ).eligibility.criteria
        fixed |= {"kind": listed, "quote": words.text, "lead_in": None, "group": None}
    elif group == "dosing":
        found = _read(words, "interventions[0]", words.text).dosing
        unread = {"agent": words.text, "quote": words.text}
    else:
        found = _read(words, "primary_outcomes", words.text).endpoints
        rank, index = _find_outcome(words) or (Rank.PRIMARY, 0)
        fixed = {"rank": rank.value, "index": index}
        unread = {"measure": words.text, "censored": False}
    read = (
        write_item(found[0], FIELDS[group])
        if found
        else make_empty(FIELDS[group]) | unread
    )
    return read | fixed, len(found) == 1 and (found[0].confidence or 0) >= CERTAIN


def propose_own(form: Form, words: MarkedWords) -> tuple[Json, bool]:
    """Return a value of a user's own field, and whether it is whole: the words themselves, if
    they are all of it.
    """
    value = make_empty(form)
    (name, field), *others = form.items()
    if others or not field.is_words:
        return value, False
    return {name: read_value(value, field, words)}, True


def read_value(item: Json, field: FormField, words: MarkedWords) -> Any:
    """Return a field's new value from marked words: lists grow, quotes are replaced, other
    values are read again.
    """
    info = field.info
    name = field.info.name
    found: Any = words.text
    if field.attribute:
        # else the reviewer sees the words, and what is wrong with them
        with suppress(ValueError):
            found = field.write(field.attribute.read(words.text))
    elif name in _NAMES:
        unread = {
            part: "" if one.annotation is str else None
            for part, one in info.type.model_fields.items()
        }
        read = propose_item(info.group, words)[0] if info.group != "eligibility" else {}
        found = read.get(name) or unread | {_NAMES[name]: words.text}
    elif issubclass(info.type, BaseModel):
        return _read_time(item, field, words)
    more = found if isinstance(found, list) else [found]
    return [*(item.get(name) or []), *more] if info.many else found


def _read_time(item: Json, field: FormField, words: MarkedWords) -> Any:
    """Return the numbers with a unit of time in marked words, as a field has them: ages, time
    points. What the field has stays if there are none.
    """
    info = field.info
    if info.group == PEOPLE:
        return read_age(words.record, words.text, info.name) or item.get(info.name)
    frame = Section(name="primary_outcomes[0]", text=f"Survival, {words.text}")
    points = [
        point.model_dump(mode="json")
        for endpoint in _extract(frame).endpoints
        for point in endpoint.time_points
    ]
    if info.many:
        return points
    return points[0] if points else item.get(info.name)


def read_age(record: TrialRecord, words: str, field: str) -> Json | None:
    """Return the age that words give for ``minimum_age`` or ``maximum_age``; None if they give
    none. A bare length of time is an age, too.

    >>> from extractor.formats.records import make_record
    >>> record = make_record("Inclusion Criteria: Age 3 to 25 years")
    >>> [
    ...     read_age(record, "Age 3 to 25 years", name)["value"]
    ...     for name in ("minimum_age", "maximum_age")
    ... ]
    [3, 25]
    """
    for text in (words, f"Age {words}", f"Age of {words} at most"):
        people = _read_people(record, text)
        if people["minimum_age"] or people["maximum_age"]:
            age: Json | None = people[field]
            bounds_one = people["minimum_age"] is None or people["maximum_age"] is None
            if age or text == words or not bounds_one:
                return age
    return None


def read_person(record: TrialRecord, words: str, field: str) -> Any:
    """Return what words say of the participants, such as ``sex``, as the rules read them in the
    record; None if they say nothing of it.
    """
    return _read_people(record, words).get(field)


def _read_people(record: TrialRecord, words: str) -> Json:
    criterion = Section(name="eligibility", text=f"Inclusion Criteria:\n\n* {words}")
    alone = record.model_copy(update={"sections": (criterion,)})
    people = extract_by_rules(alone, _BY_RULES).eligibility
    found: Json = people.model_dump(mode="json")
    return found


def _find_outcome(words: MarkedWords) -> tuple[Rank, int] | None:
    for name, span in find_places(words.record).spans.items():
        named = _OUTCOMES.fullmatch(name)
        if (
            named
            and span.section == words.section.name
            and span.start <= words.start
            and words.end <= span.end
        ):
            return Rank(named[1]), int(named[2])
    return None


def _read(words: MarkedWords, section: str, text: str) -> TrialExtraction:
    """Return what the rules read in a text, as if it stood in this section of the words' record."""
    context = (words.record.section(name) for name in ("title", "conditions"))
    return _extract(*filter(None, context), Section(name=section, text=text))


def _extract(*sections: Section) -> TrialExtraction:
    source = Source(path="marked words", format="flat")
    record = TrialRecord(record_id="marked", source=source, sections=sections)
    return extract_by_rules(record, _BY_RULES)
