"""The report of a run: one HTML file that loads and sends nothing.

It shows an overview and, beside the text of each record, its values. The overview counts records,
filled and empty fields, doubtful values and findings; each count is a link to the list of its
records. The list is filtered by field, reason, finding, origin and confidence, or searched. Each
view and each value has an address after ``#``. Records are compressed in chunks, so that a report
of 10,000 records opens at once. Without its text, a record is shown by its quotes.

- ``overview.py``: what is counted, and which facts the list can be filtered by.
- ``record.py``: the data of one record, which the service's playground also shows.
- ``render.py``: the file, and the data passed to the overview.

A count: ``overview.py``, the values in ``render.py``, ``assets/page.html``. A filter:
``_list_facts`` in ``overview.py``, its select in ``page.html``, its kind in ``hasFacts`` of
``rows.js`` and in ``choices`` of ``start.js``.
"""

from extractor.apps.report.render import ReportSummary, write_report

__all__ = ["ReportSummary", "write_report"]
