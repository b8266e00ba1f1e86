"""A run's results as flat tables that are joined by keys: CSV, JSON lines, Parquet, DuckDB."""

from .columns import Column, Kind
from .derived import Registry, read_registry
from .destination import Destination, Format
from .export import choose_tables, describe_tables, export_run
from .tables import Table, list_tables

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
