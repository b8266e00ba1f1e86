"""Weights from a model hub, by HTTP, going on from where an earlier pull stopped.

``huggingface_hub`` gives addresses (``HF_ENDPOINT`` names a mirror), tokens, proxies, offline mode and error
messages. The bytes are streamed here: its own ``hf_hub_download`` (2.x) writes to a file with a random name and
deletes it on failure, so that an interrupted gigabyte would start again from nothing.
"""

import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

import httpx2

from extractor.errors import ModelUnavailable

from .catalogue import HubSource, LocalModel
from .store import Progress

__all__ = ["EXTRA_MISSING", "fetch_from_hub"]

EXTRA_MISSING = "{module} is not installed; `pip install 'trial-extractor[local]'` brings it"
ATTEMPTS_WITHOUT_GAIN = 4
PAUSE_S = 1.0
LOCK_WAIT_S = 1.0
CHUNK_BYTES = 1 << 20
TIMEOUT = httpx2.Timeout(10.0, read=30.0)


def fetch_from_hub(model: LocalModel, source: HubSource, partial: Path, progress: Progress) -> None:
    """Complete ``partial`` to the model's size. What is in it already is not asked for again.

    Raises ``ModelUnavailable`` if the hub cannot be reached, or says beforehand that it has another file.
    """
    hub = _import_hub()
    url = hub.hf_hub_url(source.repo, source.file, revision=source.revision)
    try:
        with hub.utils.WeakFileLock(partial.with_suffix(".lock"), timeout=LOCK_WAIT_S):
            if _size(partial) < model.bytes:
                _check_announced(hub, url, model)
                _stream_all(hub, url, model.bytes, partial, progress)
    except TimeoutError as error:  # of the lock; the network's timeouts are httpx2's
        raise ModelUnavailable("another process is pulling this file") from error
    except (httpx2.HTTPError, OSError) as error:  # OSError: offline mode, proxies, a full disk
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"{url}: {reason}") from error


def _import_hub() -> ModuleType:
    try:
        import_module("huggingface_hub.utils")  # the package loads its parts lazily
        return import_module("huggingface_hub")
    except ImportError as error:
        raise ModelUnavailable(EXTRA_MISSING.format(module="huggingface_hub")) from error


def _check_announced(hub: ModuleType, url: str, model: LocalModel) -> None:
    """Refuse another file before its first byte is sent. The hub's tag of a large file is its SHA-256."""
    # The hub's own reply says it; the store of files that it redirects to does not.
    reply = hub.get_session().head(url, headers=_headers(hub), timeout=TIMEOUT, follow_redirects=False)
    if reply.is_error:
        hub.hf_raise_for_status(reply)
    size, tag = reply.headers.get("X-Linked-Size"), reply.headers.get("X-Linked-Etag", "").strip('"')
    if size not in (None, str(model.bytes)):
        raise ModelUnavailable(f"{url}: has {size} bytes, not {model.bytes}: refused")
    if len(tag) == 64 and tag != model.sha256:
        raise ModelUnavailable(f"{url}: has SHA-256 {tag}, not {model.sha256}: refused")


def _stream_all(hub: ModuleType, url: str, size: int, partial: Path, progress: Progress) -> None:
    """Stream until ``size`` bytes are there; a broken line is tried again as long as bytes still arrive."""
    failures = 0
    while (before := _size(partial)) < size:
        problem: httpx2.TransportError | None = None
        try:
            _stream_once(hub, url, size, partial, progress)
        except httpx2.TransportError as error:
            problem = error
        failures = 0 if _size(partial) > before else failures + 1
        if failures == ATTEMPTS_WITHOUT_GAIN:
            raise problem or httpx2.ReadError("the hub sends no more bytes")
        if problem:
            time.sleep(PAUSE_S)


def _stream_once(hub: ModuleType, url: str, size: int, partial: Path, progress: Progress) -> None:
    done = _size(partial)
    headers = _headers(hub) | ({"Range": f"bytes={done}-"} if done else {})
    with hub.get_session().stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
        hub.hf_raise_for_status(response)
        if response.status_code != 206:  # the whole file, whatever was asked for
            done = 0
        progress(done, size)
        with partial.open("ab" if done else "wb") as file:
            for chunk in response.iter_bytes(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                progress(done, size)


def _headers(hub: ModuleType) -> dict[str, str]:
    # Not the hub's build_hf_headers: it looks up, by network, who the user may be, to tell the hub.
    headers = {"User-Agent": "trial-extractor"}
    # A compressed reply would make byte positions mean something else.
    headers["Accept-Encoding"] = "identity"
    if token := hub.get_token():
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
