"""The registry over HTTP: one request at a time, at a polite rate, with retries.

Only this module of the package reaches the network.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic, sleep
from urllib.parse import urlsplit

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from extractor.apps.fetch.pages import StudyPage, read_page
from extractor.errors import ArgumentError, RegistryError, RegistryRefused
from extractor.model.pace import RetryPolicy, is_temporary, retry_after
from extractor.model.spec import hide_user
from extractor.model.surroundings import check_network

BASE_URL = "https://clinicaltrials.gov/api/v2"
MAX_PAGE_BYTES = 1000**3
"""Largest page, unpacked, in bytes. A thousand records with results have about 200 MB."""
MOST_PER_PAGE = 1000
"""The API's largest page, in records."""
_POLICY = RetryPolicy()
_CONNECT_S = 10.0
_LONGEST_QUOTE = 300
"""Bytes of a reply that a message quotes."""
_OK = 200
_BAD_REQUEST = 400
_REMEDY = (
    "check the network, the address and the proxy settings (HTTPS_PROXY); the same command "
    "goes on where it stopped"
)


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

    Raises:
        ArgumentError: A value is outside these ranges, or the address is not http or https.

    >>> Registry(base_url="http://me:secret@mirror.test/api/v2/").name
    'http://***@mirror.test/api/v2'
    """

    base_url: str = BASE_URL
    requests_per_minute: float = 50.0
    page_size: int = MOST_PER_PAGE
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if not _is_address(self.base_url):
            raise ArgumentError(
                f"{self.name}: not the address of a registry; give one such as {BASE_URL}"
            )
        is_size = 1 <= self.page_size <= MOST_PER_PAGE
        is_rate = self.requests_per_minute > 0
        is_time = self.timeout > 0
        if not (is_size and is_rate and is_time):
            raise ArgumentError(
                "page_size must be 1 to 1,000, requests_per_minute and timeout above 0"
            )

    @property
    def name(self) -> str:
        """The address without a user and password."""
        return hide_user(self.base_url.rstrip("/"))

    @contextmanager
    def open(self) -> Iterator["RegistryClient"]:
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
        with httpx2.Client(headers=headers, timeout=timeout) as http:
            yield RegistryClient(self, http)


def _is_address(text: str) -> bool:
    """Return whether a text is an address of the web to which ``/studies`` can be added."""
    try:
        httpx2.URL(text)
        parts = urlsplit(text)
    except (ValueError, httpx2.InvalidURL):
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    has_more_than_path = parts.query or parts.fragment
    return not has_more_than_path


class _Failure(RegistryError):
    """A request that may succeed later. ``wait`` is the server's Retry-After, in seconds."""

    wait: float | None = None


class RegistryClient:
    """Reads pages of studies. Made by ``Registry.open``."""

    def __init__(self, registry: Registry, http: httpx2.Client) -> None:
        self.registry = registry
        self._http = http
        self._has_read_page = False
        self._next_request = 0.0

    def get_page(self, parameters: Mapping[str, str | int]) -> StudyPage:
        """Read one page of ``/studies``.

        Raises ``RegistryRefused`` if the registry refuses the parameters, ``RegistryError`` if it
        cannot be read, even after the retries.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_Failure),
            wait=_wait_before_next,
            stop=self._is_last_attempt,
            sleep=sleep,
            reraise=True,
        )
        page = retrying(self._get_once, parameters)
        self._has_read_page = True
        return page

    def _is_last_attempt(self, state: RetryCallState) -> bool:
        """Return whether a request that failed is given up: after all attempts, which are fewer for
        a server that has not replied yet, or if the server asks for too long a wait.
        """
        attempts = _POLICY.first_attempts
        if self._has_read_page:
            attempts = _POLICY.attempts
        if state.attempt_number >= attempts:
            return True
        asked_wait = _asked_wait(state)
        return asked_wait is not None and asked_wait > _POLICY.longest_wait

    def _get_once(self, parameters: Mapping[str, str | int]) -> StudyPage:
        """Read a page with one request.

        Raises ``_Failure`` if another request may succeed: without a whole reply, after a temporary
        status, or if the reply is no page of studies (that of a login or a proxy).
        ``RegistryRefused`` if the registry refuses what was asked; of a later page, it refuses the
        token, which is a ``RegistryError`` as after any other status.
        """
        name = self.registry.name
        address = f"{self.registry.base_url.rstrip('/')}/studies"
        self._wait_for_turn()
        try:
            with self._http.stream("GET", address, params=parameters) as reply:
                body = self._read_body(reply)
        except httpx2.RequestError as error:
            raise _Failure(
                f"{name}: no whole reply ({type(error).__name__}: {error}); {_REMEDY}"
            ) from None
        begins = " ".join(body[:_LONGEST_QUOTE].decode("utf-8", "replace").split())
        status = (
            f"HTTP {reply.status_code} {reply.reason_phrase} ({begins or 'no text'})"
        )
        is_first_page = "pageToken" not in parameters
        # an unknown status or a broken expression
        if reply.status_code == _BAD_REQUEST and is_first_page:
            raise RegistryRefused(f"{name}: the registry refuses the request, {status}")
        if is_temporary(reply.status_code):
            failure = _Failure(f"{name}: {status}; {_REMEDY}")
            failure.wait = retry_after(reply.headers)
            raise failure
        if reply.status_code != _OK:
            raise RegistryError(f"{name}: {status}; {_REMEDY}")
        try:
            return read_page(body)
        except ValueError as error:
            problem = (
                f"the reply is not a page of studies: {error}; it begins {begins!r}"
            )
            raise _Failure(f"{name}: {problem}; {_REMEDY}") from None

    def _wait_for_turn(self) -> None:
        """Wait until the rate allows another request."""
        seconds = self._next_request - monotonic()
        if seconds > 0:
            sleep(seconds)
        self._next_request = monotonic() + 60 / self.registry.requests_per_minute

    def _read_body(self, reply: httpx2.Response) -> bytes:
        """Read a reply, unpacked. Raises ``RegistryError`` for a larger one than a page can be."""
        body = bytearray()
        for block in reply.iter_bytes():
            body += block
            if len(body) > MAX_PAGE_BYTES:
                problem = f"a page of more than {MAX_PAGE_BYTES:,} bytes"
                raise RegistryError(
                    f"{self.registry.name}: {problem}; ask for fewer records a page"
                )
        return bytes(body)


def _wait_before_next(state: RetryCallState) -> float:
    """Return the seconds to wait before the next attempt."""
    return _POLICY.wait_before(state.attempt_number, _asked_wait(state))


def _asked_wait(state: RetryCallState) -> float | None:
    """Return the seconds that the server asks to wait, None if it does not."""
    if state.outcome is None:
        return None
    error = state.outcome.exception()
    if not isinstance(error, _Failure):
        return None
    return error.wait
