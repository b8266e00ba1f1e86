"""What a model writes about a registered outcome."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema, model_validator

from extractor.llm.requests import Question
from extractor.schemas import Concept, EndpointCategory, Instrument, TimeKind, TimePoint

from .base import WireItem, WireModel
from .forms import read_instrument, read_time_point
from .words import Words, Written

__all__ = ["OutcomeItem", "cut_outcome"]

_SHORT_CONCEPTS = {
    Concept.OVERALL_SURVIVAL: "OS",
    Concept.PROGRESSION_FREE_SURVIVAL: "PFS",
    Concept.EVENT_FREE_SURVIVAL: "EFS",
    Concept.DISEASE_FREE_SURVIVAL: "DFS",
    Concept.TIME_TO_PROGRESSION: "TTP",
    Concept.TIME_TO_EVENT_OTHER: "TTE",
    Concept.RESPONSE_RATE: "response",
    Concept.DURATION_OF_RESPONSE: "DOR",
    Concept.TIME_TO_RESPONSE: "TTR",
    Concept.MINIMAL_RESIDUAL_DISEASE: "MRD",
    Concept.RELAPSE_OR_PROGRESSION_RATE: "relapse",
    Concept.ADVERSE_EVENTS: "AE",
    Concept.DOSE_LIMITING_TOXICITY: "DLT",
    Concept.MAXIMUM_TOLERATED_DOSE: "MTD",
    Concept.SPECIFIC_TOXICITY: "harm",
    Concept.LABORATORY_OR_VITAL_SAFETY: "labs",
    Concept.PHARMACOKINETICS: "PK",
    Concept.CELLULAR_KINETICS: "cells",
    Concept.SYMPTOM_SCORE: "symptoms",
    Concept.QUALITY_OF_LIFE: "QoL",
    Concept.FUNCTIONAL_STATUS: "function",
    Concept.CLINICAL_EVENT: "event",
    Concept.PHYSIOLOGICAL_MEASURE: "physiology",
    Concept.IMAGING_MEASURE: "imaging",
    Concept.MEDICATION_USE: "medication",
    Concept.DESENSITIZATION_OR_CHALLENGE: "challenge",
    Concept.HEALTH_ECONOMICS: "economics",
}
CONCEPTS = {_SHORT_CONCEPTS.get(concept, concept.value): concept for concept in Concept}
_SHORT_CATEGORIES = {
    EndpointCategory.PHARMACOKINETICS: "PK",
    EndpointCategory.PHARMACODYNAMICS: "PD",
    EndpointCategory.PATIENT_REPORTED: "patient",
}
CATEGORIES = {_SHORT_CATEGORIES.get(category, category.value): category for category in EndpointCategory}
TIME_KINDS = {"none" if kind is TimeKind.UNSPECIFIED else kind.value: kind for kind in TimeKind}

_Quote = Annotated[str, StringConstraints(max_length=120)]
_HEAD = 60
# A longer copy does no harm: its first words are enough.
_Head = Annotated[
    str, AfterValidator(lambda text: text[:_HEAD]), WithJsonSchema({"type": "string", "maxLength": _HEAD})
]
_Term = Annotated[str, StringConstraints(max_length=60)]


class Split(WireModel):
    """First words of an outcome's description ``d`` and time frame ``t``; left out where there is none."""

    d: _Head | None = None
    t: _Head | None = None


class OutcomeItem(WireItem):
    """An outcome."""

    allowance: ClassVar = {
        "split": 40,
        "concept": 7,
        "category": 7,
        "time_points": 30,
        "time_kind": 6,
        "instrument": 20,
        "start_event": 30,
        "end_events": 60,
        "censored": 5,
        "specimens": 20,
        "methods": 20,
    }
    always: ClassVar = frozenset({"split", "concept", "category", "time_kind", "censored"})

    split: Split | None = None
    concept: Annotated[Concept, Words(CONCEPTS)] | None = None
    category: Annotated[EndpointCategory, Words(CATEGORIES)] | None = Field(None, alias="domain")
    time_points: tuple[Annotated[TimePoint, Written(read_time_point, 20)], ...] = Field(
        (), alias="times", max_length=20
    )
    time_kind: Annotated[TimeKind, Words(TIME_KINDS)] | None = Field(None, alias="span")
    instrument: Annotated[Instrument, Written(read_instrument, 80)] | None = Field(None, alias="tool")
    start_event: _Quote | None = Field(None, alias="start")
    end_events: tuple[_Quote, ...] = Field((), alias="ends", max_length=6)
    censored: bool | None = None
    specimens: tuple[_Term, ...] = Field((), max_length=5)
    methods: tuple[_Term, ...] = Field((), max_length=5)

    @model_validator(mode="after")
    def _cut_stands_in_the_text(self, info: ValidationInfo) -> Self:
        if self.split and info.context:
            cut_outcome(info.context["texts"][self.n], self.split.d, self.split.t)
        return self

    def read(self, question: Question) -> dict[str, Any]:
        """The answer; a split becomes the three parts."""
        values = super().read(question)
        split: Split | None = values.pop("split", None)
        if split:
            values |= cut_outcome(question.chunk.text, split.d, split.t)
        return values


def cut_outcome(text: str, description: str | None, time_frame: str | None) -> Mapping[str, str | None]:
    """The three parts of a flattened outcome, from the first words of the second and third.

    A part begins after a comma; the description as early as it can, the time frame as late. Raises
    ``ValueError`` for words that begin no part.

    >>> cut_outcome("Survival, overall, From infusion to death., 2 years", "From infusion", "2 years")
    {'measure': 'Survival, overall', 'description': 'From infusion to death.', 'time_frame': '2 years'}
    """
    last = _starts(text, time_frame)[-1] if time_frame else len(text)
    first = next((start for start in _starts(text, description) if start < last), None) if description else last
    if first is None:
        raise ValueError(f"split: {description!r} begins after the time frame; the order is measure, d, t")
    return {
        "measure": _part(text[:first]),
        "description": _part(text[first:last]) if description else None,
        "time_frame": text[last:].strip() if time_frame else None,
    }


def _starts(text: str, words: str) -> list[int]:
    # A last word cut short by the length limit still matches.
    expression = r"\s+".join(map(re.escape, words.strip(" .,…").split()))
    starts = [found.start() for found in re.finditer(rf"(?<=[,\s]){expression}", text, re.IGNORECASE)]
    starts = [start for start in starts if text[:start].rstrip().endswith(",")]
    if not starts or not expression:
        raise ValueError(f"split: no part begins with {words!r} after a comma; copy its first words exactly")
    return starts


def _part(text: str) -> str:
    return text.strip().removesuffix(",").rstrip()
