"""Who may take part: the criteria of a record, from its eligibility section or its descriptions.

- ``lists``: the list to which each block of the outline belongs, the lines that introduce other
  lines, and the doubtful parts of the structure. The headings and phrases are in ``rules/``.
- ``read``: the kind, lead-in, category, negation, limits and times of each line, and the record's
  ages, sex and acceptance of healthy volunteers.
- ``category``: a classifier trained on labelled lines; treatments are classified according to when
  they are given.
- ``exceptions``: the words that negate a criterion, and the words that exempt people from it.
- ``groups``: how the criteria below a line, or adjacent criteria, are combined.
- ``unheaded``: sentences in descriptions that are criteria, and a doubt about a pasted text without
  headings.

A doubt lowers the confidence of the values that depend on it, and is reported as a finding
(``structure_doubtful``).
"""
