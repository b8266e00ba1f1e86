"""Trials of the EU's Clinical Trials Information System (CTIS), as its public API returns them one by one."""

from typing import Any

from .drafts import Draft
from .json_fields import Node, find_nodes, read_texts
from .study import StudyPaths, read_study


def _name_paths(part: str) -> StudyPaths:
    """Return the paths; ``part`` is that of part I of the application."""
    details = f"{part}.trialDetails"
    trial = f"{details}.trialInformation"
    return StudyPaths(
        format="ctis_json",
        trial_id="ctNumber",
        texts={
            "title": f"{details}.clinicalTrialIdentifiers.publicTitle",
            "official_title": f"{details}.clinicalTrialIdentifiers.fullTitle",
            "brief_summary": f"{trial}.trialObjective.mainObjective",
            "detailed_description": f"{trial}.trialObjective.secondaryObjectives[].secondaryObjective",
            "conditions": f"{trial}.medicalCondition.partIMedicalConditions[].medicalCondition",
            "keywords": f"{trial}.medicalCondition.meddraConditionTerms[].termName",
        },
        criteria=(
            f"{trial}.eligibilityCriteria.principalInclusionCriteria[].principalInclusionCriteria",
            f"{trial}.eligibilityCriteria.principalExclusionCriteria[].principalExclusionCriteria",
        ),
        items={
            "interventions": (
                f"{part}.products[]",
                {
                    "name": "productName|productDictionaryInfo.prodName|productDictionaryInfo.activeSubstanceName",
                    "description": "routes[]",
                    "other_names": "productDictionaryInfo.activeSubstanceName",
                },
            ),
            "primary_outcomes": (f"{trial}.endPoint.primaryEndPoints[]", {"measure": "endPoint"}),
            "secondary_outcomes": (f"{trial}.endPoint.secondaryEndPoints[]", {"measure": "endPoint"}),
        },
        registry={"sex": "gender", "enrollment": "totalNumberEnrolled"},
        phases="trialPhase",
    )


_NOW, _UNTIL_2024 = _name_paths("authorizedApplication.authorizedPartI"), _name_paths("authorizedPartI")


def build_trial(trial: dict[str, Any]) -> Draft:
    """Build the draft of a parsed trial. Raises ``Unreadable`` for a field of a wrong type.

    >>> title = {"trialDetails": {"clinicalTrialIdentifiers": {"publicTitle": "Fictumab in asthma"}}}
    >>> build_trial({"ctNumber": "2031-500001-10-00", "authorizedPartI": title}).trial_id
    '2031-500001-10-00'
    """
    paths = _UNTIL_2024 if trial.get("authorizedPartI") else _NOW
    return read_study(Node(trial, "trial"), paths, find_nodes, read_texts)
