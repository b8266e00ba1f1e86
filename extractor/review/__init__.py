"""A curator's desk in the browser: extractions are corrected beside their texts and become gold.

::

    run's folder --RunRecords--> what is predicted, and its text
    browser <--app, behind guard--> ReviewDesk --changes--> Journal (every action, append-only) --draft--> items
                                               --finish--> gold/<record_id>.json

The journal is the one truth of a review: a record's items are what was predicted with all actions applied again.
"""
