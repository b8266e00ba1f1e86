"""The stages of every extraction, in order.

``plan`` parses a record and chooses the questions, the caller asks a model, and ``finish`` creates
the extraction. If the structure of a record is asked about first, the caller passes the reply to
``plan``, which chooses the other questions. Neither function uses the network. Files are read
before the first stage, by ``extractor.formats``.
"""

from typing import TYPE_CHECKING

from extractor.assembly.assemble import assemble_extraction
from extractor.assembly.items import list_outcome_sections
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
    from extractor.concepts.criteria.structure import AnsweredLine
    from extractor.model.asking.planner import Round
    from extractor.model.asking.questions import Replies


def plan(
    record: TrialRecord,
    options: ExtractionOptions,
    structure: "Replies | None" = None,
) -> "tuple[ParsedRecord, Round | None]":
    """Parse a record and choose the questions for a model. Returns the parsed record and the
    questions, or None in place of the questions if ``options`` do not allow any or if the rules
    leave nothing to ask.

    If the questions have ``decides_lines``, their only call asks about the structure of the
    record. Pass the replies as ``structure`` to a second call of this function, which reads the
    record by this answer and chooses the other questions. Without a model, pass no replies, ``()``.

    The result depends only on the arguments, so any process can compute or repeat it. Raises
    ``RecordTooLarge`` or ``RecordTooSlow`` for a record that exceeds the limits in
    ``extractor.schemas.record_limits``.
    """
    with limit_time(record.source):
        check_size(record)
        check_unicode(record)
        parsed = _parse(record, options)
        if not options.asks:
            return parsed, None
        from extractor.model.asking.planner import plan_round  # noqa: PLC0415 - rules alone need no model
        from extractor.model.asking.structure import plan_structure, read_structure  # noqa: PLC0415 - as above

        question = plan_structure(parsed, options)
        lines = read_structure(structure or ())
        if question and lines:
            parsed = _parse(record, options, lines)
        return parsed, plan_round(parsed, options, question, structure)


def _parse(
    record: TrialRecord,
    options: ExtractionOptions,
    structure: "tuple[AnsweredLine, ...]" = (),
) -> ParsedRecord:
    """Parse a record, and refuse one with too many items."""
    parsed = parse_record(record, options.fields, structure)
    for kind in ("criteria", "regimens", "outcomes"):
        refuse_larger(record.source, MAX_ITEMS, len(getattr(parsed, kind)), kind)
    return parsed


def finish(
    parsed: ParsedRecord,
    options: ExtractionOptions,
    query_round: "Round | None" = None,
    replies: "Replies | None" = None,
) -> TrialExtraction:
    """Verify the model's replies, assemble the extraction, audit it, and drop doubtful values.

    ``query_round`` contains the questions, and ``replies`` is None if no model was asked. The audit
    checks all values; values below ``options.min_confidence`` are dropped afterwards. Raises
    ``RecordTooSlow`` if the time limit is exceeded.
    """
    answers = ModelResult()
    with limit_time(parsed.record.source):
        if query_round:
            from extractor.model.asking.dialogue import read_replies  # noqa: PLC0415 - rules alone need no model

            answers = read_replies(parsed, query_round, replies)
        extraction = assemble_extraction(parsed, answers, options.tasks, options.fields)
        extraction = _audit(parsed, extraction)
        if options.min_confidence > 0:
            from extractor.assembly.doubtful import drop_doubtful  # noqa: PLC0415 - rarely used

            extraction = drop_doubtful(extraction, options.min_confidence)
    return extraction


def _audit(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Add findings about contradictions within the record. A record with neither outcomes nor
    registry fields, such as a pasted text, is not audited.
    """
    is_registered = parsed.record.registry != RegistryFields()
    if not is_registered and not list_outcome_sections(parsed):
        return extraction
    from extractor.audit import add_findings  # noqa: PLC0415 - pasted texts do not need it

    return add_findings(parsed, extraction)


def extract_by_rules(
    record: TrialRecord, options: ExtractionOptions
) -> TrialExtraction:
    """Extract without a model. Questions are neither planned nor counted."""
    options = options.model_copy(update={"effort": Effort.NONE})
    parsed, _ = plan(record, options)
    return finish(parsed, options)
