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
_JUDGES: tuple[_Judge, ...] = (
    lambda data: judge_cells(read_cells(data)),
    lambda data: judge_time_frames(read_labels(data, "time_frames")),
    lambda data: judge_outcomes(read_labels(data, "outcomes")),
    lambda data: judge_words(read_labels(data, "instruments")),
    lambda data: judge_categories(read_labels(data, "criteria"), read_targets(data)),
    lambda data: judge_limits(read_labels(data, "limits")),
)


def judge_labels(data: Path) -> Iterator[Judged]:
    """Every labelled value."""
    for judge in _JUDGES:
        yield from judge(data)
