"""Compare a patient's data with the criteria of trials.

- ``facts.py``: a patient's data, with the names (``synonyms.py``) and units (``values.py``) that
  limits have;
- ``plan.py``: a trial, compiled once to tests (``tests.py``) of such data: limits (``limits.py``),
  times (``windows.py``) and names (``names.py``), with the words around them (``coverage.py``)
  and above them (``senses.py``);
- ``judge.py``: the verdict of a test; ``decide.py``: those of all criteria, and the answer;
- ``diseases.py``: the conditions of a trial that a patient has;
- ``asking.py``: a model's verdicts on what stays open;
- ``questions.py``: what to ask, in the words for each kind of name (``kinds.py``);
- ``needs.py``: what many trials need.
"""

from extractor.match.decide import Match, decide, match_trial
from extractor.match.diseases import has_conditions, is_of_others
from extractor.match.facts import ONLY_A_MODEL, Facts, Patient, read_facts
from extractor.match.judge import Verdict
from extractor.match.kinds import tell_kind
from extractor.match.needs import Need, list_needs
from extractor.match.plan import Plan, plan_trial
from extractor.match.synonyms import Synonyms, join_synonyms
from extractor.match.values import NOT_COMPARED

__all__ = [
    "NOT_COMPARED",
    "ONLY_A_MODEL",
    "Facts",
    "Match",
    "Need",
    "Patient",
    "Plan",
    "Synonyms",
    "Verdict",
    "decide",
    "has_conditions",
    "is_of_others",
    "join_synonyms",
    "list_needs",
    "match_trial",
    "plan_trial",
    "read_facts",
    "tell_kind",
]
