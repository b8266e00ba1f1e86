"""Correct a run in the browser; finished records become gold.

- A queue lists the records of a run, those with the most doubtful values first. A record shows its
  text beside its items; the words that support the opened item are marked.
- The reviewer corrects every field of the schema and of custom fields, adds items from
  selected words or without, deletes them, ticks them as checked, and undoes change by change.
- Flaws are listed beside the value that has them. Finish writes ``GOLD/<record>.json`` (guideline
  1.5) if there are none, or if the reviewer confirms those that do not break the schema.
- A change is on disk before it is answered; text that is still being typed is saved when the page
  is left. The same command resumes. A folder of gold has one review at a time.
- Two reviewers have a folder each. ``--adjudicate ANNA BEN`` starts with the gold of the first,
  shows where the second differs, and finishes a record once each difference is decided.
- The server listens on this machine alone, and answers only the browser that opened its address.

A draft is the JSON of gold, with ``null`` for deleted items so that no path ever changes; a change
is one line of the record's journal.

- ``forms``: the fields of a form come from the models. A new field of the schema needs no change.
- ``draft``, ``journal``: the draft and its changes. ``gold``: checks and files.
- ``queue``: the order of records. ``page``: one record as the page shows it. ``adjudication``:
  two golds. ``review``: the actions. ``app``, ``guard``: HTTP. ``assets``: the page.
"""
