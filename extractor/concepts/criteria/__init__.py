"""Who may take part: the criteria of a record, from its eligibility section or its descriptions.

- ``lists``: the list that each block of the outline belongs to, which lines introduce others, and
  which parts of the structure are in doubt. Headings and phrases are in ``rules/``.
- ``prose``: clauses and sentences of paragraphs; sentences of descriptions that are criteria.
- ``read``: each line with its kind, lead-in, category, negation, limits and times; the ages, sex
  and healthy volunteers of the record.
- ``category``: a scorer trained on labelled lines; treatments are dated by their time.
- ``negation`` and ``exceptions``: the words that deny a criterion, and those that except somebody.
- ``unheaded``: a doubt about a pasted text without any heading.

What is in doubt lowers the confidence of what rests on it, makes a finding
(``structure_doubtful``), and is asked of a model at ``medium``.
"""
