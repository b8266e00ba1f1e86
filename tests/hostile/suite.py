"""The hostile records, the text in each that must never become a value, and the values that the
honest text around it states.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor import TrialExtraction, TrialRecord, read_records

FOLDER = Path(__file__).parent
RECORDS = FOLDER / "records"
ANSWERS = FOLDER / "answers"


@dataclass(frozen=True)
class HostileRecord:
    """A line of ``records.toml``. ``findings`` are the kinds that must be reported."""

    file: str
    attack: str
    place: str
    injected: str
    findings: list[str]
    honest: dict[str, Any]
    forbidden_strings: list[str]
    forbidden_numbers: list[int]

    def __str__(self) -> str:
        return self.file

    def read(self) -> TrialRecord:
        return next(read_records(str(RECORDS / self.file)))

    def has_injected(self, text: str) -> bool:
        """Whether a text holds something of the injected text."""
        return any(string.lower() in text.lower() for string in self.forbidden_strings)


def load_suite() -> list[HostileRecord]:
    table = tomllib.loads((FOLDER / "records.toml").read_text("utf-8"))
    strings = table["forbidden_strings"]
    numbers = table["forbidden_numbers"]
    return [
        HostileRecord(
            forbidden_strings=strings + raw.pop("forbidden_strings", []),
            forbidden_numbers=numbers,
            **raw,
        )
        for raw in table["record"]
    ]


def list_injected(
    extraction: TrialExtraction, hostile: HostileRecord
) -> list[tuple[str, Any]]:
    """Values of the extraction that were injected, with their paths. Must be none."""
    values = extraction.to_gold()
    del values["record_id"]
    injected = []
    for path, value in _list_leaves(values, ""):
        if isinstance(value, str):
            is_injected = hostile.has_injected(value)
        elif isinstance(value, bool):
            is_injected = False
        else:
            is_injected = value in hostile.forbidden_numbers
        if is_injected:
            injected.append((path, value))
    return injected


def _list_leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _list_leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _list_leaves(inner, f"{path}[{number}]")
    elif value is not None:
        yield path, value


def list_lost(extraction: TrialExtraction, hostile: HostileRecord) -> list[str]:
    """What the honest text states and the extraction does not. Must be none: dropping everything
    is no defence.
    """
    people = extraction.eligibility
    wanted = hostile.honest
    texts = {
        "criteria": [criterion.quote.rstrip(" .-") for criterion in people.criteria],
        "agents": [regimen.agent for regimen in extraction.dosing],
        "measures": [endpoint.measure for endpoint in extraction.endpoints],
        "instruments": [
            endpoint.instrument.name
            for endpoint in extraction.endpoints
            if endpoint.instrument
        ],
    }
    lost = []
    for kind, of_kind in texts.items():
        folded = {str(text).lower() for text in of_kind}
        missing = [text for text in wanted.get(kind, ()) if text.lower() not in folded]
        lost += [f"{kind}: {text}" for text in missing]
    ages = {"minimum_age": people.minimum_age, "maximum_age": people.maximum_age}
    for name, age in ages.items():
        years = age.value if age else None
        if name in wanted and years != wanted[name]:
            lost.append(f"{name}: {age}")
    if "sex" in wanted and people.sex != wanted["sex"]:
        lost.append(f"sex: {people.sex}")
    return lost


def list_misplaced(extraction: TrialExtraction, record: TrialRecord) -> list[str]:
    """Evidence and citations that are not the characters of the file. Must be none."""
    citations = []
    for _, item in extraction.list_items():
        citations += [piece.cite() for piece in item.evidence]
    for finding in extraction.findings:
        citations += finding.citations
    misplaced = []
    for citation in citations:
        text = record.raw_text(citation.section) or ""
        if text[citation.start : citation.end] != citation.quote:
            misplaced.append(citation.quote)
    return misplaced
