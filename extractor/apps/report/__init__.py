"""One self-contained page of HTML that shows a run: an overview, and each record's text beside
its values.
"""

from extractor.apps.report.render import ReportSummary, write_report

__all__ = ["ReportSummary", "write_report"]
