"""Access to the registry and to PubMed over HTTP: one request at a time, at a polite rate, with
retries. No other module in ``fetch`` accesses the network.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic, sleep
from typing import TypeVar

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from extractor.apps.fetch.pages import Study, StudyPage, read_page, split_papers
from extractor.errors import ArgumentError, RegistryError, RegistryRefused
from extractor.face import RetryPolicy, explain_status, hide_user, remember, retry_after

BASE_URL = "https://clinicaltrials.gov/api/v2"
PAPERS_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
MAX_PAGE_BYTES = 1000**3
"""Maximum size of an unpacked page in bytes. A thousand records with results take up about 200
MB.
"""
MOST_PER_PAGE = 1000
"""Maximum number of records on a page of the API."""
_TOOL = "trial-extractor"
_PER_SECOND = 3
_PER_SECOND_WITH_KEY = 10
"""The most requests per second that E-utilities accept without and with a key."""
_POLICY = RetryPolicy(attempts=5)
_CONNECT_S = 10.0
T = TypeVar("T")
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


def find_papers_address() -> str:
    """Return the address of E-utilities: that in EXTRACTOR_EUTILS, or else that of the NCBI."""
    return os.environ.get("EXTRACTOR_EUTILS") or PAPERS_URL


def _refuse_address(address: str, example: str) -> None:
    """Raise ``ArgumentError`` if an address is not an http or https URL without parameters."""
    try:
        url = httpx2.URL(address)
        is_address = url.scheme in ("http", "https") and bool(url.host)
    except httpx2.InvalidURL:
        is_address = False
    if not is_address or "?" in address or "#" in address:
        raise ArgumentError(
            f"{hide_user(address.rstrip('/'))}: not the address of a registry; use an address such "
            f"as {example}"
        )


@contextmanager
def _open_http(accept: str, timeout: float) -> Iterator[httpx2.Client]:
    headers = {
        "User-Agent": f"{_TOOL}/{version(_TOOL)}",
        "Accept": accept,
        "Accept-Encoding": "gzip",
    }
    limits = httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_S))
    with httpx2.Client(headers=headers, timeout=limits) as http:
        yield http


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
        _refuse_address(self.base_url, BASE_URL)
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
        with _open_http("application/json", self.timeout) as http:
            yield RegistryClient(self, http)


@dataclass(frozen=True, kw_only=True)
class PaperSource:
    """The address of PubMed's E-utilities, and the limits for requests to it.

    Args:
        base_url: The address of E-utilities, by default ``EXTRACTOR_EUTILS`` or that of the NCBI.
        api_key: A key of the NCBI, by default ``NCBI_API_KEY``. It is optional, and only allows
            more requests. It is sent, but never shown or stored.
        requests_per_minute: The maximum rate, if it is lower than the NCBI's own limit of 3
            requests per second, or 10 with a key.
        batch_size: The number of papers per request. Full papers are fetched in fewer.
        timeout: The maximum time between two successive bytes of the reply, in seconds.

    Raises:
        ArgumentError: A value is not above 0, or the address is not an http or https URL.

    >>> PaperSource(api_key=None).rate
    180.0
    """

    base_url: str = field(default_factory=find_papers_address)
    api_key: str | None = field(
        default_factory=lambda: os.environ.get("NCBI_API_KEY") or None, repr=False
    )
    requests_per_minute: float | None = None
    batch_size: int = 100
    timeout: float = 60.0

    def __post_init__(self) -> None:
        _refuse_address(self.base_url, PAPERS_URL)
        remember(self.api_key)
        if min(self.rate, self.batch_size, self.timeout) <= 0:
            raise ArgumentError(
                "requests_per_minute, batch_size and timeout must be above 0"
            )

    @property
    def name(self) -> str:
        """The address without its user name and password."""
        return hide_user(self.base_url.rstrip("/"))

    @property
    def rate(self) -> float:
        """The maximum number of requests per minute."""
        most = 60.0 * (_PER_SECOND_WITH_KEY if self.api_key else _PER_SECOND)
        if self.requests_per_minute is None:
            return most
        return min(most, self.requests_per_minute)

    @contextmanager
    def open(self) -> Iterator["PaperClient"]:
        """Open a connection to E-utilities."""
        with _open_http("text/xml", self.timeout) as http:
            yield PaperClient(self, http)


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


class _Client:
    """Sends requests, evenly spaced, and repeats those that fail for a while.

    Args:
        name: The address, as shown in messages.
        requests_per_minute: The maximum rate.
        http: The connection.
    """

    def __init__(
        self, name: str, requests_per_minute: float, http: httpx2.Client
    ) -> None:
        self._name = name
        self._pause = 60 / requests_per_minute
        self._http = http
        self._next_request = 0.0

    def _get(self, request: httpx2.Request, read: Callable[[bytes], T], form: str) -> T:
        """Return what ``read`` reads of the reply, with up to five attempts. If the server asks the
        client to wait for more than a minute, there are no further attempts.

        Raises ``RegistryRefused`` if the server rejects the request, and ``RegistryError`` if the
        reply cannot be read, which has the ``form`` of a page of studies, for example.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_Failure),
            stop=_is_enough,
            wait=_POLICY.wait,
            sleep=sleep,
            reraise=True,
        )
        found: T = retrying(self._get_in_turn, request, read, form)
        return found

    def _get_in_turn(
        self, request: httpx2.Request, read: Callable[[bytes], T], form: str
    ) -> T:
        """Read a reply as ``_get_once`` does. Requests are evenly spaced."""
        sleep(max(0.0, self._next_request - monotonic()))
        self._next_request = monotonic() + self._pause
        return self._get_once(request, read, form)

    def _get_once(
        self, request: httpx2.Request, read: Callable[[bytes], T], form: str
    ) -> T:
        """Read a reply with a single request.

        Raises ``_Failure`` if another request may succeed, that is, if the reply is incomplete,
        has a temporary status, or is something else, such as a login page. Raises
        ``RegistryRefused`` if the server rejects the parameters, and ``RegistryError`` for any
        other status, including when the token for a later page is rejected.
        """
        body = bytearray()
        try:
            reply = self._http.send(request, stream=True)
            with closing(reply):
                for block in reply.iter_bytes():
                    body += block
                    if len(body) > MAX_PAGE_BYTES:
                        raise RegistryError(
                            f"{self._name}: a page of more than {MAX_PAGE_BYTES:,} bytes; request "
                            "fewer records per page"
                        )
        except httpx2.RequestError as error:
            raise _Failure(
                f"{self._name}: incomplete reply ({type(error).__name__}: {error}); {_REMEDY}"
            ) from None
        begins = " ".join(body[:_LONGEST_QUOTE].decode("utf-8", "replace").split())
        code = reply.status_code
        status = f"HTTP {code} {reply.reason_phrase} ({begins or 'no text'})"
        # on the first page, a parameter is wrong, such as an unknown status; on a later page, the
        # token may have expired, so the error is raised below
        if code == httpx2.codes.BAD_REQUEST and "pageToken" not in request.url.params:
            raise RegistryRefused(
                f"{self._name}: the registry rejected the request, {status}"
            )
        if explain_status(code).is_temporary:
            failure = _Failure(f"{self._name}: {status}; {_REMEDY}")
            failure.wait = retry_after(reply.headers)
            raise failure
        if code != httpx2.codes.OK:
            raise RegistryError(f"{self._name}: {status}; {_REMEDY}")
        try:
            return read(bytes(body))
        except ValueError as error:
            raise _Failure(
                f"{self._name}: the reply is not {form}: {error}; it starts with {begins!r}; "
                f"{_REMEDY}"
            ) from None


