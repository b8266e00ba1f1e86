"""Tell changes of a text from other readings of the same text."""

from extractor.apps.diff.changes import ChangeKind, TrialChange
from extractor.apps.evaluation.text import fold_text
from extractor.schemas import Citation, FieldRef, TrialRecord

_OF_PLACE = frozenset(
    {ChangeKind.MOVED, ChangeKind.PROMOTED, ChangeKind.DEMOTED, ChangeKind.REWORDED}
)
"""Kinds of changes whose text may be the same on both sides."""


def stands_in_both(change: TrialChange, old: TrialRecord, new: TrialRecord) -> bool:
    """Return whether the lines of each side stand on the other side too, so that only their
    reading differs.
    """
    # Each outcome has a section of its own.
    if change.kind in _OF_PLACE or change.item == "endpoint":
        return False
    # Its evidence is a label, which also stands where it is not given.
    if change.field == "arms":
        return False
    is_alone = change.old is None or change.new is None
    has_lines = False
    for side, ours, theirs in (change.old, old, new), (change.new, new, old):
        for cited in side.citations if side else ():
            has_lines = True
            kind = FieldRef(cited.section).path
            line = _find_line(ours, cited)
            # Of two such lines, one may be gone.
            least = _count(ours, kind, line) if is_alone else 1
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
    """Count how often a line stands in sections of its kind."""
    return sum(
        fold_text(section.text).count(line)
        for section in record.sections
        if FieldRef(section.name).path == kind
    )
