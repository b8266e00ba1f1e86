"""Recorded HTTP exchanges for tests: what was asked, what a model answered, and that nobody made it up.

A cassette is a YAML file of vcrpy, with a note under ``metadata``: which models answered, with which prompts and
schemas, when, and a digest of the exchanges. Needs vcrpy, of the ``dev`` extra.
"""

import hashlib
import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

from extractor.errors import CassetteError, CassetteMiss, MissingExtra
from extractor.llm.requests import PromptVersion
from extractor.llm.spec import shown_model
from extractor.llm.trace import current_prompt

from .recordings import describe_miss

NOTE = "extractor"
"""The name of our note among a cassette's metadata."""

_SECRETS = re.compile(
    r"bearer\s+[\w.~+/-]{8,}|\bsk-[\w-]{8,}|^\s*(authorization|x-api-key|api-key|cookie)\s*:", re.I | re.M
)
_AGAIN = "record it again"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_STAND_IN = "model.test"
_KEPT_HEADERS = frozenset({"content-type", "retry-after"})


@contextmanager
def use_cassette(path: Path, *, record: bool = False, now: datetime | None = None) -> Iterator[Any]:
    """Inside the block, HTTP requests are answered from a cassette, or recorded into a new one.

    In replay no socket can be opened; a request that was never recorded raises ``CassetteMiss``; and
    an exchange that was not asked for fails the block with ``CassetteError``. A recording replaces the cassette when
    the block ends well, never half of it.
    """
    if record:
        yield from _record(path, now or datetime.now(UTC))
    else:
        yield from _replay(path)


def first_request(path: Path) -> dict[str, Any]:
    """The first request to a model in a cassette: a replay must repeat its model and mode.

    Raises ``CassetteMiss`` if there is no cassette, ``CassetteError`` if it holds no request.
    """
    if not path.is_file():
        raise CassetteMiss(f"{path}: no such cassette; record it (extractor cassettes record)")
    with _recorder({}).use_cassette(str(path), record_mode="none") as cassette:
        found = next((body for request in cassette.requests if (body := _body(request.body)).get("model")), None)
    if found is None:
        raise CassetteError(f"{path}: holds no request to a model; record it again")
    return found


