"""Open the chosen model: a provider's, or the answers of an earlier run or of files."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from extractor.errors import (
    AnswerMissing,
    AnswerPending,
    ArgumentError,
    ModelUnavailable,
    RequestTooLong,
)
from extractor.model.calls import Call, estimate_tokens
from extractor.model.client import Model
from extractor.model.completions import Completion
from extractor.model.database import RUN_FILE, open_run_to_read
from extractor.model.exchange import Exchange
from extractor.model.failures import is_too_long
from extractor.model.metering import Answerer, Meter, Requests
from extractor.model.spec import SERVER, ClientSettings, ModelSpec
from extractor.model.store import CallStore, OpenStore, State

_REPLAYED = ModelSpec(SERVER, "replay", "http://replay.invalid/v1")


@dataclass(slots=True)
class ReplayTally:
    """The numbers of stored answers that were used and of calls without one, and the prompt
    tokens of the latter.
    """

    answered: int = 0
    missing: int = 0
    missing_tokens: int = 0


class Replay(Answerer):
    """Answers from a run's store: each question gets the run's answer, of whatever model.

    Calls that failed in the run fail again. Raises ``AnswerMissing`` for an unknown call. With a
    ``tally``, unknown calls are counted and stay open (``AnswerPending``).
    """

    def __init__(self, store: CallStore, tally: ReplayTally | None = None) -> None:
        self._store = store
        self._tally = tally

    async def __call__(
        self,
        call: Call,
        most: int,  # noqa: ARG002 - it sends none
        requests: Requests,  # noqa: ARG002 - it sends none
    ) -> tuple[Completion, int]:
        """Return the run's answer to a call. Raises what became of a call without one: too long for
        the model, unknown to the run, or without a reply.
        """
        stored = self._store.recall(call.question_key)
        if stored and stored.completion and stored.state is not State.ASKED:
            calls = stored.completion.usage.calls
            if self._tally:
                self._tally.answered += calls
            return stored.completion, calls
        if stored and is_too_long(stored.why):
            raise RequestTooLong(
                "the model of the run found this call too long", lasting=False
            )
        if self._tally:
            self._tally.missing += 1
            self._tally.missing_tokens += estimate_tokens(call.system + call.user)
            raise AnswerPending("the answer is not in the run's store")
        if stored is None:
            remedy = (
                "ask with --model, or replay with the prompts and settings of the run"
            )
            raise AnswerMissing(f"no answer to this call in the run's store; {remedy}")
        raise ModelUnavailable("the run got no reply to this call", lasting=False)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The choice of who answers.

    ``replay`` is the folder of an earlier run; it needs no model and no network. ``exchange`` needs
    neither, except that a file of requests names a model. ``tally`` counts the questions that the
    replayed run does not answer; they stay open.

    Raises ``ArgumentError`` for a ``replay`` that is not a run's folder, an ``exchange`` together
    with it, and a file of requests without a model.
    """

    spec: ModelSpec | None = None
    replay: Path | None = None
    exchange: Exchange | None = None
    tally: ReplayTally | None = None

    def __post_init__(self) -> None:
        if self.replay and not (self.replay / RUN_FILE).is_file():
            raise ArgumentError(
                f"{self.replay}: there is no run to replay; name the folder of one (--out of that "
                "run)"
            )
        if self.exchange and self.replay:
            raise ArgumentError(
                "answers come from files or from a run, not both; drop --replay"
            )
        if self.exchange and self.exchange.requests and self.spec is None:
            raise ArgumentError(
                "requests are written for a model; name it with --model"
            )

    @property
    def answers(self) -> bool:
        """Whether anything answers questions: a model, an earlier run, or files."""
        sources = (self.spec, self.replay, self.exchange)
        return any(source is not None for source in sources)

    def __str__(self) -> str:
        if self.exchange:
            return str(self.exchange)
        if self.replay:
            return f"replay of {self.replay}"
        if self.spec:
            return str(self.spec)
        return "none"


@dataclass(frozen=True, slots=True)
class Route:
    """The budget that calls must fit, and what answers them in place of the live model."""

    meter: Meter | None = None
    answerer: Callable[[], Answerer] | None = None


@asynccontextmanager
async def open_model(
    choice: ModelChoice,
    settings: ClientSettings | None = None,
    store: OpenStore | None = None,
    route: Route | None = None,
) -> AsyncIterator[Model | None]:
    """Open the chosen model until the block ends. Yields None if nothing answers.

    Files of answers come before an earlier run, a run before the model. Answers are served from
    ``store`` and stored there. ``route`` sets the budget and the answerer; a replay has its own
    answerer and costs nothing. A replayed model has the name of the run's latest model.
    """
    route = route or Route()
    settings = settings or ClientSettings()
    with ExitStack() as stack:
        # answers from files keep nobody waiting
        if choice.exchange or choice.replay or route.answerer:
            settings = replace(settings, patience=None)
        spec = choice.spec or _REPLAYED
        answerer = route.answerer
        if choice.exchange:
            files = stack.enter_context(choice.exchange.open(spec, settings))
            answerer = lambda: files  # noqa: E731
        elif choice.replay:
            database = stack.enter_context(closing(open_run_to_read(choice.replay)))
            run = CallStore(database)
            models = run.models
            if models:
                spec = replace(_REPLAYED, name=models[0])
            else:
                spec = _REPLAYED
            answerer = lambda: Replay(run, choice.tally)  # noqa: E731
            route = Route()
        elif choice.spec is None:
            yield None
            return
        async with Model(
            spec, settings, answerer=answerer, store=store, meter=route.meter
        ) as model:
            yield model
