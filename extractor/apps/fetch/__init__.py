"""Fetch records from ClinicalTrials.gov, or from a mirror of its API
(``Registry(base_url=...)``, ``EXTRACTOR_REGISTRY``), and papers from PubMed and PubMed Central
(``PaperSource``).

The APIs of other registries are not supported, because requests, pages and numbers are specific to
ClinicalTrials.gov. Files from other registries are read by ``extractor.formats.registers``.

Studies are fetched by NCT number or by query, page by page and one request at a time. Requests
are sent at a polite rate, with at most five attempts each. ``fetch_records`` yields ``TrialRecord``
objects. ``extractor fetch`` appends the studies, and papers with their XML, to a ``RecordFile``,
and can continue after any interruption. The fetch ends with an error if a reply is too large or is
not a page of studies, or if the pages repeat endlessly.

- ``query``: numbers and searches. Add a search option there and in ``cli/fetch.py``.
- ``client``: the requests, their rate and retries. No other module here accesses the network.
- ``pages``: parses a reply. ``studies``: selects new studies. ``output``: the file.
"""

from extractor.apps.fetch.client import (
    BASE_URL,
    PAPERS_URL,
    PaperSource,
    Registry,
    RegistryClient,
)
from extractor.apps.fetch.output import RecordFile, open_file
from extractor.apps.fetch.query import RegistryQuery, parse_numbers
from extractor.apps.fetch.studies import Target, fetch_all, fetch_pages, fetch_records

__all__ = [
    "BASE_URL",
    "PAPERS_URL",
    "PaperSource",
    "RecordFile",
    "Registry",
    "RegistryClient",
    "RegistryQuery",
    "Target",
    "fetch_all",
    "fetch_pages",
    "fetch_records",
    "open_file",
    "parse_numbers",
]
