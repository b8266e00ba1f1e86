"""Gold in sheets: out, corrected by people, and back without a change.

Gold is the JSON of an extraction without provenance. Here it is a table with one row per value:
record, item, field and the parts of the value, each in a column of its own, with the words and the
confidence from ``extractor.apps.values``, and a row for each field that the record leaves empty.

- ``export_gold`` writes gold, or a run, as a sheet (.csv, .xlsx).
- ``import_gold`` reads them back. Unchanged gold comes back identical, even if it covers only some
  fields, or has groups of criteria or values of your own fields. ``time_window`` follows from
  ``time_windows``.
- An error names the file, the row, the column, and what to write. A record with an error
  is not written; all others are. If the records are available, quotes are checked as
  ``extractor evaluate --check`` checks them.
- A formula or a date in a workbook, and a file that is too large to be a sheet of gold, are
  refused; no text that is written becomes a formula.

What to change where:

- a part of a value as a column: its model in ``extractor.schemas.extraction``;
- a column that is not read back: ``_SUPPORT`` and ``_write_row`` in ``sheets``;
- what a row means, and gold from rows: ``rows``;
- a further tool: a module that writes ``ValueRow`` and reads ``PlacedRow``, and a line in
  ``files``.
"""
