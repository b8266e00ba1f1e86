"""Compare two versions of the same trials: values that were added, removed or changed.

Items are paired as in the evaluation, so an item that was moved or reworded is not reported as
added. A value is reported as changed if it differs; a difference in the supporting words alone is
not a change. Both versions are quoted for each change. An unpaired item is reported as a single
change. The comparison does not judge whether a change is important, or whether it makes a
criterion stricter or looser.

- ``changes.py``: the versions (a run, a file of extractions, or records to be read with the
  rules), and the changes to extractions and to the registered fields of records.
- ``published.py``: what was registered for a trial and published in its paper differently, and
  which record belongs to which paper. ``outcomes.py`` pairs their outcomes.
- ``page.py`` and ``assets``: the changes next to both texts, in the report's viewer.

To show another column of ``ValueRow`` for both versions, add it to ``_CELLS`` in ``changes.py``.
The command is ``extractor/apps/cli/diff.py``.
"""

from extractor.apps.diff.changes import Change, diff_records, diff_trials
from extractor.apps.diff.published import Discrepancy, diff_published

__all__ = ["Change", "Discrepancy", "diff_published", "diff_records", "diff_trials"]
