"""Review in the browser: people correct extractions beside their texts, and the corrected records
become gold.

::

    run's folder --RunRecords--> predictions and texts browser <--app--> Review --Action--> Journal
    (append-only) --replay--> Draft --> gold/<record_id>.json

The journal is the only state of a review: a record's items are the predicted ones with all actions
replayed.
"""
