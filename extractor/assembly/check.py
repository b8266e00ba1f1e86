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
    members; if it has members and none is supported, the field has no reading. A field that the
    answer leaves empty has a reading without a value. What could not be read is refused as
    ``UNREADABLE``. Of a criterion's time windows, one is also its ``time_window``.

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
    spans_of_arms = list(locate_arms(parsed.record).values())
    labels = [parsed.raw(span) for span in spans_of_arms]
    places_of_arms: dict[str, Span] = {}
    for label, span in zip(labels, spans_of_arms, strict=True):
        # two arms may have the same label: the first one stands for both
        places_of_arms.setdefault(label, span)
    values = name_arms(values, labels)
    search = _Search(values, draft, parsed, lead_in, places_of_arms)
    own = {field.name: field for field in fields}
    readings: dict[str, Reading[Any]] = {}
    refused: list[Refusal] = []
    unreadable: list[Refusal] = []
    claimed: dict[str, tuple[Draft, ...]] = {}
    for name, value in values.items():
        is_list = isinstance(value, tuple)
        members: tuple[Any, ...] = ()
        if is_list:
            members = value
        elif value is not None:
            members = (value,)
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
        if members and not supported:
            continue
        readings[name] = read_supported(supported, many=is_list)
        if name == "time_windows":
            first = take_first(readings[name], search.here)
            if first:
                readings["time_window"] = first
    return replace(draft, model=readings, refused=(*refused, *unreadable), own=claimed)


def _refuse_unreadable(value: UnreadableValue, field: str) -> Refusal:
    return Refusal(
        Why.UNREADABLE, field=field, value=value.text, kind=FindingKind.ANSWER_MISSING
    )


def _ground_members(
    members: Iterable[Any], field: str, search: "_Search"
) -> tuple[list[Supported], list[Refusal]]:
    """Return the values of a field that the text supports, and why it does not support the
    others.

    A value is supported if it is found, and if so are its parts, such as the condition of a limit.
    A refused part may leave the rest of its value standing: then the value and the refusal are both
    returned. Time windows are sorted by their place in the text. Values that are found nowhere are
    refused first.
    """
    placed: list[tuple[Any, Supported]] = []
    refused: list[Refusal] = []
    for member in members:
        place = search.find(field, member)
        if place:
            placed.append((member, place))
        else:
            refusal = explain_refusal(member, search.here)
            refused.append(_describe_refusal(refusal, field, member))
    supported: list[Supported] = []
    for member, place in placed:
        places_of_parts = search.list_places_of_parts(field)
        proven, refusals = prove_parts(place, places_of_parts, search.above)
        if proven:
            supported.append(proven)
        refused += [_describe_refusal(refusal, field, member) for refusal in refusals]
    if field == "time_windows":
        supported.sort(key=lambda window: (window.span.section, window.span.start))
    return supported, refused


def name_arms(values: Mapping[str, Any], labels: Sequence[str]) -> Mapping[str, Any]:
    """Return an answer with the labels of arms in the place of their numbers, also in its amounts.

    A model names an arm by its number, from 1, in the list of ``labels`` that it was shown. The
    number of no arm, or of an arm without a label, becomes an ``UnreadableValue``; in an amount it
    is left out. The arms of the amounts are arms of the regimen, too. An answer without numbers is
    returned as it is.

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
    """Return the labels of the arms with these numbers, each once and in the order of the record,
    and behind them an ``UnreadableValue`` for each number without a labelled arm.
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
    in_order = [labels[number - 1] for number in sorted(arms)]
    # two arms may have the same label
    named = dict.fromkeys(in_order)
    return (*named, *wrong)


