"""Tell changes of a text from other readings of the same text."""

from extractor.apps.diff.changes import ChangeKind, TrialChange
from extractor.apps.evaluation.text import fold_text
from extractor.schemas import Citation, FieldRef, TrialRecord

_OF_PLACE = frozenset(
    {ChangeKind.MOVED, ChangeKind.PROMOTED, ChangeKind.DEMOTED, ChangeKind.REWORDED}
)
"""Kinds of changes whose text may be the same on both sides."""


def stands_in_both(change: TrialChange, old: TrialRecord, new: TrialRecord) -> bool:
    """Return whether the lines that a change quotes of each version stand in the other version too,
    so that only their reading differs.

    An item of one version alone must stand in the other as often: of two equal lines, one may be
    gone. Changes of a place (moved, promoted) and of endpoints are never of this kind: each outcome
    has a section of its own. Nor are the arms of a regimen: their evidence is a label, which also
    stands where the regimen is not given. False for a change without quotes.
    """
    if change.kind in _OF_PLACE or change.item == "endpoint":
        return False
    if change.field == "arms":
        return False
    is_alone = change.old is None or change.new is None
    has_lines = False
    for side, ours, theirs in (change.old, old, new), (change.new, new, old):
        if side is None:
            continue
        for cited in side.citations:
            has_lines = True
            kind = FieldRef(cited.section).path
            line = _find_line(ours, cited)
            least = 1
            # "Epilepsy" for group A and for group B: of two equal lines, one may be gone
            if is_alone:
                least = _count(ours, kind, line)
            if _count(theirs, kind, line) < least:
                return False
    return has_lines


def _find_line(record: TrialRecord, cited: Citation) -> str:
    """Return the whole line in which a quote stands, folded."""
    text = record.raw_text(cited.section) or ""
    start = text.rfind("\n", 0, cited.start) + 1
    end = text.find("\n", cited.end)
    if end == -1:
        end = len(text)
    return fold_text(text[start:end])


def _count(record: TrialRecord, kind: str, line: str) -> int:
    """Count how often a folded line stands in sections of a kind, such as "arms"."""
    count = 0
    for section in record.sections:
        if FieldRef(section.name).path == kind:
            count += fold_text(section.text).count(line)
    return count
