"""Write a run's results as flat tables joined by keys (CSV, JSON lines, Parquet, DuckDB), or as
FHIR R5 resources.
"""

from extractor.apps.export.columns import read_registry
from extractor.apps.export.export import (
    Threshold,
    choose_tables,
    describe_tables,
    export_run,
    find_results,
    read_results,
)
from extractor.apps.export.fhir import FhirCounts, export_fhir
from extractor.apps.export.files import Destination, Format, neutralise
from extractor.apps.export.tables import Registry, collect_rows, list_tables, tabulate

__all__ = [
    "Destination",
    "FhirCounts",
    "Format",
    "Registry",
    "Threshold",
    "choose_tables",
    "collect_rows",
    "describe_tables",
    "export_fhir",
    "export_run",
    "find_results",
    "list_tables",
    "neutralise",
    "read_registry",
    "read_results",
    "tabulate",
]
