"""Fetch studies and papers page by page, without duplicates."""

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from extractor.apps.fetch.client import (
    PaperClient,
    PaperSource,
    Registry,
    RegistryClient,
)
from extractor.apps.fetch.pages import StudyPage
from extractor.apps.fetch.query import RegistryQuery, parse_numbers
from extractor.errors import ArgumentError, RecordError, RegistryError
from extractor.face import read_stream
from extractor.schemas import TrialRecord

_MOST_NUMBERS = 200
"""Number of NCT numbers per request. Servers limit the length of an address to about 8,000
characters.
"""

_MOST_FULL_PAPERS = 10
"""Number of papers of PubMed Central per request, because each may have several megabytes."""
_DATABASES = {"PMID": "pubmed", "PMC": "pmc"}
"""The databases of papers, by what precedes their numbers."""

Target = Sequence[str] | RegistryQuery
"""What to fetch: numbers of trials and papers in upper case, or a query."""


def fetch_all(
    registry: Registry,
    papers: PaperSource,
    target: Target,
    known: set[str],
    *,
    limit: int | None = None,
) -> Iterator[StudyPage]:
    """Fetch studies page by page, as ``fetch_pages`` does, then the papers among the numbers."""
    trials = target
    wanted: list[str] = []
    if not isinstance(target, RegistryQuery):
        wanted = [number for number in target if not number.startswith("NCT")]
        trials = [number for number in target if number.startswith("NCT")]
    if trials:
        with registry.open() as client:
            yield from fetch_pages(client, trials, known, limit=limit)
    unknown = [number for number in wanted if number not in known]
    if unknown:
        with papers.open() as paper_client:
            yield from _fetch_papers(paper_client, unknown, known)


def _fetch_papers(
    client: PaperClient, numbers: Sequence[str], known: set[str]
) -> Iterator[StudyPage]:
    """Fetch the papers with these numbers from their databases, batch by batch."""
    for prefix, database in _DATABASES.items():
        ids = [
            number.removeprefix(prefix)
            for number in numbers
            if number.startswith(prefix)
        ]
        size = client.source.batch_size
        if database == "pmc":
            size = min(size, _MOST_FULL_PAPERS)
        for start in range(0, len(ids), size):
            batch = ids[start : start + size]
            found = client.get_papers(database, batch)
            new = [
                paper
                for paper in {paper.numbers: paper for paper in found}.values()
                if known.isdisjoint(paper.numbers)
            ]
            for paper in new:
                known.update(paper.numbers)
            yield StudyPage(new)


def fetch_pages(
    client: RegistryClient, target: Target, known: set[str], *, limit: int | None = None
) -> Iterator[StudyPage]:
    """Fetch studies page by page. Studies in ``known`` are skipped, and the numbers of new studies
    are added to it.

    A study also counts as known if ``known`` contains one of its former numbers. Numbers in
    ``known`` are not requested. ``limit`` is the maximum number of new studies, or None. Once the
    limit is reached, no more pages are read.

    Raises ``RegistryRefused`` if the registry rejects the parameters, and ``RegistryError`` if the
    registry cannot be read, if its paging would never end, or if its pages lack studies that it
    counted.
    """
    if limit == 0:
        return
    if isinstance(target, RegistryQuery):
        pages = _search(client, target)
    else:
        unknown = [number for number in target if number not in known]
        pages = _look_up(client, unknown)
    new_count = 0
    for page in pages:
        new = []
        for study in page.studies:
            if study.nct_id in known:
                continue
            if new_count == limit:
                continue
            known.update(study.numbers)
            new.append(study)
            new_count += 1
        yield page._replace(studies=new)
        if new_count == limit:
            return


def _look_up(client: RegistryClient, numbers: Sequence[str]) -> Iterator[StudyPage]:
    """Read the studies with these numbers, with up to 200 numbers per request, so that each reply
    is a single page.
    """
    size = min(client.registry.page_size, _MOST_NUMBERS)
    for start in range(0, len(numbers), size):
        batch = numbers[start : start + size]
        yield client.get_page({"filter.ids": ",".join(batch), "pageSize": len(batch)})


def _search(client: RegistryClient, query: RegistryQuery) -> Iterator[StudyPage]:
    """Read the pages of a query.

    Raises ``RegistryError`` if a page contains no new studies but refers to another page, because
    the paging would then never end. Also raises it at the end if the pages contain fewer studies
    than the registry counted. Some pages omit the count, so the last stated count is used.
    """
    name = client.registry.name
    parameters: dict[str, str | int] = dict(query.parameters)
    parameters |= {"pageSize": client.registry.page_size, "countTotal": "true"}
    total = 0
    seen: set[str] = set()
    while True:
        page = client.get_page(parameters)
        numbers = {study.nct_id for study in page.studies}
        # a mirror that ignores pageToken would send its first page forever
        if page.next_token and numbers <= seen:
            raise RegistryError(
                f"{name}: the registry repeats the same studies, so the paging would never end; "
                "run the same command again later"
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
            f"{len(seen):,}; the registry may have changed; run the same command to read the "
            "pages again"
        )


def fetch_records(
    *numbers: str,
    query: RegistryQuery | None = None,
    limit: int | None = None,
    registry: Registry | None = None,
    papers: PaperSource | None = None,
    on_error: Callable[[RecordError], None] | None = None,
) -> Iterator[TrialRecord]:
    """Fetch trial records from ClinicalTrials.gov, by NCT number or by query, page by page, and
    papers from PubMed and PubMed Central.

    Records are yielded in the registry's order, without duplicates, then papers. ``extractor
    fetch`` stores them in a file, and can resume after an interruption.

    Args:
        numbers: The NCT numbers of the records, and numbers of papers, such as ``pmid:12345678`` or
            ``PMC1234567``; omit them if a ``query`` is given.
        query: A search; omit it if numbers are given.
        limit: The maximum number of records to fetch for a query.
        registry: The registry to read, such as a mirror.
        papers: The source of papers.
        on_error: Called with an error for each record that is unknown or cannot be read. Fetching
            then continues.

    Raises:
        RecordError: Without ``on_error``, if a record cannot be read or, at the end, if the
            registry has no study for one of the numbers.
        RegistryError: The registry cannot be read, or rejects the query.
        ArgumentError: Neither numbers nor a query was given, both were given, or a value is not a
            number.

    >>> for record in fetch_records("NCT04736823"):  # doctest: +SKIP
    ...     print(record.record_id)
    NCT04736823
    >>> asthma = RegistryQuery(condition="asthma", phases=("3",))
    >>> records = list(fetch_records(query=asthma, limit=100))  # doctest: +SKIP
    """
    if bool(numbers) == bool(query):
        raise ArgumentError("specify either NCT numbers or a query")
    wanted = parse_numbers(" ".join(numbers))
    trials = registry or Registry()
    literature = papers or PaperSource()
    known: set[str] = set()

    def report(error: RecordError) -> None:
        """Pass an error to the handler, or raise the error if there is no handler."""
        if on_error is None:
            raise error
        on_error(error)

    target = query or wanted
    for page in fetch_all(trials, literature, target, known, limit=limit):
        for study in page.studies:
            address = f"{trials.name}/studies/{study.nct_id}"
            if not study.nct_id.startswith("NCT"):
                address = f"{literature.name}/{study.nct_id}"
            try:
                yield from read_stream(address, BytesIO(study.line))
            except RecordError as error:
                report(error)
    for number in wanted:
        if number not in known:
            source = trials if number.startswith("NCT") else literature
            report(RecordError(number, f"not in {source.name}", "check the number"))
