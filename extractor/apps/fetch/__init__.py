"""Fetch records from a registry that speaks the ClinicalTrials.gov API, version 2.

::

    NCT numbers or RegistryQuery --client--> Page --studies--> those that are new --> RecordFile, or
    TrialRecords

One request at a time, at a polite rate. Only ``client`` reaches the network.
"""

from extractor.apps.fetch.client import BASE_URL, Registry, RegistryClient
from extractor.apps.fetch.output import RecordFile
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
    "parse_nct_numbers",
]
