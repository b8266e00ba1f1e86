"""Records asked of a model, each once for each way of asking."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.policy.situations import Situations, count_situations
from extractor.ask.inquire import inquire
from extractor.ask.model import AskSettings
from extractor.ask.opening import ModelChoice, open_model
from extractor.ask.plan.questions import Assist
from extractor.assemble import ALL_TASKS, Inquiry
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import TrialExtraction

__all__ = ["Asked", "Round", "ask_all"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One record's inquiry, and how it did beside gold: by field and situation, who was right."""

    parsed: ParsedRecord
    inquiry: Inquiry
    situations: Situations


@dataclass(frozen=True, slots=True)
class Round:
    """All records, asked in one way; ``seconds`` by the clock for all of them."""

    records: tuple[Asked, ...]
    seconds: float

    def tokens(self, name: str) -> list[int]:
        """A count of each record's usage, such as ``prompt_tokens``."""
        return [getattr(asked.inquiry.usage, name) for asked in self.records]

    def total(self, *names: str) -> int:
        """Counts of all records' usage, added up."""
        return sum(sum(self.tokens(name)) for name in names)


async def ask_all(
    pairs: Sequence[tuple[ParsedRecord, TrialExtraction]], choice: ModelChoice, assist: Assist, **settings: Any
) -> Round:
    """Ask about every record; ``settings`` are those of asking. Raises what opening the model raises."""

    async def ask(parsed: ParsedRecord, gold: TrialExtraction) -> Asked:
        inquiry = await inquire(parsed, model, ALL_TASKS, assist)
        return Asked(parsed, inquiry, count_situations(parsed, inquiry, gold))

    async with open_model(choice, AskSettings(**settings)) as model:
        start = time.perf_counter()
        records = await asyncio.gather(*(ask(parsed, gold) for parsed, gold in pairs))
        return Round(tuple(records), time.perf_counter() - start)
