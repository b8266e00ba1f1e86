"""Who may take part: the criteria of a record, from its eligibility section or its descriptions.

- ``lists``: the list that each block of the outline belongs to, which lines introduce others, and
  which parts of the structure are doubtful. Headings and phrases are in ``rules/``.
- ``prose``: clauses and sentences of paragraphs, and sentences of descriptions that are criteria.
- ``read``: each line with its kind, lead-in, category, negation, limits and times; the ages, sex
  and healthy volunteers of the record.
- ``category``: a scorer trained on labelled lines; treatments are classified by their time.
- ``negation`` and ``exceptions``: the words that negate a criterion, and those that exempt people.
- ``unheaded``: a doubt about a pasted text without any heading.

A doubt lowers the confidence of the values that depend on it, is reported as a finding
(``structure_doubtful``), and is sent to a model at ``medium``.
"""
