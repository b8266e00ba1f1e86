"""The phase that title or text names, against the registered one."""

import re
from collections.abc import Iterator

from extractor.parse.words import find_at
from extractor.schemas import Finding, FindingKind, Severity

from .prose import Prose
from .record import AuditedRecord
from .wording import sentence_around

__all__ = ["check_phase"]

_ONE = r"(?:[1-4]|IV|I{1,3})"
_PHASE = re.compile(
    rf"\bphase[\s-]*(?P<first>{_ONE})\s*[abc]?(?:\s*(?:/|-|to|and|&|,)\s*(?:phase\s*)?(?P<second>{_ONE})\s*[abc]?)?(?![\w.])",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:this|the\s+(?:present|current|proposed))\s+(?:is|study|trial|was|randomi[sz]ed|open)\b[^.;\n]{0,120}$",
    re.IGNORECASE,
)
_ANOTHER = re.compile(
    r"\b(?:extension|roll-?over|follow(?:ing|ed|-up|s)?|previous(?:ly)?|prior|earlier|completed|parent|subsequent(?:ly)?"
    r"|future|after|before|from|sub-?study|ancillary|luteal|based on|results?|lead-in|run-in|portion|part|component"
    r"|recommended|dose selection|RP2D)\b",
    re.IGNORECASE,
)
"""Words of a sentence that may speak of another trial, of a part of this one, or of a dose for a later phase."""
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_REGISTERED = re.compile(r"(early)?[\s_]*phase\s*([1-4])", re.IGNORECASE)


def check_phase(audited: AuditedRecord) -> Iterator[Finding]:
    """A phase in the text that is none of the registered ones. "Early phase 1" is what texts call phase 0 or 1."""
    stated = audited.record.registry.text("phases")
    registered = {int(number) for _, number in _REGISTERED.findall(stated or "")}
    if not stated or not registered:
        return
    for prose in audited.prose:
        for found in _find_phases(prose):
            named = _read_phases(found)
            if named & registered:
                return
            yield Finding(
                kind=FindingKind.PHASE_DIFFERS,
                severity=Severity.WARNING,
                field="",
                message=f"the text says {found[0]}, the registry {stated}",
                citations=(audited.cite(prose.section, *found.span()), audited.cite_registry("phases")),
            )
            return


def _find_phases(prose: Prose) -> Iterator[re.Match[str]]:
    """The phases that a title names, and those that the text names of the trial itself."""
    for found in find_at(_PHASE, prose.text, prose.find_all(["phase"])):
        start, end = sentence_around(prose.text, *found.span())
        if _ANOTHER.search(prose.text, start, end):
            continue
        if prose.is_title or _OWN.search(prose.text, start, found.start()):
            yield found


def _read_phases(found: re.Match[str]) -> set[int]:
    """All phases that a mention spans.

    >>> sorted(_read_phases(_PHASE.search("A Phase Ib/III Trial")))
    [1, 2, 3]
    """
    ends = [_ROMAN.get(part.lower()) or int(part) for part in (found["first"], found["second"]) if part]
    return set(range(min(ends), max(ends) + 1))
