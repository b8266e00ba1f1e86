"""Recordings of HTTP exchanges with models.

A cassette is a YAML file of vcrpy. A note under ``metadata`` holds the models, the prompts, the
date, and a digest that reveals edits.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import yaml
from vcr import VCR

from extractor.errors import AnswerMissing, AnswersError
from extractor.model.calls import Prompt
from extractor.model.sending import Sender
from extractor.model.spec import LOOPBACK, shown_model

NOTE = "extractor"
"""The name of our note in a cassette's metadata."""

_SECRETS = re.compile(
    r"bearer\s{1,9}[\w.~+/-]{8,}|\bsk-[\w-]{8,}|^[ "
    r"\t]{0,99}(authorization|x-api-key|api-key|cookie)\s*:",
    re.I | re.M,
)
_PATH = re.compile(r'(File \\")/[^"\\]*/(?=[^"/\\]+\\")')
"""The folder in the traceback of a server, which is one of the recording machine."""
_PLACEHOLDER_HOST = "model.test"
_KEPT_HEADERS = frozenset({"content-type", "retry-after"})


@contextmanager
def use_cassette(path: Path, *, record: bool = False) -> Iterator[Any]:
    """Answer HTTP requests inside the block from a cassette, or record them into a new one.

    A request that was never recorded fails as if the server were away; ``AnswersError`` is raised at
    the end of the block if an exchange was not used. A recording replaces the cassette only if the
    block ends without an error.
    """
    if record:
        with _recording(path) as cassette:
            yield cassette
        return
    read_cassette(path)
    with _recorder().use_cassette(str(path), record_mode="none") as cassette:
        yield cassette
    if not cassette.all_played:
        raise AnswersError(f"{path}: recorded exchanges were not used; record again")


@contextmanager
def _recording(path: Path) -> Iterator[Any]:
    prompts: dict[str, Prompt] = {}
    send = Sender.send

    async def note_prompt(self: Sender, bill: Any, *args: Any) -> Any:
        prompts[bill.call.prompt.name] = bill.call.prompt
        return await send(self, bill, *args)

    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.recording")
    fresh.unlink(missing_ok=True)
    try:
        with (
            _recorder().use_cassette(
                str(fresh), record_mode="all", record_on_exception=False
            ) as cassette,
            patch.object(Sender, "send", note_prompt),
        ):
            yield cassette
            exchanges = [
                (_text(request.body), _text(response["body"]["string"]))
                for request, response in cassette.data
            ]
            models = {
                shown_model(_load_object(reply).get("model") or "")
                for _, reply in exchanges
            }
            note = {
                "recorded": datetime.now(UTC).date().isoformat(),
                "models": sorted(models - {""}),
                "prompts": [
                    {"name": p.name, "version": p.version, "sha256": p.sha256}
                    for p in prompts.values()
                ],
                "digest": _digest(exchanges),
            }
            cassette.get_metadata(NOTE, note)
        if fresh.exists():
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def check_cassette(path: Path, prompts: Mapping[str, Prompt]) -> Iterator[str]:
    """Yield the problems of a cassette. ``prompts`` are the current ones."""
    text = path.read_text(encoding="utf-8")
    secret = _SECRETS.search(text)
    if secret:
        line = text.count("\n", 0, secret.start()) + 1
        yield f"line {line} looks like a key; remove the file from the history and revoke the key"
    try:
        cassette = read_cassette(path)
    except AnswersError:
        yield "not a cassette; record it again"
        return
    note = (cassette.get("metadata") or {}).get(NOTE) or {}
    interactions = cassette["interactions"]
    if not interactions or not note.get("models"):
        yield "has no exchange, or no note of a recording that says which model answered; record it again"
        return
    exchanges = [
        (exchange["request"]["body"], exchange["response"]["body"]["string"])
        for exchange in interactions
    ]
    if note.get("digest") != _digest(exchanges):
        yield "edited after it was recorded; record it again"
    for used in note.get("prompts") or [{}]:
        yield from _check_prompt(used, prompts)


def read_cassette(path: Path) -> dict[str, Any]:
    """Read a cassette. Raises ``AnswerMissing`` without the file, ``AnswersError`` if it is not
    a cassette.
    """
    if not path.is_file():
        raise AnswerMissing(
            f"{path}: no such cassette; record it (python -m tests.recording record)"
        )
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except yaml.YAMLError:
        loaded = None
    if not isinstance(loaded, dict) or not isinstance(loaded.get("interactions"), list):
        raise AnswersError(f"{path}: not a cassette; record it again")
    return loaded


def _recorder() -> VCR:
    """A vcrpy recorder that matches requests on the body, replaces loopback addresses and
    removes keys.
    """

    def keep(headers: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: headers[name] for name in headers if name.lower() in _KEPT_HEADERS
        }

    def clean_request(request: Any) -> Any:
        url = urlsplit(request.uri)
        if url.hostname in LOOPBACK:
            request.uri = urlunsplit(url._replace(netloc=_PLACEHOLDER_HOST))
        request.headers = keep(request.headers)
        return request

    def clean_response(response: Any) -> Any:
        body = response["body"]["string"]
        reply = _load_object(body)
        name = reply.get("model")
        # a name may hold a path of the recording machine
        if name and name != shown_model(name):
            reply["model"] = shown_model(name)
            body = json.dumps(reply, ensure_ascii=False).encode("utf-8")
        body = _PATH.sub(r"\1", _text(body)).encode("utf-8")
        return {
            **response,
            "headers": keep(response["headers"]),
            "body": {"string": body},
        }

    return VCR(
        match_on=("method", "path", "body"),
        before_record_request=clean_request,
        before_record_response=clean_response,
        decode_compressed_response=True,
    )


def _check_prompt(
    used: Mapping[str, Any], prompts: Mapping[str, Prompt]
) -> Iterator[str]:
    """Yield what differs between a prompt of a recording and the current one of its name."""
    name = used.get("name", "")
    current = prompts.get(name)
    if current is None or current.sha256 != used.get("sha256"):
        yield f"recorded with another prompt {name!r}, {used.get('version')}; record it again"


def _digest(exchanges: Iterable[tuple[bytes | str | None, bytes | str | None]]) -> str:
    """SHA-256 of request and response bodies, which reveals edits of a cassette."""
    texts = [[_text(request), _text(response)] for request, response in exchanges]
    return hashlib.sha256(json.dumps(texts).encode("utf-8")).hexdigest()


def _text(body: bytes | str | None) -> str:
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return body or ""


def _load_object(body: bytes | str | None) -> dict[str, Any]:
    try:
        loaded = json.loads(body or "")
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}
