"""One self-contained page of HTML that shows a run: an overview, and each record's text beside its values.

::

    run's folder + inputs --read_run--> RunRecord --add_texts, show_record--> chunks, rows, Overview --> page
"""

from .render import ReportSummary, write_report

__all__ = ["ReportSummary", "write_report"]
