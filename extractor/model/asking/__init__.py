"""Ask a model about everything that the rules leave unanswered. Except for ``querying``, these
modules do not use the network.

- ``planner``: the questions about a record are its lines (criteria, passages and outcomes), each
  with its doubtful fields and custom fields. They nearly always fit into one call; ``--dry-run``
  counts the same calls.
- ``structure``: if the structure of the eligibility section is doubtful, a first round asks where
  its items begin, and its proven answer decides the lines of the second round.
- ``prompt``: a call consists of a static system part (guideline, format of an answer, example) and
  a JSON schema, both byte-identical over a run, followed by the record as numbered lines. The text
  and the schema are in ``model/prompts``. ``reply_models`` defines the key of each field and the
  pydantic type that reads it.
- ``querying``: the calls for a record are sent concurrently. If an answer is truncated, the missing
  lines are asked about again in two halves, using at most five answered calls in total. If a call
  fails, only its own questions remain unanswered.
- ``answers``: a reply contains items, each with the number of its line. The complete items of an
  invalid or truncated reply are kept; an unreadable item or value does not affect the others.
- ``dialogue``: an item becomes a draft with the values that its line supports (verified by
  ``assembly.check``). A missing item is an answer only if the model seems to have read the whole
  call. For a question without an answer, the rules' value is kept and the reason is recorded.
"""
