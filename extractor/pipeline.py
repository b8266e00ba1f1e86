"""The stages of an extraction, in order. Every extraction runs this sequence.

A file is read before (``extractor.formats``). Answers are proven while a model is asked, because
what the text contradicts is asked once more.
"""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from extractor.assembly.assemble import assemble_extraction
from extractor.concepts.parse import ParsedRecord, parse_record
from extractor.evidence.drafts import ModelResult
from extractor.options import ExtractionOptions
from extractor.schemas import (
    AbsenceReason,
    Effort,
    RegistryFields,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.record_limits import (
    MAX_ITEMS,
    check_size,
    check_unicode,
    limit_steps,
    limit_time,
    refuse_larger,
)

if TYPE_CHECKING:
    from extractor.model.asking.dialogue import Replies, Round

Extraction = Generator["Round", "Replies | None", TrialExtraction]
"""Yields rounds of questions, receives the replies (None without a model), and returns the
extraction.
"""


def extract(record: TrialRecord, options: ExtractionOptions) -> Extraction:
    """Run one record through all stages. The caller asks the model; no stage uses the network.

    The audit sees all values. Values below ``options.min_confidence`` are dropped after it. Raises
    ``RecordTooLarge`` or ``RecordTooSlow`` for a record beyond the limits of
    ``extractor.schemas.record_limits``.
    """
    return limit_steps(_run_stages(record, options), record.source)


def _run_stages(
    record: TrialRecord | ParsedRecord, options: ExtractionOptions
) -> Extraction:
    """Parse, ask, assemble, audit, drop doubtful values, and place the evidence in a document."""
    parsed = _parse_within_limits(record, options)
    answers = ModelResult()
    if options.asks:
        from extractor.model.asking.dialogue import dialogue  # noqa: PLC0415 - rules alone need no model

        answers = yield from dialogue(parsed, options)
    extraction = assemble_extraction(parsed, answers, options.tasks, options.fields)
    extraction = _audit(parsed, extraction)
    if options.min_confidence > 0:
        from extractor.assembly.doubtful import drop_doubtful  # noqa: PLC0415 - few ask for it

        extraction = drop_doubtful(extraction, options.min_confidence)
    if parsed.record.document:
        from extractor.assembly.documents import place_evidence  # noqa: PLC0415 - few records are one

        extraction = place_evidence(parsed.record, extraction)
    return extraction


def _audit(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Add findings of the contradictions in the record. A text alone, without outcomes and
    registered fields, is audited only if its ages leave nobody.
    """
    is_text_alone = not parsed.outcomes and parsed.record.registry == RegistryFields()
    reasons = {absence.reason for absence in extraction.absences}
    if is_text_alone and AbsenceReason.CONTRADICTORY not in reasons:
        return extraction
    from extractor.audit import add_findings  # noqa: PLC0415 - few texts alone need it

    return add_findings(parsed, extraction)


def _parse_within_limits(
    record: TrialRecord | ParsedRecord, options: ExtractionOptions
) -> ParsedRecord:
    """Return the parse of a record; one that is parsed already is taken as it is."""
    if isinstance(record, ParsedRecord):
        return record
    check_size(record)
    check_unicode(record)
    parsed = parse_record(record, options.fields)
    for kind in ("criteria", "regimens", "outcomes"):
        refuse_larger(record.source, MAX_ITEMS, len(getattr(parsed, kind)), kind)
    return parsed


def extract_by_rules(
    record: TrialRecord, options: ExtractionOptions
) -> TrialExtraction:
    """Extract without a model. No question is planned, and none is counted."""
    extraction = advance(record, options.model_copy(update={"effort": Effort.NONE}))
    return cast("TrialExtraction", extraction)


class Paused(NamedTuple):
    """An extraction that waits for the replies to a round of questions. Its parse stands for the
    record from now on.
    """

    round: "Round"
    parsed: ParsedRecord


def advance(
    record: TrialRecord | ParsedRecord,
    options: ExtractionOptions,
    replies: "Sequence[Replies | None]" = (),
) -> Paused | TrialExtraction:
    """Return the next round of questions after these replies to the earlier rounds, or the
    extraction.

    The result depends on the arguments only, so any process can compute or repeat a step. A record
    is parsed; a parse goes on from there. All stages run again from the parse on, with the replies
    so far.
    """
    # the parse may come from another process, which learned the words of the user's fields
    if options.fields:
        from extractor.concepts.own.read import learn_words  # noqa: PLC0415 - few have own fields

        learn_words(options.fields)
    given = record.record if isinstance(record, ParsedRecord) else record
    with limit_time(given.source):
        parsed = _parse_within_limits(record, options)
        stages = _run_stages(parsed, options)
        try:
            asked = next(stages)
            for reply in replies:
                asked = stages.send(reply)
        except StopIteration as end:
            finished: TrialExtraction = end.value
            return finished
    return Paused(asked, parsed)
