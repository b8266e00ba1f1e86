"""Fetch records from ClinicalTrials.gov, or from a mirror of its API
(``Registry(base_url=...)``, ``EXTRACTOR_REGISTRY``).

Another registry's API is not supported: requests, pages and numbers are those of
ClinicalTrials.gov. Files of other registries are read by ``extractor.formats.registers``.

By NCT numbers or a query, page by page, one request at a time at a polite rate, with at most five
attempts each. ``fetch_records`` yields ``TrialRecord``; ``extractor fetch`` writes the studies as
they come into a ``RecordFile``, and continues it after any interruption. A reply that is too large,
is not a page of studies, or repeats forever ends the fetch with its reason.

- ``query``: what to fetch. Add an option of a search there, and to ``cli/fetch.py``.
- ``client``: the requests, their rate and retries; nothing else here reaches the network.
- ``pages``: what a reply is. ``studies``: which studies are new. ``output``: the file.
"""

from extractor.apps.fetch.client import BASE_URL, Registry, RegistryClient
from extractor.apps.fetch.output import RecordFile, open_file
from extractor.apps.fetch.query import RegistryQuery, parse_nct_numbers
from extractor.apps.fetch.studies import Wanted, fetch_pages, fetch_records

__all__ = [
    "BASE_URL",
    "RecordFile",
    "Registry",
    "RegistryClient",
    "RegistryQuery",
    "Wanted",
    "fetch_pages",
    "fetch_records",
    "open_file",
    "parse_nct_numbers",
]
