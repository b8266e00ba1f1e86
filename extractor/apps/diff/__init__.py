"""What changed between two versions of the same trials: values added, removed or changed.

Items are paired as evaluation pairs them, so an item that has moved or was reworded is not new. A
value counts as changed if it reads differently; words of the same value may differ. Each change has
the quotes of both versions. An item without a counterpart is one change. Whether a change is
stricter, looser or important is not judged.

- ``changes.py``: the changes of extractions, and of registered fields of records.
- ``sides.py``: a version from a run, a file of extractions or records, read by the rules.
- ``page.py`` and ``assets``: the changes beside both texts, in the viewer of the report.

To show another column of ``ValueRow`` for both versions, name it in ``_CELLS`` of ``changes.py``.
The command is ``extractor/apps/cli/diff.py``.
"""

from extractor.apps.diff.changes import Change, diff_records, diff_trials

__all__ = ["Change", "diff_records", "diff_trials"]
