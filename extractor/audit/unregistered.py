"""Endpoints that the text promises and no registered outcome measures."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from extractor.schemas import Concept, EndpointCategory, Finding, FindingKind, Severity
from extractor.text.book import find_terms

from .promises import PROMISED_NAMES, Promise
from .record import AuditedRecord

__all__ = ["check_promised_endpoints"]


class _Trace(NamedTuple):
    """By what a registered outcome may be known to measure a concept."""

    concepts: frozenset[Concept]
    words: re.Pattern[str]


def check_promised_endpoints(audited: AuditedRecord) -> Iterator[Finding]:
    """One finding for each concept, where the text first promises it."""
    found: set[Concept] = set()
    for promise in audited.promises if audited.extraction.endpoints else ():
        concept = promise.concept
        if concept in found or _is_registered(audited, promise):
            continue
        found.add(concept)
        called = "endpoint" if promise.listed.is_endpoint else "objective"
        yield Finding(
            kind=FindingKind.ENDPOINT_NOT_REGISTERED,
            severity=Severity.WARNING if promise.listed.is_endpoint else Severity.INFO,
            field="endpoints",
            message=f"the text names {promise.words} as an {called}, but none of the registered outcomes measures it",
            citations=(audited.cite_tokens(promise.listed.prose, promise.first, promise.end),),
            sections=audited.outcome_sections,
        )


def _is_registered(audited: AuditedRecord, promise: Promise) -> bool:
    """Whether an outcome may measure it: by its concept, a word of what it measures, or the very name anywhere."""
    trace, endpoints = _load_traces()[promise.concept], audited.extraction.endpoints
    is_harm = promise.concept in {Concept.ADVERSE_EVENTS, Concept.SPECIFIC_TOXICITY}
    is_reported = promise.concept is Concept.QUALITY_OF_LIFE
    for endpoint in endpoints:
        # Complications are often named by kind, and called so in the description alone.
        words = f"{endpoint.measure} {endpoint.description}" if is_harm else endpoint.measure or ""
        if endpoint.concept in trace.concepts or trace.words.search(words.lower()):
            return True
        if is_reported and endpoint.category is EndpointCategory.PATIENT_REPORTED:
            return True
    texts = (audited.parsed.sections[name].tokens for name in audited.outcome_sections)
    return any(term.value == promise.concept for tokens in texts for term in find_terms(tokens, PROMISED_NAMES))


@cache
def _load_traces() -> Mapping[Concept, _Trace]:
    table = tomllib.loads((files(__package__) / "traces.toml").read_text("utf-8"))
    families = table.pop("families")
    return {
        Concept(name): _Trace(
            frozenset(map(Concept, entry["concepts"])),
            re.compile("|".join(filter(None, (entry["words"], families.get(entry.get("family")))))),
        )
        for name, entry in table.items()
    }
