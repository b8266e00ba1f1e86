"""Fetch records from a registry that speaks the ClinicalTrials.gov API, version 2.

::

    NCT numbers or RegistryQuery --client--> Page --pages--> studies that are new --> RecordFile, or
    TrialRecords

One request at a time, at a polite rate. Only ``client`` reaches the network. What a server sends is
hostile input: its size, its form and its paging are checked.
"""

from extractor.apps.fetch.client import BASE_URL, Registry, RegistryClient
from extractor.apps.fetch.output import RecordFile, fetch_to_file
from extractor.apps.fetch.pages import Study
from extractor.apps.fetch.query import RegistryQuery, is_nct_number, parse_nct_numbers
from extractor.apps.fetch.studies import FetchedPage, fetch_pages, fetch_records

__all__ = [
    "BASE_URL",
    "FetchedPage",
    "RecordFile",
    "Registry",
    "RegistryClient",
    "RegistryQuery",
    "Study",
    "fetch_pages",
    "fetch_records",
    "fetch_to_file",
    "is_nct_number",
    "parse_nct_numbers",
]
