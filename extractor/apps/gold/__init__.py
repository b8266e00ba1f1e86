"""Edit gold in spreadsheets: export it, correct it, and import it without any other changes.

Gold is the JSON of an extraction without provenance. A sheet has one row per value, with the
record, the item, the field, each part of the value in a separate column, and the words and
confidence from ``extractor.apps.values``. Each empty field also has a row.

- ``export_gold`` writes gold, or the results of a run, as a sheet (.csv, .xlsx).
- ``import_gold`` reads a sheet. Unchanged gold is imported exactly as it was exported, even if it
  covers only some fields, or contains groups of criteria or custom values. ``time_window`` is
  derived from ``time_windows``.
- An error states the file, row and column, and a remedy. Only records without errors are written.
  If the records are available, quotes are checked in the same way as by ``extractor evaluate
  --check``.
- Formulas and dates in a workbook are rejected, and so are files that are too large to be gold
  sheets. Exported text never becomes a formula.

Where to make a change:

- a value part with its own column: its model in ``extractor.schemas.extraction``;
- a column that is not imported: ``_SUPPORT`` and ``_write_row`` in ``sheets``;
- the meaning of rows, and the conversion from rows to gold: ``rows``;
- another tool: a module that writes and reads ``ValueRow``, and a line in ``files``.
"""
