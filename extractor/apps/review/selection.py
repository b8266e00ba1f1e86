"""New items and values from marked words: the rules read the words as they would in a record."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from extractor.apps.evaluation.places import find_places
from extractor.apps.evaluation.text import fold_quote
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
    """Return the words of a selection, without white space around them, and words that it cuts
    made whole. Raises ``ValueError`` for an empty selection, and for a section that there is not.
    """
    section = record.section(selection.section)
    if section is None:
        raise ValueError(f"there is no section {selection.section!r}")
    text = section.text
    start, end = ShownText(text).read(selection.start, selection.end)
    marked = text[start:end]
    start += len(marked) - len(marked.lstrip())
    end -= len(marked) - len(marked.rstrip())
    if start >= end:
        raise ValueError("no words are marked")
    # Gold quotes whole words.
    while start > 0 and _is_within_word(text, start):
        start -= 1
    while end < len(text) and _is_within_word(text, end):
        end += 1
    return MarkedWords(record, section, start, end)


def _is_within_word(text: str, at: int) -> bool:
    """Return whether a word or number goes on over the place before the character ``at``."""
    return text[at - 1].isalnum() and text[at].isalnum()


def refuse_endpoint(words: MarkedWords, endpoints: Iterable[Json]) -> None:
    """Raise ``ValueError`` for words outside a registered outcome, or in one that is already an
    endpoint.
    """
    outcome = _find_outcome(words)
    if outcome is None:
        raise ValueError(
            "these words are not in one registered outcome: select words of a single registered "
            "outcome"
        )
    rank, index = outcome
    for endpoint in endpoints:
        if endpoint["rank"] == rank.value and endpoint["index"] == index:
            raise ValueError(
                f"{rank} outcome {index + 1} is already an endpoint: correct it there"
            )


def propose_item(group: str, words: MarkedWords) -> tuple[Json, bool]:
    """Return the item that the rules read from the marked words, and whether it is the only one
    and certain. Without one, the item has the words themselves, and what follows from their
    place.
    """
    items: tuple[ExtractedItem, ...]
    # What is known from the place of the words, and what stands in for what the rules do not read.
    fixed: Json
    unread: Json = {}
    if group == "eligibility.criteria":
        # The list is that of the heading before the words.
        before = words.section.text[: words.start]
        headings = _LIST_NAME.findall(before)
        kind = "inclusion"
        if headings:
            kind = headings[-1].lower()
        text = f"{kind.capitalize()} Criteria:\n\n* {words.text}"
        items = _read(words, "eligibility", text).eligibility.criteria
        fixed = {
            "section": words.section.name,
            "kind": kind,
            "quote": words.text,
            "lead_in": None,
            "group": None,
        }
    elif group == "dosing":
        # As a registered intervention, whatever section has the words.
        items = _read(words, "interventions[0]", words.text).dosing
        fixed = {"section": words.section.name}
        unread = {"agent": words.text, "quote": words.text}
    else:
        items = _read(words, "primary_outcomes", words.text).endpoints
        rank, index = _find_outcome(words) or (Rank.PRIMARY, 0)
        fixed = {"rank": rank.value, "index": index}
        unread = {"measure": words.text, "censored": False}
    form = FIELDS[group]
    if not items:
        return make_empty(form) | unread | fixed, False
    first = items[0]
    is_certain = len(items) == 1 and (first.confidence or 0) >= CERTAIN
    return write_item(first, form) | fixed, is_certain


def propose_own(form: Form, words: MarkedWords) -> tuple[Json, bool]:
    """Return a value of a user's own field, and whether it is whole: the words themselves, if
    they are all of it.
    """
    value = make_empty(form)
    (name, field), *others = form.items()
    if others or not field.is_words:
        return value, False
    return {name: read_value(value, field, words)}, True


def read_value(
    item: Json,
    field: FormField,
    words: MarkedWords,
    before: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """Return a field's new value from marked words: a list gets further members, words replace
    words, and what has a unit or parts is read by the rules. ``before`` has the values that the
    item had before the review.
    """
    info = field.info
    value: Any = words.text
    if field.attribute:
        # Without it, the reviewer sees the words, and what is wrong with them.
        with suppress(ValueError):
            value = field.write(field.attribute.read(words.text))
    elif info.name == "time_windows":
        value = _read_windows(item, field, words, before)
    elif info.name in _NAMES:
        value = _read_named(field, words)
    elif issubclass(info.type, BaseModel):
        return _read_time(item, field, words)
    if not info.many:
        return value
    members = value if isinstance(value, list) else [value]
    return [*(item.get(info.name) or []), *members]


def _read_windows(
    item: Json, field: FormField, words: MarkedWords, before: Mapping[str, Any]
) -> Any:
    """Return the time windows of marked words, with what they limit and are counted from, which
    often stands elsewhere in the criterion.

    A window that was there before the review and was removed comes back as it was. Else the rules
    read the whole criterion; the marked words are read alone if that gives nothing.
    """
    kept = [
        window.get("quote")
        for window in item.get("time_windows") or []
        # A reviewer may have typed anything.
        if isinstance(window, dict)
    ]
    removed = [
        window
        for window in before.get("time_windows") or []
        if window["quote"] not in kept
    ]
    for windows in (removed, _read_criterion(item, words).get("time_windows") or []):
        here = [window for window in windows if _overlaps(window["quote"], words.text)]
        if here:
            return here
    return _read_named(field, words)


def _read_criterion(item: Json, words: MarkedWords) -> Json:
    """Return what the rules read in the criterion whose quote has the marked words; nothing if
    they stand elsewhere.
    """
    quote = str(item.get("quote") or "")
    start = words.section.text.find(quote)
    end = start + len(quote)
    is_around = start >= 0 and start <= words.start and words.end <= end
    if not quote or not is_around:
        return {}
    whole = words._replace(start=start, end=end)
    criterion, _ = propose_item("eligibility.criteria", whole)
    return criterion


def _overlaps(quote: str, words: str) -> bool:
    """Return whether one of two texts stands in the other; white space and case do not matter."""
    one = fold_quote(quote)
    other = fold_quote(words)
    return one in other or other in one


def _read_named(field: FormField, words: MarkedWords) -> Any:
    """Return what the rules read for a field, such as limits; else a value whose name the words
    are.
    """
    info = field.info
    if info.group != PEOPLE:
        proposed, _ = propose_item(info.group, words)
        if proposed.get(info.name):
            return proposed[info.name]
    value: Json = {}
    for name, part in info.type.model_fields.items():
        value[name] = "" if part.annotation is str else None
    value[_NAMES[info.name]] = words.text
    return value


def _read_time(item: Json, field: FormField, words: MarkedWords) -> Any:
    """Return the numbers with a unit of time in marked words, as a field has them: an age, or the
    time points of an outcome. If there are none, a list is empty, and a single value stays.
    """
    info = field.info
    if info.group == PEOPLE:
        return read_age(words.record, words.text, info.name) or item.get(info.name)
    # The rules read times in the time frame of an outcome.
    frame = Section(name="primary_outcomes[0]", text=f"Survival, {words.text}")
    points = [
        point.model_dump(mode="json")
        for endpoint in _extract(frame).endpoints
        for point in endpoint.time_points
    ]
    if info.many:
        return points
    if points:
        return points[0]
    return item.get(info.name)


def read_age(record: TrialRecord, words: str, field: str) -> Json | None:
    """Return the age that words give for ``minimum_age`` or ``maximum_age``; None if they give
    none. A bare length of time is an age, too, of either field.

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
        lower = people["minimum_age"]
        upper = people["maximum_age"]
        if not lower and not upper:
            continue
        age: Json | None = people[field]
        # What the words say by themselves stands. A bare "18 years" is the lower bound or the
        # upper one, as the text around it has it.
        if age or text == words:
            return age
        if lower is not None and upper is not None:
            return age
    return None