@dataclass(frozen=True)
class _Search:
    """Where the values of an answer may stand: its chunk, the line that introduces it, other
    sections.

    Attributes:
        values: The answer, by field.
        draft: The item that was asked about.
        parsed: The record.
        lead_in: The line that introduces a criterion, None without one.
        arms: The place of each arm's label.
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
        """Return what supports a value, or None: the first place that states it, else what this
        field alone allows.

        The parts of an outcome are placed together, and an arm stands at its label. Time points
        must stand in the time frame, or anywhere in the outcome if it has none. Events are trimmed
        to the words that name them. A limit may have its quantity in the lead-in and its number in
        the chunk, and an agent another name.
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
        if supported and field in ("start_event", "end_events"):
            return _trim_event(supported)
        if supported:
            return supported
        if field == "constraints" and self.lead_in:
            return _find_across(value, self.lead_in, self.draft.chunk, self.parsed)
        if field == "agent":
            return _find_first(find_agent, value, places)
        return None

    def list_places_of_parts(self, field: str) -> list[Passage]:
        """Return where the parts of a value may stand: in the chunk, those of a time window also in
        the line that introduces it.
        """
        if field != "time_windows":
            return [self.here]
        return [self.here, *self._list_other_places(field)]

    def _find_time_frame(self) -> Passage:
        """Return where time points stand: in the time frame of the answer; in that of the rules, if
        the answer does not speak of a time frame; else anywhere in the outcome.
        """
        frame = self.parts.get("time_frame")
        if frame is None and "time_frame" not in self.values:
            by_rules = self.draft.read("time_frame").spans
            if by_rules:
                frame = by_rules[0]
        return self.parsed.passage(frame) if frame else self.here

    def _choose_finder(self, field: str) -> Callable[[Any, Passage], Supported | None]:
        """Return the function that finds values of a field: ages as the lowest or the highest,
        windows in their quote, the others by their type.
        """
        if field in AGES:
            # "under 18" is the highest age in an inclusion, and the lowest in an exclusion: the
            # list is that of the answer, else that of the rules
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
        """Return the passages that may state a value if its chunk does not: the lead-in for limits
        and time windows, every section for an agent, and for the other values of a regimen every
        section that may state doses.
        """
        if self.lead_in is not None and field in ("time_windows", "constraints"):
            return [self.parsed.passage(self.lead_in.span)]
        states_regimen = self.draft.group == Task.DOSING and self.values.get("stands")
        if field != "agent" and not states_regimen:
            return []
        places: list[Passage] = []
        for section in self.parsed.record.sections:
            if field != "agent" and FieldRef(section.name).path in _NO_DOSES:
                continue
            places.append(self.parsed.sections[section.name].whole)
        return places


def _find_first(
    find: Callable[[Any, Passage], Supported | None],
    value: Any,
    places: Iterable[Passage],
) -> Supported | None:
    """Return what supports a value in the first of the places that has support for it, or None."""
    for place in places:
        supported = find(value, place)
        if supported is not None:
            return supported
    return None


def _ground_claims(
    claims: Iterable[Mapping[str, Any]], field: CustomField, search: _Search
) -> tuple[tuple[Draft, ...], list[Refusal]]:
    """Return a draft for each claim of a user's field of which the chunk bears out something, and
    what it does not bear out.

    A draft stands at the first words of its claim. A refused value has its reason from the check of
    the claim: no words bear it out; else the reason is looked for in the text.
    """
    chunk = search.draft.chunk
    here = search.here
    drafts: list[Draft] = []
    refused: list[Refusal] = []
    for claim in claims:
        readings, refused_values = check_claim(claim, field, here)
        for value, reason, attribute in refused_values:
            if reason:
                refusal = Refusal(Why.UNQUOTED)
            else:
                refusal = explain_refusal(value, here)
            of_attribute = replace(refusal, attribute=attribute)
            refused.append(_describe_refusal(of_attribute, field.name, value))
        if readings:
            first_reading = next(iter(readings.values()))
            first_words = first_reading.spans[0]
            draft = Draft(field.group.path, chunk, first_words, model=readings)
            drafts.append(draft)
    return tuple(drafts), refused


def _find_across(
    limit: Constraint, lead_in: Chunk, chunk: Chunk, parsed: ParsedRecord
) -> Supported | None:
    """Return a limit whose quantity stands in the introducing line and whose number stands in
    the chunk below it, or None.

    The limit is looked for in the text from the introducing line to the end of the chunk, and must
    reach into the chunk.
    """
    above = lead_in.span
    below = chunk.span
    if above.section != below.section or above.start >= below.start:
        return None
    both = parsed.sections[above.section].between(above.start, below.end)
    supported = find_support(limit, both)
    if supported is None or supported.span.end <= below.start:
        return None
    return supported


def _trim_event(event: Supported) -> Supported:
    """Return an event without the words before and behind that do not name it."""
    start, end = trim_event(event.value)
    # The text may write the quote in other characters: then offsets into the quote are no offsets
    # into the text.
    if len(event.value) != event.span.length:
        return event
    first = event.span.start
    span = Span(event.span.section, first + start, first + end)
    return replace(event, value=event.value[start:end], span=span)


def _describe_refusal(refusal: Refusal, field: str, value: Any) -> Refusal:
    """Return a refusal with the value that is refused, its field, and the kind of its finding.

    The kind is a conflict if the text has nearly the same words with another number, unit,
    comparator or word. If a part of the value is refused, both are shown.
    """
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
