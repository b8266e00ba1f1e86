"""The parts of FHIR R5 that all resources share: codes, quantities, ranges, and what is
collected for one trial.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from extractor.language.units import read_unit
from extractor.schemas import (
    Citation,
    Evidence,
    ExtractedItem,
    TrialExtraction,
    TrialRecord,
)

Json = dict[str, Any]
ItemT = TypeVar("ItemT", bound=ExtractedItem)
Proof = tuple[str, Evidence | Citation]
"""The path of a field, such as ``dosing[0].route``, and the characters that support it."""

EBM = "http://hl7.org/fhir/uv/ebm/StructureDefinition"
"""The profiles and extensions of the guide "EBM on FHIR"."""
BASE = "urn:trial-extractor"
"""Names our own codes, extensions and definitions. The closed sets of words are those of
`extractor schema`.
"""
HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_LONGEST_ID = 40
"""Of the 64 characters of an id; suffixes such as ``-endpoint-123`` and a digest take the
others.
"""


UnmappedReason = Literal[
    "no_element",
    "compound",
    "unsure",
    "no_direction",
    "no_ucum",
    "no_time_unit",
    "no_range",
    "no_offsets",
    "age_bound",
    "other_age",
    "input_missing",
]

"""Why a value has no place in the resources (docs/how-to/fhir.md)."""


LEAST = 0.8
"""The least confidence of a value that a resource states."""


def is_sure(item: ExtractedItem, *names: str) -> bool:
    """Return whether the values of fields such as ``constraints`` or ``amounts[0]`` are sure enough
    to be stated.

    A corrected item has no evidence, and is sure.
    """
    for name in names:
        for piece in item.evidence_for(name):
            if piece.confidence is not None and piece.confidence < LEAST:
                return False
    return True


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A value without a place in the resources. ``field`` is its path; ``reason`` and ``detail``
    say why.
    """

    record_id: str
    field: str
    value: Any
    reason: UnmappedReason
    detail: str = ""


@dataclass
class TrialResources:
    """Collects a trial's resources, and the values that have no place in them."""

    extraction: TrialExtraction
    record: TrialRecord | None = None
    resources: list[Json] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    _targets: list[Json] = field(default_factory=list)
    _cited: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """By item and place: the values that stand there."""

    @cached_property
    def id(self) -> str:
        """The id of the trial's ResearchStudy, with which all ids of its resources begin.

        The record's own id, if it is one in FHIR; else its letters, digits, dots and hyphens, and a
        digest of the id.
        """
        record_id = self.extraction.record_id
        # FHIR allows letters, digits, dots and hyphens.
        kept = re.sub(r"[^A-Za-z0-9.-]", "-", record_id)[:_LONGEST_ID]
        if kept == record_id:
            return kept
        digest = sha256(record_id.encode()).hexdigest()
        return f"{kept}-{digest[:8]}"

    def add(
        self,
        kind: str,
        suffix: str,
        content: Json,
        proofs: Iterable[Proof] = (),
        said: str = "",
    ) -> Json:
        """Add a resource, remember its evidence, and return a reference to it.

        ``said`` is the text of the resource: evidence does not repeat a quote that stands in it.
        """
        resource_id = f"{self.id}{suffix}"
        self.resources.append({"resourceType": kind, "id": resource_id} | content)
        reference = {"reference": f"{kind}/{resource_id}"}
        before = len(self._cited)
        for path, proof in proofs:
            self._cite(path, proof, said)
        if len(self._cited) > before:
            self._targets.append(reference)
        return reference

    def _cite(self, path: str, proof: Evidence | Citation, said: str) -> None:
        """Remember the evidence of a field at a path, under the path of its item and its place in
        the record. The quote is kept, too, unless it stands in ``said``.
        """
        if isinstance(proof, Evidence):
            name = proof.field
            words = [name, proof.origin, proof.support]
            if proof.confidence is not None:
                words.append(f"{proof.confidence:g}")
        else:
            name = path.rpartition(".")[2]
            words = [name]
        # As in RFC 5147: the first character, and one past the last.
        place = f"{proof.section}#char={proof.start},{proof.end}"
        if proof.quote not in said:
            place += f' "{proof.quote}"'
        item = path.removesuffix(f".{name}")
        places = self._cited.setdefault(item, {})
        places.setdefault(place, []).append(" ".join(words))

    def prove(self, path: str, item: ExtractedItem, but: str = "") -> list[Proof]:
        """Return the evidence of the item at ``path``, each piece with the path of its field, but
        that of the field ``but``. If the item has none, its section is listed as a value without
        a place.
        """
        # The evidence of gold has no section, and so no place.
        pieces = [piece for piece in item.evidence if piece.section]
        if not pieces:
            section = getattr(item, "section", None)
            self.leave_out(f"{path}.section", section, "no_offsets")
        return [
            (f"{path}.{piece.field}", piece) for piece in pieces if piece.field != but
        ]

    def add_provenance(self) -> None:
        """Add one Provenance for all evidence of the trial and for the source of its record, if
        there is any.
        """
        source = self.extraction.source
        read = ""
        if source:
            read = ", ".join(filter(None, (source.path, source.place, source.format)))
        if not read and not self._cited:
            return
        evidence = []
        for item, places in self._cited.items():
            parts = [item]
            for place, words in places.items():
                joined = "; ".join(words)
                parts.append(f"{place} {joined}")
            text = " | ".join(parts)
            evidence.append({"url": f"{BASE}:evidence", "valueString": text})
        assembler = code(f"{HL7}/provenance-participant-type", "assembler")
        content = {
            "extension": evidence,
            "target": [{"reference": f"ResearchStudy/{self.id}"}, *self._targets],
            "agent": [{"type": assembler, "who": {"display": "Trial Extractor"}}],
            "entity": [{"role": "source", "what": {"display": read}}] if read else None,
        }
        self.resources.append({"resourceType": "Provenance", "id": self.id} | content)

    def drop_unsure(self, path: str, item: ItemT, *names: str) -> ItemT:
        """Return an item in which those of the fields ``names`` that are not sure are None, and
        list their values.
        """
        dropped: dict[str, None] = {}
        for name in names:
            if is_sure(item, name):
                continue
            self.leave_out(f"{path}.{name}", getattr(item, name), "unsure")
            dropped[name] = None
        return item.model_copy(update=dropped)

    def leave_out(
        self, path: str, value: Any, reason: UnmappedReason, detail: str = ""
    ) -> None:
        """List a value without a place; nothing if there is no value."""
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json")
        if value in (None, (), ""):
            return
        self.unmapped.append(
            Unmapped(self.extraction.record_id, path, value, reason, detail)
        )


