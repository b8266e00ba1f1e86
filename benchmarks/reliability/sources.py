"""Judged readings of whole records, with the area and the fold of their trial."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from benchmarks.judging import Judged
from extractor.evaluation.standoff import find_changed_sections, from_standoff
from extractor.parse import ParsedRecord, parse_uncalibrated
from extractor.parse.scoring import FOUND, NOTHING
from extractor.schemas import TrialExtraction, TrialRecord

from .records import judge_record

__all__ = ["Stated", "judge_gold"]


@dataclass(frozen=True, slots=True)
class Stated(Judged):
    """A judged reading of a trial of that area and fold."""

    area: str
    fold: int

    @property
    def right(self) -> bool:
        return self.agreement.right

    @property
    def curve(self) -> tuple[str, str]:
        """Which curve it belongs to: its field, and whether it gives a value."""
        return self.field, FOUND if self.read else NOTHING


def judge_gold(
    gold: Mapping[str, Mapping[str, Any]],
    records: Iterable[TrialRecord],
    parse: Callable[[TrialRecord], ParsedRecord] = parse_uncalibrated,
) -> Iterator[Stated]:
    """Every reading of the records whose text is the one that was annotated, each trial once."""
    left = dict(gold)
    for record in records:
        line = left.get(record.record_id)
        if line is not None and not find_changed_sections(line, record):
            del left[record.record_id]
            annotated = TrialExtraction.model_validate(from_standoff(line, record))
            for one in judge_record(parse(record), annotated, record.record_id):
                if not one.is_detail:
                    values = {field.name: getattr(one, field.name) for field in fields(Judged)}
                    yield Stated(**values, area=line["area"], fold=line["fold"])
