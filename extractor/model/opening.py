"""Open the chosen source of answers: a model, an earlier run, or files."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from extractor.errors import (
    AnswerMissing,
    AnswerPending,
    ArgumentError,
)
from extractor.model.calls import Call
from extractor.model.client import Model, Route
from extractor.model.completions import Completion
from extractor.model.database import RUN_FILE, open_run_to_read
from extractor.model.exchange import Exchange
from extractor.model.spec import SERVER, ClientSettings, ModelSpec
from extractor.model.store import CallStore, OpenStore

_REPLAYED = ModelSpec(SERVER, "replay", "http://replay.invalid/v1")


@dataclass(slots=True)
class ReplayTally:
    """The number of calls without a stored answer."""

    missing: int = 0


def recall(
    store: CallStore, call: Call, *, tally: ReplayTally | None = None
) -> Completion:
    """Return a run's answer to a call, whichever model gave the answer.

    Raises ``AnswerMissing`` for a call without an answer. If a ``tally`` is given, such calls are
    counted, and ``AnswerPending`` is raised instead.
    """
    stored = store.recall(call.question_key)
    if stored:
        return stored.completion
    if tally:
        tally.missing += 1
        raise AnswerPending("the answer is not in the run's store")
    raise AnswerMissing(
        "the run's store has no answer to this call; ask with --model, or replay with the prompts "
        "and settings of the run"
    )


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The choice of the source of answers.

    ``replay`` is the folder of an earlier run, whose answers are used without a model or network.
    ``exchange`` does not need a model or network either, but writing a request file requires a
    model. ``tally`` counts the questions that the replayed run does not answer; they stay open.

    Raises ``ArgumentError`` if ``replay`` is not a run's folder, or if a request file is to be
    written but there is no model.
    """

    spec: ModelSpec | None = None
    replay: Path | None = None
    exchange: Exchange | None = None
    tally: ReplayTally | None = None

    def __post_init__(self) -> None:
        if self.replay and not (self.replay / RUN_FILE).is_file():
            remedy = "choose a folder to which an earlier run was written with --out"
            raise ArgumentError(f"{self.replay}: no run to replay; {remedy}")
        if self.exchange and self.exchange.requests and self.spec is None:
            raise ArgumentError(
                "requests must be written for a specific model; choose it with --model"
            )

    @property
    def answers(self) -> bool:
        """Whether there is a source of answers: a model, an earlier run, or files."""
        return any((self.spec, self.replay, self.exchange))

    def __str__(self) -> str:
        if self.replay:
            return f"replay of {self.replay}"
        return str(self.exchange or self.spec or "none")


@asynccontextmanager
async def open_model(
    choice: ModelChoice,
    settings: ClientSettings | None = None,
    store: OpenStore | None = None,
    route: Route | None = None,
) -> AsyncIterator[Model | None]:
    """Open the chosen source of answers until the block ends. Yields None if there is no source.

    Answer files take precedence over an earlier run, and an earlier run over the model. Answers
    are read from ``store`` and stored there. ``route`` sets the budget and the function that
    answers instead of the model; a replay does not cost anything. In a replay, the model is given
    the name of the run's latest model.
    """
    route = route or Route()
    settings = settings or ClientSettings()
    spec = choice.spec or _REPLAYED
    if not choice.answers:
        yield None
        return
    with ExitStack() as stack:
        if choice.exchange:
            files = stack.enter_context(
                choice.exchange.open(spec, settings, route.meter)
            )
            route = replace(
                route,
                answer=files.answer,
                is_usable=files.is_usable,
                list_unused=files.list_unused,
            )
        elif choice.replay:
            opened = stack.enter_context(closing(open_run_to_read(choice.replay)))
            run = CallStore(opened)
            spec = replace(_REPLAYED, name=next(iter(run.models), _REPLAYED.name))
            route = Route(answer=partial(recall, run, tally=choice.tally))
        # patience is only needed while waiting for a live model
        if route.answer:
            settings = replace(settings, patience=None)
        async with Model(spec, settings, store=store, route=route) as model:
            yield model