def code(
    system: str, words: str | Sequence[str] | None, text: str | None = None
) -> Json:
    """Return a CodeableConcept with the codes of a system, any of which fits, and the words of the
    text.

    >>> code(LOINC, "30525-0", "age")
    {'coding': [{'system': 'http://loinc.org', 'code': '30525-0'}], 'text': 'age'}
    """
    codes = [words] if isinstance(words, str) else words or ()
    coding = [{"system": system, "code": word} for word in codes]
    return {"coding": coding, "text": text}


def own_code(vocabulary: str, word: str | None, text: str | None = None) -> Json:
    """Return a CodeableConcept with a word of one of our closed sets, such as ``concept`` or
    ``role``.

    >>> own_code("role", "placebo")["coding"]
    [{'system': 'urn:trial-extractor:role', 'code': 'placebo'}]
    """
    return code(f"{BASE}:{vocabulary}", word, text)


def quantity(
    value: float,
    unit: str | None,
    comparator: str | None = None,
    ucum: str | None = None,
) -> Json:
    """Return a Quantity with the unit as written, and its UCUM code if there is one. "=" is no
    comparator in FHIR.

    >>> quantity(18, "year", ">=")  # doctest: +NORMALIZE_WHITESPACE
    {'value': 18, 'comparator': '>=', 'unit': 'year', 'system': 'http://unitsofmeasure.org',
     'code': 'a'}
    """
    if not ucum:
        ucum = read_unit(unit) if unit else None
    made: Json = {"value": value}
    if comparator is not None and comparator != "=":
        made["comparator"] = comparator
    shown = unit or ucum
    if shown is not None:
        made["unit"] = shown
    if ucum:
        made |= {"system": UCUM, "code": ucum}
    return made


def value_range(low: Json | None, high: Json | None) -> Json | None:
    """Return a Range, open at one end if a bound is None; None if the units differ or the bounds
    are in wrong order.
    """
    if low and high:
        # FHIR wants both bounds in one unit.
        if low.get("code") != high.get("code"):
            return None
        if low["value"] > high["value"]:
            return None
    return {"low": low, "high": high}
