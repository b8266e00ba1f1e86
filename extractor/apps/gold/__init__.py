"""Edit gold in sheets: export it, let people correct it, and import it without other changes.

Gold is the JSON of an extraction without provenance. A sheet has one row per value: record, item
and field, each part of the value in a separate column, and the words and the confidence from
``extractor.apps.values``. Fields that the record leaves empty have a row as well.

- ``export_gold`` writes gold, or a run's results, as a sheet (.csv, .xlsx).
- ``import_gold`` reads a sheet. Unchanged gold is imported identically, even if it covers only some
  fields, or contains groups of criteria or custom values. ``time_window`` is derived from
  ``time_windows``.
- An error states the file, row and column, and a remedy. Records with errors are not written; all
  others are. If the records are available, quotes are checked as by ``extractor evaluate --check``.
- Formulas and dates in a workbook, and files that are too large to be sheets of gold, are refused.
  Written text never becomes a formula.

Where to make a change:

- a value part with its own column: its model in ``extractor.schemas.extraction``;
- a column that is not imported: ``_SUPPORT`` and ``_write_row`` in ``sheets``;
- the meaning of rows, and the conversion from rows to gold: ``rows``;
- another tool: a module that writes ``ValueRow`` and reads ``PlacedRow``, and a line in ``files``.
"""
