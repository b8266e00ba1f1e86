"""Single outcomes: concept, category, times, events, instrument, specimens, methods, as the whole reader gives them."""

from collections.abc import Iterable
from itertools import count

from benchmarks.label_files import Row
from benchmarks.scores import Tally
from extractor.parse.clean import clean_text
from extractor.parse.outcomes import read_outcomes
from extractor.parse.parsed import ParsedOutcome
from extractor.schemas import Part, Section, Source, TrialRecord

from .matching import count_same, count_similar

__all__ = ["judge_outcomes", "judge_time_frames", "judge_words", "read_outcome"]

_DESCRIPTION_SEEN = 600  # characters of a description that the annotator of instruments saw


def read_outcome(row: Row) -> ParsedOutcome:
    """What the rules read in one outcome whose parts are known; a part may be missing.

    >>> read_outcome({"measure": "Overall survival", "time_frame": "2 years"}).concept.value.value
    'overall_survival'
    """
    parts: list[Part] = []
    text = ""
    for name in ("measure", "description", "time_frame"):
        if row.get(name):
            text += "\n" if text else ""
            parts.append(Part(name=name, start=len(text), end=len(text) + len(row[name])))
            text += row[name]
    section = Section(name="primary_outcomes[0]", text=text, parts=tuple(parts))
    record = TrialRecord(record_id="label", source=Source(path="label", format="flat"), sections=(section,))
    return read_outcomes(record, {section.name: clean_text(text)}, count())[0]


def judge_time_frames(rows: Iterable[Row]) -> list[Tally]:
    """Time points, and how the time frame relates to them."""
    points, kind = Tally("time points"), Tally("time kind")
    for row in rows:
        read = read_outcome({"time_frame": row["time_frame"]})
        found = [(point.value, str(point.unit)) for point in read.time_points.value or ()]
        wanted = [(point["value"], point["unit"]) for point in row["time_points"]]
        points.add(len(found), len(wanted), count_same(found, wanted), read.time_points.confidence)
        kind.add_class(read.time_kind.value, row["time_kind"], read.time_kind.confidence)
    return [points, kind]


def judge_outcomes(rows: Iterable[Row]) -> list[Tally]:
    """Concept, category of the outcome, and what starts and stops its clock, if it has one.

    Events agree with the labelled ones if they share most words. An outcome that is read as no time to an event
    has none; where its concept is misread, that counts against the events as well.
    """
    tallies = [Tally(name) for name in ("concept", "outcome category", "start event", "end events")]
    concept, category, start, ends = tallies
    for row in rows:
        read = read_outcome(row)
        concept.add_class(read.concept.value, row["concept"], read.concept.confidence)
        category.add_class(read.category.value, row["category"], read.category.confidence)
        first, wanted = _listed(read.start_event.value), _listed(row.get("start_event"))
        start.add(len(first), len(wanted), count_similar(first, wanted), read.start_event.confidence)
        found, stated = read.end_events.value or (), row.get("end_events") or []
        ends.add(len(found), len(stated), count_similar(found, stated), read.end_events.confidence)
    return tallies


def _listed(quote: str | None) -> list[str]:
    return [quote] if quote else []


def judge_words(rows: Iterable[Row]) -> list[Tally]:
    """Instrument with its version, specimens and methods."""
    tallies = {name: Tally(name) for name in ("instrument", "specimens", "methods")}
    for row in rows:
        read = read_outcome({**row, "description": (row["description"] or "")[:_DESCRIPTION_SEEN]})
        instrument, label = read.instrument, row["instrument"]
        named = [(instrument.value.name.lower(), instrument.value.version)] if instrument.value else []
        wanted = [(label["name"].lower(), label["version"])] if label else []
        tallies["instrument"].add(len(named), len(wanted), count_same(named, wanted), instrument.confidence)
        for name, reading in (("specimens", read.specimens), ("methods", read.methods)):
            quotes = {quote.lower() for quote in reading.value or ()}
            stated = {quote.lower() for quote in row[name]}
            tallies[name].add(len(quotes), len(stated), count_same(quotes, stated), reading.confidence)
    return list(tallies.values())
