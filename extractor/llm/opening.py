"""Open the model that the user chose: hosted, on a server, on this machine, or a recording of one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from .answer_mode import AnswerMode
from .batch_api.requests import Exchange
from .keeping.recording import ClientTransport, RecordingTransport, ReplayTransport
from .keeping.replies import ReplyStore
from .keeping.run_file import RUN_FILE, open_run_to_read
from .keeping.stored import OpenReplies, RecallTally, RecallTransport, StoredTransport
from .local import ServerSettings, default_model, locate_model, serve_model
from .model import AskSettings, Model
from .sending.first_contact import FirstContactTransport
from .sending.lanes import LaneTransport
from .sending.metered import Meter, MeteredTransport, Route
from .sending.pace import PacedTransport
from .spec import ModelKind, ModelSpec

__all__ = ["ModelChoice", "open_model", "served_name"]

_REPLAYED = ModelSpec(ModelKind.SERVER, "replay", "http://replay.invalid/v1")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and whether its answers are kept or come from a recording.

    With ``replay``, a folder of recordings or of a run, no model is needed and the network is not touched; with
    ``exchange`` neither, except that requests to be written need the name of a model. ``cache_dir`` is where models of
    this machine were pulled to, the user's cache if not given. With ``recall``, what the ``replay`` of a run does not
    hold is counted there and stays open. Raises ``ValueError`` for
    ``record`` without a model or together with ``replay``, for a ``replay`` that is no folder, for an ``exchange``
    beside these, and for one that writes requests to a model of this machine or to none.
    """

    spec: ModelSpec | None = None
    replay: Path | None = None
    record: Path | None = None
    cache_dir: Path | None = None
    exchange: Exchange | None = None
    recall: RecallTally | None = None

    def __post_init__(self) -> None:
        if self.replay and self.record:
            raise ValueError("answers are either recorded or replayed, not both; drop --record or --replay")
        if self.record and self.spec is None:
            raise ValueError("there is no model whose answers could be recorded; add --model")
        if self.replay and not self.replay.is_dir():
            raise ValueError(f"{self.replay}: there is no such folder to replay; --record makes one")
        if self.exchange:
            self._check_exchange(self.exchange)

    def _check_exchange(self, exchange: Exchange) -> None:
        if self.replay or self.record:
            raise ValueError("answers come by file or by recording, not both; drop --record and --replay")
        if exchange.requests and (self.spec is None or self.spec.kind is ModelKind.LOCAL):
            raise ValueError("requests are written for a hosted model or a server's; name it with --model")

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
    settings: AskSettings | None = None,
    replies: OpenReplies | None = None,
    route: Route | None = None,
) -> AsyncIterator[Model | None]:
    """The chosen model, ready to be asked until the body ends; None where nothing answers.

    What ``replies`` has an answer to is not asked, and every other reply is kept there. ``route`` is how requests
    get to a model. A model of this machine is served until the body ends. Raises ``ModelUnavailable`` if it is not
    here.
    """
    if not choice.answers:
        yield None
        return
    route = route or Route()
    if choice.exchange:
        with choice.exchange.open() as exchange:
            transport = _kept(lambda: exchange, replies, route.meter)
            async with Model(_by_file(choice.spec), settings, transport=transport) as model:
                yield model
        return
    if choice.replay and (choice.replay / RUN_FILE).is_file():
        async with _recall_run(choice.replay, choice.recall, settings, replies) as model:
            yield model
        return
    chosen = _REPLAYED if choice.replay or choice.spec is None else choice.spec
    local = chosen.kind is ModelKind.LOCAL
    server = ServerSettings()
    if local:
        settings = _fit_to_server(settings or AskSettings(), server)
    with _serve(chosen, choice.cache_dir, server) if local else nullcontext(chosen) as spec:
        network = _transport(choice, spec)
        if not choice.replay:
            network = route.lead(network)
        async with Model(spec, settings, transport=_kept(network, replies, route.meter)) as model:
            yield model


@asynccontextmanager
async def _recall_run(
    folder: Path, tally: RecallTally | None, settings: AskSettings | None, replies: OpenReplies | None
) -> AsyncIterator[Model]:
    """The model of a run as its store remembers it, told the schema in the way that it was told last."""
    with closing(open_run_to_read(folder)) as run:
        recorded = ReplyStore(run)
        spec = replace(_REPLAYED, name=recorded.model or _REPLAYED.name)
        settings = replace(settings or AskSettings(), mode=recorded.mode)
        async with Model(spec, settings, transport=_kept(lambda: RecallTransport(recorded, tally), replies)) as model:
            yield model


def served_name(spec: ModelSpec | None) -> str:
    """What the server of a model will call it; nothing for no model.

    >>> served_name(ModelSpec.parse("local:smollm2-135m")), served_name(None)
    ('smollm2-135m', '')
    """
    if spec is None or spec.name:
        return spec.name or "" if spec else ""
    return default_model().name


_Transport = Callable[[], httpx2.AsyncBaseTransport]


def _kept(inner: _Transport, replies: OpenReplies | None, meter: Meter | None = None) -> _Transport:
    """The transport with a store of replies and a meter before it."""
    if replies is not None:
        return lambda: StoredTransport(replies, inner(), meter)
    return (lambda: MeteredTransport(inner(), meter)) if meter else inner


def _by_file(spec: ModelSpec | None) -> ModelSpec:
    """The model that requests are written for, at an address and with a key that are nobody's."""
    spec = _REPLAYED if spec is None or spec.kind is ModelKind.LOCAL else spec
    return replace(spec, base_url="http://exchange.invalid/v1", others=(), api_key=SecretStr("none"))


def _fit_to_server(settings: AskSettings, server: ServerSettings) -> AskSettings:
    """No more requests at once than the server answers, since one that waits here cannot time out; and a grammar for
    the lines of each call, since a weak model strays.
    """
    return replace(settings, mode=AnswerMode.LINES, concurrency=min(settings.concurrency, server.slots))


@contextmanager
def _serve(spec: ModelSpec, cache_dir: Path | None, settings: ServerSettings) -> Iterator[ModelSpec]:
    weights = locate_model(str(spec.path) if spec.path else spec.name or "", cache_dir=cache_dir)
    with serve_model(weights, settings) as server:
        yield replace(spec.at(server.base_url, server.model), api_key=SecretStr(server.token))


def _transport(choice: ModelChoice, spec: ModelSpec) -> _Transport:
    if choice.replay:
        folder = choice.replay
        return lambda: ReplayTransport(folder)
    network = partial(_network, direct=_is_loopback(spec))
    if choice.record:
        kept = choice.record
        return lambda: RecordingTransport(kept, network())
    return network


def _network(*, direct: bool) -> httpx2.AsyncBaseTransport:
    """A proxy must not be asked for a server of this machine; a client's own transport would."""
    secure = httpx2.create_ssl_context()  # takes as long as all else that a connection needs, so once for all
    make = partial(httpx2.AsyncHTTPTransport if direct else ClientTransport, secure)
    return PacedTransport(FirstContactTransport(LaneTransport(make)))


def _is_loopback(spec: ModelSpec) -> bool:
    hosts = {urlsplit(address).hostname for address in spec.addresses}
    return bool(hosts) and hosts <= {"localhost", "127.0.0.1", "::1"}
