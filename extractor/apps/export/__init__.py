"""Write a run's results as flat tables for analysts, or as FHIR R5 resources.

The tables answer the questions of docs/how-to/queries.md: who can take part, limits in canonical
units, wash-outs, doses of each arm and day, endpoints with their times in days, and for every value
its words, place and confidence. They are written to CSV, JSON lines, Parquet, DuckDB, Excel, and
data frames.

A column is declared in ``tables.toml``, and ``rows.py`` fills it from an extraction and what the
register states. The name in ``tables.toml`` is the key of the cell in ``rows.py``. The tables of
values, absences and findings are read from ``ValueRow``. What a query can compute is a view or
macro of the database, in ``views.sql``.

- ``columns.py``: the tables, with those of the user's own fields.
- ``rows.py``: an extraction as rows. It uses ``limits.py`` and ``instruments.py`` (canonical names
  and units, whom a limit admits), ``people.py`` (ages, sex, healthy and pregnant people),
  ``agents.py`` and ``arms.py`` (one name for a drug, and who receives it), ``times.py`` (days, and
  what they are counted from), ``registered.py`` (what the register states).
- ``export.py`` reads a run and chooses values by confidence; ``files.py`` and ``excel.py`` write
  files, which appear when they are complete; ``frames.py`` makes data frames.
- ``fhir*.py``: FHIR R5.
"""

from extractor.apps.export.columns import (
    Column,
    Table,
    choose_tables,
    describe_tables,
    list_tables,
)
from extractor.apps.export.export import (
    Threshold,
    export_run,
    find_results,
    pair_results,
    read_results,
    write_sheet,
    write_tables,
)
from extractor.apps.export.fhir import FhirCounts, export_fhir
from extractor.apps.export.files import Destination, Format, neutralise
from extractor.apps.export.registered import (
    RegisteredByRecord,
    read_registry,
    read_run_registry,
)
from extractor.apps.export.rows import collect_rows, tabulate

__all__ = [
    "Column",
    "Destination",
    "FhirCounts",
    "Format",
    "RegisteredByRecord",
    "Table",
    "Threshold",
    "choose_tables",
    "collect_rows",
    "describe_tables",
    "export_fhir",
    "export_run",
    "find_results",
    "list_tables",
    "neutralise",
    "pair_results",
    "read_registry",
    "read_results",
    "read_run_registry",
    "tabulate",
    "write_sheet",
    "write_tables",
]
