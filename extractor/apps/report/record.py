"""The data of one record: its text, its values with their evidence, its empty fields and its
findings.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from extractor.apps.pages import name_label
from extractor.apps.pages.view import (
    is_free_text,
    name_record,
    show_findings,
    view,
)
from extractor.apps.values import ValueRow, list_all_rows
from extractor.face import TextState, show_canonical_names
from extractor.schemas import (
    AbsenceReason,
    FieldRef,
    FindingKind,
    Support,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.base import JsonObject
from extractor.schemas.values import list_absences

RECORD = "record"
"""The field name for facts about the whole record."""
_ROOTS = {"eligibility", "dosing", "endpoints"}
_NOUNS = {"dosing": "regimen", "endpoints": "endpoint", "criteria": "criterion"}
"""The nouns for the items of lists that can be empty."""
_MEMBER = re.compile(r"- ``(\w+)``: (.+?)(?=\n\s*- ``|\n\s*\n|\Z)", re.DOTALL)
"""Matches a member and its meaning in the docstring of an enum."""


@dataclass(frozen=True)
class RunRecord:
    """A result with its record. The record is None unless its text is the same as in the run."""

    extraction: TrialExtraction
    record: TrialRecord | None
    text: TextState

    @cached_property
    def rows(self) -> list[ValueRow]:
        """The table of values."""
        return list(list_all_rows(self.extraction))


@lru_cache(maxsize=4096)
def name_field(path: str) -> str:
    """Return the field that a path refers to, without positions and without any words that a
    finding has added to the path.

    >>> (
    ...     name_field("endpoints[2].time_points[0]"),
    ...     name_field("dosing: dosing.route of arms[1][0:9]"),
    ...     name_field("eligibility.criteria[2].custom.assay[1].values.unit"),
    ...     name_field(""),
    ... )
    ('endpoints.time_points', 'dosing', 'custom.assay', 'record')
    """
    _, custom, custom_path = path.rpartition("custom.")
    if custom:
        return f"custom.{FieldRef.parse(custom_path).names[0]}"
    ref = FieldRef.parse(path)
    if ref.names[0] in _ROOTS:
        return ref.path
    return RECORD


def show_record(result: RunRecord, *, as_given: bool = False) -> JsonObject:
    """Return a record's data for the page: its ``view`` with id, title and source, the state of
    its text, its findings and absences, the total number of characters, and the numbers of claimed
    and boilerplate characters. Free text is shown as it was provided. With ``as_given``, this
    also applies to a flattened record.
    """
    extraction = result.extraction
    findings = extraction.findings
    shown = view(
        result.record,
        extraction.list_items(),
        [citation for finding in findings for citation in finding.citations],
        as_given=as_given or is_free_text(result.record),
        name_limits=show_canonical_names,
    )
    title = ""
    if result.record:
        title = name_record(result.record)
    # not part of the data: the findings refer to their spans instead
    marks = iter(shown.pop("marks"))
    places: list[str | None] = []
    source = extraction.source
    if source:
        places = [source.path, source.place]
    counts = None
    coverage = extraction.coverage
    if coverage:
        counts = [coverage.characters, coverage.claimed, coverage.boilerplate]
    absences = []
    for absence in list_absences(extraction):
        name = FieldRef(absence.field).names[-1]
        absences.append(
            {
                "field": absence.field,
                "label": _NOUNS.get(name) or name_label(name),
                "reason": absence.reason,
                "sections": list(absence.sections),
            }
        )
    return shown | {
        "id": extraction.record_id,
        "title": title,
        "source": ", ".join(filter(None, places)),
        "text": result.text.value,
        "findings": show_findings(findings, marks),
        "absences": absences,
        "coverage": counts,
    }


def list_term_meanings() -> dict[str, str]:
    """Return the meaning of each reason, finding kind and support level, from the docstrings of
    their enums.

    >>> list_term_meanings()["section_absent"]
    'the record does not have a section that could state it'
    """
    meanings = {}
    for kind in (AbsenceReason, FindingKind, Support):
        for name, words in _MEMBER.findall(f"{kind.__doc__ or ''}\n\n"):
            meanings[name] = " ".join(words.split()).rstrip(".")
    return meanings


def list_searched_words(shown: JsonObject) -> str:
    """Return the distinct words of a record, in lower case and sorted. A search matches parts of
    words, so searching these words has the same result as searching the whole text.

    >>> sections = [{"text": "ECOG <= 2, or Karnofsky >= 60"}]
    >>> list_searched_words(
    ...     {"id": "A1", "sections": sections, "items": [], "findings": []}
    ... )
    '2, 60 <= >= a1 ecog karnofsky or'
    """
    texts = [shown["id"]]
    texts += [section["text"] for section in shown["sections"]]
    texts += [finding["message"] for finding in shown["findings"]]
    for item in shown["items"]:
        texts += [value["said"] for value in item["values"]]
    return " ".join(sorted(set("\n".join(texts).lower().split())))
