"""The steps of one record's extraction in a run: plan, ask, finish.

An executor computes the first and the last step, perhaps in a worker process, and this process
asks the model in between. A worker imports this module, so the model client, whose import takes a
second, is imported where it is used.
"""

import pickle
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from extractor.options import ExtractionOptions
from extractor.pipeline import finish, plan
from extractor.run.tally import ExtractedLine, to_line
from extractor.schemas import Source, TrialRecord

if TYPE_CHECKING:
    from extractor.evidence.parsed import ParsedRecord
    from extractor.model.asking.questions import Replies
    from extractor.model.asking.request import Request
    from extractor.run.executor import Executor
    from extractor.setup import OpenExtractor


async def extract_with(
    executor: "Executor", opened: "OpenExtractor", record: TrialRecord
) -> ExtractedLine:
    """Extract a record: the executor computes the steps, and this process sends the questions to
    the extractor's model. Without a model, only the rules are applied, and questions are counted as
    open.

    Raises the errors of ``Executor.compute`` and ``ask_record``.

    >>> import asyncio
    >>> from extractor.formats import read_records
    >>> from extractor.run.executor import Executor
    >>> from extractor.setup import OpenExtractor
    >>> record = next(read_records("seeds/records"))
    >>> rules = OpenExtractor(None, ExtractionOptions())
    >>> asyncio.run(extract_with(Executor(), rules, record)).record_id[:3]
    '000'
    """
    model = opened.model
    plan_step = partial(
        plan_record, has_model=model is not None, packs=executor.capacity > 0
    )
    step = await executor.compute(plan_step, record, opened.options)
    # there is nothing to ask, or no model
    if isinstance(step, ExtractedLine):
        return step
    from extractor.model.asking.querying import ask_record  # noqa: PLC0415 - slow, and rules alone need no model
    from extractor.model.asking.questions import is_lacking  # noqa: PLC0415 - as above

    assert model
    request, parse = step
    replies = await ask_record(request, model)
    finish_step = partial(finish_record, lacking=is_lacking(replies))
    return await executor.compute(finish_step, parse, opened.options, request, replies)


@dataclass(frozen=True, slots=True)
class HeldParse:
    """The parse of a record, kept while the model is being queried. If worker processes compute the
    steps, the parse is pickled, because only they need its content.
    """

    source: Source
    content: "ParsedRecord | bytes"


def plan_record(
    record: TrialRecord, options: ExtractionOptions, *, has_model: bool, packs: bool
) -> "ExtractedLine | tuple[Request, HeldParse]":
    """Return the request about a record together with its parse, which is pickled if ``packs`` is
    True; or, if there is nothing to ask or no model, the finished line.
    """
    parsed, request = plan(record, options)
    if request is None or not has_model:
        return to_line(finish(parsed, options, request))
    held: ParsedRecord | bytes = parsed
    if packs:
        held = pickle.dumps(parsed)
    return request, HeldParse(record.source, held)


def finish_record(
    parse: HeldParse,
    options: ExtractionOptions,
    request: "Request",
    replies: "Replies",
    *,
    lacking: bool,
) -> ExtractedLine:
    """Return the finished line of a record."""
    parsed = parse.content
    if isinstance(parsed, bytes):
        parsed = pickle.loads(parsed)  # noqa: S301 - created by this program
    return to_line(finish(parsed, options, request, replies), lacking=lacking)
