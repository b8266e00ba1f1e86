"""Single outcomes: concept, category, times, events, instrument, specimens, methods, as the whole reader gives them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from benchmarks.judging import Agreement, Judged, judge_reading, read_label
from benchmarks.label_files import Row
from extractor.parse.endpoints import read_outcomes
from extractor.parse.parsed import ParsedOutcome
from extractor.schemas import Part, Section, Source, TrialRecord
from extractor.text.passage import read_section

from .matching import count_similar

__all__ = ["judge_outcomes", "judge_time_frames", "judge_words", "read_outcome"]

_PARTS = ("measure", "description", "time_frame")
_TIMES = ("time_points", "time_kind")
_DESCRIPTION_SEEN = 600  # characters of a description that the annotator of instruments saw


def read_outcome(row: Row) -> ParsedOutcome:
    """What the rules read in one outcome whose parts are known; a part may be missing.

    >>> read_outcome({"measure": "Overall survival", "time_frame": "2 years"}).concept.value.value
    'overall_survival'
    """
    parts: list[Part] = []
    text = ""
    for name in _PARTS:
        if row.get(name):
            text += "\n" if text else ""
            parts.append(Part(name=name, start=len(text), end=len(text) + len(row[name])))
            text += row[name]
    section = Section(name="primary_outcomes[0]", text=text, parts=tuple(parts))
    record = TrialRecord(record_id="label", source=Source(path="label", format="flat"), sections=(section,))
    return read_outcomes(record, {section.name: read_section(section.name, text)}, count())[0]


def judge_time_frames(rows: Iterable[Row]) -> Iterator[Judged]:
    """Time points, and how the time frame relates to them. The labels name no trial: the text stands for it."""
    for row in rows:
        text: str = row["time_frame"]
        yield from _judge(read_outcome({"time_frame": text}), row, (text, text), _TIMES)


def judge_outcomes(rows: Iterable[Row]) -> Iterator[Judged]:
    """Concept, category of the outcome, and what starts and stops its clock, if it has one.

    Events agree with the labelled ones if they share most words. An outcome that is read as no time to an event
    has none; where its concept is misread, that counts against the events as well.
    """
    for row in rows:
        read, seen = read_outcome(row), _seen(row)
        yield from _judge(read, row, seen, ("concept", "category"))
        for name in ("start_event", "end_events"):
            reading, label = getattr(read, name), row.get(name) or ()
            found, wanted = _listed(reading.value), _listed(label)
            agreement = Agreement(len(found), len(wanted), count_similar(found, wanted))
            yield Judged(f"endpoints.{name}", *seen, reading.value, label, reading.confidence, agreement)


def judge_words(rows: Iterable[Row]) -> Iterator[Judged]:
    """Instrument with its version, specimens and methods."""
    for row in rows:
        shown = {**row, "description": (row["description"] or "")[:_DESCRIPTION_SEEN]}
        yield from _judge(read_outcome(shown), row, _seen(shown), ("instrument", "specimens", "methods"))


def _judge(read: ParsedOutcome, row: Row, seen: tuple[str, str], names: Iterable[str]) -> Iterator[Judged]:
    for name in names:
        field = f"endpoints.{name}"
        yield judge_reading(field, seen, getattr(read, name), read_label(field, row[name]))


def _seen(row: Row) -> tuple[str, str]:
    return row["record"], " | ".join(row.get(name) or "" for name in _PARTS)


def _listed(quotes: str | Sequence[str] | None) -> Sequence[str]:
    return [quotes] if isinstance(quotes, str) else quotes or ()
