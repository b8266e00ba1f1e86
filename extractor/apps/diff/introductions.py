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
    """Yield changed lines that introduce criteria; not those that only one version has.

    Lines are versions of each other if at least half of their words agree. A change is major if
    decisive words differ, or a word for how many must hold: "all" for "any" decides who takes part,
    and is no difference in content words.
    """
    before = _list_introductions(old)
    after = _list_introductions(new)
    old_only = [line for line in before if line not in after]
    new_only = [line for line in after if line not in before]
    pairs, _, _ = match_values(
        old_only, new_only, measure_overlap, threshold=_LEAST_ALIKE
    )
    for was, now in pairs:
        words = compare_texts(before[was].quote, after[now].quote)
        old_rule = _find_number_words(was)
        new_rule = _find_number_words(now)
        if old_rule == new_rule and not words:
            continue
        said = []
        severity = ChangeSeverity.MINOR
        if words.is_decisive:
            severity = ChangeSeverity.MAJOR
        # "any of the following:" -> "all of the following:"
        if old_rule != new_rule:
            severity = ChangeSeverity.MAJOR
            said.append(f"{old_rule} -> {new_rule}")
        said.append(words.describe())
        message = f"introducing line: {'; '.join(filter(None, said))}"
        sides = (_state(before[was]), _state(after[now]))
        yield make_change(
            "criterion", ChangeKind.CHANGED, severity, message, sides, "lead_in"
        )


def _list_introductions(record: TrialRecord) -> dict[str, Citation]:
    """Return the introducing lines of the criteria, which end with a colon, by their folded
    text.
    """
    lines = {}
    for match in _INTRODUCTION.finditer(record.raw_text("eligibility") or ""):
        lines[fold_text(match[1])] = Citation(
            section="eligibility",
            start=match.start(1),
            end=match.end(1),
            quote=match[1],
        )
    return lines


def _find_number_words(line: str) -> str:
    """Return the words of a folded line for how many must hold, such as "any"; "none" without."""
    words = [word for word in line.split() if word in _HOW_MANY]
    return " ".join(words) or "none"


def _state(line: Citation) -> StatedValue:
    """Return an introducing line as one side of a change."""
    return StatedValue(path="eligibility.criteria", value=line.quote, citations=(line,))
