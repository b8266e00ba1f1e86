"""Score extractions against gold, compare two annotators, and check gold.

It decides, for anyone who measures a model, a prompt or a rule, which values agree with gold.
A field is scored in the records whose gold has its key; gold may name which fields it was read
for (``scored``), or give only some items (``only_given``). A user's own fields are scored as all
others. With ``neutral=True``, two annotators are compared, and the report's words treat
neither as right.

What to change where:

- ``fields``: which fields are scored, and where; they follow from ``extractor.schemas``.
- ``comparers``: when two values agree, and the kind of error if not, a line for each
  ``Comparison``; ``text``: the texts and units that are compared.
- ``alignment``: which two items are a pair; ``grouping``: what of groups of criteria is compared.
- ``judge``: the row of each value, with both sides, verdict and error.
- ``scoring``: the scores. Count one in ``_count`` or compute it in ``_divide``, add it to
  ``_COUNTS`` or ``_MEASURES``, and to ``Score`` in ``report``, the report as JSON. ``_divide``
  names all counts in the order of ``_COUNTS``, and returns measures in that of ``_MEASURES``.
- ``tables``: the columns of the command and the page; ``page``: the page.
- ``gold_files``: how gold, extractions and runs are read; ``examples``: those of own fields.
- ``gold_check``: the check of gold, by schema, quotes (``verify_quote``) and references.
- ``places``: the place of an item in its record, and the section with its text.
"""

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.gold_check import check_gold
from extractor.apps.evaluation.report import ErrorExample, ScoreReport
from extractor.apps.evaluation.scoring import evaluate

__all__ = [
    "ErrorExample",
    "ErrorKind",
    "ScoreReport",
    "check_gold",
    "evaluate",
]
