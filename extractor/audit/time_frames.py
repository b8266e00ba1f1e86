"""Outcomes without a time frame."""

import re
from collections.abc import Iterator

from extractor.schemas import Finding, FindingKind, Section, Severity

from .record import AuditedRecord

__all__ = ["check_time_frames"]

_TIME = re.compile(
    r"\b(?:baseline|end of|before|after|during|(?:min|hour|day|week|month|year|visit|cycle)\w*)\b", re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    r"\s*(?:there\s+(?:is|are)\s+)?(?:no\b[^.\n]*\boutcome|none\b|n/?a\b|not\s+(?:applicable|specified|provided|available))",
    re.IGNORECASE,
)
"""Stands in an outcome's place and says that there is none."""


def check_time_frames(audited: AuditedRecord) -> Iterator[Finding]:
    """One finding for all outcomes of a record that state no time; flattened outcomes keep no field for it."""
    blanked = {hostile.span.section for hostile in audited.parsed.hostile if hostile.blanked}
    sections = (audited.record.section(name) for name in audited.outcome_sections if name not in blanked)
    bare = [one.name for one in sections if one and _is_bare(one)]
    if bare:
        yield Finding(
            kind=FindingKind.TIME_FRAME_MISSING,
            severity=Severity.INFO,
            field="",
            message=f"{len(bare)} of {len(audited.outcome_sections)} outcomes have no time frame",
            citations=tuple(map(audited.cite_label, bare)),
            sections=tuple(bare),
        )


def _is_bare(section: Section) -> bool:
    """Whether an outcome's field for it is empty, and no word of the outcome speaks of time."""
    if not section.parts or section.parts[-1].name == "time_frame":
        return False
    return not _TIME.search(section.text) and not _PLACEHOLDER.match(section.text)