def read_person(record: TrialRecord, words: str, field: str) -> Any:
    """Return what words say of the participants, such as ``sex``, as the rules read them in the
    record; None if they say nothing of it.
    """
    return _read_people(record, words).get(field)


def _read_people(record: TrialRecord, words: str) -> Json:
    """Return what the rules read of the participants if words are the only criterion."""
    criterion = Section(name="eligibility", text=f"Inclusion Criteria:\n\n* {words}")
    alone = record.model_copy(update={"sections": (criterion,)})
    people: Json = extract_by_rules(alone, _BY_RULES).eligibility.model_dump(
        mode="json"
    )
    return people


def _find_outcome(words: MarkedWords) -> tuple[Rank, int] | None:
    """Return rank and index of the registered outcome around the marked words, or None."""
    for name, span in find_places(words.record).spans.items():
        outcome = _OUTCOMES.fullmatch(name)
        if outcome is None or span.section != words.section.name:
            continue
        if span.start <= words.start and words.end <= span.end:
            return Rank(outcome[1]), int(outcome[2])
    return None


def _read(words: MarkedWords, section: str, text: str) -> TrialExtraction:
    """Return what the rules read in a text, as if it stood in this section of the words' record."""
    # As in the record, the words stand beside its title and its conditions.
    context = (words.record.section(name) for name in ("title", "conditions"))
    return _extract(*filter(None, context), Section(name=section, text=text))


def _extract(*sections: Section) -> TrialExtraction:
    """Return what the rules read in these sections."""
    source = Source(path="marked words", format="flat")
    record = TrialRecord(record_id="marked", source=source, sections=sections)
    return extract_by_rules(record, _BY_RULES)
