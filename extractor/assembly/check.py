"""Check a model's answers against the text: locate quotes, find numbers again, and reject values
without support.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
    readings: dict[str, Reading[Any]] = {}
    refused: list[Refusal] = []
    unreadable: list[Refusal] = []
    claimed: dict[str, tuple[Draft, ...]] = {}
    for name, value in values.items():
        members = _list_members(value)
        readable: list[Any] = []
        for member in members:
            if isinstance(member, UnreadableValue):
                unreadable.append(_refuse_unreadable(member, name))
            else:
                readable.append(member)
        if name in own:
            claims, refusals = _ground_claims(readable, own[name], search)
            refused += refusals
            if claims or not members:
                claimed[name] = claims
                readings[name] = Reading(
                    bool(claims), MODEL_CONFIDENCE, origin=Origin.MODEL
                )
            continue
        supported, refusals = _ground_members(readable, name, search)
        refused += refusals
        if supported or not members:
            is_list = isinstance(value, tuple)
            readings[name] = read_supported(supported, many=is_list)
            if name == "time_windows":
                first = take_first(readings[name], search.here)
                if first:
                    readings["time_window"] = first
    return replace(draft, model=readings, refused=(*refused, *unreadable), own=claimed)


def _list_members(value: Any) -> tuple[Any, ...]:
    """Return the members of a list, or the value; none if the text does not state the field."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _refuse_unreadable(value: UnreadableValue, field: str) -> Refusal:
    return Refusal(
        Why.UNREADABLE, field=field, value=value.text, kind=FindingKind.ANSWER_MISSING
    )


def _ground_members(
    members: Iterable[Any], field: str, search: "_Search"
) -> tuple[list[Supported], list[Refusal]]:
    """Return the values of a field that the text supports, and why it does not support the
    others.
    """
    placed: list[tuple[Any, Supported]] = []
    refused: list[Refusal] = []
    for member in members:
        place = search.find(field, member)
        if place:
            placed.append((member, place))
        else:
            refusal = explain_refusal(member, search.here)
            refused.append(_name_refusal(refusal, field, member))
    supported: list[Supported] = []
    for member, place in placed:
        proven, refusals = prove_parts(
            place, search.list_places_of_parts(field), search.above
        )
        if proven:
            supported.append(proven)
        refused += [_name_refusal(refusal, field, member) for refusal in refusals]
    if field == "time_windows":
        supported.sort(key=lambda window: (window.span.section, window.span.start))
    return supported, refused


def name_arms(values: Mapping[str, Any], labels: Sequence[str]) -> Mapping[str, Any]:
    """Return an answer with the labels of arms in the place of their numbers, also in its amounts.

    A number without an arm is unreadable. The arms of the amounts are arms of the regimen, too.

    >>> high = Amount(low=10, high=10, unit="mg", arms=("2",))
    >>> named = name_arms({"amounts": (high,), "arms": (1, 3)}, ["Low", "High"])
    >>> str(named["amounts"][0]), named["arms"][:2], named["arms"][2].reason
    ('10 mg (High)', ('Low', 'High'), 'there is no arm 3 in the list of 2')
    """
    numbers = list(values.get("arms") or ())
    amounts: list[Any] = []
    has_arms = False
    for amount in values.get("amounts") or ():
        if not isinstance(amount, Amount) or not amount.arms:
            amounts.append(amount)
            continue
        has_arms = True
        numbers_of_amount = list(map(int, amount.arms))
        arms = _name_numbers(numbers_of_amount, labels)
        named_arms = tuple(arm for arm in arms if isinstance(arm, str))
        amounts.append(replace_arms(amount, named_arms))
        numbers += numbers_of_amount
    if not numbers:
        return values
    named = {**values, "arms": _name_numbers(numbers, labels)}
    if has_arms:
        named["amounts"] = tuple(amounts)
    return named


def _name_numbers(numbers: Iterable[Any], labels: Sequence[str]) -> tuple[Any, ...]:
    """Return the labels of the arms with these numbers, in the order of the record, and behind them
    what is no number of an arm.
    """
    in_record = range(1, len(labels) + 1)
    arms: set[int] = set()
    wrong: list[UnreadableValue] = []
    for number in numbers:
        if isinstance(number, UnreadableValue):
            wrong.append(number)
        elif number in in_record and labels[number - 1]:
            arms.add(number)
        else:
            reason = f"there is no arm {number} in the list of {len(labels)}"
            wrong.append(UnreadableValue(str(number), reason))
    named = dict.fromkeys(labels[number - 1] for number in sorted(arms))
    return (*named, *wrong)


