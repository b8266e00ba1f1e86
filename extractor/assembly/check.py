"""Verify a model's answer: find its quotes and numbers in the text, reject values whose words the
text lacks, and doubt those that the rules cannot confirm.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from extractor.assembly.claims import check_claim
from extractor.assembly.grounding import ground_value
from extractor.assembly.objections import describe_objection, explain_objection
from extractor.assembly.resolve import agrees_with_member, find_sure, names_another
from extractor.assembly.support import find_support
from extractor.concepts.aliases import trim_event
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.places import (
    Found,
    find_agent,
    find_parts_of_outcome,
    read_supported,
    support_quote,
)
from extractor.concepts.windows.lengths import find_stated_age
from extractor.concepts.windows.prove import find_window, prove_first, prove_parts
from extractor.evidence.drafts import (
    Chunk,
    Draft,
    Objection,
    Reading,
    Span,
    Supported,
    Why,
)
from extractor.evidence.parsed import ParsedRecord
from extractor.language.passage import Passage
from extractor.language.values import list_members
from extractor.schemas import (
    Age,
    Amount,
    CriterionKind,
    FieldRef,
    FindingKind,
    Origin,
    Support,
    Task,
    TimeWindow,
    list_fields,
)

_PARTS = [
    field.name for field in list_fields(Task.ENDPOINTS) if field.question == "split"
]
"""The parts into which a model splits an outcome: its measure, description and time frame."""
_NO_DOSES = {"eligibility", "conditions", "keywords"}
"""Sections that do not state anything about a regimen."""


@dataclass(frozen=True, slots=True)
class UnreadableValue:
    """A model's value in an invalid format."""

    text: str


def ground_answer(
    values: Mapping[str, object],
    draft: Draft,
    parsed: ParsedRecord,
    lead_in: Chunk | None = None,
    fields: Sequence[CustomField] = (),
) -> Draft:
    """Divide a model's answer into supported readings and rejections, and return a draft that
    contains both.

    The arms of a regimen are numbers, which are replaced by labels. An agent may be stated anywhere
    in the record, and the other values of a regimen may be stated in any section that states doses:
    for example, the cycle in an arm and the dose in an intervention. A list keeps its supported
    members; if none of its members is supported, the field does not receive a reading. A field that
    the answer leaves empty receives a reading without a value. Unreadable values are rejected as
    ``UNREADABLE``. One of a criterion's time windows is also stored as its ``time_window``.

    Args:
        values: The model's values, keyed by field, converted to the schema types. Words and time
            windows are quotes that have not been located yet; None means that the text does not
            state the field. ``stands`` indicates whether the item is a criterion or regimen, and
            ``quote`` contains a regimen's words. The value of a custom field is a list of claims.
        draft: The item, or the chunk of text that the model was asked about.
        parsed: The record.
        lead_in: The line that introduces a criterion. Limits and time windows may be stated there;
            this line may name the quantity of a limit whose number is in the chunk, such as "Life
            expectancy:" above "At least 4 weeks".
        fields: The declarations of the custom fields among the values.
    """
    if draft.group == Task.DOSING:
        labels = [parsed.raw(place) if place else "" for place in parsed.arm_labels]
        values = name_arms(values, labels)
    search = _Search(values, draft, parsed, lead_in)
    custom_fields = {field.name: field for field in fields}
    readings: dict[str, Reading[object]] = {}
    claims: dict[str, tuple[Draft, ...]] = {}
    against: list[Objection] = []
    unreadable: list[Objection] = []
    for name, value in values.items():
        members = [member for member in list_members(value) if member is not None]
        readable = [one for one in members if not isinstance(one, UnreadableValue)]
        if name in custom_fields:
            claims[name], objections = _ground_claims(
                readable, custom_fields[name], search
            )
            is_proven = bool(claims[name])
            reading: Reading[object] = Reading(
                is_proven, origin=Origin.MODEL, weighed=1.0
            )
        else:
            supported, objections = _ground_members(readable, name, search)
            is_proven = bool(supported)
            reading = read_supported(supported, many=isinstance(value, tuple))
        against += objections
        unreadable += [
            _object_unreadable(name, one)
            for one in members
            if isinstance(one, UnreadableValue)
        ]
        # an answer without a value is that the text states none
        if is_proven or not members:
            readings[name] = reading
    windows = readings.get("time_windows")
    if windows:
        readings["time_window"] = prove_first(windows, search.here)
    return replace(
        draft,
        model=readings,
        objections=(*against, *unreadable),
        custom_values={name: claims[name] for name in claims if name in readings},
    )


def _object_unreadable(name: str, member: UnreadableValue) -> Objection:
    """Return the objection to a value that could not be read."""
    return Objection(
        Why.UNREADABLE,
        field=name,
        value=member.text,
        kind=FindingKind.ANSWER_MISSING,
    )


