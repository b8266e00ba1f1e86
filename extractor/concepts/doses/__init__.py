"""Doses: what participants receive, from the arms, interventions and descriptions of a record.

A regimen is an agent with its amounts, route, frequency, cycle, duration, days or moments, role and
arms. Rules alone read about seven out of ten regimens correctly; a model reads more, and ``prove``
checks its answers.

- ``sections`` splits the record into sections and clauses; ``amounts``, ``rhythms`` and ``moments``
  find the marks in a clause by the rules that ``rules/dose_marks.toml`` lists.
- ``agents`` and ``names`` find what is given: registered names, their aliases and vocabularies. An
  agent outside of all these is found only if a model names it.
- ``statements`` links marks to agents by the fitted scorers of ``pairs``; ``references`` copies
  what one arm takes over from another; ``merging`` joins statements that do not contradict each
  other.
- ``arms`` finds the arms of a regimen by registry links, by the arm's own text, or because there is
  only one arm.
- ``roles`` classifies agents by a fitted scorer; ``signs`` lists signs that a field is doubtful,
  and ``rules/dose_signs.toml`` lists the signs that limit a confidence; ``drafts`` builds the
  result; ``read`` is the entry point, which also lists clauses with an unread dose.
- ``prove`` checks a model's regimen: a value is linked if a statement about its agent contains it,
  refused if the quoted words give the agent a different value, and open otherwise. ``assemble``
  combines the regimens of rules and model.
- ``passages`` selects the text that a model is asked about.

To follow "300 mg subcutaneously every 4 weeks" to its row: ``read.read_regimens`` calls
``statements.read_clauses``, which links the marks of a section (``sections.find_marks``) to agents,
and then ``merging.merge``; ``drafts.make_draft`` attaches evidence to each field,
``assemble.assemble_dosing`` builds the regimen, and ``apps/export/rows._list_dosing`` writes the
rows of ``regimens`` and ``amounts``. Numbers with units are read by ``language/quantities``; most
of its rules are in ``own/rules/values.toml``.

To change the meaning of words, edit ``rules``. To refit the scorers, run
``benchmarks.training.dose_pairs`` and ``benchmarks.training.dose_roles``.
"""
