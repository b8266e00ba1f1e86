"""Opens the chosen model: hosted, on a server, or a recording."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from extractor.llm.batch_api.requests import Exchange

from .cache import OpenReplies, ReplyStore
from .client import ClientSettings, Model
from .database import RUN_FILE, open_run_to_read
from .recordings import RecallTally, RecallTransport, RecordingTransport, ReplayTransport
from .requests import mode_of
from .spec import LOOPBACK, ModelKind, ModelSpec
from .transport import NetworkTransport, Route

_REPLAYED = ModelSpec(ModelKind.SERVER, "replay", "http://replay.invalid/v1")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model that answers, and whether its answers are recorded or replayed.

    ``replay`` is a folder of recordings or of a run; it needs no model and no network. ``exchange`` needs neither,
    except that a file of requests names a model. ``recall`` counts the questions that the replayed run does not
    answer; they stay open.

    Raises ``ValueError`` for ``record`` without a model or with ``replay``, a ``replay`` that is not a folder, an
    ``exchange`` together with one of these, and a file of requests without a model.
    """

    spec: ModelSpec | None = None
    replay: Path | None = None
    record: Path | None = None
    exchange: Exchange | None = None
    recall: RecallTally | None = None

    def __post_init__(self) -> None:
        if self.replay and self.record:
            raise ValueError("answers cannot be recorded and replayed at once; drop --record or --replay")
        if self.record and self.spec is None:
            raise ValueError("recording needs a model; add --model")
        if self.replay and not self.replay.is_dir():
            raise ValueError(f"{self.replay}: there is no such folder to replay; --record creates one")
        if self.exchange and (self.replay or self.record):
            raise ValueError("answers come from files or from a recording, not both; drop --record and --replay")
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


@asynccontextmanager
async def open_model(
    choice: ModelChoice,
    settings: ClientSettings | None = None,
    replies: OpenReplies | None = None,
    route: Route | None = None,
) -> AsyncIterator[Model | None]:
    """Open the chosen model until the block ends. Yields None if nothing answers.

    Replies are served from ``replies`` and stored there. ``route`` sets the budget and the transport of requests.
    """
    route, settings = route or Route(), settings or ClientSettings()
    with ExitStack() as stack:
        if choice.exchange or choice.replay or route.transport:  # answers from files keep nobody waiting
            settings = replace(settings, patience=None)
        spec = choice.spec if choice.spec and not choice.replay else _REPLAYED
        transport: Callable[[], httpx2.AsyncBaseTransport]
        if choice.exchange:
            exchange = stack.enter_context(choice.exchange.open())
            transport = lambda: exchange  # noqa: E731
            # The named model, with a fake address and key, because nothing is sent.
            spec = replace(spec, base_url="http://exchange.invalid/v1", api_key=SecretStr("none"))
        elif choice.replay and (choice.replay / RUN_FILE).is_file():
            # The model and the mode of the run's latest request.
            store = ReplyStore(stack.enter_context(closing(open_run_to_read(choice.replay))))
            if last := store.last_request:
                spec, settings = replace(spec, name=last["model"]), replace(settings, mode=mode_of(last))
            route, transport = Route(), lambda: RecallTransport(store, choice.recall)
        elif choice.replay:
            transport = partial(ReplayTransport, choice.replay)
        elif choice.spec:
            on_loopback = spec.base_url is not None and urlsplit(spec.base_url).hostname in LOOPBACK
            network = partial(NetworkTransport, direct=on_loopback)
            record = choice.record
            transport = route.transport or ((lambda: RecordingTransport(record, network())) if record else network)
        else:
            yield None
            return
        async with Model(spec, settings, transport=transport, replies=replies, meter=route.meter) as model:
            yield model
