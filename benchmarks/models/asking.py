"""Records asked of a model, each once for each way of asking."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.policy.situations import Situations, count_situations
from extractor.assemble import ModelResult
from extractor.llm.client import ClientSettings, Model
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.querying import query_model
from extractor.options import Assist, ExtractionOptions
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import TrialExtraction

__all__ = ["Asked", "Round", "ask_all", "ask_record"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One record's result, and how it did beside gold: by field and situation, who was right.

    ``seconds`` by the clock from the first question to the last answer; where others are asked at the same time, they
    are waited for, too.
    """

    parsed: ParsedRecord
    result: ModelResult
    situations: Situations
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """All records, asked in one way; ``seconds`` by the clock for all of them."""

    records: tuple[Asked, ...]
    seconds: float

    def tokens(self, name: str) -> list[int]:
        """A count of each record's usage, such as ``prompt_tokens``."""
        return [getattr(asked.result.usage, name) for asked in self.records]

    def total(self, *names: str) -> int:
        """Counts of all records' usage, added up."""
        return sum(sum(self.tokens(name)) for name in names)


async def ask_all(
    pairs: Sequence[tuple[ParsedRecord, TrialExtraction]], choice: ModelChoice, assist: Assist, **settings: Any
) -> Round:
    """Ask about every record; ``settings`` are those of asking. Raises what opening the model raises."""
    async with open_model(choice, ClientSettings(**settings)) as model:
        start = time.perf_counter()
        records = await asyncio.gather(*(ask_record(model, parsed, gold, assist) for parsed, gold in pairs))
        return Round(tuple(records), time.perf_counter() - start)


async def ask_record(model: Model | None, parsed: ParsedRecord, gold: TrialExtraction, assist: Assist) -> Asked:
    """Ask about one record. Parsing it and holding the answers against gold are not in its seconds."""
    start = time.perf_counter()
    result = await query_model(parsed, model, ExtractionOptions(assist=assist))
    seconds = time.perf_counter() - start
    return Asked(parsed, result, count_situations(parsed, result, gold), seconds)
