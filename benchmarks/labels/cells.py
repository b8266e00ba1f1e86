"""Flattened outcome cells, cut where the registry joined them or not."""

from collections.abc import Iterable

from benchmarks.label_files import Row
from benchmarks.scores import Tally
from extractor.parse.clean import clean_text
from extractor.parse.outcomes.split import split_cell, split_outcomes

__all__ = ["judge_cells"]

_PARTS = ("measure", "description", "time_frame")


def judge_cells(rows: Iterable[Row]) -> list[Tally]:
    """One item an outcome: each part alone, and all three."""
    tallies = {name: Tally(f"split {name}") for name in (*_PARTS, "all")}
    for row in rows:
        spans = split_cell(clean_text(row["flat"]).text)
        for outcome, span, item in zip(split_outcomes(row["flat"]), spans, row["items"], strict=True):
            sure = [span.measure_confidence, span.description_confidence, span.time_frame_confidence]
            parts = [(getattr(outcome, name), item[name]) for name in _PARTS]
            for name, (found, wanted), confidence in zip(_PARTS, parts, sure, strict=True):
                _add(tallies[name], [found], [wanted], confidence)
            _add(tallies["all"], [found for found, _ in parts], [wanted for _, wanted in parts], min(sure))
    return list(tallies.values())


def _add(tally: Tally, found: Iterable[str | None], wanted: Iterable[str | None], confidence: float) -> None:
    pairs = list(zip(found, wanted, strict=True))
    tally.add(
        found=sum(one is not None for one, _ in pairs),
        wanted=sum(other is not None for _, other in pairs),
        matched=sum(one == other for one, other in pairs if one is not None and other is not None),
        confidence=confidence,
    )