def _replay(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise CassetteMiss(f"{path}: no such cassette; record it (extractor cassettes record)")
    with ExitStack() as stack:
        stack.enter_context(_closed_sockets(path))
        cassette = stack.enter_context(_recorder({}).use_cassette(str(path), record_mode="none"))
        stack.enter_context(patch.object(cassette, "can_play_response_for", _explaining_misses(cassette, path)))
        yield cassette
    unplayed = len(cassette) - sum(1 for times in cassette.play_counts.values() if times)
    if unplayed:
        raise CassetteError(
            f"{path}: {unplayed} of {len(cassette)} recorded exchanges were not asked for; record again"
        )


def _record(path: Path, now: datetime) -> Iterator[Any]:
    prompts: dict[str, PromptVersion] = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.recording")
    fresh.unlink(missing_ok=True)
    try:
        with _recorder(prompts).use_cassette(str(fresh), record_mode="all", record_on_exception=False) as cassette:
            yield cassette
            cassette.get_metadata(NOTE, _note(cassette, prompts, now))
        if fresh.exists():
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _recorder(prompts: dict[str, PromptVersion]) -> Any:
    """A vcrpy recorder: requests matched on the body, with fixed names for loopback addresses, without keys."""
    try:
        vcr: Any = import_module("vcr")  # of the dev extra
    except ImportError:
        raise MissingExtra("cassettes need vcrpy; install it with: pip install 'trial-extractor[dev]'") from None

    def clean_request(request: Any) -> Any:
        if request.method == "GET":
            return None  # whether a slow server is there at all is no part of a recording
        if prompt := current_prompt():
            prompts[prompt.name] = prompt
        request.uri = _without_loopback(request.uri)
        request.headers = {name: value for name, value in request.headers.items() if name.lower() in _KEPT_HEADERS}
        return request

    def clean_response(response: Any) -> Any:
        kept = {name: value for name, value in response["headers"].items() if name.lower() in _KEPT_HEADERS}
        return {**response, "headers": kept, "body": {"string": _without_folders(response["body"]["string"])}}

    return vcr.VCR(
        match_on=("method", "path", "body"),
        before_record_request=clean_request,
        before_record_response=clean_response,
        decode_compressed_response=True,
    )


def _without_loopback(uri: str) -> str:
    url = urlsplit(uri)
    if url.hostname not in _LOOPBACK:
        return uri
    return urlunsplit(url._replace(netloc=_STAND_IN))


def _without_folders(body: bytes) -> bytes:
    """A reply whose model is named without the folders of the machine it ran on."""
    reply = _body(body)
    name = reply.get("model")
    if not name or name == shown_model(name):
        return body
    return json.dumps({**reply, "model": shown_model(name)}, ensure_ascii=False).encode("utf-8")


def _explaining_misses(cassette: Any, path: Path) -> Callable[[Any], bool]:
    """Vcrpy's check whether a request is in the cassette, which raises ``CassetteMiss`` for one that is not.

    The transport of the client raises it, so nothing outside this module knows vcrpy.
    """
    can_play: Callable[[Any], bool] = cassette.can_play_response_for

    def check(request: Any) -> bool:
        if can_play(request):
            return True
        recorded = {f"exchange {n}": _body(known.body) for n, known in enumerate(cassette.requests, start=1)}
        raise CassetteMiss(describe_miss(_body(request.body), recorded, str(path)))

    return check


@contextmanager
def _closed_sockets(path: Path) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise CassetteMiss(f"{path}: something tried to use the network during a replay")

    with (
        patch.object(socket.socket, "connect", refuse),
        patch.object(socket.socket, "connect_ex", refuse),
        patch.object(socket, "getaddrinfo", refuse),
    ):
        yield


def _body(body: bytes | str | None) -> dict[str, Any]:
    try:
        parsed = json.loads(body or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def schema_digest(schema: object) -> str:
    """SHA-256 of a JSON schema, whatever the order of its keys.

    >>> schema_digest({"a": 1, "b": 2}) == schema_digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode("utf-8")).hexdigest()


def digest_exchanges(exchanges: Sequence[tuple[bytes | str | None, bytes | str | None]]) -> str:
    """SHA-256 over request and response bodies, by which a cassette that was edited gives itself away."""
    texts = [[_text(request), _text(response)] for request, response in exchanges]
    return hashlib.sha256(json.dumps(texts).encode("utf-8")).hexdigest()


def _text(body: bytes | str | None) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""


def _note(cassette: Any, prompts: dict[str, PromptVersion], now: datetime) -> dict[str, Any]:
    exchanges = [(request.body, response["body"]["string"]) for request, response in cassette.data]
    models = {shown_model(_body(response).get("model")) for _, response in exchanges}
    return {
        "recorded": now.date().isoformat(),
        "models": sorted(models - {""}),
        "prompts": [{"name": p.name, "version": p.version, "sha256": p.sha256} for _, p in sorted(prompts.items())],
        "digest": digest_exchanges(exchanges),
    }


def check_cassettes(
    folder: Path, prompts: Iterable[PromptVersion], schemas: Mapping[str, str] | None = None
) -> list[str]:
    """What is wrong with the cassettes in a folder, one line per problem.

    ``prompts`` are today's. ``schemas`` maps names of reply models to the ``schema_digest`` of what is sent today;
    names that it lacks are not checked (a replay finds out). Raises ``CassetteError`` if PyYAML is missing.
    """
    today = {prompt.name: prompt for prompt in prompts}
    problems = []
    for path in sorted(folder.glob("**/*.yaml")):
        problems += [f"{path.relative_to(folder)}: {problem}" for problem in _check(path, today, schemas or {})]
    return problems


def _check(path: Path, prompts: Mapping[str, PromptVersion], schemas: Mapping[str, str]) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if found := _SECRETS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        yield f"line {line} looks like a key; remove the file from the history and revoke the key"
    cassette = _load(text)
    if cassette is None:
        yield f"no cassette; {_AGAIN}"
        return
    note = (cassette.get("metadata") or {}).get(NOTE)
    if not note:
        yield f"no note of a recording, so written by hand or by another tool; {_AGAIN}"
        return
    yield from _check_note(note, cassette["interactions"])
    yield from _check_prompts(note.get("prompts") or [], prompts)
    yield from _check_schemas(cassette["interactions"], schemas)


def _load(text: str) -> dict[str, Any] | None:
    try:
        import yaml  # noqa: PLC0415 - comes with vcrpy, of the dev extra
    except ImportError:
        raise MissingExtra("cassettes need vcrpy; install it with: pip install 'trial-extractor[dev]'") from None
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    whole = isinstance(loaded, dict) and isinstance(loaded.get("interactions"), list)
    return loaded if whole else None


def _check_note(note: Mapping[str, Any], interactions: list[dict[str, Any]]) -> Iterator[str]:
    bodies = [(i["request"]["body"], i["response"]["body"]["string"]) for i in interactions]
    if note.get("digest") != digest_exchanges(bodies):
        yield f"edited after it was recorded; {_AGAIN}"
    if not interactions:
        yield f"holds no exchange; {_AGAIN}"
    if not note.get("models"):
        yield f"does not say which model answered; {_AGAIN}"


def _check_prompts(recorded: list[dict[str, Any]], prompts: Mapping[str, PromptVersion]) -> Iterator[str]:
    if not recorded:
        yield f"does not say which prompt was used; {_AGAIN}"
    for used in recorded:
        name, current = used.get("name", ""), prompts.get(used.get("name", ""))
        if current is None:
            yield f"recorded with prompt {name!r}, which is gone; {_AGAIN}"
        elif current.sha256 != used.get("sha256"):
            versions = f"version {used.get('version')}, today {current.version}"
            yield f"recorded with another text of prompt {name!r} ({versions}); {_AGAIN}"


def _check_schemas(interactions: list[dict[str, Any]], schemas: Mapping[str, str]) -> Iterator[str]:
    stale = set()
    for interaction in interactions:
        for name, schema in _schemas_of(interaction["request"]["body"]):
            if name in schemas and schemas[name] != schema_digest(schema):
                stale.add(name)
    for name in sorted(stale):
        yield f"recorded with another schema of {name!r}; {_AGAIN}"


def _schemas_of(body: str | bytes | None) -> Iterator[tuple[str, Any]]:
    request = json.loads(body or "{}")
    asked = (request.get("response_format") or {}).get("json_schema")
    if asked:
        yield asked["name"], asked["schema"]
    for tool in request.get("tools") or []:
        yield tool["function"]["name"], tool["function"]["parameters"]
