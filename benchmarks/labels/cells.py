"""Flattened outcome cells, cut where the registry joined them or not."""

from collections.abc import Iterable, Iterator

from benchmarks.judging import Agreement, Judged
from benchmarks.label_files import Row
from extractor.parse.endpoints.split import split_outcomes, split_section
from extractor.text.passage import read_section

__all__ = ["judge_cells"]

_PARTS = ("measure", "description", "time_frame")


def judge_cells(rows: Iterable[Row]) -> Iterator[Judged]:
    """One item an outcome: each part alone, and all three ("split all")."""
    for row in rows:
        spans = split_section(read_section("outcomes", row["flat"]))
        for outcome, span, item in zip(split_outcomes(row["flat"]), spans, row["items"], strict=True):
            sure = [span.measure_confidence, span.description_confidence, span.time_frame_confidence]
            found = [getattr(outcome, name) for name in _PARTS]
            wanted = [item[name] for name in _PARTS]
            text = ", ".join(filter(None, found))
            for name, one, other, confidence in zip(_PARTS, found, wanted, sure, strict=True):
                field = f"endpoints.{name}"
                yield Judged(field, row["id"], text, one, other, confidence, _compare([one], [other]))
            yield Judged("split all", row["id"], text, found, wanted, min(sure), _compare(found, wanted))


def _compare(found: Iterable[str | None], wanted: Iterable[str | None]) -> Agreement:
    pairs = list(zip(found, wanted, strict=True))
    return Agreement(
        found=sum(one is not None for one, _ in pairs),
        wanted=sum(other is not None for _, other in pairs),
        matched=sum(one == other for one, other in pairs if one is not None and other is not None),
    )
