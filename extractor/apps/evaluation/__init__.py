"""Score extractions against gold, compare two annotators, and check gold.

The evaluation decides which values agree with gold. It is intended for anyone who measures the
quality of a model, a prompt or a rule. A field is scored in the records whose gold contains its
key. Gold can list the fields that were annotated (``scored``), or contain only some items
(``only_given``). Custom fields are scored like all other fields. With ``neutral=True``, two
annotators are compared, and neither is treated as correct.

Where to make a change:

- ``fields``: which fields are scored, and where; derived from ``extractor.schemas``.
- ``comparers``: when two values agree, and the kind of error if they do not, with one entry for
  each ``Comparison``; ``text``: how texts and units are compared.
- ``alignment``: which two items are paired; ``grouping``: how groups of criteria are compared.
- ``judge``: a row for each value, with both sides, the verdict and the error.
- ``scoring``: the scores. To add a score, count it in ``_count`` or compute it in ``_divide``; then
  add it to ``_COUNTS`` or ``_MEASURES``, and to ``Score`` in ``report``, which defines the report's
  JSON. ``_divide`` unpacks the counts in the order of ``_COUNTS``, and returns the measures in the
  order of ``_MEASURES``.
- ``tables``: the columns for the command and the page; ``page``: the page.
- ``gold_files``: reads gold, extractions and runs; ``examples``: the examples of custom fields.
- ``gold_check``: checks gold for schema violations, quotes (``verify_quote``) and references.
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
