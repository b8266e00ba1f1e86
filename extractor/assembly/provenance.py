"""Collect the evidence of an item's values while the item is built."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeGuard, TypeVar

from extractor.assembly.resolve import (
    Members,
    name_origin,
    resolve,
    resolve_part,
)
from extractor.concepts.hostile.injection import find_clean_run
from extractor.confidence import ANSWERS, explain, find_meaning, find_most
from extractor.evidence.drafts import Draft, Reading, Span, Supported, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.language.values import replace
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Amount,
    Evidence,
    EvidenceKind,
    ExtractedItem,
    FieldInfo,
    Origin,
    Support,
    Task,
    TimeWindow,
    list_fields,
)
from extractor.schemas.base import JsonObject
from extractor.schemas.values import PARTS
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_BESIDE_HIDDEN = "beside hidden characters"
"""A value on a line where invisible characters were blanked. They may have hidden a digit of it or
a limit beside it.
"""
_QUOTE = "quote"
_MOST_PARTS = 8
"""How many longer words are skipped that contain the words of a quote."""
T = TypeVar("T")
ItemT = TypeVar("ItemT", bound=ExtractedItem)


class Provenance(TypedDict):
    """The fields that state the evidence of an item."""

    evidence: tuple[Evidence, ...]
    origin: Origin | None
    support: Support | None
    confidence: float


def list_read_fields(task: Task, group: str | None = None) -> list[FieldInfo]:
    """Return, for a task's items, the fields whose values have their own quotes.

    >>> [
    ...     field.name
    ...     for field in list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
    ... ][:2]
    ['kind', 'lead_in']
    """
    return [
        field
        for field in list_fields(task)
        if field.evidence is EvidenceKind.READ and field.group == (group or task)
    ]


def _is_of(reading: Reading[object], kind: type[T]) -> TypeGuard[Reading[T | None]]:
    """Return whether a reading has no value of another type."""
    values = (reading.value, *reading.alternatives)
    return all(value is None or isinstance(value, kind) for value in values)


class ItemBuilder:
    """Resolve the fields of a draft, and collect their evidence and the reasons for empty fields.

    ``path`` is the item's place in the extraction, such as ``dosing[0]``. ``ceiling`` is the
    confidence of the item itself, which is the maximum confidence of each of its values.
    ``searched`` lists the sections that were searched; by default, only the section of the item.
    By default, the evidence for a value that has no words of its own, such as "no time is stated",
    is the whole span of the item. If no sections were searched, the absence of an empty field has
    the reason ``section_absent``.
    """

    def __init__(
        self,
        parsed: ParsedRecord,
        draft: Draft,
        path: str,
        *,
        searched: Sequence[str] | None = None,
        ceiling: float = 1,
    ) -> None:
        self._parsed = parsed
        self._path = path
        self.draft = draft
        self._whole: tuple[Span, ...] = ()
        if searched is None:
            self._whole = (draft.span,)
            searched = (draft.span.section,)
        self._sections = tuple(searched)
        self._evidence: list[Evidence] = []
        self._confidence = self._ceiling = ceiling
        self.absences: list[Absence] = []

    def resolve(self, field: str) -> Reading[object]:
        """Return the value of a field, combined from the rules' reading and the model's answer.
        The value's confidence is lower if the model was asked about the field but skipped the
        item, or contradicted itself. A guess of the rules that, according to the model's answer,
        does not exist is treated as ambiguous.
        """
        task, _, _ = self.draft.group.partition(".")
        # the model answers the whole list at once
        asked_as = "time_windows" if field == "time_window" else field
        gap = self.draft.gap(asked_as)
        read = self.draft.read(field)
        answer = self.draft.model.get(field)
        resolved = resolve(read, answer, gap, f"{task}.{field}")
        is_denied = answer is not None and not answer.list_values()
        if is_denied and read.list_values() and not resolved.list_values():
            return replace(resolved, gap=AbsenceReason.AMBIGUOUS)
        is_skipped = self.draft.is_skipped and asked_as in self.draft.questions
        if is_skipped or asked_as in self.draft.contradicted:
            return resolved.limited(ANSWERS, "unconfirmed")
        return resolved

    def resolve_as(self, kind: type[T], field: str) -> Reading[T | None]:
        """Return the value of a field, as ``resolve`` does. Raises ``TypeError`` if it is of
        another type.
        """
        resolved = self.resolve(field)
        if _is_of(resolved, kind):
            return resolved
        raise TypeError(f"{field} is no {kind.__name__}: {resolved.value!r}")

    def add_fields(self, fields: Iterable[FieldInfo]) -> dict[str, Any]:
        """Resolve fields, add the evidence or the absence for each field, and return the values by
        name. The value of an empty list is an empty tuple.
        """
        values: dict[str, Any] = {}
        for field in fields:
            value = self.add(field.name, self.resolve(field.name))
            if field.many and value is None:
                value = ()
            values[field.name] = value
        return values

    def add_stated(self, fields: Iterable[FieldInfo]) -> dict[str, Any]:
        """Resolve fields that most items lack, add the evidence for those with a value, and return
        the values by name. An empty one has no reason.
        """
        values: dict[str, Any] = {}
        for field in fields:
            resolved = self.resolve(field.name)
            if resolved.list_values():
                values[field.name] = self.add(field.name, resolved)
        return values

    def add_quote(self, exists: Reading[object]) -> str | None:
        """Add the item's own words, with the origin of the item and the confidence that it exists,
        and return those words.
        """
        span = self.draft.span
        words = self._parsed.raw(span)
        quote = Reading(
            words, spans=(span,), origin=exists.origin, weighed=exists.confidence
        )
        reasons = explain(f"{self.draft.group}.stands", exists.features)
        quote = replace(quote, reasons=(*exists.reasons, *reasons))
        return self.add(_QUOTE, quote)

    def add(self, field: str, resolved: Reading[T | None]) -> T | None:
        """Add the evidence or the absence for a resolved field, and return its value.

        If the rules left the field open and there is no answer from a model, the value is absent
        for the reason ``gap``, such as ``not_asked``. Otherwise, the reason for an empty value is
        that it is not reported or that its section is absent. Each member of a tuple has its own
        evidence. The item's confidence is at most the confidence of each of its values.
        """
        value = resolved.value
        if resolved.gap is not None:
            self.add_absence(field, resolved.gap)
            return value
        self._confidence = min(self._confidence, resolved.confidence)
        if value is None or value == ():
            reason = AbsenceReason.SECTION_ABSENT
            if self._sections:
                reason = AbsenceReason.NOT_REPORTED
            self.add_absence(field, reason)
            return value
        if not isinstance(value, tuple):
            sure = resolved.confidence
            doubts = self._doubt(field, resolved, (), sure)
            for span in resolved.spans or self._whole:
                proven = Supported(value, span, resolved.support, confidence=sure)
                self._prove(field, proven, resolved.origin, doubts)
            return value
        # the members of such a list have quotes as their parts
        rule = model = None
        if type(value[0]) in PARTS:
            rule = Members(self.draft.read(field))
            answer = self.draft.model.get(field)
            if answer:
                model = Members(answer)
        for at, member in enumerate(resolved.members):
            place = f"{field}[{at}]"
            doubts = self._doubt(field, resolved, member.features, member.confidence)
            origin = name_origin(resolved, member.features)
            self._prove(place, member, origin, doubts)
            if rule:
                self._prove_parts(place, member, rule, model)
        return value

    def _doubt(
        self,
        field: str,
        resolved: Reading[object],
        own: Sequence[str],
        sure: float,
    ) -> tuple[str, ...]:
        """Return what speaks against a value, in words; nothing if the value is sure. The features
        of a member of a list are ``own``, and those of the answer if a model read the list.
        """
        if min(sure, self._ceiling) >= DOUBTFUL_BELOW:
            return ()
        if resolved.origin is Origin.MODEL or field == _QUOTE:
            means = (find_meaning(ANSWERS, feature) for feature in own)
            return (*resolved.reasons, *means)
        features = (*own, *resolved.features)
        reasons = explain(f"{self.draft.group}.{field}", features)
        return tuple(dict.fromkeys((*resolved.reasons, *reasons)))

    def add_absence(self, field: str, reason: AbsenceReason) -> None:
        """Add the reason why a field is empty."""
        path = f"{self._path}.{field}"
        self.absences.append(
            Absence(field=path, reason=reason, sections=self._sections)
        )

    def build(self, also: Sequence[Evidence] = ()) -> Provenance:
        """Return the item's provenance fields. The evidence in ``also`` is included, but does not
        lower the item's confidence.
        """
        return describe_evidence((*self._evidence, *also), round(self._confidence, 4))

    def _prove_parts(
        self,
        place_of_member: str,
        member: Supported[object],
        rule: Members,
        model: Members | None,
    ) -> None:
        """Add evidence for the quotes that are parts of the list member at ``place_of_member``, for
        example ``constraints[0]``; ``rule`` and ``model`` are what the rules and a model read. A
        part that is not found is omitted. Each part is searched for in the item; parts of a time
        window are also searched for in the line that introduces the item. If there are several
        places, the place nearest to the member is used.
        """
        field, _, _ = place_of_member.partition("[")
        path = f"{self.draft.group}.{field}"
        spans = [self.draft.span]
        # "within 4 weeks:" above "aspirin"
        if isinstance(member.value, TimeWindow):
            answered = self.draft.model.get("lead_in")
            if answered:
                spans += answered.spans
            spans += self.draft.read("lead_in").spans
        # "children below 30 kg" may stand before the words of the dose
        if isinstance(member.value, Amount):
            section = member.span.section
            whole = len(self._parsed.sections[section].raw)
            spans += [self.draft.chunk.span, Span(section, 0, whole)]
        for name in PARTS[type(member.value)]:
            words = getattr(member.value, name)
            if not words:
                continue
            place = self._find_place(words, spans, member.span)
            if place:
                origin, sure, doubts = resolve_part(member.value, name, rule, model)
                part = rule.find_part(member.value, name)
                if sure < DOUBTFUL_BELOW and origin is not Origin.MODEL and part:
                    doubts = explain(f"{path}.{name}", part.features)
                proven = Supported(words, place, confidence=sure)
                self._prove(f"{place_of_member}.{name}", proven, origin, doubts)

    def _find_place(self, words: str, spans: Sequence[Span], near: Span) -> Span | None:
        """Return the place of these words that is nearest to ``near`` in the first span that
        contains them, or None.
        """
        for span in spans:
            text = self._parsed.raw(span)
            at = max(0, near.start - span.start)
            places = (_find_before(text, words, at), _find_behind(text, words, at))
            found = [
                Span(span.section, span.start + place, span.start + place + len(words))
                for place in places
                if place >= 0
            ]
            if found:
                return min(found, key=lambda place: _count_between(place, near))
        return None

    def _prove(
        self,
        name: str,
        proven: Supported[object],
        origin: Origin,
        doubts: tuple[str, ...],
    ) -> None:
        """Add evidence for a value that ``origin`` read, with its support and its doubts. If the
        support is unknown, a value that is not a quote is treated as a conclusion. If the evidence
        is a whole passage that contains hostile text, the longest run without blanked text is
        used. The item's confidence is at most the confidence of this value.
        """
        span = proven.span
        sure = proven.confidence
        quote = self._parsed.raw(span)
        support = _find_support(name, proven, quote)
        # no value is surer than its item
        if self._ceiling < sure:
            sure = self._ceiling
            doubts = (*doubts, "the item itself is doubtful")
        if self._parsed.is_cut(span):
            sure = min(sure, find_most(ANSWERS, _BESIDE_HIDDEN))
            doubts = (find_meaning(ANSWERS, _BESIDE_HIDDEN), *doubts)
        self._confidence = min(self._confidence, sure)
        blanks = self._parsed.list_blanks(span)
        if blanks:
            text = self._parsed.sections[span.section].raw
            clean_run = find_clean_run((span.start, span.end), text, blanks)
            span = Span(span.section, *clean_run)
            quote = self._parsed.raw(span)
        if sure >= DOUBTFUL_BELOW:
            doubts = ()
        evidence = Evidence(
            field=name,
            section=span.section,
            start=span.start,
            end=span.end,
            quote=quote,
            origin=origin,
            support=support,
            confidence=sure,
            doubts=doubts,
            **self._locate(span),
        )
        self._evidence.append(evidence)

    def _locate(self, span: Span) -> JsonObject:
        """Return the place of a span in the text of a PDF or Word file, and the page on which the
        span begins, as fields of the span's evidence. The result is empty if the section is not
        from a PDF or Word file.
        """
        record = self._parsed.record
        # only a PDF or Word file has pages
        if record.document is None:
            return {}
        section = record.section(span.section)
        if section is None:
            return {}
        place = section.locate(span.start, span.end)
        if place is None:
            return {}
        start, end = place
        page = record.document.find_page(start)
        return {"document_start": start, "document_end": end, "page": page}


def _find_before(text: str, words: str, at: int) -> int:
    """Return the last place before ``at`` of these words, as whole words if possible, or -1."""
    nearest = place = text.rfind(words, 0, at + len(words))
    for _ in range(_MOST_PARTS):
        if place < 0 or not _cuts_word(text, place, place + len(words)):
            break
        place = text.rfind(words, 0, place + len(words) - 1)
    return nearest if place < 0 else place


def _find_behind(text: str, words: str, at: int) -> int:
    """Return the first place from ``at`` on of these words, as whole words if possible, or -1."""
    nearest = place = text.find(words, at)
    for _ in range(_MOST_PARTS):
        if place < 0 or not _cuts_word(text, place, place + len(words)):
            break
        place = text.find(words, place + 1)
    return nearest if place < 0 else place


def _cuts_word(text: str, start: int, end: int) -> bool:
    """Return whether a part of a text begins or ends within a word: "male" in "females"."""
    return _is_within_word(text, start) or _is_within_word(text, end)


def _is_within_word(text: str, at: int) -> bool:
    """Return whether a word goes on from one side of a place to the other."""
    before = text[at - 1 : at]
    behind = text[at : at + 1]
    return before.isalnum() and behind.isalnum()


def _count_between(one: Span, other: Span) -> int:
    """Return the number of characters between two spans of a section."""
    return max(0, other.start - one.end, one.start - other.end)


def _find_support(name: str, proven: Supported[object], quote: str) -> Support:
    """Return the support of the value ``name``, whose words are ``quote``. Without a known support,
    a value that is not its quote is a conclusion.
    """
    value = proven.value
    is_quote = quote in (value, getattr(value, "name", None))
    is_whole_quote = is_quote and getattr(value, "version", None) is None
    # the label of an arm does not state what the arm receives
    if is_whole_quote and not name.startswith("arms"):
        return Support.LITERAL
    if proven.support is Support.LITERAL and type(value) is not str:
        return Support.INFERRED
    return proven.support


@dataclass(slots=True)
class Assembled(Generic[ItemT]):
    """The assembled items of a group, with their paths and drafts, and the reasons for their empty
    fields.
    """

    group: str = ""
    items: list[tuple[str, ItemT, Draft]] = dataclasses.field(default_factory=list)
    absences: list[Absence] = dataclasses.field(default_factory=list)

    @property
    def path(self) -> str:
        """The path of the next item."""
        return f"{self.group}[{len(self.items)}]"

    @property
    def values(self) -> tuple[ItemT, ...]:
        """The items without their paths and drafts."""
        return tuple(item for _, item, _ in self.items)

    def add(self, item: ItemT, builder: ItemBuilder) -> None:
        """Add a built item."""
        self.items.append((self.path, item, builder.draft))
        self.absences += builder.absences


def describe_evidence(evidence: Sequence[Evidence], confidence: float) -> Provenance:
    """Return an item's provenance fields: the evidence, the origin, the weakest support and the
    confidence. If there is no evidence, the origin and the support are None. If there are several
    origins, the origin is ``both``.
    """
    origins = {piece.origin for piece in evidence}
    supports = [piece.support for piece in evidence]
    return {
        "evidence": tuple(evidence),
        "origin": Origin.BOTH if len(origins) > 1 else next(iter(origins), None),
        "support": find_weakest(supports) if supports else None,
        "confidence": confidence,
    }
