"""The batch APIs of OpenAI and Anthropic: create a batch, look at it, download its answers.

Replies are checked here: a proxy's page has none of the attributes that an SDK promises.
"""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic_core import from_json

from extractor.masking import hide_keys
from extractor.model.batch_lines import write_line
from extractor.model.completions import at, read_garbled

_TAG = "extractor"
_SLACK = timedelta(minutes=5)
"""The allowed difference of a provider's clock."""
ENDED = {
    "completed": True,
    "expired": True,
    "ended": True,
    "cancelled": False,
    "failed": False,
}
"""The states of batches that have ended, and whether each request then has a line."""


class Progress(NamedTuple):
    """A batch as its provider describes it: how many requests have ended, why the provider refused
    all of it ("" if it did not), and where its answers are.
    """

    state: str
    done: int
    message: str
    files: tuple[str, ...]


class BatchApi:
    """The batch API of a provider's ``sdk``, with OpenAI's protocol or Anthropic's. Raises the
    errors of the SDK, and ``Failure``.
    """

    def __init__(self, sdk: Any, protocol: str) -> None:
        self._sdk = sdk
        self._is_openai = protocol == "openai"
        self._path = "/batches" if self._is_openai else "/v1/messages/batches"

    async def create(self, tag: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Create a batch of requests by their names. Returns its id."""
        body: dict[str, Any]
        if self._is_openai:
            lines = [write_line(name, requests[name], "openai") for name in requests]
            uploaded = await self._sdk.files.with_raw_response.create(
                file=(f"{tag}.jsonl", b"".join(lines)), purpose="batch"
            )
            body = {
                "completion_window": "24h",
                "endpoint": "/v1/chat/completions",
                "input_file_id": _read(uploaded.content, "id"),
                "metadata": {_TAG: tag},
            }
        else:
            rows = [{"custom_id": name, "params": requests[name]} for name in requests]
            body = {"requests": rows}
        created = await self._sdk.post(self._path, body=body, cast_to=bytes)
        return str(_read(created, "id"))

    async def find(
        self, tag: str, size: int, planned: str, known: Container[str]
    ) -> str | None:
        """Find a batch that was created without its id being stored; None if there is none.

        Anthropic's batches have no tag: one of the same size that was created since the time
        ``planned``, and is none of those ``known``, is taken for it.
        """
        since = datetime.fromisoformat(planned) - _SLACK
        reply = await self._sdk.get(f"{self._path}?limit=100", cast_to=bytes)
        for listed in _read(reply, "data"):
            is_same = at(listed, f"metadata {_TAG}") == tag
            if not self._is_openai and listed["id"] not in known:
                is_new = datetime.fromisoformat(listed["created_at"]) > since
                is_same = is_new and sum(listed["request_counts"].values()) == size
            if is_same:
                return str(listed["id"])
        return None

    async def look(self, name: str) -> Progress | None:
        """Return the progress of the batch with this id, None if the provider does not have it."""
        path = f"{self._path}/{quote(name, safe='')}"
        reply = await self.get(path)
        if reply is None:
            return None
        state = _read(reply, "status" if self._is_openai else "processing_status")
        body = from_json(reply)
        counts = dict(at(body, "request_counts") or {})
        # all, and those that have not ended
        for other in ("total", "processing"):
            counts.pop(other, 0)
        errors = at(body, "errors data")
        shown = [f"{at(error, 'code')} {at(error, 'message')}" for error in errors]
        # The address is never one that a reply names: the key goes with it.
        files = [f"{path}/results"]
        if self._is_openai:
            ids = filter(None, (at(body, f"{k}_file_id") for k in ("output", "error")))
            files = [f"/files/{quote(file, safe='')}/content" for file in ids]
        message = hide_keys("; ".join(shown))
        return Progress(state, sum(counts.values()), message, tuple(files))

    async def get(self, path: str) -> bytes | None:
        """Return what is at a path of the API, None if it is not there (any longer)."""
        try:
            return bytes(await self._sdk.get(path, cast_to=bytes))
        except Exception as error:
            if getattr(error, "status_code", None) not in (404, 410):
                raise
        return None


def _read(content: bytes, name: str) -> Any:
    """Read a member of a reply. Raises ``Failure``, which quotes its beginning, without it."""
    try:
        return from_json(content)[name]
    except (ValueError, LookupError, TypeError):
        raise read_garbled(content.decode("utf-8", "replace")) from None
