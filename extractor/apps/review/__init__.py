"""Correct a run in the browser; finished records become gold.

- A queue lists the records of a run, starting with those that have the most doubtful values. A
  record shows its text next to its items, and highlights the words that support the open item.
- The reviewer can correct every field of the schema and of custom fields, add items from selected
  words or from scratch, delete them, tick them as checked, and undo one change after another.
- Flaws are listed next to the value that has them. Finish writes ``GOLD/<record>.json`` (guideline
  1.5) if there are none, or if the reviewer confirms flaws that do not break the schema.
- A change is on disk before its request is answered; text that is still being typed is saved when
  the page is left. The same command resumes a review. A gold folder has one review at a time.
- Two reviewers use separate folders. ``--adjudicate ANNA BEN`` starts with the first reviewer's
  gold, shows the second one's differences, and finishes a record once each is decided.
- The server listens only on this machine, and answers only the browser that opened its address.

A draft is gold JSON in which ``null`` replaces deleted items so that paths never change; a change
is one line in the record's journal.

- ``forms``: a form's fields, derived from the models. A new schema field needs no change.
- ``draft``, ``journal``: the draft and its changes. ``gold``: checks and files.
- ``queue``: the order of records. ``page``: a record's data for the page. ``adjudication``: a
  two golds. ``review``: the actions. ``app``, ``guard``: HTTP. ``assets``: the page.
"""
