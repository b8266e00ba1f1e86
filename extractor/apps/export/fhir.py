"""Export FHIR R5 resources as bulk export files, with one file of JSON lines per resource type.
This requires the extra ``fhir``.

A trial is represented by

- a ResearchStudy with the registered fields, the arms and the outcome measures,
- a Group with the criteria as characteristics, and a Group for each list of alternatives,
- an ActivityDefinition for each treatment with an agent, with a Dosage for each of its steps,
- an EvidenceVariable for each regimen and for each endpoint,
- a Provenance with the characters that support each value.

Every resource is valid R5, references point only to resources in the export, and identical results
produce byte-identical output. A value that FHIR cannot express, or that is uncertain, is written
as text, and ``unmapped.jsonl`` lists it with the reason.

``fhir_eligibility`` builds the Groups, ``fhir_dosage`` the ActivityDefinitions, and ``fhir_study``
all other resources. To export another
field in coded form, change the function for its item in that module; until then, the field is
listed in ``unmapped.jsonl`` or written as text. ``rules/fhir.toml`` maps words to codes.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.apps.export.fhir_parts import RawText
from extractor.apps.export.fhir_study import build_trial
from extractor.apps.export.files import Destination, Format
from extractor.errors import MissingExtra, StoreError
from extractor.face import read_table, show_line
from extractor.schemas import FieldRef, Task, TrialExtraction, TrialRecord
from extractor.schemas.base import JsonObject

KINDS = (
    "ResearchStudy",
    "Group",
    "ActivityDefinition",
    "EvidenceVariable",
    "Provenance",
)
"""The resource types of a trial."""
_UNMAPPED = "unmapped.jsonl"
_LONGEST = 2**20
"""Maximum number of characters in a FHIR string."""
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters, which FHIR strings may not contain. Each is replaced by U+FFFD, so that
offsets remain valid.
"""


@dataclass(frozen=True)
class FhirCounts:
    """The number of exported resources by type, and the number of unmapped values by kind and
    reason. A kind is the path of a field without positions, such as
    ``eligibility.criteria.time_windows``.
    """

    resources: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def describe(self) -> Iterator[str]:
        """Yield a line for each resource type, and a line for each kind and reason of unmapped
        values.
        """
        meanings = read_table("fhir")["reasons"]
        for resource in KINDS:
            yield f"{resource}: {self.resources[resource]}"
        for (kind, reason), count in sorted(self.unmapped.items()):
            yield f"unmapped {kind}: {count} ({reason}). {meanings[reason]}"


def export_fhir(
    results: Iterable[tuple[TrialExtraction, TrialRecord | None]],
    to: Path,
    tasks: Collection[Task] = tuple(Task),
    *,
    force: bool = False,
) -> FhirCounts:
    """Write the resources of each trial to a folder, and the values that FHIR cannot represent to
    ``unmapped.jsonl``.

    ``results`` are (extraction, record) pairs, read one at a time; if a record is None, registered
    fields are omitted. Each resource type has its own file. ``force`` replaces an earlier export.
    Raises ``MissingExtra`` if the extra ``fhir`` is not installed, ``ValueError`` if ``to`` is a
    file, and ``StoreError`` if the folder must not be replaced or a resource is invalid.
    """
    if not find_spec("fhir"):
        raise MissingExtra("FHIR needs fhir.resources", "fhir")
    destination = Destination(to, Format.JSONL, force=force)
    if to.is_file() or to.suffix.removeprefix(".") in set(Format):
        raise ValueError(
            f"{to}: a FHIR export consists of several files; specify a folder"
        )
    counts = FhirCounts()
    with destination.staged() as (_, folder):
        for extraction, record in results:
            trial = build_trial(extraction, record, tasks)
            resources = [_drop_empty_parts(resource) for resource in trial.resources]
            counts.resources.update(each["resourceType"] for each in resources)
            for resource in resources:
                _refuse_invalid(resource)
                _append_lines(folder / f"{resource['resourceType']}.ndjson", [resource])
            _append_lines(folder / _UNMAPPED, trial.unmapped)
            for unmapped in trial.unmapped:
                kind = FieldRef(unmapped["field"]).path
                counts.unmapped[kind, unmapped["reason"]] += 1
    return counts


def _append_lines(path: Path, lines: Iterable[JsonObject]) -> None:
    with path.open("a", encoding="utf-8") as file:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False), file=file)


def _refuse_invalid(resource: JsonObject) -> None:
    """Raise ``StoreError`` for a resource that is not valid R5."""
    from fhir.resources import get_fhir_model_class  # noqa: PLC0415 - belongs to an extra

    kind = resource["resourceType"]
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        problem = f"{kind} {resource.get('id', '')} is not valid FHIR R5: {error}"
        raise StoreError(
            f"{problem}; export without this record, and report the problem"
        ) from None


def _drop_empty_parts(value: Any) -> Any:
    """Return a value without empty parts, which FHIR forbids, or None if nothing is left. Strings
    are normalised for display, stripped of forbidden characters, and truncated to FHIR's maximum
    length.
    """
    if isinstance(value, str):
        text: str = value
        if not isinstance(value, RawText):
            text = show_line(value)
        text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text[:_LONGEST])
        if text.strip():
            return text
        return None
    if isinstance(value, list):
        members = [_drop_empty_parts(member) for member in value]
        kept = [member for member in members if member is not None]
        # FHIR allows no empty list
        return kept or None
    if isinstance(value, dict):
        cleaned = {name: _drop_empty_parts(part) for name, part in value.items()}
        parts = {name: part for name, part in cleaned.items() if part is not None}
        # an extension with only a URL, or a characteristic with only "exclude", is meaningless
        if parts.keys() <= {"url", "exclude"}:
            return None
        return parts
    return value
