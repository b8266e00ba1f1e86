"""Extraction over HTTP for many callers.

::

    caller --HTTP--> Guard (request id, headers, metrics) --> routes, behind a caller's key and limits
        POST /v1/extractions --> Service.extract: one record, answered at once
        POST /v1/jobs        --> JobFolders ROOT/jobs/<caller>/<job> --> JobRunner: a coroutine per running job

Everything runs in one event loop with one executor, whose processes do the computing. The loop itself asks the model,
counts each caller's spending and writes results. A job is the folder of a run with its upload beside it, so it
continues however the service ended.
"""

import faulthandler
from collections.abc import Sequence

from extractor.llm.dialogue import QuestionBatch, Replies
from extractor.options import ExtractionOptions
from extractor.run.tally import ExtractedLine
from extractor.run.worker import advance_record
from extractor.schemas import TrialRecord


def advance_in_time(
    record: TrialRecord, options: ExtractionOptions, replies: Sequence[Replies | None], seconds: float
) -> QuestionBatch | ExtractedLine:
    """``advance_record`` in a worker process, which ends itself if that takes longer.

    It stands here because a worker imports nothing else of this package.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        return advance_record(record, options, replies)
    finally:
        faulthandler.cancel_dump_traceback_later()
