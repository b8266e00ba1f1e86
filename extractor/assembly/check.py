"""Check a model's answers against the text: locate quotes, find numbers again, and reject values
without support.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.assembly.claims import check_claim
from extractor.assembly.refusals import CONFLICTS, explain_refusal
from extractor.assembly.support import find_support
from extractor.concepts.aliases import trim_event
from extractor.concepts.doses.arms import locate_arms, replace_arms
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.places import (
    MODEL_CONFIDENCE,
    Supported,
    find_agent,
    find_parts,
    read_supported,
)
from extractor.concepts.windows.prove import find_window, take_first
from extractor.concepts.windows.prove_parts import prove_parts
from extractor.concepts.windows.prove_times import find_stated_age
from extractor.evidence.drafts import Chunk, Draft, Reading, Refusal, Span, Why
from extractor.evidence.parsed import ParsedRecord
from extractor.language.passage import Passage
from extractor.schemas import (
    Amount,
    Constraint,
    CriterionKind,
    FieldRef,
    FindingKind,
    Origin,
    Support,
    Task,
    list_fields,
)

_PARTS = [
    field.name
    for field in list_fields(Task.ENDPOINTS)
    if field.metadata.question == "split"
]
_NO_DOSES = {"eligibility", "conditions", "keywords"}
"""Sections that state nothing of a regimen."""


@dataclass(frozen=True, slots=True)
class UnreadableValue:
    """A model's value that is not in the form of its field, and the form that is allowed."""

    text: str
    reason: str


def ground_answer(
    values: Mapping[str, Any],
    draft: Draft,
    parsed: ParsedRecord,
    lead_in: Chunk | None = None,
    fields: Sequence[CustomField] = (),
) -> Draft:
    """Sort a model's answer into supported readings and refusals, and return them on the draft.

    An agent may stand anywhere in the record, the other values of a regimen in any section that
    states doses: the cycle in an arm, the dose in an intervention. A list keeps its supported
    members, and is refused if it has none.

    Args:
        values: What the model wrote, by field, in the types of the schemas. Words and time windows
            are quotes that are not located yet; None means that the text does not state the field.
            ``stands`` says whether there is a criterion or regimen, ``quote`` holds a regimen's
            words. A user's field has a list of claims.
        draft: The item, or the chunk that was asked about it.
        parsed: The record.
        lead_in: The line that introduces a criterion: its limits and its time window may stand
            there, or a limit's quantity in it and the number in the chunk ("Life expectancy:" above
            "At least 4 weeks").
        fields: The declarations of the user's fields among the values.
    """
    arms = [(parsed.raw(span), span) for span in locate_arms(parsed.record).values()]
    values = name_arms(values, [label for label, _ in arms])
    search = _Search(values, draft, parsed, lead_in, dict(reversed(arms)))
    own = {field.name: field for field in fields}
    parts = find_parts(
        search.here, {name: values[name] for name in _PARTS if name in values}
    )
    readings: dict[str, Reading[Any]] = {}
    refused: list[Refusal] = []
    unread: list[Refusal] = []
    claimed: dict[str, tuple[Draft, ...]] = {}
    for name, value in values.items():
        if value is None:
            members: tuple[Any, ...] = ()
        elif isinstance(value, tuple):
            members = value
        else:
            members = (value,)
        broken = [one for one in members if isinstance(one, UnreadableValue)]
        said = [one for one in members if not isinstance(one, UnreadableValue)]
        if name in own:
            found, reasons = _ground_claims(said, own[name], search)
            refused += reasons
            if found or not members:
                claimed[name] = found
                readings[name] = Reading(
                    bool(found), MODEL_CONFIDENCE, origin=Origin.MODEL
                )
        else:
            pairs = [
                (
                    one,
                    search.take(parts[name])
                    if name in parts
                    else search.find(name, one),
                )
                for one in said
            ]
            refused += (
                _name_refusal(explain_refusal(one, search.here), name, one)
                for one, place in pairs
                if not place
            )
            supported = []
            for one, place in pairs:
                whole, reasons = (
                    prove_parts(place, search.list_places_of_parts(name), search.above)
                    if place
                    else (None, [])
                )
                supported += [whole] if whole else []
                refused += (_name_refusal(each, name, one) for each in reasons)
            if name == "time_windows":
                supported.sort(key=lambda place: (place.span.section, place.span.start))
            if supported or not members:
                readings[name] = read_supported(
                    supported, many=isinstance(value, tuple)
                )
            if (
                name == "time_windows"
                and name in readings
                and (first := take_first(readings[name], search.here))
            ):
                readings["time_window"] = first
        unread += (
            Refusal(
                Why.UNREADABLE,
                field=name,
                value=one.text,
                kind=FindingKind.ANSWER_MISSING,
            )
            for one in broken
        )
    return replace(draft, model=readings, refused=(*refused, *unread), own=claimed)


