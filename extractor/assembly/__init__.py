"""One extraction of a record, from what the rules read and what a model answered.

Rules and model are combined value by value: the model's answer is proven against the text, and
is kept if its words and numbers are there; what the rules read indicates how probable it is. A
value is made once, with its evidence, origin, support and confidence, and keeps them. A field
without a value has a reason. Findings report what was refused, left out, repaired or not read;
coverage counts the characters that values quote, and leaves what no value explains.

- ``assemble.py``: the order of the steps; ``items.py``: ages, criteria, endpoints; regimens are
made in ``concepts/doses``.
- ``check.py``: where the values of an answer may be; ``support.py``: how a value of each type is
  found again; ``refusals.py``: why one is refused.
- ``findings.py``: answers, hostile text, structure; ``unread.py``: numbers and
  doses that no value has; ``coverage.py``: characters; ``citing.py``: how findings cite.
- ``doubtful.py``: what ``min_confidence`` leaves.
- ``claims.py``, ``own.py``: the values of a user's own fields.

Contradictions within a record are found afterwards (``extractor/audit``).
"""
