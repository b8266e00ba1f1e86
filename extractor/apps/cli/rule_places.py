"""Where each field is read, for whoever wonders why a text was not read, or was read wrongly."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """Where a field is read: files of rules and the reader that asks them, from
    ``extractor/concepts`` on, and the file of cases in ``tests/cases``.
    """

    rules: str
    reader: str
    cases: str


_AGES = Place(
    "people/rules/ages.toml people/rules/whose_age.toml",
    "people/ages.py",
    "people.toml",
)
_SEX = Place("people/rules/sex.toml", "people/read.py", "people.toml")
_LENGTHS = Place("doses/rules/cycles.toml", "doses/schedule.py", "schedules.toml")
PLACES: Mapping[str, Place] = {
    "minimum_age": _AGES,
    "maximum_age": _AGES,
    "sex": _SEX,
    "healthy_volunteers": _SEX,
    "criteria": Place(
        "criteria/rules/headings.toml criteria/rules/running_text.toml",
        "criteria/outline.py",
        "structure.toml",
    ),
    "negated": Place(
        "criteria/rules/denials.toml", "criteria/negation.py", "wordings.toml"
    ),
    "constraints": Place(
        "limits/rules/limits.toml limits/rules/mentions.toml "
        "limits/rules/terms/comparators.toml limits/rules/terms/limit_units.toml",
        "limits/read.py",
        "limits.toml",
    ),
    "time_windows": Place(
        "windows/rules/times.toml windows/rules/window_parts.toml",
        "windows/read.py",
        "windows.toml",
    ),
    "rule": Place(
        "groups/rules/groups.toml criteria/rules/introductions.toml",
        "groups/read.py",
        "groups.toml",
    ),
    "regimens": Place(
        "doses/rules/names.toml doses/rules/arms.toml",
        "doses/names.py",
        "regimens.toml",
    ),
    "amounts": Place(
        "own/rules/values.toml doses/rules/amounts.toml doses/rules/terms/dose_units.toml",
        "doses/amounts.py",
        "doses.toml",
    ),
    "route": Place(
        "doses/rules/terms/routes.toml doses/rules/amounts.toml",
        "doses/amounts.py",
        "doses.toml",
    ),
    "frequency": Place(
        "doses/rules/frequencies.toml doses/rules/terms/frequencies.toml",
        "doses/schedule.py",
        "schedules.toml",
    ),
    "duration": _LENGTHS,
    "cycle": _LENGTHS,
    "timing": Place(
        "doses/rules/days.toml doses/rules/daytimes.toml",
        "doses/timing.py",
        "schedules.toml",
    ),
    "outcomes": Place(
        "outcomes/rules/cuts.toml", "outcomes/cut_features.py", "outcomes.toml"
    ),
    "time_points": Place(
        "outcomes/rules/moments.toml", "outcomes/moments.py", "outcomes.toml"
    ),
    "time_kind": Place(
        "outcomes/rules/time_frames.toml", "outcomes/times.py", "outcomes.toml"
    ),
    "concept": Place(
        "outcomes/rules/concepts.toml outcomes/rules/terms/concepts.toml",
        "outcomes/read.py",
        "outcomes.toml",
    ),
    "instrument": Place(
        "outcomes/rules/instruments.toml outcomes/rules/terms/instruments",
        "outcomes/naming.py",
        "outcomes.toml",
    ),
    "specimens": Place(
        "outcomes/rules/terms/specimens.toml", "outcomes/read.py", "outcomes.toml"
    ),
    "methods": Place(
        "outcomes/rules/terms/methods.toml", "outcomes/naming.py", "outcomes.toml"
    ),
    "start_event": Place(
        "outcomes/rules/clocks.toml", "outcomes/events.py", "outcomes.toml"
    ),
    "end_events": Place(
        "outcomes/rules/events.toml outcomes/rules/terms/survivals.toml",
        "outcomes/events.py",
        "outcomes.toml",
    ),
}
"""The place of each field: files to look into first. Other fields follow from these, from the
record's layout or from learned weights.
"""


def list_next_steps(fields: set[str]) -> Iterator[str]:
    """Yield a line for each group of these fields that are read in the same place, in the order of
    the record's parts. Fields without rules of their own are left out.

    >>> for line in list_next_steps({"duration", "cycle", "kind", "sex"}):
    ...     print(line)
    sex: sex.toml in extractor/concepts/people/rules; cases in people.toml
    duration, cycle: cycles.toml in extractor/concepts/doses/rules; cases in schedules.toml
    """
    for names, place in group_places(fields):
        yield f"{', '.join(names)}: {name_rules(place)}; cases in {place.cases}"


def group_places(fields: set[str]) -> Iterator[tuple[list[str], Place]]:
    """Yield each place where some of these fields are read, with these fields."""
    together: dict[Place, list[str]] = {}
    for field, place in PLACES.items():
        if field in fields:
            together.setdefault(place, []).append(field)
    for place, names in together.items():
        yield names, place


def name_rules(place: Place) -> str:
    """Name the files of rules, the folder of a concept once, behind its files."""
    folders: dict[str, list[str]] = {}
    for file in place.rules.split():
        folder, _, name = file.partition("/rules/")
        folders.setdefault(folder, []).append(name)
    return "; ".join(
        f"{', '.join(names)} in extractor/concepts/{folder}/rules"
        for folder, names in folders.items()
    )
