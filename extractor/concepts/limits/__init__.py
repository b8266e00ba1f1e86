"""Limits: what a criterion measures, and by how much.

For each line of the criteria, the room decides which numbers limit whom: quantity, comparator,
value or range, unit, and to whom the limit applies. ``read.find_limits`` returns all limits of a
line, including ages and other durations, from the grammar in ``extractor.measures``;
``criterion.read_constraints`` selects those that state who may take part, with a place and named
signs for each. A logistic regression over the signs (``evidence/weights/signs.toml``) determines
the confidence of each.

To follow "at least 13 g/dL in men" to its row: ``criteria/read._read`` calls ``read.find_limits``,
which calls ``measures.read_line`` (number, comparator and unit; ``measures/owners`` adds quantity
and condition); ``criterion.read_constraints`` creates a ``Constraint``, and ``calibrate_record``
its confidence. ``assembly/items.assemble_eligibility`` calls ``admission.describe_criterion``
(sex); ``apps/export/limits.name_limit`` fills the canonical columns of ``apps/export/rows``.

A model's limit is accepted if it is among the mentions of its quoted words, with the same value and
unit, a comparator that the words allow, and the same quantity (``prove``, ``mentions``,
``owners``).

To change what is read:

- a comparator, unit or scale: ``rules/terms``; a quantity: ``rules/quantity_names``;
- a composition, such as a range or values for each sex: ``extractor/measures/rules``;
- which limits are not requirements: ``criterion`` and ``roles``; what makes a limit doubtful: its
  signs;
- the sex of a limit: ``sexes``; whom limits admit together: ``admission``.
"""