def name_arms(values: Mapping[str, Any], labels: Sequence[str]) -> Mapping[str, Any]:
    """Return an answer with the labels of arms in the place of their numbers, also in its amounts.

    A number without an arm is unreadable. The arms of the amounts are arms of the regimen, too.

    >>> high = Amount(low=10, high=10, unit="mg", arms=("2",))
    >>> said = name_arms({"amounts": (high,), "arms": (1, 3)}, ["Low", "High"])
    >>> str(said["amounts"][0]), said["arms"][:2], said["arms"][2].reason
    ('10 mg (High)', ('Low', 'High'), 'there is no arm 3 in the list of 2')
    """
    given = {name: values[name] for name in ("arms", "amounts") if values.get(name)}
    dosed = [
        one for one in given.get("amounts", ()) if isinstance(one, Amount) and one.arms
    ]
    if not dosed and "arms" not in given:
        return values

    def find(numbers: Iterable[Any]) -> tuple[Any, ...]:
        known = {
            one
            for one in numbers
            if one in range(1, len(labels) + 1) and labels[one - 1]
        }
        reason = "there is no arm {} in the list of {}"
        wrong = [
            one
            if isinstance(one, UnreadableValue)
            else UnreadableValue(str(one), reason.format(one, len(labels)))
            for one in numbers
            if one not in known
        ]
        return (*dict.fromkeys(labels[one - 1] for one in sorted(known)), *wrong)

    of_doses = [number for one in dosed for number in map(int, one.arms)]
    named = {
        one: tuple(
            label for label in find([*map(int, one.arms)]) if isinstance(label, str)
        )
        for one in dosed
    }
    amounts = tuple(
        replace_arms(one, named[one]) if one in dosed else one
        for one in given.get("amounts", ())
    )
    said = {"arms": find([*given.get("arms", ()), *of_doses])}
    return {**values, **said, **({"amounts": amounts} if dosed else {})}


