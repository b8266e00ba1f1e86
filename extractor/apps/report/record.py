"""One record for the page: its text, its items with values and evidence, its empty fields and
its findings.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from extractor.apps.pages import name_label
from extractor.apps.pages.view import (
    Json,
    is_free_text,
    name_record,
    show_findings,
    view,
)
from extractor.apps.report.grid import lay_out_arms
from extractor.run.finished import TextState
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Citation,
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
        """All items with their paths and values, in their order. ``time_window`` is left out if
        there are ``time_windows``: it is the first of them.
        """
        listed = []
        for path, item in self.extraction.list_items():
            values = list(list_values(path, item))
            if getattr(item, "time_windows", None):
                values = [value for value in values if value.name != "time_window"]
            listed.append((path, item, values))
        return listed

    @property
    def absences(self) -> list[Absence]:
        """The empty fields, without ``time_window``: it has the same reason as ``time_windows``."""
        listed = []
        for absence in self.extraction.absences:
            if absence.field.endswith(".time_window"):
                continue
            listed.append(absence)
        return listed

    @property
    def title(self) -> str:
        """The record's title; empty if it has none, or its text is not available."""
        if self.record is None:
            return ""
        return name_record(self.record)


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
    if ref.names[0] not in _ROOTS:
        return RECORD
    return ref.path


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
    # custom.assay.value and custom.assay.unit are parts of custom.assay
    if name.startswith("custom."):
        return name
    return f"{name}.{value.name}"


def name_absence(path: str) -> str:
    """Return the field of an absence; that of a user's own field may stand at a criterion, a
    regimen or an endpoint.

    >>> name_absence("eligibility.criteria[2].custom.assay")
    'custom.assay'
    """
    _, custom, name = path.rpartition("custom.")
    if not custom:
        return name_field(path)
    return f"{custom}{name}"


def show_record(result: RunRecord, *, as_given: bool = False) -> Json:
    """Return the page's data for a record: its view with id, title and source, the state of its
    text, findings, absences, the table of arms, coverage (None if it was not measured), and the
    counts of usage that are not 0.

    A free text is shown as it was given; with ``as_given``, a flattened record is, too.
    """
    extraction = result.extraction
    cited: list[Citation] = []
    for finding in extraction.findings:
        cited += finding.citations
    shown = view(
        result.record,
        extraction.list_items(),
        cited,
        as_given=as_given or is_free_text(result.record),
    )
    marks = iter(shown.pop("marks"))
    source = extraction.source
    origin = [source.path, source.place] if source else []
    shown["id"] = extraction.record_id
    shown["title"] = result.title
    shown["source"] = ", ".join(filter(None, origin))
    shown["text"] = result.text.value
    shown["findings"] = show_findings(extraction.findings, marks)
    shown["absences"] = [_show_absence(absence) for absence in result.absences]
    shown["grid"] = lay_out_arms(extraction, result.record)
    shown["coverage"] = None
    coverage = extraction.coverage
    if coverage:
        shown["coverage"] = [
            coverage.characters,
            coverage.claimed,
            coverage.boilerplate,
        ]
    shown["usage"] = {name: count for name, count in (extraction.usage or ()) if count}
    return shown


def _show_absence(absence: Absence) -> Json:
    """Return the page's data of an empty field. An empty list lacks its items: "dosing" is a
    regimen that is not there.
    """
    name = FieldRef(absence.field).names[-1]
    return {
        "field": absence.field,
        "label": _NOUNS.get(name) or name_label(name),
        "reason": absence.reason,
        "sections": list(absence.sections),
    }


def list_meanings() -> dict[str, str]:
    """Return what each reason, kind of finding and support means, by the docstrings of their enums.

    >>> list_meanings()["section_absent"]
    'the record has no section that could state it'
    """
    meanings = {}
    for kind in (AbsenceReason, FindingKind, Support):
        for name, words in _ENTRY.findall(f"{kind.__doc__ or ''}\n\n"):
            meanings[name] = " ".join(words.split()).rstrip(".")
    return meanings


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
    texts = [shown["id"]]
    texts += [section["text"] for section in shown["sections"]]
    texts += [finding["message"] for finding in shown["findings"]]
    for item in shown["items"]:
        for value in item["values"]:
            said = value["said"]
            without_separators = re.sub(r"(?<=\d),(?=\d)", "", said)
            texts += [said, without_separators]
    words = set("\n".join(texts).lower().split())
    return " ".join(sorted(words))
