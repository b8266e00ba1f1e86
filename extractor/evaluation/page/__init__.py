"""One self-contained page of HTML that shows a report, with every error in its text.

::

    evaluate --on_record--> WorstErrors --clues--> highlight (records read again) --payload--> template, style, script
"""

from .collect import WorstErrors
from .render import render_score_page, write_score_page

__all__ = ["WorstErrors", "render_score_page", "write_score_page"]
