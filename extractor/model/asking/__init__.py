"""Ask a model what the rules leave open: from a parsed record to its answers, without the network.

- Questions of a record are its lines (criteria, passages, outcomes) with the fields whose
  confidence the effort doubts, and custom fields: ``planner``. One round of questions a
  record, one call for nearly every record; ``--dry-run`` counts the same calls.
- A call is one static system part (guideline, form of an answer, example) and one JSON schema,
  byte-identical over a run, then the record as numbered lines: ``prompt``, with the words and the
  schema in ``model/prompts``. ``reply_models`` has the key of each field, and what reads it.
- Calls of a record are sent at once. The rest of a truncated answer is asked in halves, in at most
  five answered calls. A failed call loses only its own questions: ``querying``.
- A reply is items with the numbers of their lines. A broken or truncated reply keeps its whole
  items; an item, or a value of it, that cannot be read does not affect the rest: ``answers``.
- An item becomes a draft with what its line supports (``assembly.check`` proves it). A missing
item is an answer only if the model has read the call. A question without an answer keeps the
rules' value, and has a reason: ``dialogue``.
"""
