"""The parts of two extractions that are compared: criteria, and values in a form that does not
depend on their spelling.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.variants.way import Part
from extractor.language.units import read_unit
from extractor.schemas import Criterion, ExtractedItem, TrialExtraction

_DOUBTS = {"structure_doubtful", "language_other"}
"""Kinds of findings about lists that may have been misread."""
_LAYOUT = re.compile(r"</?\w+>|\\|[;,]\s*and\s*$")
"""Tags, escapes, and an "and" that leads to the next item."""


class Value(NamedTuple):
    """A value with its confidence. ``measure`` is the name under which it is counted."""

    measure: str
    value: tuple[Any, ...]
    confidence: float


class CriterionRead(NamedTuple):
    """A criterion, identified by its words, with the confidences of its list, negation and extent."""

    words: str
    quote: str
    kind: str
    kind_confidence: float
    negated: bool | None
    negated_confidence: float
    confidence: float


class Reading(NamedTuple):
    """The criteria and the values of an extraction, and whether a finding doubts its lists."""

    criteria: list[CriterionRead]
    values: list[Value]
    is_doubtful: bool


def read_words(quote: str) -> str:
    r"""Return the letters and digits of a quote.

    >>> read_words("* Age \\>= 18 years;") == read_words("Age &ge; 18 Years")
    True
    """
    text = unicodedata.normalize("NFKC", html.unescape(_LAYOUT.sub("", quote)))
    return re.sub(r"[\W_]+", "", text).casefold()


def read_extraction(extraction: TrialExtraction, part: Part) -> Reading:
    """Return the compared values in a part of an extraction."""
    is_doubtful = any(finding.kind in _DOUBTS for finding in extraction.findings)
    criteria: list[CriterionRead] = []
    if part is Part.ELIGIBILITY:
        criteria += map(_read_criterion, extraction.eligibility.criteria)
    return Reading(criteria, list(_READERS[part](extraction)), is_doubtful)


def _confidence(item: ExtractedItem, field: str) -> float:
    """Return the confidence of a value; 0 if there is no evidence for the value."""
    confidences = [
        piece.confidence or 0 for piece in item.evidence if piece.field == field
    ]
    return max(confidences, default=0)


def _read_criterion(criterion: Criterion) -> CriterionRead:
    return CriterionRead(
        words=read_words(criterion.quote),
        quote=criterion.quote,
        kind=criterion.kind.value,
        kind_confidence=_confidence(criterion, "kind"),
        negated=criterion.negated,
        negated_confidence=_confidence(criterion, "negated"),
        confidence=_confidence(criterion, "quote"),
    )


def _read_people(extraction: TrialExtraction) -> Iterator[Value]:
    people = extraction.eligibility
    for name in ("minimum_age", "maximum_age"):
        age = getattr(people, name)
        if age:
            value = (name, age.value, age.unit.value)
            yield Value("ages", value, _confidence(people, name))
    for criterion in people.criteria:
        for at, limit in enumerate(criterion.constraints):
            # the UCUM code of a unit or, failing that, its letters
            unit = limit.unit or ""
            code = read_unit(unit) or read_words(unit) if unit else ""
            numbers = (limit.comparator.value, limit.value, limit.value_high)
            sure = _confidence(criterion, f"constraints[{at}]")
            yield Value("limits", (*numbers, code), sure)
        for at, window in enumerate(criterion.time_windows):
            numbers = (window.comparator.value, window.value, window.value_high)
            sure = _confidence(criterion, f"time_windows[{at}]")
            yield Value("windows", (*numbers, window.unit.value), sure)


def _read_doses(extraction: TrialExtraction) -> Iterator[Value]:
    for regimen in extraction.dosing:
        agent = read_words(regimen.agent)
        yield Value("agents", (agent,), _confidence(regimen, "agent"))
        for at, amount in enumerate(regimen.amounts):
            value = (agent, amount.low, amount.high, amount.unit)
            yield Value("amounts", value, _confidence(regimen, f"amounts[{at}]"))
        for field, measure in _MEASURE_OF.items():
            stated = getattr(regimen, field)
            if stated is not None:
                known = (agent, field, str(stated))
                yield Value(measure, known, _confidence(regimen, field))


_MEASURE_OF = {
    "route": "routes",
    "frequency": "frequencies",
    "cycle": "periods",
    "duration": "periods",
}


def _read_times(extraction: TrialExtraction) -> Iterator[Value]:
    for endpoint in extraction.endpoints:
        place = (endpoint.rank.value, endpoint.index)
        for at, point in enumerate(endpoint.time_points):
            value = (*place, point.value, point.unit.value)
            sure = _confidence(endpoint, f"time_points[{at}]")
            yield Value("time points", value, sure)
        if endpoint.time_kind is not None:
            kind = (*place, endpoint.time_kind.value)
            yield Value("time kinds", kind, _confidence(endpoint, "time_kind"))


_READERS: Mapping[Part, Callable[[TrialExtraction], Iterator[Value]]] = {
    Part.ELIGIBILITY: _read_people,
    Part.DOSES: _read_doses,
    Part.TIMES: _read_times,
}
OF_CRITERIA = ("turned", "lost", "added", "extent", "negation")
"""Measures that are divided by the number of criteria in the original text. Other measures are
divided by the number of its values.
"""
MEASURES: Mapping[Part, Sequence[str]] = {
    Part.ELIGIBILITY: (*OF_CRITERIA, "limits", "windows", "ages"),
    Part.DOSES: ("agents", "amounts", "routes", "frequencies", "periods"),
    Part.TIMES: ("time points", "time kinds"),
}
"""The measures of each part: criteria that turned, were lost or added, or have another extent or
negation; and values.
"""
