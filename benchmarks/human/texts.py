"""What the comparisons with marks of people share: the reading of a text, and printing."""

from collections.abc import Mapping, Sequence

from benchmarks.data import RULES, Row, format_table
from extractor.pipeline import extract_by_rules
from extractor.schemas import Section, Source, TrialExtraction, TrialRecord


def extract_text(row: Row, heading: str = "") -> TrialExtraction:
    """Extract the text of a line with the rules; ``heading`` is the line above it."""
    return extract_by_rules(make_record(row["id"], heading + row["text"]), RULES)


def make_record(name: str, text: str) -> TrialRecord:
    """Return a record with an eligibility text and nothing else."""
    return TrialRecord(
        record_id=name,
        source=Source(path="marked text", format="text"),
        sections=(Section(name="eligibility", text=text),),
    )


def is_same_number(ours: float, theirs: float) -> bool:
    """Return whether two numbers are one, or one has a power of ten that the other leaves to the
    unit.
    """
    if not ours or not theirs:
        return ours == theirs
    return any(
        abs(ours - theirs * 10**power) < 1e-6 * abs(ours) for power in (0, 3, 6, 9)
    )


def print_shares(title: str, figures: Mapping[str, Sequence[bool]]) -> None:
    """Print a row for each figure: the count, and the share that is right."""
    rows = [
        (name, len(held), sum(held) / max(1, len(held)))
        for name, held in figures.items()
    ]
    print(format_table((title, "of", "share"), rows))


def show_around(text: str, start: int, end: int) -> str:
    """Return the words around a place of a text, in one line."""
    return " ".join(text[max(0, start - 60) : end + 40].split())
