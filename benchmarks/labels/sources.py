"""All labels of a folder judged, file by file."""

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.judging import Judged
from benchmarks.label_files import read_cells, read_labels, read_targets

from .cells import judge_cells
from .criteria import judge_categories, judge_limits
from .outcomes import judge_outcomes, judge_time_frames, judge_words

__all__ = ["judge_labels"]

_Judge = Callable[[Path], Iterator[Judged]]
_SOURCES: tuple[tuple[str, _Judge], ...] = (
    ("endpoints.measure endpoints.description endpoints.time_frame", lambda data: judge_cells(read_cells(data))),
    ("endpoints.time_points endpoints.time_kind", lambda data: judge_time_frames(read_labels(data, "time_frames"))),
    (
        "endpoints.concept endpoints.category endpoints.start_event endpoints.end_events",
        lambda data: judge_outcomes(read_labels(data, "outcomes")),
    ),
    (
        "endpoints.instrument endpoints.specimens endpoints.methods",
        lambda data: judge_words(read_labels(data, "instruments")),
    ),
    (
        "eligibility.criteria.category",
        lambda data: judge_categories(read_labels(data, "criteria"), read_targets(data)),
    ),
    (
        "eligibility.criteria.constraints eligibility.criteria.time_window",
        lambda data: judge_limits(read_labels(data, "limits")),
    ),
)
"""The fields that each file of labels judges, and how."""


def judge_labels(data: Path, field: str | None = None) -> Iterator[Judged]:
    """Every labelled value, or with ``field`` (a name or the end of one) those of the files that judge it."""
    for fields, judge in _SOURCES:
        if field is None or any(f".{name}".endswith(f".{field}") for name in fields.split()):
            yield from judge(data)
