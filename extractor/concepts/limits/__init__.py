"""Limits: the quantities that a criterion limits, and their permitted values.

For each line of the criteria, this package decides which numbers are limits. It reads each limit's
quantity, comparator, value or range, and unit, as well as the people to whom the limit applies.
``read.find_limits`` uses the grammar in ``extractor.measures`` to return all limits of a line,
including ages and other durations; ``criterion.read_constraints`` selects the limits that state
who may take part, and adds a place and features to each, which determine its confidence
(``extractor.confidence``).

"at least 13 g/dL in men" is converted to a row in the following steps.
``criteria/read._read_entry`` calls ``read.find_limits``, which calls ``measures.read_line``
(number, comparator and unit; ``measures/owners`` adds the quantity and the condition).
``criterion.read_constraints`` creates a ``Constraint``, and ``weigh_record`` sets its confidence.
``assembly/items.assemble_eligibility`` calls ``assembly/admission.describe_criterion`` (sex), and
``canonical.name_limit`` names the quantities of all limits, and fills the canonical columns of
``apps/export/rows``.

A limit from a model is confirmed if the quoted words contain a mention with the same value, unit
and quantity, and the words allow its comparator (``prove``, ``mentions``, ``owners``); otherwise,
it is kept and doubted.

To change what is read:

- a comparator, unit or scale: ``extractor/language/rules/terms``; a quantity:
  ``rules/quantity_names``;
- a combination, such as a range or a value for each sex: ``extractor/measures/rules``;
- which limits are not requirements: ``criterion``, and the roles of numbers in
  ``written_numbers``;
- which features make a limit doubtful: ``features``;
- the people, the condition and the sex to which a limit applies: ``people.whose``, for the reader,
  the proof and the match of patients alike;
- which people are admitted by several limits together: ``assembly.admission``.
"""
