"""The lines of both texts: whether a change stands in them, and those that introduce criteria."""

import re
from collections.abc import Iterator

from extractor.evaluation.alignment import pair_values
from extractor.evaluation.text import fold_text, measure_overlap
from extractor.schemas import Citation, TrialRecord
from extractor.text.book import word_set

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, state_change
from .wording import describe_words, differ_decisively, read_wording

_OF_PLACE = frozenset({ChangeKind.MOVED, ChangeKind.PROMOTED, ChangeKind.DEMOTED, ChangeKind.REWORDED})
"""Kinds of changes whose text may be the same on both sides."""


def stands_in_both(change: TrialChange, old: TrialRecord, new: TrialRecord) -> bool:
    """Whether the lines of each side stand on the other side too, so that only their reading differs."""
    if change.kind in _OF_PLACE or change.item == "endpoint":  # each outcome has a section of its own
        return False
    sides = [(change.old, old, new), (change.new, new, old)]
    lines = [(_find_line(ours, one), ours, theirs) for side, ours, theirs in sides if side for one in side.citations]
    alone = change.old is None or change.new is None  # of two such lines, one may be gone
    return bool(lines) and all(
        _count(theirs, line) >= (_count(ours, line) if alone else 1) for line, ours, theirs in lines
    )


def _find_line(record: TrialRecord, cited: Citation) -> tuple[str, str]:
    """Return the line in which a quote stands, with its kind of section."""
    text = record.raw_text(cited.section) or ""
    first, last = text.rfind("\n", 0, cited.start) + 1, text.find("\n", cited.end)
    return cited.section.partition("[")[0], fold_text(text[first : last if last >= 0 else None])


def _count(record: TrialRecord, line: tuple[str, str]) -> int:
    """Count how often a line stands in sections of its kind."""
    kind, text = line
    return sum(fold_text(one.text).count(text) for one in record.sections if one.name.partition("[")[0] == kind)


_INTRODUCTION = re.compile(r"(?m)^[ \t]*(\S.*:)[ \t]*$")
_HOW_MANY = word_set("all any both each either one")


def compare_introductions(*records: TrialRecord) -> Iterator[TrialChange]:
    """Yield changed lines that introduce criteria, such as "at least one of the following:"."""
    sides: list[dict[str, Citation]] = [{}, {}]
    for record, side in zip(records, sides, strict=True):
        for found in _INTRODUCTION.finditer(record.raw_text("eligibility") or ""):
            cited = Citation(section="eligibility", start=found.start(1), end=found.end(1), quote=found[1])
            side[fold_text(found[1])] = cited
    old, new = ([text for text in sides[n] if text not in sides[1 - n]] for n in (0, 1))
    for row, column in pair_values(old, new, measure_overlap, 0.5):
        both = old[row], new[column]
        was, now = map(read_wording, both)
        how_many = {_HOW_MANY.intersection(text.split()) for text in both}
        if was.says_same(now) and len(how_many) == 1:
            continue
        severe = len(how_many) > 1 or differ_decisively(was, now)
        severity = ChangeSeverity.MAJOR if severe else ChangeSeverity.MINOR
        message = f"introducing line: {describe_words(was, now) or 'another number of criteria, or another limit'}"
        shown = (side[text] for side, text in zip(sides, both, strict=True))
        stated = (StatedValue(path="eligibility.criteria", value=one.quote, citations=(one,)) for one in shown)
        yield state_change("criterion", ChangeKind.CHANGED, severity, message, *stated, field="lead_in")
