"""Access to the registry over HTTP: one request at a time, at a polite rate, with retries. No other
module in ``fetch`` accesses the network.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic, sleep

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from extractor.apps.fetch.pages import StudyPage, read_page
from extractor.errors import ArgumentError, RegistryError, RegistryRefused
from extractor.masking import hide_user
from extractor.model.pace import RetryPolicy, find_meaning, retry_after

BASE_URL = "https://clinicaltrials.gov/api/v2"
MAX_PAGE_BYTES = 1000**3
"""Maximum size of an unpacked page in bytes. A thousand records with results take up about 200
MB.
"""
MOST_PER_PAGE = 1000
"""Maximum number of records on a page of the API."""
_POLICY = RetryPolicy(attempts=5)
_CONNECT_S = 10.0
_LONGEST_QUOTE = 300
"""Maximum number of bytes from a reply that are quoted in a message."""
_REMEDY = (
    "check the network, the address and the proxy settings (HTTPS_PROXY); run the same command to "
    "continue where it stopped"
)


def find_address() -> str:
    """Return the address of the API: the mirror's if EXTRACTOR_REGISTRY is set, or else that of
    ClinicalTrials.gov.
    """
    return os.environ.get("EXTRACTOR_REGISTRY") or BASE_URL


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry's address, and the limits for requests to it.

    Args:
        base_url: The address of the API without ``/studies``, by default ``EXTRACTOR_REGISTRY`` or
            ClinicalTrials.gov. A user name and password in the address are sent, but never shown
            or stored.
        requests_per_minute: The maximum rate. A Retry-After header also delays the next request.
        page_size: The number of records per request, from 1 to 1,000.
        timeout: The maximum time between two successive bytes of the reply, in seconds.

    Raises:
        ArgumentError: A value is outside these ranges, or the address is not an http or https URL.

    >>> Registry(base_url="http://me:secret@mirror.test/api/v2/").name
    'http://***@mirror.test/api/v2'
    """

    base_url: str = field(default_factory=find_address)
    requests_per_minute: float = 50.0
    page_size: int = MOST_PER_PAGE
    timeout: float = 60.0

    def __post_init__(self) -> None:
        try:
            url = httpx2.URL(self.base_url)
            is_address = url.scheme in ("http", "https") and bool(url.host)
        except httpx2.InvalidURL:
            is_address = False
        if not is_address or "?" in self.base_url or "#" in self.base_url:
            raise ArgumentError(
                f"{self.name}: not the address of a registry; use an address such as {BASE_URL}"
            )
        is_size = 1 <= self.page_size <= MOST_PER_PAGE
        if not is_size or self.requests_per_minute <= 0 or self.timeout <= 0:
            raise ArgumentError(
                "page_size must be from 1 to 1,000, and requests_per_minute and timeout must "
                "be above 0"
            )

    @property
    def name(self) -> str:
        """The address without its user name and password."""
        return hide_user(self.base_url.rstrip("/"))

    @contextmanager
    def open(self) -> Iterator["RegistryClient"]:
        """Open a connection to the registry."""
        headers = {
            "User-Agent": f"trial-extractor/{version('trial-extractor')}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        timeout = httpx2.Timeout(self.timeout, connect=min(self.timeout, _CONNECT_S))
        with httpx2.Client(headers=headers, timeout=timeout) as http:
            yield RegistryClient(self, http)


class _Failure(RegistryError):
    """A request failed, but may succeed later. ``wait`` is the value of the server's Retry-After
    header, in seconds.
    """

    wait: float | None = None


def _is_enough(state: RetryCallState) -> bool:
    """Return whether to give up: after the last attempt, or if the server asks for a long wait."""
    failure = state.outcome.exception() if state.outcome else None
    assert isinstance(failure, _Failure), "only such failures are repeated"
    is_long = (failure.wait or 0) > _POLICY.longest_wait
    return is_long or state.attempt_number >= _POLICY.attempts


class RegistryClient:
    """Reads pages of studies. Created by ``Registry.open``."""

    def __init__(self, registry: Registry, http: httpx2.Client) -> None:
        self.registry = registry
        self._http = http
        self._next_request = 0.0

    def get_page(self, parameters: Mapping[str, str | int]) -> StudyPage:
        """Read one page of ``/studies``, with up to five attempts. If the server asks the client
        to wait for more than a minute, there are no further attempts.

        Raises ``RegistryRefused`` if the registry rejects the parameters, and ``RegistryError`` if
        the page cannot be read.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_Failure),
            stop=_is_enough,
            wait=_POLICY.wait,
            sleep=sleep,
            reraise=True,
        )
        return retrying(self._get_in_turn, parameters)

    def _get_in_turn(self, parameters: Mapping[str, str | int]) -> StudyPage:
        """Read a page as ``_get_once`` does. Requests are evenly spaced."""
        sleep(max(0.0, self._next_request - monotonic()))
        pause = 60 / self.registry.requests_per_minute
        self._next_request = monotonic() + pause
        return self._get_once(parameters)

    def _get_once(self, parameters: Mapping[str, str | int]) -> StudyPage:
        """Read a page with a single request.

        Raises ``_Failure`` if another request may succeed, that is, if the reply is incomplete,
        has a temporary status, or is something other than a page of studies, such as a login page.
        Raises ``RegistryRefused`` if the registry rejects the parameters, and ``RegistryError``
        for any other status, including when the token for a later page is rejected.
        """
        name = self.registry.name
        address = f"{self.registry.base_url.rstrip('/')}/studies"
        body = bytearray()
        try:
            with self._http.stream("GET", address, params=parameters) as reply:
                for block in reply.iter_bytes():
                    body += block
                    if len(body) > MAX_PAGE_BYTES:
                        raise RegistryError(
                            f"{name}: a page of more than {MAX_PAGE_BYTES:,} bytes; request fewer "
                            "records per page"
                        )
        except httpx2.RequestError as error:
            raise _Failure(
                f"{name}: incomplete reply ({type(error).__name__}: {error}); {_REMEDY}"
            ) from None
        begins = " ".join(body[:_LONGEST_QUOTE].decode("utf-8", "replace").split())
        code = reply.status_code
        status = f"HTTP {code} {reply.reason_phrase} ({begins or 'no text'})"
        # on the first page, a parameter is wrong, such as an unknown status; on a later page, the
        # token may have expired, so the error is raised below
        if code == httpx2.codes.BAD_REQUEST and "pageToken" not in parameters:
            raise RegistryRefused(
                f"{name}: the registry rejected the request, {status}"
            )
        if find_meaning(code).is_temporary:
            failure = _Failure(f"{name}: {status}; {_REMEDY}")
            failure.wait = retry_after(reply.headers)
            raise failure
        if code != httpx2.codes.OK:
            raise RegistryError(f"{name}: {status}; {_REMEDY}")
        try:
            return read_page(bytes(body))
        except ValueError as error:
            problem = f"the reply is not a page of studies: {error}"
            raise _Failure(
                f"{name}: {problem}; it starts with {begins!r}; {_REMEDY}"
            ) from None
