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
    sides = [
        {one.record_id: one for one in read_records(folder / name)}
        for name in ("old", "new")
    ]
    halves = json.loads((folder / "halves.json").read_text("utf-8")) if half else {}
    trials = [
        name for name in sides[0] if name in sides[1] and halves.get(name, "") == half
    ]
    counts: dict[str, Counter[str]] = {
        part: Counter() for parts in PARTS.values() for part in parts
    }
    listed = read_lines(folder / "real_changes.jsonl")
    for trial in trials:
        old, new = (side[trial] for side in sides)
        real = [one for one in listed if one["trial"] == trial]
        found = diff_trials(rules.extract(old), rules.extract(new), old, new)
        told = [change for change in found.changes if change.is_of_meaning]
        matches = match_changes(real, told)
        for change, match in zip(told, matches, strict=True):
            part = match["part"] if match else PARTS[change.item][0]
            counts[part].update(told=1, right=int(match is not None))
            if not match and show in (part, "all"):
                print(
                    f"{trial} not real: {change.item} {change.kind}: {change.message}"
                )
                print(f"    - {_quote(change.old)}\n    + {_quote(change.new)}")
        for one in real:
            if not one.get("optional"):
                counts[one["part"]].update(real=1, found=int(one in matches))
                if one not in matches and show in (one["part"], "all"):
                    print(
                        f"{trial} missed: {one['part']} {'/'.join(one['kinds'])}: {one['old']!r} "
                        f"-> {one['new']!r}"
                    )
    columns = ("real", "found", "told", "right")
    rows = [
        (name, *(one[column] for column in columns)) for name, one in counts.items()
    ]
    total = sum(counts.values(), Counter[str]())
    print(f"{len(trials)} pairs of versions")
    print(
        format_table(
            ["part", *columns], [*rows, ("all", *(total[column] for column in columns))]
        )
    )


def main() -> None:
    """Print the table."""
    options = parse_options(__doc__, versions=..., half="", show="")
    measure_versions(options.versions, options.half, options.show)


if __name__ == "__main__":
    main()
