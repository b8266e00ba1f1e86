"""Doses: the treatments that participants receive, read from the arms, interventions and
descriptions of a record.

A regimen is an agent with its amounts, route, frequency, cycle, duration, days or times of
administration, role and arms. Rules alone miss many regimens (``docs/explanation/accuracy.md``); a
model reads more, and ``prove`` checks its answers.

- ``sections`` splits the record into sections and clauses; ``amounts`` and ``rhythms`` find the
  marks in a clause with the rules listed in ``rules/dose_marks.toml``.
- ``agents`` and ``names`` find the agents: registered names, their aliases, and names from
  vocabularies. If the record does not register any drug, they also find the names of
  ``drug_names.tsv.gz``, codes such as "LX-4477", and unknown names that take a dose. Any other
  agent is found only if a model names it.
- ``linking`` links each mark to the nearest agent of its clause, or to the agent that the section
  is about, with the reasons to doubt that; ``merging`` copies the statements that one arm adopts
  from another, and joins statements that do not contradict each other.
- ``steps`` numbers the doses that follow each other; ``whom`` finds for whom an amount is, and
  ``caps`` the most that may be given. Their rules are in ``rules/steps.toml``.
- ``arms`` finds the arms that receive a regimen: those that the registry links to it, those whose
  own texts state it, or the only arm. ``arm_labels`` finds the labels of arms beside amounts.
- ``roles`` classifies agents with a fitted scorer. ``drafts`` builds the result, with the features
  of each field; ``rules/dose_features.toml`` lists the features that limit its confidence.
  ``read`` is the entry point, which also lists clauses with an unread dose.
- ``prove`` checks a model's regimen: a value is linked if a statement about its agent contains it,
  doubted if the quoted words give the agent a different value, and open otherwise.
  ``assembly/regimens`` combines the regimens from the rules and the model.
- ``passages`` selects the texts that a model is asked about.

"300 mg subcutaneously every 4 weeks" becomes the following row. ``read.read_regimens`` calls
``linking.read_clauses``, which links the marks of a section (``sections.find_marks``) to
agents, and then calls ``merging.merge``. ``drafts.make_draft`` attaches evidence to each field,
``assembly/regimens.assemble_dosing`` builds the regimen, and
``apps/export/rows._list_dosing_rows`` writes the rows of ``doses``, ``regimens`` and ``amounts``.
Numbers with units are read by ``language/quantities``, whose rules are mostly in
``language/rules/values.toml``.

To change how words are read, edit ``rules``. To refit the scorer of roles, run
``benchmarks.training.dose_roles``.
"""