def name_arms(
    values: Mapping[str, object], labels: Sequence[str]
) -> Mapping[str, object]:
    """Return an answer in which arm numbers, including those in amounts, are replaced with the
    labels of the arms.

    A model refers to an arm by its number, starting from 1, in the list of ``labels`` that it was
    shown. The numbers of nonexistent or unlabelled arms are dropped. The arms of the amounts
    are also arms of the regimen. An answer without numbers is returned unchanged.

    >>> high = Amount(low=10, high=10, unit="mg", arms=("2",))
    >>> answer = name_arms({"amounts": (high,), "arms": (1, 3)}, ["Low", "High"])
    >>> str(answer["amounts"][0]), answer["arms"]
    ('10 mg (High)', ('Low', 'High'))
    """

    def name(numbers: Collection[object]) -> tuple[str, ...]:
        # two arms may have the same label
        chosen = [label for at, label in enumerate(labels, 1) if at in numbers]
        return tuple(dict.fromkeys(filter(None, chosen)))

    numbers = set(list_members(values.get("arms")))
    amounts = list(list_members(values.get("amounts")))
    for position, amount in enumerate(amounts):
        if not isinstance(amount, Amount):
            continue
        if not amount.arms:
            continue
        of_amount = set(map(int, amount.arms))
        numbers |= of_amount
        arms = name(of_amount)
        amounts[position] = amount.model_copy(update={"arms": arms})
    if not numbers:
        return values
    unread = [number for number in numbers if isinstance(number, UnreadableValue)]
    changed = {**values, "arms": (*name(numbers), *unread)}
    if not changed["arms"]:
        del changed["arms"]
    if amounts:
        return changed | {"amounts": tuple(amounts)}
    return changed


@dataclass(frozen=True)
class _Search:
    """Searches the places that may state the values of an answer: the chunk, the line that
    introduces it, and other sections.
    """

    values: Mapping[str, object]
    draft: Draft
    parsed: ParsedRecord
    lead_in: Chunk | None

    @cached_property
    def here(self) -> Passage:
        """The chunk that the model was asked about."""
        return self.parsed.passage(self.draft.chunk.span)

    @cached_property
    def above(self) -> Passage | None:
        """The line that introduces a criterion."""
        if self.lead_in:
            return self.parsed.passage(self.lead_in.span)
        return None

    @cached_property
    def arms(self) -> Mapping[str, Span]:
        """The place of each arm's label; the first represents arms with the same label."""
        places = filter(None, reversed(self.parsed.arm_labels))
        return {self.parsed.raw(place): place for place in places}

    @cached_property
    def parts(self) -> Mapping[str, Span | None]:
        """The parts of an outcome in the answer, each with its span, or with None if the chunk
        does not contain the part.
        """
        parts = {name: self.values[name] for name in _PARTS if name in self.values}
        return find_parts_of_outcome(self.here, parts)

    def find(self, field: str, value: object) -> Found:
        """Return the support for a value, or None. The first place that states the value is used.
        If no place states the value, an agent may be stated under another name, and a limit may
        have its quantity in the lead-in and its number in the chunk.
        """
        if field in self.parts:
            return support_quote(self.here, self.parts[field])
        if field == "arms" and isinstance(value, str):
            return Supported(value, self.arms[value], Support.INFERRED)
        places = list(self.list_places(field))
        support = None
        for place in places:
            support = self._prove(field, value, place)
            if support:
                break
        if support:
            if names_another(self.draft.read(field), support):
                return None
            # "the date of first documentation of relapse" is the relapse
            if field in ("start_event", "end_events"):
                return _trim_event(support, str(support.value))
            return support
        # "At least 4 weeks" below "Life expectancy:"
        if field == "constraints" and self.above:
            return self._find_across(value, self.above)
        # "MTX" for "methotrexate"
        if field == "agent" and isinstance(value, str):
            for place in places:
                agent = find_agent(value, place)
                if agent:
                    return agent
        return None

    def ground(self, field: str, value: object) -> Found:
        """Return a value that the rules cannot confirm, with the place of its quote or its numbers;
        None if no place has them, or if the rules surely read another value in the same words.
        """
        found = None
        for place in self.list_places(field):
            found = ground_value(value, place)
            if found:
                break
        if found is None:
            return None
        read = self.draft.read(field)
        if agrees_with_member(read, value):
            return found
        # the rules surely read another value in the same words
        if find_sure(read, found.span):
            return None
        return found

    def _prove(self, field: str, value: object, place: Passage) -> Found:
        """Return the support for a value in one place, or None. Ages are verified as minimum or
        maximum ages, windows within their quote, and other values according to their type.
        """
        if field in AGES and isinstance(value, Age):
            # "under 18" is the maximum age in an inclusion and the minimum age in an exclusion. The
            # kind is that of the answer or, if missing, that of the rules.
            kind = self.values.get("kind")
            if not isinstance(kind, CriterionKind):
                kind = self.draft.read("kind").value
            admits = kind is not CriterionKind.EXCLUSION
            is_lower = field == AGES[0]
            return find_stated_age(value, place, lower=is_lower, admits=admits)
        if field == "time_windows" and isinstance(value, TimeWindow | str):
            topic = ""
            if self.lead_in:
                topic = self.lead_in.text
            return find_window(value, place, topic=topic)
        return find_support(value, place)

    def list_places(self, field: str) -> Iterator[Passage]:
        """Yield the passages that may state a value. The first is the chunk. For limits and
        windows, it is followed by the lead-in; for an agent, by every section; and for other
        values of a regimen, by every section that may state doses. If an outcome has a time frame,
        its time points are searched for only there.
        """
        if field == "time_points":
            frame = self.parts.get("time_frame")
            by_rules = self.draft.read("time_frame").spans
            # the model was not asked for the time frame, so it is that of the rules
            is_unasked = frame is None and "time_frame" not in self.values
            if is_unasked and by_rules:
                frame = by_rules[0]
            if frame:
                yield self.parsed.passage(frame)
            else:
                yield self.here
            return
        yield self.here
        if self.above and field in ("time_windows", "constraints"):
            yield self.above
            return
        # the cycle may be stated in an arm and the dose in an intervention
        is_regimen = self.draft.group == Task.DOSING and self.values.get("stands")
        for section in self.parsed.record.sections:
            may_state = field == "agent"
            if is_regimen and FieldRef(section.name).path not in _NO_DOSES:
                may_state = True
            if may_state:
                yield self.parsed.sections[section.name].whole

    def _find_across(self, value: object, above: Passage) -> Found:
        """Return the support for a limit that begins in the introducing line or later and ends in
        the chunk, or None.
        """
        section = self.here.section
        # the model may have named any line, even one after the chunk
        if above.section is not section:
            return None
        if above.first >= self.here.first:
            return None
        both = section.whole.part(above.first, self.here.end)
        support = find_support(value, both)
        if support and support.span.end > self.draft.chunk.span.start:
            return support
        return None


