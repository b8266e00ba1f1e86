"""Studies in the legacy XML of ClinicalTrials.gov, ``clinical_study``. Text keeps its wrapped lines and indentation."""

from .study import StudyPaths

_OUTCOME = {"measure": "measure", "description": "description", "time_frame": "time_frame"}
PATHS = StudyPaths(
    format="ctgov_xml",
    trial_id="id_info/nct_id",
    texts={
        "title": "brief_title",
        "official_title": "official_title",
        "brief_summary": "brief_summary/textblock",
        "detailed_description": "detailed_description/textblock",
        "conditions": "condition",
        "keywords": "keyword",
        "eligibility": "eligibility/criteria/textblock",
    },
    items={
        "arms": (
            "arm_group",
            {"label": "arm_group_label", "type": "arm_group_type", "description": "description"},
        ),
        "interventions": (
            "intervention",
            {
                "type": "intervention_type",
                "name": "intervention_name",
                "description": "description",
                "other_names": "other_name",
            },
        ),
        "primary_outcomes": ("primary_outcome", _OUTCOME),
        "secondary_outcomes": ("secondary_outcome", _OUTCOME),
        "other_outcomes": ("other_outcome", _OUTCOME),
    },
    registry={
        "minimum_age": "eligibility/minimum_age",
        "maximum_age": "eligibility/maximum_age",
        "sex": "eligibility/gender",
        "healthy_volunteers": "eligibility/healthy_volunteers",
        "enrollment": "enrollment",
        "enrollment_type": "enrollment/@type",
        "study_type": "study_type",
        "allocation": "study_design_info/allocation",
        "masking": "study_design_info/masking",
    },
    phases="phase",
    labels="arm_group_label",
)
