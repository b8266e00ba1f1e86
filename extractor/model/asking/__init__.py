"""Ask a model what the rules leave open: from a parsed record to its answers, without the network.

- Questions of a record are its lines (criteria, passages, outcomes) with the fields whose
  confidence the effort doubts, and the user's own fields: ``planner``. One call for nearly every
  record.
- A call is one static system part (guideline, form of an answer, example), byte-identical over a
  run, then the record as numbered lines: ``prompt``. Its words are in ``model/prompts``.
- A reply is items with the numbers of their lines. Types and keys come from the schemas' metadata,
  short words from ``reply_words.toml``; the JSON schema is the same for every call:
  ``reply_models``.
- Calls of a record are sent at once. A request that is too long, and the rest of a truncated
  answer, is asked in halves, in at most five answered calls. A failed call loses its own questions
  only: ``querying``; ``salvage`` reads what is valid in a reply.
- An item becomes a draft with what its line bears out (``assembly.check`` proves it): ``dialogue``.
  Silence is an answer only where the model has read the call: ``skipped``. A question without an
  answer keeps the rules' value, and a reason: ``collecting``.

The run stores the answers of a record from its ``Session`` (``questions``); ``--dry-run`` counts
the same calls by ``planner.estimate_record``.
"""
