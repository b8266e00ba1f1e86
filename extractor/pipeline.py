"""The stages of an extraction, in their order. Everything that extracts a record runs this one sequence."""

from collections.abc import Generator, Sequence

from extractor.assemble import assemble_extraction
from extractor.assemble.provenance import drop_doubtful
from extractor.audit import add_findings
from extractor.llm.dialogue import QuestionBatch, Replies, dialogue
from extractor.options import ExtractionOptions
from extractor.parse import parse_record
from extractor.schemas import TrialExtraction, TrialRecord

__all__ = ["Extraction", "advance", "extract", "extract_by_rules"]

Extraction = Generator[QuestionBatch, Replies | None, TrialExtraction]
"""Yields what a model is to be asked, takes the replies (None where there is no model), returns the extraction."""


def extract(record: TrialRecord, options: ExtractionOptions) -> Extraction:
    """One record through all stages. Who drives it asks the model: nothing in here touches the network.

    The audit sees all values, also those below ``options.min_confidence``, which are left out last.
    """
    parsed = parse_record(record)
    result = yield from dialogue(parsed, options)
    extraction = assemble_extraction(parsed, result, options.tasks)
    return drop_doubtful(add_findings(parsed, extraction), options.min_confidence)


def extract_by_rules(record: TrialRecord, options: ExtractionOptions) -> TrialExtraction:
    """The extraction without a model. What ``options`` would ask of one is counted as open questions."""
    extraction = advance(record, options, [None])
    assert isinstance(extraction, TrialExtraction), "who has no model is asked once"
    return extraction


def advance(
    record: TrialRecord, options: ExtractionOptions, replies: Sequence[Replies | None] = ()
) -> QuestionBatch | TrialExtraction:
    """The next batch of questions after these replies to the batches before, or the extraction.

    A pure function of its arguments: any process can take the next step, and a step can be taken again.
    """
    extraction = extract(record, options)
    try:
        batch = next(extraction)
        for reply in replies:
            batch = extraction.send(reply)
    except StopIteration as end:
        finished: TrialExtraction = end.value
        return finished
    return batch
