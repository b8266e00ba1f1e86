"""Collect the evidence of an item's values while it is built."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from extractor.concepts.hostile.injection import find_honest
from extractor.concepts.resolve import UNCONFIRMED, resolve, resolve_part
from extractor.evidence.drafts import Draft, Reading, Span, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Evidence,
    EvidenceKind,
    ExtractedItem,
    FieldInfo,
    FieldRef,
    Origin,
    Support,
    Task,
    TimeWindow,
    list_fields,
)
from extractor.schemas.values import PARTS

_CITED = frozenset({"arms"})
"""Fields whose words say what is meant, but not that it is so: the label of an arm does not say
what the arm gets.
"""
_ASKED_AS = {"time_window": "time_windows"}
"""Fields that are a member of a list, and are answered with it."""
T = TypeVar("T")
ItemT = TypeVar("ItemT", bound=ExtractedItem)


def list_read_fields(task: Task, group: str | None = None) -> list[FieldInfo]:
    """Return the fields of a task's items whose values are read from their own quotes.

    >>> [
    ...     field.name
    ...     for field in list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
    ... ][:2]
    ['kind', 'lead_in']
    """
    fields = (
        field
        for field in list_fields(task)
        if field.metadata.evidence is EvidenceKind.READ
    )
    return [field for field in fields if field.group == (group or task)]


class ItemBuilder:
    """Resolves the fields of a draft, and collects their evidence and the reasons of empty ones.

    ``path`` is the item's place in the extraction, such as ``dosing[0]``. No value is surer than
    the item itself, that is than ``ceiling``. ``searched`` are the sections that were searched, by
    default that of the item: the evidence of a value without words of its own, such as "no time is
    stated", is then the item's whole span. Without any, empty fields are explained by the absence
    of a section.
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
        self._whole = (draft.span,) if searched is None else ()
        self._sections = (draft.span.section,) if searched is None else tuple(searched)
        self._evidence: list[Evidence] = []
        self._confidence = self._ceiling = ceiling
        self.absences: list[Absence] = []

    def resolve(self, field: str) -> Reading[Any]:
        """Resolve the rules' reading and the model's answer for a field."""
        counted = f"{self.draft.group.partition('.')[0]}.{field}"
        gap = self.draft.gap(_ASKED_AS.get(field, field))
        resolved = resolve(
            self.draft.read(field), self.draft.model.get(field), gap, counted
        )
        is_unconfirmed = (
            self.draft.is_skipped and _ASKED_AS.get(field, field) in self.draft.asked
        )
        return resolved.at_most(UNCONFIRMED) if is_unconfirmed else resolved

    def add_fields(self, fields: Iterable[FieldInfo]) -> dict[str, Any]:
        """Resolve fields, add the evidence or the absence of each, and return their values."""
        values: dict[str, Any] = {}
        for field in fields:
            value = self.add(field.name, self.resolve(field.name))
            values[field.name] = () if field.many and value is None else value
        return values

    def add_quote(self, exists: Reading[Any]) -> str | None:
        """Add the item's own words, whose confidence and origin are those of its existence."""
        span = self.draft.span
        return self.add(
            "quote",
            Reading(
                self._parsed.raw(span), exists.confidence, (span,), origin=exists.origin
            ),
        )

    def add(self, field: str, resolved: Reading[T | None]) -> T | None:
        """Add the evidence or the absence of a resolved field, and return its value."""
        value = resolved.value
        if resolved.gap is not None:
            self.add_absence(field, resolved.gap)
            return value
        self._confidence = min(self._confidence, resolved.confidence)
        if value is None or value == ():
            self.add_absence(
                field,
                AbsenceReason.NOT_REPORTED
                if self._sections
                else AbsenceReason.SECTION_ABSENT,
            )
            return value
        supports = resolved.list_supports() or (Support.LITERAL,)
        for position, span in enumerate(resolved.spans or self._whole):
            if isinstance(value, tuple):
                place = min(position, len(value) - 1)
                own = replace(resolved, confidence=resolved.sure_of(place))
                self._prove(
                    f"{field}[{place}]", value[place], span, own, supports[position]
                )
                self._prove_parts(f"{field}[{place}]", value[place], span)
            else:
                self._prove(field, value, span, resolved, supports[position])
        return value

    def add_absence(self, field: str, reason: AbsenceReason) -> None:
        """Add the reason why a field is empty."""
        self.absences.append(
            Absence(
                field=f"{self._path}.{field}", reason=reason, sections=self._sections
            )
        )

    def build(self, also: Sequence[Evidence] = ()) -> dict[str, Any]:
        """Return the item's provenance fields. It is no less sure for what ``also`` proves."""
        return describe_evidence((*self._evidence, *also), round(self._confidence, 4))

    def _prove_parts(self, member: str, value: Any, near: Span) -> None:
        """Add evidence of the quotes that are parts of a value, at their places nearest to it.

        They stand in the item, those of a time window also in the line that introduces it.
        """
        field = FieldRef(member).path
        rule = self.draft.read(field)
        model = self.draft.model.get(field)
        for name in PARTS.get(type(value), ()):
            words = getattr(value, name)
            spans = [
                self.draft.span,
                *(self._find_lead_in() if isinstance(value, TimeWindow) else ()),
            ]
            is_inside = name == "anchor"
            if words and (
                place := self._find_nearest(words, spans, near, inside=is_inside)
            ):
                counted = f"{self.draft.group.partition('.')[0]}.{field}"
                origin, sure = resolve_part(value, name, rule, model, counted)
                read = Reading(words, sure, (place,), origin=origin)
                self._prove(f"{member}.{name}", words, place, read, Support.LITERAL)

    def _find_lead_in(self) -> tuple[Span, ...]:
        return tuple(
            span
            for read in (self.draft.model.get("lead_in"), self.draft.read("lead_in"))
            if read
            for span in read.spans
        )

    def _find_nearest(
        self, words: str, spans: Sequence[Span], near: Span, *, inside: bool
    ) -> Span | None:
        """Return the place of these characters in the first span that has them, the nearest one
        to another place. Unless they may stand ``inside`` that place, one outside comes first.

        In "medication within 14 days prior to the study medication" the first is limited.
        """
        for span in spans:
            raw = self._parsed.raw(span)
            starts = [
                found.start() + span.start
                for found in re.finditer(re.escape(words), raw)
            ]
            places = [Span(span.section, start, start + len(words)) for start in starts]
            if places:
                return min(
                    places,
                    key=lambda one: (
                        not inside and one.overlaps(near),
                        max(one.start - near.end, near.start - one.end, 0),
                    ),
                )
        return None

    def _prove(
        self,
        name: str,
        value: Any,
        span: Span,
        resolved: Reading[Any],
        support: Support,
    ) -> None:
        """Add evidence, with how the value was read from it: what is no quote was concluded, if
        nothing else is known.

        The evidence of a value that rests on a whole passage is its longest part without blanked
        hostile text.
        """
        said = self._parsed.raw(span) in (value, getattr(value, "name", None))
        if (
            said
            and getattr(value, "version", None) is None
            and FieldRef(name).path not in _CITED
        ):
            support = Support.LITERAL
        elif support is Support.LITERAL and type(value) is not str:
            support = Support.INFERRED
        sure = min(resolved.confidence, self._ceiling)
        self._confidence = min(self._confidence, sure)
        blanks = self._parsed.list_blanks(span)
        if blanks:
            text = self._parsed.sections[span.section].raw
            span = Span(
                span.section, *find_honest((span.start, span.end), text, blanks)
            )
        self._evidence.append(
            Evidence(
                field=name,
                section=span.section,
                start=span.start,
                end=span.end,
                quote=self._parsed.raw(span),
                origin=resolved.origin,
                support=support,
                confidence=sure,
            )
        )


