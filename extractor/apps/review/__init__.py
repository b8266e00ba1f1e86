"""Correct a run in the browser; finished records become gold.

- A queue lists the records of a run; records with the most doubts come first. For each record, the
  page shows the text next to the items, and highlights the words that support the open item.
- The reviewer can correct every field of the schema and of custom fields, add items from selected
  words or from scratch, delete them, tick them as checked, and undo changes one at a time.
- Flaws are listed next to the values that they affect. The Finish button writes
  ``GOLD/<record>.json`` (guideline 1.5) if there are no flaws, or if the reviewer confirms flaws
  that do not violate the schema.
- A change is on disk before its request is answered; text that is still being typed is saved when
  the reviewer leaves the page. Running the same command again resumes the review. A gold folder can
  be used by only one review at a time.
- Two reviewers must use separate folders. ``--adjudicate ANNA BEN`` starts with the first
  reviewer's gold and shows where the second reviewer's gold differs. A record can be finished once
  every difference has been resolved.
- The server listens only on this machine, and responds only to the browser that opened its address.

A draft is gold JSON in which ``null`` replaces deleted items so that paths never change. Each
change is one line in the record's journal.

- ``forms``: the fields of each form, derived from the models, so that new schema fields appear
  automatically.
- ``draft``, ``journal``: the draft and its changes. ``gold``: checks and files.
- ``queue``: the order of records. ``page``: a record's data for the page. ``adjudication``:
  compares the gold of two annotators. ``review``: the actions. ``app``, ``guard``: HTTP.
  ``assets``: the page.
"""
