"""Outcomes without a time frame."""

import re
from collections.abc import Iterator

from extractor.schemas import Finding, FindingKind, Section, Severity

from .record import AuditedRecord

__all__ = ["check_time_frames"]

_TIME = re.compile(
    r"\b(?:baseline|end of|before|after|during|(?:min|hour|day|week|month|year|visit|cycle)\w*)\b", re.IGNORECASE
)


def check_time_frames(audited: AuditedRecord) -> Iterator[Finding]:
    """One finding for all outcomes of a record that state no time; flattened outcomes keep no field for it."""
    sections = map(audited.record.section, audited.outcome_sections)
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
    return bool(section.parts) and section.parts[-1].name != "time_frame" and not _TIME.search(section.text)
