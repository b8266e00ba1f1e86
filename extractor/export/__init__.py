"""A run's results as flat tables that are joined by keys: CSV, JSON lines, Parquet, DuckDB."""

from .export import choose_tables, describe_tables, export_run
from .files import Destination, Format
from .rows import Registry, read_registry
from .tables import Column, Kind, Table, list_tables

__all__ = [
    "Column",
    "Destination",
    "Format",
    "Kind",
    "Registry",
    "Table",
    "choose_tables",
    "describe_tables",
    "export_run",
    "list_tables",
    "read_registry",
]
