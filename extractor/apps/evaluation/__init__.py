"""Score extractions against gold, compare two annotators, and check gold.

For whoever measures a model, a prompt or a rule: how many values of each field are right, whether
a change made it better, and which errors to look at.

- ``evaluate`` pairs the items of gold and prediction, judges each value (exact, normalised, kind of
  error, both places), and groups the rows: precision, recall and F1 by field, by task and over all,
  as a mean over fields or over values, with bootstrap intervals over records; paired differences
  from another prediction; the worst errors of each kind.
- A field is scored where gold has its key. Gold may name what it was read for (``scored``), or
  give only some items (``only_given``). Fields of the user's own are scored as all others.
- ``evaluate(..., neutral=True)`` compares the golds of two annotators, in neutral words.
- ``page.write_score_page`` writes scores and errors, each in its text, as one HTML file.
- ``check_gold`` names violations of the schema, quotes that the record does not have, and
  references to sections, outcomes, groups, arms and fields that there are not.
- ``examples`` scores the examples of a user's own fields.

Where to change what: the fields follow from the schemas (``fields``); when two values agree, and
the kinds of error: ``comparers`` and ``text``; which items are a pair: ``likeness`` and
``alignment``; which groups of criteria: ``grouping``; a measure: ``_measure`` and
``_divide`` in ``scoring``, ``LevelScore`` in ``report``, and its column in ``tables``, which the
command and the page print; another kind of comparison: ``Comparison`` in ``extractor.schemas.base``
and its line in ``COMPARERS``; a check of gold: ``gold_check``.
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
