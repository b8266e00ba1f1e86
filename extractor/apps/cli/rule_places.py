"""Where the rules of each field are, for whoever wonders why a text was not read."""

from collections.abc import Iterator, Mapping

RULES_OF: Mapping[str, str] = {
    "minimum_age": "people/rules/ages.toml people/rules/whose_age.toml",
    "maximum_age": "people/rules/ages.toml people/rules/whose_age.toml",
    "sex": "people/rules/sex.toml",
    "healthy_volunteers": "people/rules/sex.toml",
    "criteria": "criteria/rules/headings.toml criteria/rules/running_text.toml",
    "negated": "criteria/rules/denials.toml",
    "constraints": (
        "limits/rules/limits.toml limits/rules/mentions.toml "
        "limits/rules/terms/comparators.toml limits/rules/terms/limit_units.toml"
    ),
    "time_windows": "windows/rules/times.toml windows/rules/window_parts.toml",
    "rule": "groups/rules/groups.toml criteria/rules/introductions.toml",
    "regimens": "doses/rules/names.toml doses/rules/arms.toml",
    "amounts": (
        "own/rules/values.toml doses/rules/amounts.toml doses/rules/terms/dose_units.toml"
    ),
    "route": "doses/rules/terms/routes.toml doses/rules/amounts.toml",
    "frequency": "doses/rules/frequencies.toml doses/rules/terms/frequencies.toml",
    "duration": "doses/rules/cycles.toml",
    "cycle": "doses/rules/cycles.toml",
    "timing": "doses/rules/days.toml doses/rules/daytimes.toml",
    "outcomes": "outcomes/rules/cuts.toml",
    "time_points": "outcomes/rules/moments.toml",
    "time_kind": "outcomes/rules/time_frames.toml",
    "concept": "outcomes/rules/concepts.toml outcomes/rules/terms/concepts.toml",
    "instrument": "outcomes/rules/instruments.toml outcomes/rules/terms/instruments",
    "specimens": "outcomes/rules/terms/specimens.toml",
    "methods": "outcomes/rules/terms/methods.toml",
    "start_event": "outcomes/rules/clocks.toml",
    "end_events": "outcomes/rules/events.toml outcomes/rules/terms/survivals.toml",
}
"""The files that decide a field, from ``extractor/concepts`` on; those to look into first. Other
fields follow from these, from the record's layout or from learned weights.
"""


def list_next_steps(fields: set[str]) -> Iterator[str]:
    """Yield a line for each group of these fields that the same files decide, in the order of the
    record's parts. Fields without rules of their own are left out.

    >>> for line in list_next_steps({"duration", "cycle", "kind", "time_windows"}):
    ...     print(line)
    time_windows: times.toml, window_parts.toml in extractor/concepts/windows/rules
    duration, cycle: cycles.toml in extractor/concepts/doses/rules
    """
    together: dict[str, list[str]] = {}
    for field, files in RULES_OF.items():
        if field in fields:
            together.setdefault(files, []).append(field)
    for files, names in together.items():
        yield f"{', '.join(names)}: {_shorten(files)}"


def _shorten(files: str) -> str:
    """Write the folder of a concept once, behind its files."""
    folders: dict[str, list[str]] = {}
    for file in files.split():
        folder, _, name = file.partition("/rules/")
        folders.setdefault(folder, []).append(name)
    return "; ".join(
        f"{', '.join(names)} in extractor/concepts/{folder}/rules"
        for folder, names in folders.items()
    )
