"""The stages of an extraction, in order. Every extraction runs this sequence.

``plan`` parses a record and chooses the questions, the caller asks a model, and ``finish`` makes
the extraction; no stage uses the network. A file is read before (``extractor.formats``).
"""

from typing import TYPE_CHECKING

from extractor.assembly.assemble import assemble_extraction
from extractor.concepts.parse import ParsedRecord, parse_record
from extractor.evidence.drafts import ModelResult
from extractor.options import ExtractionOptions
from extractor.schemas import (
    Effort,
    RegistryFields,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.record_limits import (
    MAX_ITEMS,
    check_size,
    check_unicode,
    limit_time,
    refuse_larger,
)

if TYPE_CHECKING:
    from extractor.model.asking.dialogue import Replies
    from extractor.model.asking.planner import Round


def plan(
    record: TrialRecord, options: ExtractionOptions
) -> "tuple[ParsedRecord, Round | None]":
    """Parse a record and choose the questions to a model. None if ``options`` want none asked, or
    the rules are sure.

    The result depends on the arguments only, so any process can compute or repeat it. Raises
    ``RecordTooLarge`` or ``RecordTooSlow`` for a record beyond the limits of
    ``extractor.schemas.record_limits``.
    """
    with limit_time(record.source):
        check_size(record)
        check_unicode(record)
        parsed = parse_record(record, options.fields)
        for kind in ("criteria", "regimens", "outcomes"):
            refuse_larger(record.source, MAX_ITEMS, len(getattr(parsed, kind)), kind)
        if not options.asks:
            return parsed, None
        from extractor.model.asking.planner import plan_round  # noqa: PLC0415 - rules alone need no model

        return parsed, plan_round(parsed, options)


def finish(
    parsed: ParsedRecord,
    options: ExtractionOptions,
    asked: "Round | None" = None,
    replies: "Replies | None" = None,
) -> TrialExtraction:
    """Prove the replies to the questions (None without a model), assemble the extraction, audit it,
    and drop doubtful values.

    The audit sees all values. Values below ``options.min_confidence`` are dropped after it. Raises
    ``RecordTooSlow``.
    """
    answers = ModelResult()
    with limit_time(parsed.record.source):
        if asked:
            from extractor.model.asking.dialogue import read_replies  # noqa: PLC0415 - rules alone need no model

            answers = read_replies(parsed, asked, replies)
        extraction = assemble_extraction(parsed, answers, options.tasks, options.fields)
        extraction = _audit(parsed, extraction)
        if options.min_confidence > 0:
            from extractor.assembly.doubtful import drop_doubtful  # noqa: PLC0415 - few ask for it

            extraction = drop_doubtful(extraction, options.min_confidence)
    return extraction


def _audit(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Add findings of the contradictions in the record. A text alone has no outcomes and registered
    fields to contradict.
    """
    if not parsed.outcomes and parsed.record.registry == RegistryFields():
        return extraction
    from extractor.audit import add_findings  # noqa: PLC0415 - texts alone do not need it

    return add_findings(parsed, extraction)


def extract_by_rules(
    record: TrialRecord, options: ExtractionOptions
) -> TrialExtraction:
    """Extract without a model. No question is planned, and none is counted."""
    options = options.model_copy(update={"effort": Effort.NONE})
    parsed, _ = plan(record, options)
    return finish(parsed, options)