@dataclass(slots=True)
class Assembled(Generic[ItemT]):
    """The items of a group with their paths and drafts, and why their empty fields are empty."""

    group: str = ""
    items: list[tuple[str, ItemT, Draft]] = dataclasses.field(default_factory=list)
    absences: list[Absence] = dataclasses.field(default_factory=list)

    @property
    def path(self) -> str:
        """The path of the next item."""
        return f"{self.group}[{len(self.items)}]"

    @property
    def values(self) -> tuple[ItemT, ...]:
        """The items alone."""
        return tuple(item for _, item, _ in self.items)

    def add(self, item: ItemT, builder: ItemBuilder) -> None:
        """Add a built item."""
        self.items.append((self.path, item, builder.draft))
        self.absences += builder.absences


def describe_evidence(
    evidence: Sequence[Evidence], confidence: float
) -> dict[str, Any]:
    """Return an item's provenance fields: evidence, origin, weakest support and confidence."""
    origins = {piece.origin for piece in evidence}
    origin = next(iter(origins), None)
    if len(origins) > 1:
        origin = Origin.BOTH
    return {
        "evidence": tuple(evidence),
        "origin": origin,
        "support": find_weakest(piece.support for piece in evidence)
        if evidence
        else None,
        "confidence": confidence,
    }
