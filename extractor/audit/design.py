"""Allocation and masking that the text states of the trial itself, against the registered design."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractor.parse.words import find_at
from extractor.schemas import Finding, FindingKind, Severity

from .prose import Prose
from .record import AuditedRecord
from .wording import sentence_around

__all__ = ["check_allocation", "check_masking"]


@dataclass(frozen=True, slots=True)
class _Claim:
    """Words of a text, what they begin with, and what the registered field must not say beside them."""

    starts: tuple[str, ...]
    words: re.Pattern[str]
    against: re.Pattern[str]


_RANDOMISED = _Claim(
    ("randomi",),
    re.compile(
        r"(?<!non-)(?<!non )(?<!non)(?<!not )(?<!pseudo-)(?<!quasi-)"
        r"\brandomi[sz]ed\b(?!\s+(?:discontinuation|withdrawal))",
        re.IGNORECASE,
    ),
    re.compile(r"na|n/a|non[-_]randomi[sz]ed", re.IGNORECASE),
)
_NOT_RANDOMISED = _Claim(
    ("nonrandomi", "non randomi", "single arm"),
    re.compile(r"\bnon-?\s?randomi[sz]ed\b|\bsingle[-\s]arm\b", re.IGNORECASE),
    re.compile(r"randomi[sz]ed", re.IGNORECASE),
)
_BLIND = _Claim(
    ("double", "triple", "quadruple"),
    re.compile(r"\b(?:double|triple|quadruple)[-\s](?:blind(?:ed)?|mask(?:ed)?)\b", re.IGNORECASE),
    re.compile(r"none(?:\s*\(.*)?", re.IGNORECASE),
)
_OPEN = _Claim(
    ("open label",),
    re.compile(r"\bopen[-\s]label(?:l?ed)?\b", re.IGNORECASE),
    re.compile(r"(?:double|triple|quadruple)\b.*", re.IGNORECASE),
)
_OF_ITSELF = re.compile(
    r"(?:\b(?:this|the\s+(?:present|current|proposed))\s+(?:is|study\s+is|trial\s+is|study\s+will\s+be|will\s+be|was)"
    r"|^(?:study\s+design\s*:|an?(?=\s)|design\s*:))[^.;\n]{0,90}$",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"\b(?:extension|follow(?:ed|ing|s|-up)?|subsequent(?:ly)?|challenges?|then|parts?|cohorts?|stages?|periods?|sub-?study|after|previous(?:ly)?"
    r"|completed|prior|phase\s+(?:1b?|ib?)\b.*\bphase|roll-?over|lead-in|run-in|randomi[sz]ed.*randomi[sz]ed|blind.*open|open.*blind"
    r"|registry|registries|meta-analysis|mendelian|participants\s+from|trials|studies|recent(?:ly)?|showed|demonstrated|reported)\b",
    re.IGNORECASE | re.DOTALL,
)


def check_allocation(audited: AuditedRecord) -> Iterator[Finding]:
    """Randomised in the text and not in the registry, or the other way round."""
    for claim in (_RANDOMISED, _NOT_RANDOMISED):
        yield from _compare(audited, claim, "allocation", FindingKind.ALLOCATION_DIFFERS)


def check_masking(audited: AuditedRecord) -> Iterator[Finding]:
    """Double-blind in the text and open in the registry, or the other way round."""
    for claim in (_BLIND, _OPEN):
        yield from _compare(audited, claim, "masking", FindingKind.MASKING_DIFFERS)


def _compare(audited: AuditedRecord, claim: _Claim, field: str, kind: FindingKind) -> Iterator[Finding]:
    stated = audited.record.registry.text(field)
    if not stated or not claim.against.fullmatch(stated):
        return
    for prose in audited.prose:
        found = _find_claim(prose, claim)
        if found:
            yield Finding(
                kind=kind,
                severity=Severity.WARNING,
                field="",
                message=f"the text says {found[0]}, the registry's {field} is {stated}",
                citations=(audited.cite(prose.section, *found.span()), audited.cite_registry(field)),
            )
            return


def _find_claim(prose: Prose, claim: _Claim) -> re.Match[str] | None:
    """What the text says of the trial itself, as a whole."""
    for found in find_at(claim.words, prose.text, prose.find_all(claim.starts)):
        start, end = sentence_around(prose.text, *found.span())
        if not _OTHERWISE.search(prose.text, start, end) and (
            prose.is_title or _OF_ITSELF.search(prose.text[start : found.start()])
        ):
            return found
    return None
