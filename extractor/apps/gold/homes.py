"""What follows from where an item stands: its section and list, its rank, and what is around it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from extractor.apps.evaluation.places import find_places, name_outcome
from extractor.apps.gold.marks import CRITERIA, DOSING, ENDPOINTS
from extractor.apps.gold.text import ShownRecord
from extractor.apps.review import forms
from extractor.apps.review.selection import read_person
from extractor.evidence.drafts import Span
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import Criterion, Section, TrialExtraction, TrialRecord
from extractor.schemas.vocabulary import Effort

_BY_RULES = ExtractionOptions(effort=Effort.NONE)
_PARTS = ("measure", "description", "time_frame")


@dataclass(frozen=True)
class Homes:
    """The places of a record's items."""

    record: TrialRecord

    @cached_property
    def shown(self) -> ShownRecord:
        """The record as one text."""
        return ShownRecord(self.record)

    @cached_property
    def by_rules(self) -> TrialExtraction:
        """What the rules read in the record."""
        return extract_by_rules(self.record, _BY_RULES)

    def derive(self, group: str, span: Span | None) -> dict[str, Any]:
        """Return the values that follow from a span: list, section and quote of a criterion,
        section and quote of a regimen, rank, index and measure of an outcome; none for a user's
        field. Raises ``ValueError`` for a span that is not within one outcome.
        """
        # A user's value may be of the whole record, and stand nowhere.
        if span is None or group.startswith("custom."):
            return {}
        text = self.record.raw_text(span.section) or ""
        words = text[span.start : span.end]
        if group == ENDPOINTS:
            rank, index = self._find_outcome(span)
            return {"rank": rank, "index": index, "measure": words}
        home = self._name_place(span)
        if group == DOSING:
            return {"section": home, "quote": words}
        return {"kind": self._find_kind(span), "section": home, "quote": words}

    def read_person(self, words: str, field: str) -> Any:
        """Return what words say of the participants, such as ``maximum_age``, as the rules read
        them; None if they say nothing of it.
        """
        return read_person(self.record, words, field)

    def read_dose(self, words: str, field: str) -> Any:
        """Return what words say of a dose, such as ``frequency``, as the rules read them behind an
        agent and an amount; None if they say nothing of it.
        """
        # The rules read how often a dose is given behind an agent and its amount.
        section = Section(name="interventions[0]", text=f"Examplumab 10 mg {words}")
        record = self.record.model_copy(update={"sections": (section,)})
        regimens = extract_by_rules(record, _BY_RULES).dosing
        if len(regimens) != 1:
            return None
        return regimens[0].model_dump(mode="json").get(field)

    def widen(self, group: str, span: Span) -> Span:
        """Return the place of the criterion in which a value stands, as the rules read it; the
        value's own place if it stands in none, and for another item than a criterion.
        """
        if group != CRITERIA:
            return span
        for criterion in self.by_rules.eligibility.criteria:
            for place in _list_places(criterion):
                if place.contains(span):
                    return place
        return span

    def split_outcome(self, values: dict[str, Any]) -> tuple[Span, dict[str, Any]]:
        """Return the place of the outcome with the rank and index in ``values``, and its measure,
        description and time frame as the rules cut them, by which endpoints are paired; no words
        if the rules read no such outcome.
        """
        rank = values["rank"]
        index = values["index"]
        place = self.shown.places[name_outcome(rank, index)]
        for endpoint in self.by_rules.endpoints:
            if endpoint.rank.value == rank and endpoint.index == index:
                return place, {name: getattr(endpoint, name) for name in _PARTS}
        return place, {}

    def _name_place(self, span: Span) -> str:
        """Return the smallest place around a span, such as an item of a list in one cell; its
        section if there is none. Outcomes do not count.
        """
        around = []
        for name, place in self.shown.places.items():
            if "_outcomes" in name or not place.contains(span):
                continue
            around.append((place.length, name))
        if not around:
            return span.section
        _, smallest = min(around)
        return smallest

    def _find_outcome(self, span: Span) -> tuple[str, int]:
        """Return rank and index of the outcome around a span. Raises ``ValueError`` without one."""
        for rank, index in find_places(self.record).outcomes:
            place = self.shown.places[name_outcome(rank, index)]
            if place.contains(span):
                return rank.value, index
        raise ValueError(
            "these words are not within one registered outcome; mark words of a single one"
        )

    def _find_kind(self, span: Span) -> str:
        """Return "inclusion" or "exclusion": as the rules read the criterion in which a span
        stands, else by the last of both words before it.
        """
        for criterion in self.by_rules.eligibility.criteria:
            if any(place.contains(span) for place in _list_places(criterion)):
                return criterion.kind.value
        text = self.record.raw_text(span.section) or ""
        before = text[: span.start].casefold()
        if before.rfind("exclusion") > before.rfind("inclusion"):
            return "exclusion"
        return "inclusion"


def _list_places(criterion: Criterion) -> Iterator[Span]:
    """Yield where the words of a criterion stand."""
    for evidence in criterion.evidence:
        if evidence.field == "quote":
            yield Span(evidence.section, evidence.start, evidence.end)


def derive_window(criterion: Mapping[str, Any]) -> dict[str, Any]:
    """Return the time window that follows from the list of a criterion, if that was read."""
    windows = criterion.get("time_windows")
    if windows is None:
        return {}
    return {"time_window": forms.derive_window(windows)}
