"""Export as FHIR R5 resources, in the files of a bulk export: one ndjson file a type. Needs the
extra ``fhir``.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.apps.export.fhir_shared import UNMAPPED_FILE, open_json_lines
from extractor.apps.export.fhir_study import build_trial
from extractor.apps.export.fhir_types import BASE, Json
from extractor.apps.export.files import Destination, Format
from extractor.errors import MissingExtra, StoreError
from extractor.language.book import read_table
from extractor.language.shown import show_line
from extractor.schemas import (
    Category,
    Concept,
    EndpointCategory,
    FieldRef,
    Rank,
    Role,
    Task,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.values import list_values

KINDS = (
    "ResearchStudy",
    "Group",
    "PlanDefinition",
    "ActivityDefinition",
    "EvidenceVariable",
    "Provenance",
)
"""The types of a trial's resources."""
TERMS = ("CodeSystem", "StructureDefinition")
"""The types of the resources that define our own codes and extension."""
BUNDLE = "Bundle"
_SERVER = "https://trial-extractor.invalid"
"""A base that references within a transaction resolve to. It exists nowhere: a server puts its
own in its place.
"""
_LONGEST = 2**20
"""Characters in the longest string of FHIR."""
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters, which no string of FHIR may hold. Each becomes U+FFFD, so that offsets
stay right.
"""

_VOCABULARIES = (Category, Concept, EndpointCategory, Rank, Role)
"""The closed sets of the annotation guideline; each has a code system."""


@dataclass(frozen=True)
class FhirCounts:
    """How much was exported: resources by type, values by kind, and values without a place by
    kind and reason.

    A kind is a field's path without positions, such as ``criteria.time_window``.
    """

    resources: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def describe(self) -> Iterator[str]:
        """Yield a line for each type of resource, and one for each kind and reason, such as "17
        of 20".
        """
        meanings = read_table("fhir")["reasons"]
        for resource in (*KINDS, *TERMS):
            yield f"{resource}: {self.resources[resource]}"
        for (kind, reason), count in sorted(self.unmapped.items()):
            values = self.values[kind]
            share = f"{count} of {values}" if values else f"{count}"
            yield f"unmapped {kind}: {share} ({reason}). {meanings[reason]}"


def export_fhir(
    results: Iterable[tuple[TrialExtraction, TrialRecord | None]],
    to: Path,
    tasks: Collection[Task] = tuple(Task),
    *,
    bundles: bool = False,
    force: bool = False,
) -> FhirCounts:
    """Write the resources of each trial to a folder, and the values that have no place in them to
    ``unmapped.jsonl``.

    ``results`` are read one at a time; a record of None gives no registered fields. Each type of
    resource has a file; with ``bundles`` there is one file of transactions instead, one for each
    trial. ``force`` replaces an earlier export. Raises ``MissingExtra`` without the extra
    ``fhir``, ``ValueError`` if ``to`` is a file, and ``StoreError`` if the folder may not be
    replaced or a resource is invalid.
    """
    if find_spec("fhir") is None or find_spec("fhir.resources") is None:
        raise MissingExtra("FHIR needs fhir.resources", "fhir")
    if to.is_file() or to.suffix.removeprefix(".").lower() in set(Format):
        raise ValueError(f"{to}: this format needs several files; name a folder")
    destination = Destination(to, Format.JSONL, force=force)
    counts = FhirCounts()
    with destination.staged() as (_, made), ExitStack() as stack:
        kinds = (BUNDLE,) if bundles else (*KINDS, *TERMS)
        write = {
            kind: stack.enter_context(open_json_lines(made / f"{kind}.ndjson"))
            for kind in kinds
        }
        list_unmapped = stack.enter_context(open_json_lines(made / UNMAPPED_FILE))

        def write_all(built: Iterable[Json]) -> None:
            """Count and write resources: each to the file of its type, or all as one bundle."""
            resources = [_clean(_show(resource)) for resource in built]
            kinds_built = [resource["resourceType"] for resource in resources]
            counts.resources.update(kinds_built)
            if bundles:
                resources = [_bundle(resources)]
            for resource in resources:
                _validate(resource)
                write[resource["resourceType"]](resource)

        write_all(list_terms())
        for extraction, record in results:
            trial = build_trial(extraction, record, tasks)
            write_all(trial.resources)
            for unmapped in trial.unmapped:
                list_unmapped(asdict(unmapped))
                counts.unmapped[_name_kind(unmapped.field), unmapped.reason] += 1
            for path, item in extraction.list_items():
                for value in list_values(path, item):
                    counts.values[_name_kind(value.path)] += 1
    return counts


def _bundle(resources: Iterable[Json]) -> Json:
    """Return a transaction that creates resources under their ids, or replaces them."""
    entries = []
    for resource in resources:
        url = f"{resource['resourceType']}/{resource['id']}"
        entry = {
            "fullUrl": f"{_SERVER}/{url}",
            "resource": resource,
            "request": {"method": "PUT", "url": url},
        }
        entries.append(entry)
    return {"resourceType": BUNDLE, "type": "transaction", "entry": entries}


def list_terms() -> Iterator[Json]:
    """Yield a CodeSystem for each closed set, and the StructureDefinition of the extension
    ``evidence``.

    >>> [f"{one['resourceType']}/{one['id']}" for one in list_terms()][-2:]
    ['CodeSystem/trial-extractor-role', 'StructureDefinition/trial-extractor-evidence']
    """
    terms: list[Json] = []
    for vocabulary in _VOCABULARIES:
        concepts = [
            {"code": word.value, "display": word.value.replace("_", " ")}
            for word in vocabulary
        ]
        # EndpointCategory is endpoint-category.
        name = re.sub("(?<=[a-z])(?=[A-Z])", "-", vocabulary.__name__).lower()
        terms.append(
            {
                "resourceType": "CodeSystem",
                "id": name,
                "description": vocabulary.__doc__,
                "caseSensitive": True,
                "content": "complete",
                "concept": concepts,
            }
        )
    terms.append(read_table("fhir")["evidence"])
    for term in terms:
        name = term["id"]
        yield term | {
            "id": f"trial-extractor-{name}",
            "url": f"{BASE}:{name}",
            "name": "".join(part.capitalize() for part in name.split("-")),
            "status": "active",
            "description": " ".join((term["description"] or "").split()),
        }


def _validate(resource: Json) -> None:
    """Raise ``StoreError`` for a resource that is not R5."""
    from fhir.resources import get_fhir_model_class  # noqa: PLC0415 - belongs to an extra

    kind = resource["resourceType"]
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"]))
        raise StoreError(
            f"{kind}/{resource.get('id')}, {path}: is no FHIR R5 ({first['msg']}); leave this "
            "record out, and report it"
        ) from None


def _show(resource: Json) -> Json:
    """Return a resource of a trial with its texts as people read them. Evidence keeps the
    characters to which its offsets refer.
    """
    kind = resource["resourceType"]
    # Offsets of evidence count characters of the raw text.
    if kind not in KINDS or kind == "Provenance":
        return resource
    return {name: _show_texts(part) for name, part in resource.items()}


def _show_texts(value: Any) -> Any:
    """Return a value with its texts as people read them."""
    if isinstance(value, str):
        return show_line(value)
    if isinstance(value, list):
        return [_show_texts(member) for member in value]
    if isinstance(value, dict):
        return {name: _show_texts(part) for name, part in value.items()}
    return value


def _clean(value: Any) -> Any:
    """Return a value without empty parts, which FHIR forbids; None if nothing is left. Strings
    are cut to the length that FHIR allows, and its forbidden characters are replaced.
    """
    if isinstance(value, str):
        if not value.strip():
            return None
        return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value[:_LONGEST])
    if isinstance(value, list):
        members = map(_clean, value)
        return [member for member in members if member is not None] or None
    if isinstance(value, dict):
        cleaned = {name: _clean(part) for name, part in value.items()}
        parts = {name: part for name, part in cleaned.items() if part is not None}
        # An extension without a value, or a characteristic of nothing, says nothing.
        if parts.keys() <= {"url", "exclude"}:
            return None
        return parts
    return value


def _name_kind(path: str) -> str:
    """Return the path of a field without positions.

    >>> _name_kind("eligibility.criteria[3].constraints[0]")
    'criteria.constraints'
    """
    return FieldRef(path).path.replace("eligibility.criteria", "criteria")
