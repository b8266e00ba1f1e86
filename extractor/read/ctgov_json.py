"""Studies of the ClinicalTrials.gov API, version 2, and of version 1, which was switched off in 2024."""

from typing import Any

from .drafts import Draft, Unreadable
from .json_fields import Node, find_nodes, read_texts
from .study import StudyPaths, read_study

_OUTCOME = {"measure": "measure", "description": "description", "time_frame": "timeFrame"}
_V2 = StudyPaths(
    format="ctgov_json",
    trial_id="identificationModule.nctId",
    texts={
        "title": "identificationModule.briefTitle",
        "official_title": "identificationModule.officialTitle",
        "brief_summary": "descriptionModule.briefSummary",
        "detailed_description": "descriptionModule.detailedDescription",
        "conditions": "conditionsModule.conditions[]",
        "keywords": "conditionsModule.keywords[]",
        "eligibility": "eligibilityModule.eligibilityCriteria",
    },
    items={
        "arms": (
            "armsInterventionsModule.armGroups[]",
            {"label": "label", "type": "type", "description": "description"},
        ),
        "interventions": (
            "armsInterventionsModule.interventions[]",
            {"type": "type", "name": "name", "description": "description", "other_names": "otherNames[]"},
        ),
        "primary_outcomes": ("outcomesModule.primaryOutcomes[]", _OUTCOME),
        "secondary_outcomes": ("outcomesModule.secondaryOutcomes[]", _OUTCOME),
        "other_outcomes": ("outcomesModule.otherOutcomes[]", _OUTCOME),
    },
    registry={
        "minimum_age": "eligibilityModule.minimumAge",
        "maximum_age": "eligibilityModule.maximumAge",
        "sex": "eligibilityModule.sex",
        "healthy_volunteers": "eligibilityModule.healthyVolunteers",
        "enrollment": "designModule.enrollmentInfo.count",
        "enrollment_type": "designModule.enrollmentInfo.type",
        "study_type": "designModule.studyType",
        "allocation": "designModule.designInfo.allocation",
        "masking": "designModule.designInfo.maskingInfo.masking",
    },
    phases="designModule.phases[]",
    labels="armGroupLabels[]",
    names="interventionNames[]",
)


def _name_outcome(rank: str) -> tuple[str, dict[str, str]]:
    names = {"measure": "Measure", "description": "Description", "time_frame": "TimeFrame"}
    parts = {part: f"{rank}Outcome{name}" for part, name in names.items()}
    return f"OutcomesModule.{rank}OutcomeList.{rank}Outcome[]", parts


_V1 = StudyPaths(
    format="ctgov_json_v1",
    trial_id="IdentificationModule.NCTId",
    texts={
        "title": "IdentificationModule.BriefTitle",
        "official_title": "IdentificationModule.OfficialTitle",
        "brief_summary": "DescriptionModule.BriefSummary",
        "detailed_description": "DescriptionModule.DetailedDescription",
        "conditions": "ConditionsModule.ConditionList.Condition[]",
        "keywords": "ConditionsModule.KeywordList.Keyword[]",
        "eligibility": "EligibilityModule.EligibilityCriteria",
    },
    items={
        "arms": (
            "ArmsInterventionsModule.ArmGroupList.ArmGroup[]",
            {"label": "ArmGroupLabel", "type": "ArmGroupType", "description": "ArmGroupDescription"},
        ),
        "interventions": (
            "ArmsInterventionsModule.InterventionList.Intervention[]",
            {
                "type": "InterventionType",
                "name": "InterventionName",
                "description": "InterventionDescription",
                "other_names": "InterventionOtherNameList.InterventionOtherName[]",
            },
        ),
        "primary_outcomes": _name_outcome("Primary"),
        "secondary_outcomes": _name_outcome("Secondary"),
        "other_outcomes": _name_outcome("Other"),
    },
    registry={
        "minimum_age": "EligibilityModule.MinimumAge",
        "maximum_age": "EligibilityModule.MaximumAge",
        "sex": "EligibilityModule.Gender",
        "healthy_volunteers": "EligibilityModule.HealthyVolunteers",
        "enrollment": "DesignModule.EnrollmentInfo.EnrollmentCount",
        "enrollment_type": "DesignModule.EnrollmentInfo.EnrollmentType",
        "study_type": "DesignModule.StudyType",
        "allocation": "DesignModule.DesignInfo.DesignAllocation",
        "masking": "DesignModule.DesignInfo.DesignMaskingInfo.DesignMasking",
    },
    phases="DesignModule.PhaseList.Phase[]",
    labels="InterventionArmGroupLabelList.InterventionArmGroupLabel[]",
    names="ArmGroupInterventionList.ArmGroupInterventionName[]",
)


def build_study(study: Any) -> Draft:
    """Build the draft of a parsed study. Raises ``Unreadable`` for a field of a wrong type, with its path as the place.

    >>> draft = build_study({"protocolSection": {"identificationModule": {"nctId": "NCT90000001", "briefTitle": "A"}}})
    >>> draft.trial_id, draft.sections[0].text
    ('NCT90000001', 'A')
    """
    for section, paths in (("protocolSection", _V2), ("ProtocolSection", _V1)):
        if isinstance(study, dict) and study.get(section) is not None:
            return read_study(Node(study[section], section), paths, find_nodes, read_texts)
    raise Unreadable(
        "JSON that is not a study (it has no protocolSection)", "give studies of ClinicalTrials.gov or trials of CTIS"
    )
