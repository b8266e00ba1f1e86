"""Write a run's results as flat tables joined by keys: CSV, JSON lines, Parquet, DuckDB."""

from .columns import read_registry
from .export import choose_tables, describe_tables, export_run
from .files import Destination, Format, neutralise
from .tables import Registry, list_tables

__all__ = [
    "Destination",
    "Format",
    "Registry",
    "choose_tables",
    "describe_tables",
    "export_run",
    "list_tables",
    "neutralise",
    "read_registry",
]