def _ground_members(
    members: Iterable[object], field: str, search: _Search
) -> tuple[list[Supported[object]], list[Objection]]:
    """Return the supported values of a field, and the rejections of unsupported values, followed by
    the rejections of parts of values.

    If only a part is rejected, such as the condition of a limit, the rest of the value may be
    kept. Windows are sorted by their position in the text.
    """
    supported: list[Supported[object]] = []
    against: list[Objection] = []
    against_parts: list[Objection] = []
    places = [search.here]
    # the line that introduces a criterion may state its time; any text, for whom an amount is
    if field in ("time_windows", "amounts"):
        places = list(search.list_places(field))
    for member in members:
        support = search.find(field, member)
        if support is None:
            objection = explain_objection(member, search.here)
            support = search.ground(field, member)
            objection = replace(objection, is_kept=support is not None)
            against.append(describe_objection(objection, field, member))
            if support is None:
                continue
            support = replace(support, features=(objection.why,))
        proven, objections = prove_parts(support, places, search.above)
        supported.append(proven)
        against_parts += [
            describe_objection(objection, field, member) for objection in objections
        ]
    if field == "time_windows":
        supported.sort(key=lambda window: (window.span.section, window.span.start))
    return supported, against + against_parts


def _ground_claims(
    claims: Iterable[object], field: CustomField, search: _Search
) -> tuple[tuple[Draft, ...], list[Objection]]:
    """For each claim about a custom field, if the chunk at least partly supports the claim, return
    a draft located at the first supported words; also return the rejections of unsupported values.
    """
    drafts: list[Draft] = []
    against: list[Objection] = []
    chunk = search.draft.chunk
    for claim in claims:
        assert isinstance(claim, Mapping), "a claim holds values by attribute"
        readings, unproven = check_claim(claim, field, search.here)
        against += unproven
        for reading in list(readings.values())[:1]:
            place = reading.spans[0]
            drafts.append(Draft(field.group.path, chunk, place, {}, readings))
    return tuple(drafts), against


def _trim_event(event: Supported[object], words: str) -> Supported[object]:
    """Return an event without leading and trailing words that are not part of its name."""
    start, end = trim_event(words)
    # if the text and the quote use different characters, offsets in the quote are not valid in the
    # text
    if len(words) != event.span.length:
        return event
    first = event.span.start
    span = Span(event.span.section, first + start, first + end)
    return replace(event, value=words[start:end], span=span)
