"""Review in the browser: extractions are corrected beside their texts and become gold.

::

    run's folder --RunRecords--> predictions and texts
    browser <--app--> Review --Edit--> Journal (every action, append-only) --replay--> Draft --> gold/<record_id>.json

The journal is the only state of a review: a record's items are the predicted ones with all actions applied again.
"""
