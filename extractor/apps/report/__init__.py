"""The report of a run: an HTML file that works offline and does not send any data. It shows an
overview and, for each record, the values next to the text. The overview counts records, filled and
empty fields, doubtful values and findings, and links each count to a list of its records. The list
can be searched, and filtered by field, reason, finding, origin and confidence. Each view and each
value has its own address: the part of the URL after ``#``. Records are compressed in chunks, so
that a report with 10,000 records opens immediately. If the text of a record is not available, its
quotes are shown instead.

- ``overview.py``: the counts, and the facts that the list can be filtered by.
- ``record.py``: the data of one record, which the service's playground also shows.
- ``render.py``: the file, and the data for the overview.

To add a count, change ``overview.py``, the values in ``render.py``, and ``assets/page.html``. To
add a filter, change ``_list_facts`` in ``overview.py``, its select in ``page.html``, ``hasFacts``
in ``rows.js`` and ``choices`` in ``start.js``.
"""

from extractor.apps.report.render import ReportSummary, write_report

__all__ = ["ReportSummary", "write_report"]