@dataclass(frozen=True, slots=True)
class _Search:
    """Where the values of an answer may stand: its chunk, the line that introduces it, other
    sections.
    """

    values: Mapping[str, Any]
    draft: Draft
    parsed: ParsedRecord
    lead_in: Chunk | None
    arms: Mapping[str, Span]

    @property
    def here(self) -> Passage:
        return self.parsed.passage(self.draft.chunk.span)

    @property
    def above(self) -> Passage | None:
        """The line that introduces a criterion."""
        return self.parsed.passage(self.lead_in.span) if self.lead_in else None

    def take(self, part: Span | None) -> Supported | None:
        """Return a part of an outcome, which ``find_parts`` has located."""
        return Supported(self.parsed.raw(part), part, Support.LITERAL) if part else None

    def find(self, field: str, value: Any) -> Supported | None:
        """What supports a value: the first place that states it, else what this field alone
        allows.
        """
        if field == "arms":
            return Supported(value, self.arms[value], Support.INFERRED)
        places = (self.here, *self._list_other_places(field))
        # stand in the time frame of the answer, else of the rules, else anywhere
        if field == "time_points":
            stated = find_parts(
                self.here,
                {name: self.values[name] for name in _PARTS if name in self.values},
            )
            frame = stated.get("time_frame")
            if frame is None and "time_frame" not in self.values:
                frame = next(iter(self.draft.read("time_frame").spans), None)
            places = (self.parsed.passage(frame) if frame else self.here,)
        found = _find_first(self._choose_finder(field), value, places)
        if field in ("start_event", "end_events"):
            return _trim_event(found) if found else None
        if found is None and field == "constraints" and self.lead_in:
            return _find_across(value, self.lead_in, self.draft.chunk, self.parsed)
        if found is None and field == "agent":
            return _find_first(find_agent, value, places)
        return found

    def list_places_of_parts(self, field: str) -> list[Passage]:
        """Return where the parts of a value may stand: in the criterion, those of a time window
        also in its lead-in.
        """
        return [
            self.here,
            *(self._list_other_places(field) if field == "time_windows" else ()),
        ]

    def _choose_finder(self, field: str) -> Callable[[Any, Passage], Supported | None]:
        """How values of a field are found: ages by their side, windows in their quote, the
        others by their type.
        """
        # the side depends on the list: that of the answer, else that of the rules
        if field in AGES:
            said = self.values.get("kind")
            kind = (
                said
                if isinstance(said, CriterionKind)
                else self.draft.read("kind").value
            )
            return partial(
                find_stated_age,
                lower=field == AGES[0],
                admits=kind is not CriterionKind.EXCLUSION,
            )
        if field == "time_windows":
            topic = self.lead_in.text if self.lead_in else ""
            return partial(find_window, topic=topic)
        return find_support

    def _list_other_places(self, field: str) -> list[Passage]:
        """Return the passages that may state a value if its chunk does not."""
        if self.lead_in is not None and field in ("time_windows", "constraints"):
            return [self.parsed.passage(self.lead_in.span)]
        if self.draft.group != Task.DOSING and field != "agent":
            return []
        names = [section.name for section in self.parsed.record.sections]
        if field != "agent":
            names = [
                n
                for n in names
                if self.values.get("stands") and FieldRef(n).path not in _NO_DOSES
            ]
        return [self.parsed.sections[name].whole for name in names]


def _find_first(
    find: Callable[[Any, Passage], Supported | None],
    value: Any,
    places: Iterable[Passage],
) -> Supported | None:
    return next(
        (found for place in places if (found := find(value, place)) is not None), None
    )


def _ground_claims(
    claims: Iterable[Mapping[str, Any]], field: CustomField, search: "_Search"
) -> tuple[tuple[Draft, ...], list[Refusal]]:
    """What the chunk bears out of a user's own field, and what it does not."""
    chunk = search.draft.chunk
    here = search.here
    found: list[Draft] = []
    refused: list[Refusal] = []
    for claim in claims:
        readings, reasons = check_claim(claim, field, here)
        for value, reason, attribute in reasons:
            why = Refusal(Why.UNQUOTED) if reason else explain_refusal(value, here)
            named = replace(why, attribute=attribute)
            refused.append(_name_refusal(named, field.name, value))
        if readings:
            # A claim stands at its first words.
            words = next(iter(readings.values())).spans[0]
            found.append(Draft(field.group.path, chunk, words, model=readings))
    return tuple(found), refused


def _find_across(
    limit: Constraint, lead_in: Chunk, chunk: Chunk, parsed: ParsedRecord
) -> Supported | None:
    """Return a limit whose quantity stands in the introducing line and whose number stands in
    the chunk below it.
    """
    first = lead_in.span
    last = chunk.span
    if first.section != last.section or first.start >= last.start:
        return None
    found = find_support(
        limit, parsed.sections[first.section].between(first.start, last.end)
    )
    return found if found and found.span.end > last.start else None


def _trim_event(found: Supported) -> Supported:
    start, end = trim_event(found.value)
    # the text writes the quote in other characters
    if len(found.value) != found.span.length:
        return found
    span = Span(found.span.section, found.span.start + start, found.span.start + end)
    return replace(found, value=found.value[start:end], span=span)


def _name_refusal(refusal: Refusal, field: str, value: Any) -> Refusal:
    kind = (
        FindingKind.QUOTE_NOT_FOUND
        if isinstance(value, str)
        else FindingKind.VALUE_NOT_IN_QUOTE
    )
    if refusal.nearest and refusal.why in CONFLICTS:
        kind = FindingKind.QUOTE_CONFLICT
    shown = show_value(value)
    if refusal.part:
        shown = f"{shown}, {refusal.value}"
    return replace(refusal, field=field, value=shown, kind=kind)
