"""One model asked about all records, one at a time, and its extractions held against those of the rules."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from benchmarks.models.asking import Round, ask_record
from benchmarks.models.believing import assemble_held_out, assemble_shipped
from benchmarks.models.pairs import Pairs
from benchmarks.models.tables import compare_with_rules
from extractor.assemble import ModelResult, assemble_extraction
from extractor.errors import CassetteError, ModelError, StoreError
from extractor.evaluation.report import ScoreReport
from extractor.llm.opening import open_model
from extractor.llm.spec import ModelKind
from extractor.options import Assist

from .contestants import Contestant, check_at_hand

__all__ = ["Comparison", "Interview", "LeftOut", "Measured", "add_processor_seconds", "compare_models"]


@dataclass(frozen=True, slots=True)
class Interview:
    """A model's answers about all records. ``cpu_seconds`` are those of its server, where that is a child of ours."""

    asked: Round
    cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's answers, and its scores with the policy that ships and with one counted on the other records alone."""

    contestant: Contestant
    interview: Interview
    shipped: ScoreReport
    held_out: ScoreReport | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model that was not at hand, and why."""

    contestant: Contestant
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rules alone, and every model that could be asked. ``rules`` is compared with itself."""

    records: int
    rules: ScoreReport
    measured: tuple[Measured, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def columns(self) -> dict[str, ScoreReport]:
        """The scores of each model by its name, beside them those with a held-out policy."""
        found: dict[str, ScoreReport] = {}
        for one in self.measured:
            found[one.contestant.name] = one.shipped
            if one.held_out:
                found[f"{one.contestant.name}, held out"] = one.held_out
        return found


def compare_models(
    pairs: Pairs,
    contestants: Sequence[Contestant],
    *,
    resamples: int = 1000,
    held_out: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Ask one model after the other; ``tell`` is told which. One that is not at hand does not keep others from it."""
    gold = [label for _, label in pairs]
    rules = [assemble_extraction(parsed, ModelResult()) for parsed, _ in pairs]
    measured, left_out = [], []
    for contestant in contestants:
        tell(f"{contestant.name}: {contestant.choice}")
        try:
            interview = asyncio.run(_interview(pairs, contestant))
        except (ModelError, CassetteError, StoreError) as error:
            left_out.append(LeftOut(contestant, str(error).partition("\n")[0]))
            continue
        shipped, apart = assemble_shipped(interview.asked), assemble_held_out(interview.asked) if held_out else None
        measured.append(
            Measured(
                contestant,
                interview,
                compare_with_rules(gold, shipped, rules, resamples),
                compare_with_rules(gold, apart, rules, resamples) if apart is not None else None,
            )
        )
    return Comparison(len(pairs), compare_with_rules(gold, rules, rules, 0), tuple(measured), tuple(left_out))


async def _interview(pairs: Pairs, contestant: Contestant) -> Interview:
    """One record after the other, so that each has the model for itself."""
    choice = contestant.choice
    if contestant.is_live and choice.spec:
        check_at_hand(choice.spec)
    is_child = contestant.is_live and choice.spec is not None and choice.spec.kind is ModelKind.LOCAL
    async with open_model(choice) as model:
        before = add_processor_seconds() if is_child else 0.0
        asked = [await ask_record(model, parsed, gold, Assist.AUTO) for parsed, gold in pairs]
        cpu_seconds = add_processor_seconds() - before if is_child else None
    return Interview(Round(tuple(asked), sum(one.seconds for one in asked)), cpu_seconds)


def add_processor_seconds() -> float:
    """What this process's children have computed so far: of a comparison, the server of a model of this machine."""
    times = (child.cpu_times() for child in psutil.Process().children(recursive=True))
    return float(sum(one.user + one.system for one in times))
