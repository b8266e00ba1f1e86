"""The outcomes of a record, with a reading of each field."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from extractor.parse.parsed import Chunk, ChunkKind, ParsedOutcome, Reading, Span
from extractor.parse.values import value
from extractor.schemas import Rank, Section, Support, TrialRecord
from extractor.text.clean import CleanText

from .classes import OutcomeClasses, classify_outcomes
from .fields import read_class_fields, read_time_fields, read_word_fields
from .outcome_features import OutcomeWords, trial_tokens
from .split import OutcomeSpans, split_cell
from .texts import OutcomeText

__all__ = ["read_outcomes"]

_PARTS = ("measure", "description", "time_frame")


def read_outcomes(
    record: TrialRecord, cleaned: Mapping[str, CleanText], numbers: Iterator[int]
) -> tuple[ParsedOutcome, ...]:
    """The registered outcomes in order: primary, secondary, other.

    A section whose source keeps the parts apart is one outcome; a flattened section is split.
    ``cleaned`` holds the cleaned text of each section, ``numbers`` gives each chunk its number.
    """
    places: list[_Place] = []
    for rank in Rank:
        index = 0
        for section in record.sections:
            if not section.name.startswith(f"{rank}_outcomes"):
                continue
            clean = cleaned[section.name]
            for spans in _find_outcomes(section, clean):
                places.append(_Place(section, clean, rank, index, spans))
                index += 1
    about = trial_tokens(record)
    classes = classify_outcomes([_words(place, about) for place in places])
    return tuple(
        _read_outcome(place, cleaned.values(), found, next(numbers))
        for place, found in zip(places, classes, strict=True)
    )


@value(frozen=True, slots=True)
class _Place:
    section: Section
    clean: CleanText
    rank: Rank
    index: int
    spans: OutcomeSpans


def _find_outcomes(section: Section, clean: CleanText) -> list[OutcomeSpans]:
    if not section.parts:
        return split_cell(clean.text)
    parts = {part.name: _clean_span(clean, part.start, part.end) for part in section.parts}
    whole = (min(start for start, _ in parts.values()), max(end for _, end in parts.values()))
    return [
        OutcomeSpans(
            whole, parts.get("measure", (whole[0], whole[0])), parts.get("description"), parts.get("time_frame")
        )
    ]


def _clean_span(clean: CleanText, start: int, end: int) -> tuple[int, int]:
    return clean.clean_position(start), clean.clean_position(end)


def _words(place: _Place, about: Sequence[str]) -> OutcomeWords:
    spans, text = place.spans, place.clean.text
    measure, description, time_frame = (
        text[slice(*span)] if span else "" for span in (spans.measure, spans.description, spans.time_frame)
    )
    return OutcomeWords(measure, description, time_frame, place.rank, about)


def _read_outcome(place: _Place, record: Iterable[CleanText], found: OutcomeClasses, number: int) -> ParsedOutcome:
    spans, clean = place.spans, place.clean
    text = OutcomeText(place.section, clean, spans.measure, spans.description, spans.time_frame, record)
    classes = read_class_fields(text, found)
    words = read_word_fields(text, classes.concept)
    times = read_time_fields(text, spans.time_frame_confidence)
    start, end = spans.whole
    return ParsedOutcome(
        chunk=Chunk(
            number, ChunkKind.OUTCOME, Span(place.section.name, *clean.raw_span(start, end)), clean.text[start:end]
        ),
        rank=place.rank,
        index=place.index,
        measure=_read_part(place, spans.measure, spans.measure_confidence),
        description=_read_part(place, spans.description, spans.description_confidence),
        time_frame=_read_part(place, spans.time_frame, spans.time_frame_confidence),
        concept=classes.concept,
        category=classes.category,
        time_points=times.points,
        time_kind=times.kind,
        instrument=words.instrument,
        start_event=words.start_event,
        end_events=words.end_events,
        censored=words.censored,
        specimens=words.specimens,
        methods=words.methods,
    )


def _read_part(place: _Place, span: tuple[int, int] | None, confidence: float) -> Reading[str | None]:
    if span is None or span[0] == span[1]:
        return Reading(None, confidence)
    start, end = place.clean.raw_span(*span)
    raw = place.section.text[start:end]
    return Reading(raw, confidence, (Span(place.section.name, start, end),), Support.LITERAL)
