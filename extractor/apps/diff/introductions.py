"""Compare the lines that introduce criteria, such as "at least one of the following:"."""

import re
from collections.abc import Iterator

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    StatedValue,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import match_values
from extractor.apps.evaluation.text import fold_text, measure_overlap
from extractor.apps.evaluation.wording import compare_texts
from extractor.language.book import word_set
from extractor.schemas import Citation, TrialRecord

_INTRODUCTION = re.compile(r"(?m)^[ \t]*(\S.*:)[ \t]*$")
_HOW_MANY = word_set("all any both each either one")
_LEAST_ALIKE = 0.5
"""The share of words from which on two lines are versions of the same one."""


def compare_introductions(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield changed lines that introduce criteria; not those that only one version has."""
    before = _list_introductions(old)
    after = _list_introductions(new)
    gone = [line for line in before if line not in after]
    come = [line for line in after if line not in before]
    pairs, _, _ = match_values(gone, come, measure_overlap, _LEAST_ALIKE)
    for was, now in pairs:
        words = compare_texts(before[was].quote, after[now].quote)
        old_number = _list_number_words(was)
        new_number = _list_number_words(now)
        said = []
        is_major = words.is_decisive
        # "All" for "any" decides who takes part, and is no difference in content words.
        if old_number != new_number:
            is_major = True
            said.append(
                f"{' '.join(old_number) or 'none'} -> {' '.join(new_number) or 'none'}"
            )
        elif not words:
            continue
        said.append(words.describe())
        yield make_change(
            "criterion",
            ChangeKind.CHANGED,
            ChangeSeverity.MAJOR if is_major else ChangeSeverity.MINOR,
            f"introducing line: {'; '.join(filter(None, said))}",
            (_state(before[was]), _state(after[now])),
            "lead_in",
        )


def _list_introductions(record: TrialRecord) -> dict[str, Citation]:
    """Return the introducing lines of the criteria by their folded text."""
    lines = {}
    for match in _INTRODUCTION.finditer(record.raw_text("eligibility") or ""):
        lines[fold_text(match[1])] = Citation(
            section="eligibility",
            start=match.start(1),
            end=match.end(1),
            quote=match[1],
        )
    return lines


def _list_number_words(line: str) -> list[str]:
    return [word for word in line.split() if word in _HOW_MANY]


def _state(line: Citation) -> StatedValue:
    return StatedValue(path="eligibility.criteria", value=line.quote, citations=(line,))
