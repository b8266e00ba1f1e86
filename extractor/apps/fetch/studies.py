"""Fetch studies page by page, each once."""

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from extractor.apps.fetch.client import Registry, RegistryClient
from extractor.apps.fetch.pages import StudyPage
from extractor.apps.fetch.query import RegistryQuery, parse_nct_numbers
from extractor.errors import ArgumentError, RecordError, RegistryError
from extractor.formats import read_stream
from extractor.schemas import TrialRecord

_MOST_NUMBERS = 200
"""NCT numbers in one request: servers limit the length of an address to some 8,000 characters."""

Wanted = Sequence[str] | RegistryQuery
"""What to fetch: NCT numbers in upper case, or a query."""


def fetch_pages(
    client: RegistryClient, wanted: Wanted, known: set[str], *, limit: int | None = None
) -> Iterator[StudyPage]:
    """Fetch studies page by page, leave out those in ``known``, and add the numbers of the others
    to it.

    Former numbers of a study count as its own. Numbers in ``known`` are not requested. ``limit`` is
    the largest number of new studies, None for all: no page is read once it is reached.

    Raises ``RegistryRefused`` for parameters that the registry refuses, ``RegistryError`` if it
    cannot be read, if its paging would never end, and at the end if its pages lack studies that it
    counted.
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
    """Read the studies with these numbers, up to 200 of them in a request, each of which has one
    page. Other studies are left out: a server that does not know the filter sends them.
    """
    size = min(client.registry.page_size, _MOST_NUMBERS)
    for start in range(0, len(numbers), size):
        asked = numbers[start : start + size]
        page = client.get_page({"filter.ids": ",".join(asked), "pageSize": len(asked)})
        yield page._replace(
            studies=[
                study
                for study in page.studies
                if not set(asked).isdisjoint(study.numbers)
            ]
        )


def _search(client: RegistryClient, query: RegistryQuery) -> Iterator[StudyPage]:
    """Read the pages of a query.

    Raises ``RegistryError`` for a page without a new study that names a next page, since such pages
    would never end, and at the end if the pages had fewer studies than the registry counts. Not
    every page states the count: the last one counts.
    """
    name = client.registry.name
    parameters: dict[str, str | int] = dict(query.parameters)
    parameters |= {"pageSize": client.registry.page_size, "countTotal": "true"}
    total = 0
    seen: set[str] = set()
    while True:
        page = client.get_page(parameters)
        numbers = {study.nct_id for study in page.studies}
        # A mirror that ignores pageToken sends its first page for ever.
        if page.next_token and numbers <= seen:
            raise RegistryError(
                f"{name}: the registry repeats the same studies, so the pages would never end; try "
                "later with the same command"
            )
        seen |= numbers
        total = page.total or total
        yield page
        if not page.next_token:
            break
        parameters["pageToken"] = page.next_token
    if len(seen) < total:
        raise RegistryError(
            f"{name}: the registry counts {total:,} records, and its pages had {len(seen):,}; "
            "perhaps it changed meanwhile; the same command reads the pages again"
        )


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
        ArgumentError: There are neither numbers nor a query, or both, or a text is not an NCT
            number.

    >>> for record in fetch_records("NCT04736823"):  # doctest: +SKIP
    ...     print(record.record_id)
    NCT04736823
    >>> asthma = RegistryQuery(condition="asthma", phases=("3",))
    >>> records = list(fetch_records(query=asthma, limit=100))  # doctest: +SKIP
    """
    if bool(nct_numbers) == bool(query):
        raise ArgumentError("give either NCT numbers or a query")
    numbers = parse_nct_numbers(" ".join(nct_numbers))
    source = registry or Registry()
    known: set[str] = set()

    def report(error: RecordError) -> None:
        """Pass an error on, or raise it if there is no handler."""
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
            problem = f"not known to {source.name}"
            report(RecordError(number, problem, "check the number"))
