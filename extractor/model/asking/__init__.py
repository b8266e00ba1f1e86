"""Let a model read a record, once. Except for ``querying``, these modules do not use the network.

- ``request``: a record is one text: the eligibility section with a number at each place where an
  item might begin, then all other lines that may state something. A request whose reply would be
  too long is cut into parts; ``--dry-run`` counts the same calls.
- ``prompt``: a call consists of a static system part (guideline, format of an answer, example) and
  a JSON schema, both byte-identical over a run, followed by the record. The text and the schema are
  in ``model/prompts``. ``reply_models`` defines the key of each field and the pydantic type that
  reads it.
- ``querying``: the parts of a request are sent concurrently. If a reply is cut off, only the rest
  is asked about again, using at most five answered calls in total. If a call fails, only its own
  part remains unanswered.
- ``answers``: a reply contains items, each with the number of its place or line. The complete items
  of an invalid or truncated reply are kept; an unreadable item or value does not affect the others.
- ``listed``: a criterion or an endpoint of running text is an item with a quote, which must stand
  in its passage. The rules then read these words as an item.
- ``dialogue``: the items say where the criteria begin, by which the record is read again. Each then
  becomes a draft with the values that its text supports (verified by ``assembly.check``). A missing
  item is an answer only if the model seems to have read the whole text. Without an answer, the
  rules' value is kept and the reason is recorded.
"""
