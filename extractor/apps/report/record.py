"""One record for the page: its text, its items with values and evidence, its empty fields and
its findings.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from extractor.apps.pages import name_label
from extractor.apps.pages.view import Json, name_record, show_findings, view
from extractor.apps.report.grid import lay_out_arms
from extractor.run.finished import TextState
from extractor.schemas import (
    Absence,
    AbsenceReason,
    ExtractedItem,
    FieldRef,
    FindingKind,
    Support,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.values import Value, list_values

RECORD = "record"
"""Field name for statements about the whole record."""
_ROOTS = {"eligibility", "dosing", "endpoints", "custom"}
_NOUNS = {"dosing": "regimen", "endpoints": "endpoint", "criteria": "criterion"}
"""What a group lacks if it is empty."""
_ENTRY = re.compile(r"- ``(\w+)``: (.+?)(?=\n\s*- ``|\n\s*\n|\Z)", re.DOTALL)
"""A member in the docstring of an enum."""


@dataclass(frozen=True)
class RunRecord:
    """A result and, if its text is the one that the run read, its record."""

    extraction: TrialExtraction
    record: TrialRecord | None
    text: TextState

    @cached_property
    def items(self) -> list[tuple[str, ExtractedItem, list[Value]]]:
        """All items with their paths and values, in their order. ``time_windows`` stand for
        ``time_window``.
        """
        return [
            (
                path,
                item,
                [one for one in list_values(path, item) if not _is_repeated(one, item)],
            )
            for path, item in self.extraction.list_items()
        ]

    @property
    def absences(self) -> list[Absence]:
        """The empty fields, without ``time_window``: it has the same reason as ``time_windows``."""
        return [
            one
            for one in self.extraction.absences
            if not one.field.endswith(".time_window")
        ]

    @property
    def title(self) -> str:
        """The record's title; empty if it has none, or its text is not available."""
        return name_record(self.record) if self.record else ""


def _is_repeated(value: Value, item: ExtractedItem) -> bool:
    return value.name == "time_window" and bool(getattr(item, "time_windows", ()))


@lru_cache(maxsize=4096)
def name_field(path: str) -> str:
    """Return the field of a path, without indices and without the words that a finding puts around
    the path.

    >>> (
    ...     name_field("endpoints[2].time_points[0]"),
    ...     name_field("dosing: dosing.route of arms[1][0:9]"),
    ...     name_field(""),
    ... )
    ('endpoints.time_points', 'dosing', 'record')
    """
    ref = FieldRef.parse(path)
    return ref.path if ref.names[0] in _ROOTS else RECORD


def name_value(path: str, value: Value) -> str:
    """Return the field of a value of the item at ``path``. All values of a user's own field have
    its name.

    >>> name_value(
    ...     "custom.assay[1]",
    ...     Value("custom.assay[1].values.value", "value", "22C3", ()),
    ... )
    'custom.assay'
    """
    name = name_field(path)
    return name if name.startswith("custom.") else f"{name}.{value.name}"


def name_absence(path: str) -> str:
    """Return the field of an absence; that of a user's own field may stand at a criterion, a
    regimen or an endpoint.

    >>> name_absence("eligibility.criteria[2].custom.assay")
    'custom.assay'
    """
    _, custom, name = path.rpartition("custom.")
    return f"{custom}{name}" if custom else name_field(path)


def show_record(one: RunRecord) -> Json:
    """Return the page's data for a record: its view, with findings, absences, coverage and
    usage.
    """
    extraction = one.extraction
    source = extraction.source
    coverage = extraction.coverage
    cited = [
        citation for finding in extraction.findings for citation in finding.citations
    ]
    shown = view(one.record, extraction.list_items(), cited)
    marks = iter(shown.pop("marks"))
    origin = [source.path, source.place] if source else []
    shown["id"] = extraction.record_id
    shown["title"] = one.title
    shown["source"] = ", ".join(filter(None, origin))
    shown["text"] = one.text.value
    shown["findings"] = show_findings(extraction.findings, marks)
    shown["absences"] = [_show_absence(absence) for absence in one.absences]
    shown["grid"] = lay_out_arms(extraction, one.record)
    shown["coverage"] = None
    if coverage:
        shown["coverage"] = [
            coverage.characters,
            coverage.claimed,
            coverage.boilerplate,
        ]
    shown["usage"] = {name: count for name, count in (extraction.usage or ()) if count}
    return shown


def _show_absence(absence: Absence) -> Json:
    name = FieldRef(absence.field).names[-1]
    return {
        "field": absence.field,
        # An empty list lacks its items: "dosing" is a regimen that is not there.
        "label": _NOUNS.get(name) or name_label(name),
        "reason": absence.reason,
        "sections": list(absence.sections),
    }


def list_meanings() -> dict[str, str]:
    """Return what each reason, kind of finding and support means, by the docstrings of their enums.

    >>> list_meanings()["section_absent"]
    'the record has no section that could state it'
    """
    entries = _ENTRY.findall(
        "\n\n".join(
            kind.__doc__ or "" for kind in (AbsenceReason, FindingKind, Support)
        )
    )
    return {name: " ".join(words.split()).rstrip(".") for name, words in entries}


def gather_words(shown: Json) -> str:
    """Return the distinct words of a shown record, in lower case and sorted.

    A search matches parts of words, so these words give the same answer as the whole text. A large
    number is also there without its thousands separators.

    >>> sections = [{"name": "eligibility", "text": "ECOG <= 2, or Karnofsky >= 60"}]
    >>> values = [{"said": "platelets ≥ 75,000"}]
    >>> gather_words(
    ...     {
    ...         "id": "A1",
    ...         "sections": sections,
    ...         "items": [{"values": values}],
    ...         "findings": [],
    ...     }
    ... )
    '2, 60 75,000 75000 <= >= a1 ecog karnofsky or platelets ≥'
    """
    said = [value["said"] for item in shown["items"] for value in item["values"]]
    texts = [shown["id"], *(section["text"] for section in shown["sections"])]
    texts += [finding["message"] for finding in shown["findings"]]
    texts += said + [re.sub(r"(?<=\d),(?=\d)", "", one) for one in said]
    return " ".join(sorted(set("\n".join(texts).lower().split())))
