"""Doses: what participants are given, from the arms, interventions and descriptions of a record.

A regimen is one agent with its amounts, route, frequency, cycle, length, days or moments, role and
arms. Rules alone read about seven of ten regimens as gold has them; a model reads more, and
``prove`` checks what it says.

- ``sections`` cuts the record into sections and clauses; ``amounts``, ``rhythms`` and ``moments``
  find the marks of a clause by the rules that ``rules/dose_marks.toml`` lists.
- ``agents`` and ``names`` find what is given: registered names, their aliases, vocabularies. An
  agent that none of them has is given only if a model names it.
- ``statements`` links marks to agents by the fitted scorers of ``pairs``; ``references`` copies
  what one arm takes from another; ``merging`` joins statements that do not contradict each other.
- ``arms`` finds the arms of a regimen: registry links, the arm's own text, a single arm; no others.
- ``roles`` classifies agents by a fitted scorer; ``signs`` names what makes a field doubtful, and
  ``rules/dose_signs.toml`` which signs limit a confidence; ``drafts`` builds the result; ``read``
  is the entry point, and lists clauses with an unread dose.
- ``prove`` checks a model's regimen: a value is linked if a statement of its agent has it, refused
  if the quoted words give the agent another one, else open. ``assemble`` joins both.
- ``passages`` are what a model is asked about.

To change what words mean, edit ``rules``; to fit the scorers again, run
``benchmarks.training.dose_pairs`` and ``benchmarks.training.dose_roles``.
"""
