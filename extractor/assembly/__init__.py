"""Combine the readings of the rules and the answers of a model into one extraction of a record.

The rules' readings and the model's answers are combined value by value. A model's answer is
verified against the text and is kept if the text contains its words and numbers; the rules'
reading determines its confidence. Each value is created once, with its evidence, origin, support
and confidence. Each empty field has a reason. Findings report values that were rejected, omitted,
repaired or not read. Coverage counts the characters that values quote and the words that no value
explains.

- ``assemble.py``: the order of the steps. ``items.py``: ages, criteria and endpoints;
  ``groups.py``: the groups of criteria; ``regimens.py``: regimens.
- ``resolve.py``: choosing between the rules and the model; ``provenance.py``: the evidence of an
  item while it is built. ``admission.py``: whom a criterion and its limits admit.
- ``check.py``: where the values of an answer may be stated. ``support.py``: how a value of each
  type is found in the text. ``objections.py``: the reasons against values.
- ``findings.py``: findings about answers, hostile text and structure, their citations, and
  character counts. ``unread.py``, ``unread_doses.py``: numbers and doses that are not part of any
  value. ``grounding.py``: keeping unproven values, doubted.
- ``doubtful.py``: dropping values below ``min_confidence``.
- ``claims.py``, ``own.py``: the values of custom fields.

Contradictions within a record are detected afterwards, by ``extractor/audit``.
"""
