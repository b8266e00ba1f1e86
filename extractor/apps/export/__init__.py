"""Write a run's results as flat tables for analysts, or as FHIR R5 resources.

The tables answer the questions in docs/how-to/queries.md: who can take part, limits in canonical
units, washouts, doses by arm and day, endpoints with their times in days, and the supporting words,
location and confidence of every value. The tables can be written as CSV, JSON lines, Parquet,
DuckDB or Excel files, or returned as data frames.

Columns are declared in ``tables.toml``. ``rows.py`` fills them from an extraction and the
register's data, using the column names as keys. The tables of values, absences and findings are
filled from ``ValueRow``. Anything that a query can compute is defined as a database view
in ``views.sql``.

- ``columns.py``: the tables, including those of custom fields.
- ``rows.py``: the rows of an extraction. It uses ``concepts/limits`` (canonical names and units of
  limits and instruments, and whom a limit admits), ``people.py`` (ages, sex, healthy and pregnant
  people), ``agents.py`` (a single name for each drug, and the arms that receive it), ``times.py``
  (times in days), and ``registered.py`` (the register's data).
- ``export.py`` reads a run, selects values by confidence, and builds data frames; ``files.py``
  writes files, which appear only when they are complete.
"""

from extractor.apps.export.columns import (
    Column,
    Table,
    choose_tables,
    list_tables,
)
from extractor.apps.export.export import (
    Threshold,
    export_run,
    frame_extraction,
    frame_table,
    pair_results,
    tabulate,
    write_sheet,
    write_tables,
)
from extractor.apps.export.fhir import export_fhir
from extractor.apps.export.files import Destination, Format
from extractor.apps.export.registered import (
    RegisteredByRecord,
    explain_lacking,
    read_registry,
    read_run_registry,
)

__all__ = [
    "Column",
    "Destination",
    "Format",
    "RegisteredByRecord",
    "Table",
    "Threshold",
    "choose_tables",
    "explain_lacking",
    "export_fhir",
    "export_run",
    "frame_extraction",
    "frame_table",
    "list_tables",
    "pair_results",
    "read_registry",
    "read_run_registry",
    "tabulate",
    "write_sheet",
    "write_tables",
]