class RegistryClient(_Client):
    """Reads pages of studies. Created by ``Registry.open``."""

    def __init__(self, registry: Registry, http: httpx2.Client) -> None:
        super().__init__(registry.name, registry.requests_per_minute, http)
        self.registry = registry

    def get_page(self, parameters: Mapping[str, str | int]) -> StudyPage:
        """Read one page of ``/studies``.

        Raises ``RegistryRefused`` if the registry rejects the parameters, and ``RegistryError`` if
        the page cannot be read.
        """
        address = f"{self.registry.base_url.rstrip('/')}/studies"
        request = self._http.build_request("GET", address, params=parameters)
        return self._get(request, read_page, "a page of studies")


class PaperClient(_Client):
    """Reads papers. Created by ``PaperSource.open``."""

    def __init__(self, source: PaperSource, http: httpx2.Client) -> None:
        super().__init__(source.name, source.rate, http)
        self.source = source

    def get_papers(self, database: str, ids: Sequence[str]) -> list[Study]:
        """Read papers from a database, ``pubmed`` or ``pmc``; ``ids`` are digits. Papers that the
        database does not have are left out.

        Raises ``RegistryRefused`` if the server rejects the request, and ``RegistryError`` if the
        reply cannot be read.
        """
        # in the body, because addresses with a key might be logged on the way
        fields = {"db": database, "id": ",".join(ids), "retmode": "xml", "tool": _TOOL}
        if self.source.api_key:
            fields["api_key"] = self.source.api_key
        address = f"{self.source.base_url.rstrip('/')}/efetch.fcgi"
        request = self._http.build_request("POST", address, data=fields)
        return self._get(request, split_papers, "a set of papers")
