"""What nothing notices: stub one function, rule or table of terms at a time, and count what the
gates lose.

- ``probes``: an input with what the program makes of it, and what of that is wrong
- ``gates``: the probes of gold, cases, proof, adversarial, certain and hostile texts, variants,
  human marks, files
- ``functions``: the functions of modules, with their size
- ``answers``: the "no" answer of a function, by its annotations
- ``rules``: the rules and tables of the rule book
- ``recording``: which probes call which functions, and what they give
- ``trials``: one stub at a time, in a process of its own
- ``tables``: what came of it, for people
- ``words``: terms that no real record holds
"""
