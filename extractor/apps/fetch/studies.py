"""Fetch studies page by page: each once, whatever the paging does."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from io import BytesIO
from typing import NamedTuple

from anyio.from_thread import start_blocking_portal

from extractor.apps.fetch.client import Registry, RegistryClient
from extractor.apps.fetch.pages import Page, Study
from extractor.apps.fetch.query import RegistryQuery, parse_nct_numbers
from extractor.errors import RecordError, RegistryError, RegistryRefused
from extractor.formats import read_stream
from extractor.schemas import TrialRecord

_MOST_NUMBERS = 200
"""NCT numbers in one request: servers limit the length of an address to some 8,000 characters."""

Wanted = Sequence[str] | RegistryQuery
"""What to fetch: NCT numbers in upper case, or a query."""


class FetchedPage(NamedTuple):
    """The studies of a page that were not known before.

    ``token`` continues a query after them: it is that of the next page, or of this page again if a
    limit ended within it; None stands for the first page. ``total`` is the registry's count of the
    query's studies, ``ends`` whether it has no more of them.
    """

    studies: tuple[Study, ...]
    token: str | None = None
    total: int | None = None
    ends: bool = False


async def fetch_pages(
    client: RegistryClient,
    wanted: Wanted,
    known: set[str],
    *,
    token: str | None = None,
    limit: int | None = None,
) -> AsyncGenerator[FetchedPage]:
    """Fetch studies, leaving out those in ``known``, and add their numbers to it.

    Former numbers of a study count as its own. For a query, ``token`` continues where an earlier
    fetch stopped, and ``limit`` is the largest number of new studies. A token that the registry no
    longer accepts, as after its daily update, means that the query starts again; studies in
    ``known`` are still left out.

    Raises ``RegistryRefused`` for parameters that the registry refuses, ``RegistryError`` if it
    cannot be read, if its paging would never end, and at the end if its pages lack studies that it
    counted.
    """
    if isinstance(wanted, RegistryQuery):
        async for page in _fetch_query(client, wanted, known, token, limit):
            yield page
        return
    missing = [one for one in wanted if one not in known]
    size = min(client.registry.page_size, _MOST_NUMBERS)
    for start in range(0, len(missing), size):
        numbers = missing[start : start + size]
        asked = set(numbers)
        async for found in _read_pages(client, {"filter.ids": ",".join(numbers)}, None):
            if any(asked.isdisjoint(study.numbers) for study in found.studies):
                problem = "the reply has studies that were not asked for"
                raise RegistryError(
                    f"{client.registry.name}: {problem}; check that the address is that of the API"
                )
            yield FetchedPage(tuple(_drop_known(found.studies, known)))


async def _fetch_query(
    client: RegistryClient,
    query: RegistryQuery,
    known: set[str],
    token: str | None,
    limit: int | None,
) -> AsyncIterator[FetchedPage]:
    left = limit
    total = None
    restarts = 0
    while left != 0:
        try:
            async for page in _read_pages(client, query.parameters, token):
                total = page.total if page.total is not None else total
                fresh = tuple(_drop_known(page.studies, known, left))
                left = None if left is None else left - len(fresh)
                if left == 0 and not known.issuperset(study.nct_id for study in page.studies):
                    yield FetchedPage(fresh, token, total)
                    return
                token = page.next_token
                yield FetchedPage(fresh, token, total, ends=token is None)
                if left == 0:
                    return
        except RegistryRefused:
            if token is None or restarts:
                raise
            token = None
            restarts = 1
        else:
            return


async def _read_pages(
    client: RegistryClient, parameters: dict[str, str], token: str | None
) -> AsyncIterator[Page]:
    """Read pages until the last. Raises ``RegistryError`` for a page without a new study, and
    for a token twice.
    """
    tokens = {token}
    seen = set[str]()
    total = None
    while True:
        paging: dict[str, str | int] = {"pageSize": client.registry.page_size}
        paging |= {"pageToken": token} if token else {"countTotal": "true"}
        page = await client.get_page(parameters | paging)
        numbers = {study.nct_id for study in page.studies}
        if page.next_token and (page.next_token in tokens or numbers <= seen):
            what = "page token" if page.next_token in tokens else "studies"
            problem = f"the registry repeats the same {what}, so the pages would never end"
            raise RegistryError(
                f"{client.registry.name}: {problem}; try later with the same command"
            )
        yield page
        token = page.next_token
        total = page.total if total is None else total
        seen |= numbers
        if not token:
            check_count(client.registry.name, len(seen), total)
            return
        tokens.add(token)


def check_count(source: str, found: int, total: int | None) -> None:
    """Raise ``RegistryError`` if the registry counted more studies than were found in its pages."""
    if total is not None and found < total:
        problem = (
            f"the registry counts {total:,} records, and its pages had {found:,}; perhaps "
            "it changed meanwhile"
        )
        raise RegistryError(f"{source}: {problem}; the same command reads the pages again")


def _drop_known(
    studies: Iterable[Study], known: set[str], limit: int | None = None
) -> Iterator[Study]:
    """Yield the studies that are new, at most ``limit``, and note their numbers."""
    for study in studies:
        if limit == 0:
            return
        if study.nct_id not in known:
            known.update(study.numbers)
            limit = None if limit is None else limit - 1
            yield study


def fetch_records(
    *nct_numbers: str,
    query: RegistryQuery | None = None,
    limit: int | None = None,
    registry: Registry | None = None,
    on_error: Callable[[RecordError], None] | None = None,
) -> Iterator[TrialRecord]:
    """Fetch trial records from ClinicalTrials.gov, by their NCT numbers or by a query, one page at
    a time.

    Records come in the registry's order, each once. ``extractor fetch`` stores them in a file, and
    can resume.

    Args:
        nct_numbers: The numbers of the records, if there is no ``query``.
        query: What to search for, if there are no numbers.
        limit: The largest number of a query's records.
        registry: A mirror, or another rate.
        on_error: Is called with the error of each record that is unknown or cannot be read.
            Fetching continues.

    Raises:
        RecordError: A record cannot be read, or (at the end) the registry does not know a number,
            and there is no ``on_error``.
        RegistryError: The registry cannot be read, or refuses the query.
        ValueError: There are neither numbers nor a query, or both, or a text is not an NCT number.

    >>> for record in fetch_records("NCT04736823"):  # doctest: +SKIP
    ...     print(record.record_id)
    NCT04736823
    >>> asthma = RegistryQuery(condition="asthma", phases=("3",))
    >>> records = list(fetch_records(query=asthma, limit=100))  # doctest: +SKIP
    """
    if bool(nct_numbers) == (query is not None):
        raise ValueError("name NCT numbers or a query, one of the two")
    numbers = parse_nct_numbers(" ".join(nct_numbers))
    known = set[str]()
    source = registry or Registry()
    wanted: Wanted = query or numbers

    async def fetch() -> AsyncGenerator[FetchedPage]:
        async with (
            source.open() as client,
            aclosing(fetch_pages(client, wanted, known, limit=limit)) as pages,
        ):
            async for page in pages:
                yield page

    pages = fetch()
    # works also where an event loop already runs, as in a notebook
    with start_blocking_portal() as portal:
        try:
            while (page := portal.call(anext, pages, None)) is not None:
                for study in page.studies:
                    try:
                        yield from read_stream(
                            f"{source.name}/studies/{study.nct_id}", BytesIO(study.line)
                        )
                    except RecordError as error:
                        _report(error, on_error)
        except GeneratorExit:  # Ctrl-C and errors end the pages with the portal
            portal.call(pages.aclose)
            raise
    for number in numbers:
        if number not in known:
            _report(
                RecordError(number, f"not known to {source.name}", "check the number"), on_error
            )


def _report(error: RecordError, on_error: Callable[[RecordError], None] | None) -> None:
    if on_error is None:
        raise error
    on_error(error)
