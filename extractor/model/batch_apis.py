"""The batch APIs of OpenAI and Anthropic: create a batch, look at it, download its answers.

Replies are validated here: a proxy's page has none of the attributes that an SDK promises.
"""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import AliasChoices, AwareDatetime, BaseModel, Field, ValidationError

from extractor.masking import hide_keys, mask
from extractor.model.batch_lines import write_line
from extractor.model.completions import GarbledReply

_TAG = "extractor"
_SLACK = timedelta(minutes=5)
"""By how much the clock of a provider may differ."""
ENDED = {
    "completed": True,
    "expired": True,
    "ended": True,
    "cancelled": False,
    "failed": False,
}
"""The states of batches that have ended, and whether each request has a line then."""
_UNENDED = ("total", "processing")
"""Counts beside those of requests that have ended."""
_Reply = TypeVar("_Reply", bound=BaseModel)


class _Created(BaseModel):
    """A file or a batch."""

    id: str = Field(min_length=1)


class Progress(_Created):
    """A batch as its provider describes it."""

    state: str = Field(validation_alias=AliasChoices("status", "processing_status"))
    created_at: AwareDatetime | None = None
    request_counts: dict[str, int] | None = None
    metadata: dict[str, Any] | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: dict[str, Any] | None = None

    @property
    def done(self) -> int:
        """The number of requests that have ended."""
        counts = self.request_counts or {}
        return sum(counts[state] for state in counts if state not in _UNENDED)

    @property
    def message(self) -> str:
        """Why the provider refused the whole batch, "" if it did not."""
        errors = (self.errors or {}).get("data") or []
        shown = [f"{error.get('code')} {error.get('message')}" for error in errors]
        return hide_keys("; ".join(shown))


class _Batches(BaseModel):
    """The latest batches of an account."""

    data: list[Progress]


class BatchApi:
    """The batch API of a provider's ``sdk``, with OpenAI's protocol or Anthropic's. Raises the
    errors of the SDK, and ``GarbledReply``.
    """

    def __init__(self, sdk: Any, protocol: str) -> None:
        self._sdk = sdk
        self._is_openai = protocol == "openai"
        self._path = "/batches" if self._is_openai else "/v1/messages/batches"

    async def create(self, tag: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Create a batch of requests by their names. Returns its id."""
        body: dict[str, Any] = {
            "requests": [
                {"custom_id": name, "params": requests[name]} for name in requests
            ]
        }
        if self._is_openai:
            lines = [write_line(name, requests[name], "openai") for name in requests]
            uploaded = await self._sdk.files.with_raw_response.create(
                file=(f"{tag}.jsonl", b"".join(lines)), purpose="batch"
            )
            body = {
                "completion_window": "24h",
                "endpoint": "/v1/chat/completions",
                "input_file_id": _read(_Created, uploaded.content).id,
                "metadata": {_TAG: tag},
            }
        reply = await self._sdk.post(self._path, body=body, cast_to=bytes)
        return _read(_Created, reply).id

    async def find(
        self, tag: str, size: int, planned: str, known: Container[str]
    ) -> str | None:
        """Find a batch that was created without its id being stored; None if there is none.

        Anthropic's batches have no tag: one of the same size that was created since the time
        ``planned``, and is none of those ``known``, is taken for it.
        """
        since = datetime.fromisoformat(planned) - _SLACK
        for listed in await self._list():
            is_new = listed.created_at is None or listed.created_at > since
            has_size = sum((listed.request_counts or {}).values()) == size
            is_same = is_new and has_size and listed.id not in known
            if self._is_openai:
                is_same = (listed.metadata or {}).get(_TAG) == tag
            if is_same:
                return listed.id
        return None

    async def _list(self) -> list[Progress]:
        """List the latest batches of the account."""
        reply = await self._sdk.get(f"{self._path}?limit=100", cast_to=bytes)
        return _read(_Batches, reply).data

    async def look(self, name: str) -> Progress | None:
        """Return the progress of the batch with this id, None if the provider has it no longer.

        Raises the error of the SDK if there is no batch API at the address.
        """
        reply = await self._get(f"{self._path}/{quote(name, safe='')}")
        if reply is not None:
            return _read(Progress, reply)
        # with a wrong address, nothing is there
        await self._list()
        return None

    async def download(self, progress: Progress) -> dict[str, bytes | None]:
        """Download the files of answers of a batch that has ended, by address; None for a file that
        the provider has no longer. The address is never one that a reply names: the key goes with
        it.
        """
        files = [f"{self._path}/{quote(progress.id, safe='')}/results"]
        if self._is_openai:
            ids = filter(None, (progress.output_file_id, progress.error_file_id))
            files = [f"/files/{quote(file, safe='')}/content" for file in ids]
        return {file: await self._get(file) for file in files}

    async def _get(self, path: str) -> bytes | None:
        """Return what is at a path of the API, None if it is not there (any longer)."""
        try:
            return bytes(await self._sdk.get(path, cast_to=bytes))
        except Exception as error:
            if getattr(error, "status_code", None) not in (404, 410):
                raise
        return None


def _read(kind: type[_Reply], content: bytes) -> _Reply:
    """Read a reply. Raises ``GarbledReply``, which quotes its beginning, if it is another one."""
    try:
        return kind.model_validate_json(content)
    except ValidationError:
        beginning = mask(content.decode("utf-8", "replace"))[:80]
    raise GarbledReply(repr(beginning))
