"""Open the chosen model: a provider's, or the answers of an earlier run or of files."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from .client import Answerer, Model
from .database import RUN_FILE, open_run_to_read
from .exchange import Exchange
from .metering import Meter
from .replay import Replay, ReplayTally
from .settings import ClientSettings
from .spec import SERVER, ModelSpec
from .store import CallStore, OpenStore

_REPLAYED = ModelSpec(SERVER, "replay", "http://replay.invalid/v1")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Who answers.

    ``replay`` is the folder of an earlier run; it needs no model and no network. ``exchange`` needs neither, except
    that a file of requests names a model. ``tally`` counts the questions that the replayed run does not answer; they
    stay open.

    Raises ``ValueError`` for a ``replay`` that is not a run's folder, an ``exchange`` together with it, and a file of
    requests without a model.
    """

    spec: ModelSpec | None = None
    replay: Path | None = None
    exchange: Exchange | None = None
    tally: ReplayTally | None = None

    def __post_init__(self) -> None:
        if self.replay and not (self.replay / RUN_FILE).is_file():
            raise ValueError(f"{self.replay}: there is no run to replay; name the folder of one (--out of that run)")
        if self.exchange and self.replay:
            raise ValueError("answers come from files or from a run, not both; drop --replay")
        if self.exchange and self.exchange.requests and self.spec is None:
            raise ValueError("requests are written for a model; name it with --model")

    @property
    def answers(self) -> bool:
        """Whether anything answers questions."""
        return self.spec is not None or self.replay is not None or self.exchange is not None

    def __str__(self) -> str:
        if self.exchange:
            return str(self.exchange)
        return f"replay of {self.replay}" if self.replay else str(self.spec) if self.spec else "none"


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

    Answers are served from ``store`` and stored there. ``route`` sets the budget and the answerer.
    """
    route, settings = route or Route(), settings or ClientSettings()
    with ExitStack() as stack:
        if choice.exchange or choice.replay or route.answerer:  # answers from files keep nobody waiting
            settings = replace(settings, patience=None)
        spec, answerer = choice.spec or _REPLAYED, route.answerer
        if choice.exchange:
            files = stack.enter_context(choice.exchange.open(spec, settings))
            answerer = lambda: files  # noqa: E731
        elif choice.replay:
            run = CallStore(stack.enter_context(closing(open_run_to_read(choice.replay))))
            spec = replace(_REPLAYED, name=next(iter(run.models), _REPLAYED.name))
            answerer, route = (lambda: Replay(run, choice.tally)), Route()
        elif choice.spec is None:
            yield None
            return
        async with Model(spec, settings, answerer=answerer, store=store, meter=route.meter) as model:
            yield model
