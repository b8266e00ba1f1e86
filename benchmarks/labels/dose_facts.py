"""What the rules read of one labelled dose when they are given the right text: its quote.

    python -m benchmarks.labels.dose_facts --data DIR [--part development|held-out|all] [--errors FIELD]

A value that the quote does not hold, but that the rules read somewhere in the record's arms and interventions,
counts as read: to find it is the work of those who link. A value that is read in the quote and belongs to another
dose of the record counts neither for nor against.
"""

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.judging import Agreement, Judged, compare_values, read_label, tally_judged
from benchmarks.label_files import Row, add_data_option, read_labels, third_of
from benchmarks.scores import format_tallies
from extractor.evaluation.text import measure_overlap
from extractor.parse.dosing.days import Schedule, code_days, code_schedule
from extractor.parse.dosing.facts import Findings, find_all
from extractor.parse.dosing.marks import Mark
from extractor.schemas import Frequency, Period
from extractor.text.book import read_text
from extractor.text.clean import clean_text

__all__ = ["FIELDS", "choose_fact_rows", "is_held_out", "judge_facts"]

FIELDS = ("amounts", "route", "frequency", "cycle", "duration", "timing")
_PARTS = ("development", "held-out", "all")
_CYCLES = re.compile(r"\b(?:cycle|course)s?\b", re.IGNORECASE)
_DAY_RATE = re.compile(r"(?:/|per|\*)\s?(?:d|day|daily|24\s?h(?:ours)?)\)?$", re.IGNORECASE)


def is_held_out(trial: str) -> bool:
    """Whether a trial belongs to the third that was not looked at while the readers of facts were written.

    It is another one than that of the structure of dosing, which was written on its own thirds.
    """
    return third_of(trial) == 2


def choose_fact_rows(rows: Iterable[Row], part: str) -> list[Row]:
    """The rows of a part: of two thirds of the trials (``development``), of the others (``held-out``), or all."""
    return [row for row in rows if part == "all" or is_held_out(row["record"]) == (part == "held-out")]


@dataclass(frozen=True)
class _Text:
    """A text as the rules see it, with the cycles that its surroundings speak of."""

    raw: str
    around: str = ""

    @cached_property
    def text(self) -> str:
        return clean_text(self.raw).text

    @cached_property
    def marks(self) -> Findings:
        return find_all(read_text(self.text))

    def values(self, field: str) -> list[Any]:
        """All values of a field that the text holds."""
        marks = self.marks
        if field == "amounts":
            return [amount for mark in marks.amounts for amount in mark.value]
        if field == "timing":
            return [self.text[mark.start : mark.end] for mark in (*marks.days, *marks.moment)]
        if field == "frequency":
            cycles: list[Period | None] = [mark.value for mark in marks.cycle]
            coded = [code_days(mark.value, cycle) for mark in marks.days for cycle in (*cycles, None)]
            return [*(mark.value for mark in marks.frequency), *coded]
        return [mark.value for mark in (marks.length if field == "duration" else getattr(marks, field))]

    def read(self, field: str) -> tuple[Any, float]:
        """The value as a dose whose text this is has it, and its confidence (0 for none)."""
        marks = self.marks
        if field == "amounts":
            return tuple(dict.fromkeys(self.values(field))), min((mark.confidence for mark in marks.amounts), default=0)
        if field == "frequency":
            return self._read_frequency()
        if field == "timing":
            first = next(iter(marks.days or marks.moment), None)
            return (self.text[first.start : first.end], first.confidence) if first else (None, 0)
        mark: Mark[Any] | None = next(iter(marks.length if field == "duration" else getattr(marks, field)), None)
        return (mark.value, mark.confidence) if mark else (None, 0)

    def _read_frequency(self) -> tuple[Frequency | None, float]:
        marks = self.marks
        stated = min(marks.frequency, key=lambda mark: mark.value is Frequency.OTHER, default=None)
        days = next(iter(marks.days), None)
        if stated is None and days is None:
            daily = any(_DAY_RATE.search(self.text, mark.start, mark.end) for mark in marks.amounts)
            return (Frequency.QD, 0) if daily else (None, 0)
        around = clean_text(self.around).text
        surface = any("m2" in amount.unit or amount.unit == "AUC" for amount in self.values("amounts"))
        schedule = Schedule(
            stated=stated.value if stated else None,
            days=days.value if days else (),
            cycle=next((mark.value for mark in (*marks.cycle, *find_all(read_text(around)).cycle) if mark.value), None),
            cyclic=surface or bool(_CYCLES.search(around)),
        )
        return code_schedule(schedule), min(mark.confidence for mark in (stated, days) if mark)


def judge_facts(rows: Iterable[Row]) -> Iterator[Judged]:
    """Each field of each labelled dose, by the name ``fact <field>``."""
    for row in rows:
        sections = [_Text(text) for text in row["sections"].values()]
        for place, dose in enumerate(row["dosing"]):
            quote = _Text(dose["quote"], row["sections"].get(dose["section"], ""))
            others = [other for number, other in enumerate(row["dosing"]) if number != place]
            for field in FIELDS:
                label = read_label(f"dosing.{field}", dose[field])
                value, confidence = quote.read(field)
                if field == "amounts":
                    value = _settle_amounts(value, label, sections, others)
                elif value is None and label is not None and _is_read(field, label, sections):
                    value = label
                agreement = _agree(field, value, label)
                yield Judged(f"fact {field}", row["record"], quote.text, value, label, confidence, agreement)


def _settle_amounts(found: Sequence[Any], label: Sequence[Any], sections: Sequence[_Text], others: list[Row]) -> Any:
    """Without the amounts of other doses, and with those that stand elsewhere."""
    foreign = [amount for other in others for amount in read_label("dosing.amounts", other["amounts"])]

    def known(amount: Any, among: Iterable[Any]) -> bool:
        return any(compare_values("dosing.amounts", (amount,), (one,)).right for one in among)

    own = [amount for amount in found if known(amount, label) or not known(amount, foreign)]
    elsewhere = [amount for section in sections for amount in section.values("amounts")]
    return (*own, *(amount for amount in label if not known(amount, found) and known(amount, elsewhere)))


def _is_read(field: str, label: Any, sections: Iterable[_Text]) -> bool:
    return any(_agree(field, value, label).right for section in sections for value in section.values(field))


def _agree(field: str, value: Any, label: Any) -> Agreement:
    """As an evaluation counts; of timing, quotes that share half of their words agree."""
    if field == "timing" and value is not None and label is not None:
        return Agreement(1, 1, int(measure_overlap(value, clean_text(label).text) >= 0.5))
    return compare_values(f"dosing.{field}", value, label)


def main() -> None:
    """Print the table, and with ``--errors`` the quotes in which a field is read wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--part", choices=_PARTS, default="all", help="which trials (default: all)")
    parser.add_argument("--errors", choices=FIELDS, help="list what is wrong in a field")
    chosen = parser.parse_args()
    judged = list(judge_facts(choose_fact_rows(read_labels(chosen.data, "dosing"), chosen.part)))
    print(format_tallies(tally_judged(judged)))
    for one in judged:
        if one.field == f"fact {chosen.errors}" and not one.agreement.right:
            print(f"{one.label!r}\t{one.read!r}\t{one.text!r}")


if __name__ == "__main__":
    main()
