"""The stages of every extraction, in order.

``plan`` parses a record and writes the request about it, the caller sends the request to a model,
and ``finish`` creates the extraction. Neither function uses the network. Files are read before the
first stage, by ``extractor.formats``.
"""

from typing import TYPE_CHECKING

from extractor.assembly.assemble import assemble_extraction
from extractor.assembly.items import list_outcome_sections
from extractor.concepts.parse import ParsedRecord, parse_record
from extractor.concepts.quoted import NO_STRUCTURE, Structure
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
    from extractor.model.asking.questions import Replies
    from extractor.model.asking.request import Request


def plan(
    record: TrialRecord, options: ExtractionOptions
) -> "tuple[ParsedRecord, Request | None]":
    """Parse a record and write the request about it. Returns the parsed record and the request, or
    None in place of the request if ``options`` do not allow one or if there is nothing to ask.

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
        from extractor.model.asking.request import plan_request  # noqa: PLC0415 - rules alone need no model

        return parsed, plan_request(parsed, options)


def _parse(
    record: TrialRecord,
    options: ExtractionOptions,
    structure: Structure = NO_STRUCTURE,
) -> ParsedRecord:
    """Parse a record, and refuse one with too many items."""
    parsed = parse_record(record, options.fields, structure)
    for kind in ("criteria", "regimens", "outcomes"):
        refuse_larger(record.source, MAX_ITEMS, len(getattr(parsed, kind)), kind)
    return parsed


def finish(
    parsed: ParsedRecord,
    options: ExtractionOptions,
    request: "Request | None" = None,
    replies: "Replies | None" = None,
) -> TrialExtraction:
    """Verify the model's replies, assemble the extraction, audit it, and drop doubtful values.

    ``request`` is what was asked, and ``replies`` is None if no model was asked. If the replies say
    where items stand, the record is read again by this structure. The audit checks all
    values; values below ``options.min_confidence`` are dropped afterwards. Raises ``RecordTooSlow``
    if the time limit is exceeded.
    """
    with limit_time(parsed.record.source):
        parsed, answers = ground_replies(parsed, options, request, replies)
        extraction = assemble_extraction(parsed, answers, options.tasks, options.fields)
        extraction = _audit(parsed, extraction)
        if options.min_confidence > 0:
            from extractor.assembly.doubtful import drop_doubtful  # noqa: PLC0415 - rarely used

            extraction = drop_doubtful(extraction, options.min_confidence)
    return extraction


def ground_replies(
    parsed: ParsedRecord,
    options: ExtractionOptions,
    request: "Request | None" = None,
    replies: "Replies | None" = None,
) -> tuple[ParsedRecord, ModelResult]:
    """Return the record as the replies divide it, and the answers that its text supports."""
    if request is None:
        return parsed, ModelResult()
    from extractor.model.asking.dialogue import read_replies, read_structure  # noqa: PLC0415 - rules alone need no model

    structure = read_structure(parsed, request, replies)
    if not structure.is_empty:
        assert parsed.original_record, "a record that was parsed keeps the original"
        parsed = _parse(parsed.original_record, options, structure)
    return parsed, read_replies(parsed, request, replies)


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
    """Extract without a model. Nothing is asked or counted as open."""
    options = options.model_copy(update={"effort": Effort.NONE})
    parsed, _ = plan(record, options)
    return finish(parsed, options)
