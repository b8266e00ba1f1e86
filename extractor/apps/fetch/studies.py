"""Fetch studies page by page, without duplicates."""

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from extractor.apps.fetch.client import Registry, RegistryClient
from extractor.apps.fetch.pages import StudyPage
from extractor.apps.fetch.query import RegistryQuery, parse_nct_numbers
from extractor.errors import ArgumentError, RecordError, RegistryError
from extractor.formats import read_stream
from extractor.schemas import TrialRecord

_MOST_NUMBERS = 200
"""Number of NCT numbers per request. Servers limit the length of an address to about 8,000
characters.
"""

Wanted = Sequence[str] | RegistryQuery
"""What to fetch: NCT numbers in upper case, or a query."""


def fetch_pages(
    client: RegistryClient, wanted: Wanted, known: set[str], *, limit: int | None = None
) -> Iterator[StudyPage]:
    """Fetch studies page by page. Studies in ``known`` are skipped, and the numbers of new studies
    are added to it.

    A study is also known by its former numbers. Numbers in ``known`` are not requested. ``limit``
    is the maximum number of new studies, or None. Once the limit is reached, no more pages are
    read.

    Raises ``RegistryRefused`` if the registry refuses the parameters, and ``RegistryError`` if it
    cannot be read, its paging would never end, or its pages lack studies that it counted.
    """
    if limit == 0:
        return
    if isinstance(wanted, RegistryQuery):
        pages = _search(client, wanted)
    else:
        unknown = [number for number in wanted if number not in known]
        pages = _look_up(client, unknown)
    taken = 0
    for page in pages:
        new = []
        for study in page.studies:
            if study.nct_id not in known and taken != limit:
                known.update(study.numbers)
                new.append(study)
                taken += 1
        yield page._replace(studies=new)
        if taken == limit:
            return


def _look_up(client: RegistryClient, numbers: Sequence[str]) -> Iterator[StudyPage]:
    """Read the studies with these numbers, with up to 200 numbers per request, so that each reply
    is a single page. Any other studies, which a server may send if it does not support the filter,
    are skipped.
    """
    size = min(client.registry.page_size, _MOST_NUMBERS)
    for start in range(0, len(numbers), size):
        batch = numbers[start : start + size]
        page = client.get_page({"filter.ids": ",".join(batch), "pageSize": len(batch)})
        yield page._replace(
            studies=[
                study
                for study in page.studies
                if not set(batch).isdisjoint(study.numbers)
            ]
        )


def _search(client: RegistryClient, query: RegistryQuery) -> Iterator[StudyPage]:
    """Read the pages of a query.

    Raises ``RegistryError`` if a page contains no new studies but refers to a next page, because
    the paging would never end. Also raises it at the end if the pages contain fewer studies than
    the registry counted. Some pages omit the count, so the last stated count is used.
    """
    name = client.registry.name
    parameters: dict[str, str | int] = dict(query.parameters)
    parameters |= {"pageSize": client.registry.page_size, "countTotal": "true"}
    total = 0
    seen: set[str] = set()
    while True:
        page = client.get_page(parameters)
        numbers = {study.nct_id for study in page.studies}
        # A mirror that ignores pageToken would send its first page forever.
        if page.next_token and numbers <= seen:
            raise RegistryError(
                f"{name}: the registry repeats the same studies, so the pages would never end; run "
                "the same command later"
            )
        seen |= numbers
        total = page.total or total
        yield page
        if not page.next_token:
            break
        parameters["pageToken"] = page.next_token
    if len(seen) < total:
        raise RegistryError(
            f"{name}: the registry counts {total:,} records, but its pages contained "
            f"{len(seen):,}; it may have changed; run the same command to read the pages again"
        )


def fetch_records(
    *nct_numbers: str,
    query: RegistryQuery | None = None,
    limit: int | None = None,
    registry: Registry | None = None,
    on_error: Callable[[RecordError], None] | None = None,
) -> Iterator[TrialRecord]:
    """Fetch trial records from ClinicalTrials.gov, by their NCT numbers or by a query, page by
    page.

    Records are yielded in the registry's order, without duplicates. ``extractor fetch`` stores them
    in a file, and can resume.

    Args:
        nct_numbers: The numbers of the records, unless there is a ``query``.
        query: A search, unless there are numbers.
        limit: The maximum number of records to fetch for a query.
        registry: The registry to read, such as a mirror, or the same registry with a different
            request rate.
        on_error: Called with an error for each record that is unknown or cannot be read. Fetching
            then continues.

    Raises:
        RecordError: Without ``on_error``, if a record cannot be read or, at the end, if the
            registry has no study with one of the numbers.
        RegistryError: The registry cannot be read, or refuses the query.
        ArgumentError: There are neither numbers nor a query, or both, or a text is not an NCT
            number.

    >>> for record in fetch_records("NCT04736823"):  # doctest: +SKIP
    ...     print(record.record_id)
    NCT04736823
    >>> asthma = RegistryQuery(condition="asthma", phases=("3",))
    >>> records = list(fetch_records(query=asthma, limit=100))  # doctest: +SKIP
    """
    if bool(nct_numbers) == bool(query):
        raise ArgumentError("specify either NCT numbers or a query")
    numbers = parse_nct_numbers(" ".join(nct_numbers))
    source = registry or Registry()
    known: set[str] = set()

    def report(error: RecordError) -> None:
        """Pass an error to the handler, or raise the error if there is no handler."""
        if on_error is None:
            raise error
        on_error(error)

    with source.open() as client:
        for page in fetch_pages(client, query or numbers, known, limit=limit):
            for study in page.studies:
                address = f"{source.name}/studies/{study.nct_id}"
                try:
                    yield from read_stream(address, BytesIO(study.line))
                except RecordError as error:
                    report(error)
    for number in numbers:
        if number not in known:
            problem = f"not in {source.name}"
            report(RecordError(number, problem, "check the number"))
