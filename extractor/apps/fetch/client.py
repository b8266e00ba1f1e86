"""The registry over HTTP: one request at a time, at a polite rate, with retries.

Only this module of the package reaches the network.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx2
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from extractor.apps.fetch.pages import BadPage, Page, read_page
from extractor.errors import ArgumentError, RegistryError, RegistryRefused
from extractor.model.pace import RetryPolicy, is_temporary, retry_after
from extractor.model.spec import hide_user
from extractor.model.surroundings import check_network

BASE_URL = "https://clinicaltrials.gov/api/v2"
MAX_PAGE_BYTES = 1000**3
"""Largest page, unpacked, in bytes. A thousand records with results have about 200 MB."""
MOST_PER_PAGE = 1000
"""The API's largest page, in records."""
_MAX_MESSAGE_BYTES = 64 * 1024
_LONGEST_MESSAGE = 300
_CONNECT_S = 10.0
_PAGE_S = 300.0
_OK = 200
_BAD_REQUEST = 400
_PACKINGS = frozenset({"", "identity", "gzip"})
"""Content encodings that are accepted. Others can unpack to a million times their size at once."""
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry's address, and the limits of requests to it.

    Args:
        base_url: The address of the API, without ``/studies``. A user and password in it are sent,
            never shown or stored.
        requests_per_minute: The highest rate. A Retry-After of the server delays the next request,
            too.
        page_size: Records in a request, 1 to 1,000.
        timeout: The longest time without a byte of the reply, in seconds.
        policy: How often a request is repeated.

    Raises:
        ArgumentError: A value is outside these ranges, or the address is not http or https.

    >>> Registry(base_url="http://me:secret@mirror.test/api/v2/").name
    'http://***@mirror.test/api/v2'
    """

    base_url: str = BASE_URL
    requests_per_minute: float = 50.0
    page_size: int = MOST_PER_PAGE
    timeout: float = 60.0
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            usable = (
                parts.scheme in ("http", "https")
                and parts.hostname
                and not (parts.query or parts.fragment)
            )
            httpx2.URL(self.base_url)
        except (ValueError, httpx2.InvalidURL):
            usable = False
        if not usable:
            raise ArgumentError(
                f"{self.name}: not the address of a registry; give one such as {BASE_URL}"
            )
        if not 1 <= self.page_size <= MOST_PER_PAGE:
            raise ArgumentError(
                f"{self.page_size} records a page; the registry allows 1 to {MOST_PER_PAGE:,}"
            )
        if self.requests_per_minute <= 0 or self.timeout <= 0:
            raise ArgumentError("requests per minute and the timeout must be above 0")

    @property
    def name(self) -> str:
        """The address without a user and password."""
        return hide_user(self.base_url.rstrip("/"))

    @asynccontextmanager
    async def open(self) -> AsyncIterator["RegistryClient"]:
        """Open connections to the registry.

        Raises ``ArgumentError`` for a proxy or certificates of the environment that cannot be used.
        """
        check_network()
        headers = {
            "User-Agent": f"trial-extractor/{version('trial-extractor')}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        timeout = httpx2.Timeout(self.timeout, connect=min(self.timeout, _CONNECT_S))
        async with httpx2.AsyncClient(headers=headers, timeout=timeout) as http:
            yield RegistryClient(self, http)


class _Failure(Exception):
    """A request that may succeed later. ``wait`` is the server's Retry-After, in seconds."""

    def __init__(self, problem: str, remedy: str, wait: float | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.wait = wait


class RegistryClient:
    """Reads pages of studies. Made by ``Registry.open``."""

    def __init__(self, registry: Registry, http: httpx2.AsyncClient) -> None:
        self.registry = registry
        self._http = http
        self._has_answered = False
        # evenly spaced, never a burst
        self._limiter = AsyncLimiter(1, 60 / registry.requests_per_minute)

    async def get_page(self, parameters: Mapping[str, str | int]) -> Page:
        """Read one page of ``/studies``.

        Raises ``RegistryRefused`` if the registry refuses the parameters, ``RegistryError`` if it
        cannot be read, even after the retries.
        """
        policy = self.registry.policy
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Failure),
            wait=lambda state: policy.wait_before(state.attempt_number, self._asked_wait(state)),
            stop=self._stops,
            sleep=policy.sleep,
            reraise=True,
        )
        attempts = 0

        async def attempt() -> Page:
            nonlocal attempts
            attempts += 1
            async with self._limiter:
                return await self._get_once(parameters)

        try:
            return await retrying(attempt)
        except _Failure as failure:
            tried = f" (after {attempts} attempts)" if attempts > 1 else ""
            raise RegistryError(
                f"{self.registry.name}: {failure.problem}{tried}; {failure.remedy}"
            ) from None

    def _stops(self, state: RetryCallState) -> bool:
        policy = self.registry.policy
        attempts = (
            policy.attempts if self._has_answered else min(policy.attempts, policy.first_attempts)
        )
        return (
            state.attempt_number >= attempts
            or (self._asked_wait(state) or 0.0) > policy.longest_wait
        )

    @staticmethod
    def _asked_wait(state: RetryCallState) -> float | None:
        error = state.outcome and state.outcome.exception()
        return error.wait if isinstance(error, _Failure) else None

    async def _get_once(self, parameters: Mapping[str, str | int]) -> Page:
        """Read a page with one request. Raises ``_Failure`` if another may succeed, else
        ``RegistryError``.
        """
        url = f"{self.registry.base_url.rstrip('/')}/studies"
        try:
            async with (
                asyncio.timeout(_PAGE_S),
                self._http.stream("GET", url, params=parameters) as response,
            ):
                self._has_answered = True
                body = await self._read_body(response)
        except (TimeoutError, httpx2.TimeoutException) as error:
            if isinstance(error, httpx2.ConnectTimeout):
                raise self._unreachable("no answer") from None
            raise _Failure(
                "the reply did not arrive in time", "try later, or ask for fewer records a page"
            ) from None
        except (httpx2.ConnectError, httpx2.ProxyError) as error:
            raise self._unreachable(str(error) or type(error).__name__) from None
        except httpx2.RequestError as error:
            reason = str(error) or type(error).__name__
            raise _Failure(
                f"the reply broke off ({reason})", "the same command goes on where it stopped"
            ) from None
        if body.lstrip()[:1] == b"<" and response.status_code == _OK:
            raise RegistryError(
                f"{self.registry.name}: {_describe_web_page(body)} instead of records, as proxies "
                "and logins send; "
                "check the address and the proxy settings (HTTPS_PROXY)"
            )
        if response.status_code != _OK:
            raise self._explain_status(response, body)
        try:
            return read_page(body)
        except BadPage as error:
            remedy = "try later, or check that the address is that of the API, version 2"
            raise _Failure(f"the reply is not a page of studies: {error}", remedy) from None

    async def _read_body(self, response: httpx2.Response) -> bytes:
        packing = response.headers.get("content-encoding", "").strip().lower()
        if packing not in _PACKINGS:
            raise RegistryError(
                f"{self.registry.name}: the reply is packed as {packing[:20]!r}; only gzip is read"
            )
        allowed = MAX_PAGE_BYTES if response.status_code == _OK else _MAX_MESSAGE_BYTES
        body = bytearray()
        async for block in response.aiter_bytes():
            body += block
            if len(body) <= allowed:
                continue
            if response.status_code != _OK:
                break
            raise RegistryError(
                f"{self.registry.name}: a page of more than {allowed:,} bytes; ask for fewer "
                "records a page"
            )
        return bytes(body)

    def _unreachable(self, reason: str) -> _Failure:
        return _Failure(
            f"no connection ({reason})",
            "check the network, the address and the proxy settings (HTTPS_PROXY)",
        )

    def _explain_status(self, response: httpx2.Response, body: bytes) -> Exception:
        status = response.status_code
        # The registry sends plain text, proxies send web pages.
        text = " ".join(body.decode("utf-8", "replace").split())[:_LONGEST_MESSAGE]
        said = _describe_web_page(body) if body.lstrip()[:1] == b"<" else text
        problem = f"HTTP {status}{said and f': {said}'}"
        if status == _BAD_REQUEST:
            return RegistryRefused(
                f"{self.registry.name}: the registry refuses the request, {problem}"
            )
        if is_temporary(status):
            wait = retry_after(response.headers)
            asked = f", and asks to wait {wait:g} seconds" if wait else ""
            return _Failure(
                f"{problem}{asked}", "try later; the same command goes on where it stopped", wait
            )
        if target := response.headers.get("location"):
            problem = f"HTTP {status}, moved to {hide_user(target)[:_LONGEST_MESSAGE]}"
            remedy = "give that address"
        elif status == 404:
            remedy = "check that the address is that of the API, version 2"
        else:
            remedy = "check the address and the proxy settings (HTTPS_PROXY)"
        return RegistryError(f"{self.registry.name}: {problem}; {remedy}")


def _describe_web_page(body: bytes) -> str:
    title = _TITLE.search(body[:_MAX_MESSAGE_BYTES].decode("utf-8", "replace"))
    words = " ".join(title[1].split())[:_LONGEST_MESSAGE] if title else ""
    return f"a web page ({words!r})" if words else "a web page"
