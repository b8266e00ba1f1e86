"""What participants are given: agents, amounts, schedules, arms and roles.

For the extraction (``read``), the questions to a model (``passages``) and the proof of its answers
(``prove``).

- Marks: ``amounts``; ``rhythms`` for frequencies, cycles and lengths; ``days`` for listed days and
  moments; ``daytimes`` for times of the day. To read another wording, edit ``rules/*.toml``.
- Agents: registered names and aliases, the vocabularies of ``rules/terms``, and names beside an
  amount (``names``, ``agents``, ``new_names``).
- ``statements`` links the marks of a clause to agents; ``merging`` joins statements that do not
  contradict each other; ``regimens`` names the agent and reads each field.
- ``arms``: a regimen belongs to the arms that the registry links to its agent, to those whose own
  text states it, or to the only arm. An amount belongs to the arms whose text or interventions
  state it. Sentences about arms are not read.
- ``roles``: a scorer over facts of the trial (``trial_view``).
- ``prove``: a value of a model's regimen is linked to its agent, refused if the text gives it to
  something else, or left open.
- ``trust`` and ``signs``: what the confidence of each value rests on.
"""