@dataclass(frozen=True)
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

    @cached_property
    def parts(self) -> Mapping[str, Span | None]:
        """The parts of an outcome in the answer, and where each stands; None if nowhere."""
        parts = {name: self.values[name] for name in _PARTS if name in self.values}
        return find_parts(self.here, parts)

    def find(self, field: str, value: Any) -> Supported | None:
        """What supports a value: the first place that states it, else what this field alone
        allows.
        """
        if field in self.parts:
            part = self.parts[field]
            if part is None:
                return None
            return Supported(self.parsed.raw(part), part, Support.LITERAL)
        if field == "arms":
            return Supported(value, self.arms[value], Support.INFERRED)
        if field == "time_points":
            places = [self._find_time_frame()]
        else:
            places = [self.here, *self._list_other_places(field)]
        supported = _find_first(self._choose_finder(field), value, places)
        if field in ("start_event", "end_events"):
            return _trim_event(supported) if supported else None
        if supported:
            return supported
        if field == "constraints" and self.lead_in:
            return _find_across(value, self.lead_in, self.draft.chunk, self.parsed)
        if field == "agent":
            return _find_first(find_agent, value, places)
        return None

    def list_places_of_parts(self, field: str) -> list[Passage]:
        """Return where the parts of a value may stand: in the criterion, those of a time window
        also in its lead-in.
        """
        if field != "time_windows":
            return [self.here]
        return [self.here, *self._list_other_places(field)]

    def _find_time_frame(self) -> Passage:
        """Return where time points stand: in the time frame of the answer, else of the rules, else
        anywhere in the outcome.
        """
        frame = self.parts.get("time_frame")
        if frame is None and "time_frame" not in self.values:
            by_rules = self.draft.read("time_frame").spans
            frame = by_rules[0] if by_rules else None
        return self.parsed.passage(frame) if frame else self.here

    def _choose_finder(self, field: str) -> Callable[[Any, Passage], Supported | None]:
        """How values of a field are found: ages by their side, windows in their quote, the
        others by their type.
        """
        if field in AGES:
            # the side depends on the list: that of the answer, else that of the rules
            kind = self.values.get("kind")
            if not isinstance(kind, CriterionKind):
                kind = self.draft.read("kind").value
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
        sections = self.parsed.sections
        names = [section.name for section in self.parsed.record.sections]
        if field == "agent":
            return [sections[name].whole for name in names]
        if self.draft.group != Task.DOSING or not self.values.get("stands"):
            return []
        return [
            sections[name].whole
            for name in names
            if FieldRef(name).path not in _NO_DOSES
        ]


def _find_first(
    find: Callable[[Any, Passage], Supported | None],
    value: Any,
    places: Iterable[Passage],
) -> Supported | None:
    for place in places:
        supported = find(value, place)
        if supported is not None:
            return supported
    return None


def _ground_claims(
    claims: Iterable[Mapping[str, Any]], field: CustomField, search: _Search
) -> tuple[tuple[Draft, ...], list[Refusal]]:
    """What the chunk bears out of a user's own field, and what it does not."""
    chunk = search.draft.chunk
    here = search.here
    drafts: list[Draft] = []
    refused: list[Refusal] = []
    for claim in claims:
        readings, refused_values = check_claim(claim, field, here)
        for value, reason, attribute in refused_values:
            why = Refusal(Why.UNQUOTED) if reason else explain_refusal(value, here)
            of_attribute = replace(why, attribute=attribute)
            refused.append(_name_refusal(of_attribute, field.name, value))
        if readings:
            # A claim stands at its first words.
            first = next(iter(readings.values()))
            drafts.append(
                Draft(field.group.path, chunk, first.spans[0], model=readings)
            )
    return tuple(drafts), refused


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
    both = parsed.sections[first.section].between(first.start, last.end)
    supported = find_support(limit, both)
    if supported is None or supported.span.end <= last.start:
        return None
    return supported


def _trim_event(event: Supported) -> Supported:
    start, end = trim_event(event.value)
    # the text writes the quote in other characters
    if len(event.value) != event.span.length:
        return event
    first = event.span.start
    span = Span(event.span.section, first + start, first + end)
    return replace(event, value=event.value[start:end], span=span)


def _name_refusal(refusal: Refusal, field: str, value: Any) -> Refusal:
    """Return a refusal with the value that is refused, its field, and the kind of its finding."""
    if refusal.nearest and refusal.why in CONFLICTS:
        kind = FindingKind.QUOTE_CONFLICT
    elif isinstance(value, str):
        kind = FindingKind.QUOTE_NOT_FOUND
    else:
        kind = FindingKind.VALUE_NOT_IN_QUOTE
    shown = show_value(value)
    if refusal.part:
        shown = f"{shown}, {refusal.value}"
    return replace(refusal, field=field, value=shown, kind=kind)
