"""Count how many changes between two versions of registered trials `extractor diff` finds, and how
many it invents.

    python -m benchmarks.diff --versions DIR [--half NAME] [--show PART]

DIR holds the folders ``old`` and ``new`` of records, and ``real_changes.jsonl``, what readers of
both found, a line for each change: ``trial``, its ``part`` (criteria, limits, windows, lead-ins,
ages, doses, endpoints, arms, enrolment, dates, status, titles, conditions), words that it took away
(``old``) and brought (``new``), the ``kinds`` that may be told (none: any), and ``optional`` if the
change of meaning is a matter of opinion. ``halves.json`` may assign each trial to a half.

"found" are real changes that were told, "right" told changes that are real. A change told twice is
right once. ``--show`` prints the changes of one part, or of all, that were missed or are not real.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import format_table, parse_options, read_lines
from extractor.api import Extractor
from extractor.apps.diff import StatedValue, TrialChange, diff_trials
from extractor.formats import read_records

PARTS = {
    "criterion": ("criteria", "limits", "windows", "lead-ins"),
    "eligibility": ("ages",),
    "regimen": ("doses",),
    "endpoint": ("endpoints",),
    "arm": ("arms", "doses"),
    "registration": ("enrolment", "dates", "status", "titles", "conditions"),
}
"""The parts of real changes by the item of a told change."""


def match_changes(
    real: Sequence[dict[str, Any]], told: Sequence[TrialChange]
) -> list[dict[str, Any] | None]:
    """Return the real change of each told one, or None if it is not real or was told before."""
    left = sorted(
        real,
        key=lambda one: (one.get("optional", False), not one["old"] or not one["new"]),
    )
    found = []
    for change in told:
        sides = [
            _fold(f"{_quote(side)} {change.message}")
            for side in (change.old, change.new)
        ]
        match = next(
            (
                one
                for one in left
                if one["part"] in PARTS[change.item]
                and (not one["kinds"] or change.kind in one["kinds"])
                and all(
                    _fold(one[name]) in side
                    for name, side in zip(("old", "new"), sides, strict=True)
                )
            ),
            None,
        )
        if match:
            left.remove(match)
        found.append(match)
    return found


def _quote(side: StatedValue | None) -> str:
    return " ".join(one.quote for one in side.citations) if side else ""


def _fold(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""]) if text else ""


def measure_versions(folder: Path, half: str, show: str) -> None:
    """Print a table of real and told changes by part."""
    rules = Extractor(effort="none")
    olds = {record.record_id: record for record in read_records(folder / "old")}
    news = {record.record_id: record for record in read_records(folder / "new")}
    halves = json.loads((folder / "halves.json").read_text("utf-8")) if half else {}
    listed = read_lines(folder / "real_changes.jsonl")
    tally = _Tally(show)
    trials = 0
    for trial, old in olds.items():
        if trial not in news or halves.get(trial, "") != half:
            continue
        trials += 1
        new = news[trial]
        real = [change for change in listed if change["trial"] == trial]
        diff = diff_trials(rules.extract(old), rules.extract(new), old, new)
        told = [change for change in diff.changes if change.is_of_meaning]
        matches = match_changes(real, told)
        for change, match in zip(told, matches, strict=True):
            tally.count_told(trial, change, match)
        for wanted in real:
            if not wanted.get("optional"):
                tally.count_real(trial, wanted, is_found=wanted in matches)
    print(f"{trials} pairs of versions")
    print(tally.format())


class _Tally:
    """Counts the changes that are real and those that were told, by part.

    Errors in the part ``show``, or with "all" in any, are printed.
    """

    _COLUMNS = ("real", "found", "told", "right")

    def __init__(self, show: str) -> None:
        self._show = show
        self._counts: dict[str, Counter[str]] = {}
        for parts in PARTS.values():
            for part in parts:
                self._counts[part] = Counter()

    def count_told(
        self, trial: str, change: TrialChange, match: dict[str, Any] | None
    ) -> None:
        """Count a change that was told; ``match`` is the real one, if there is one."""
        part = match["part"] if match else PARTS[change.item][0]
        self._counts[part]["told"] += 1
        if match:
            self._counts[part]["right"] += 1
        elif self._show in (part, "all"):
            print(f"{trial} not real: {change.item} {change.kind}: {change.message}")
            print(f"    - {_quote(change.old)}\n    + {_quote(change.new)}")

    def count_real(self, trial: str, change: dict[str, Any], *, is_found: bool) -> None:
        """Count a real change, and whether it was told."""
        part = change["part"]
        self._counts[part]["real"] += 1
        if is_found:
            self._counts[part]["found"] += 1
        elif self._show in (part, "all"):
            print(
                f"{trial} missed: {part} {'/'.join(change['kinds'])}: {change['old']!r} "
                f"-> {change['new']!r}"
            )

    def format(self) -> str:
        """Format a row for each part, and one for all."""
        rows = []
        total = Counter[str]()
        for part, counts in self._counts.items():
            rows.append((part, *(counts[column] for column in self._COLUMNS)))
            total += counts
        rows.append(("all", *(total[column] for column in self._COLUMNS)))
        return format_table(["part", *self._COLUMNS], rows)


def main() -> None:
    """Print the table."""
    options = parse_options(__doc__, versions=..., half="", show="")
    measure_versions(options.versions, options.half, options.show)


if __name__ == "__main__":
    main()
