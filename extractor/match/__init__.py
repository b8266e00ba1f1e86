"""Compare a patient's data with the criteria of trials.

- ``facts.py``: a patient's data, with the names and units that limits have;
- ``plan.py``: a trial, compiled once to tests of such data;
- ``decide.py``: the one function that decides.
"""

from extractor.match.decide import Match, Verdict, decide, match_trial
from extractor.match.facts import Facts, Patient, read_facts
from extractor.match.plan import Plan, plan_trial
from extractor.match.synonyms import Synonyms, join_synonyms

__all__ = [
    "Facts",
    "Match",
    "Patient",
    "Plan",
    "Synonyms",
    "Verdict",
    "decide",
    "join_synonyms",
    "match_trial",
    "plan_trial",
    "read_facts",
]
