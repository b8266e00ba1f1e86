"""Trials of the ISRCTN registry, ``fullTrial`` in the XML of its API."""

from .study import StudyPaths

_OUTCOME = {"measure": "variable", "description": "method", "time_frame": "timepoints"}
PATHS = StudyPaths(
    format="isrctn_xml",
    trial_id="trial/isrctn",
    id_prefix="ISRCTN",
    texts={
        "title": "trial/trialDescription/title",
        "official_title": "trial/trialDescription/scientificTitle",
        "brief_summary": "trial/trialDescription/studyHypothesis",
        "detailed_description": "trial/trialDescription/plainEnglishSummary",
        "conditions": "trial/conditions/condition/description",
    },
    criteria=("trial/participants/inclusion", "trial/participants/exclusion"),
    items={
        "interventions": (
            "trial/interventions/intervention",
            {"type": "interventionType", "name": "drugNames", "description": "description"},
        ),
        "primary_outcomes": ("trial/trialDescription/primaryOutcomes/outcomeMeasure", _OUTCOME),
        "secondary_outcomes": ("trial/trialDescription/secondaryOutcomes/outcomeMeasure", _OUTCOME),
    },
    lists={
        "primary_outcomes": "trial/trialDescription/primaryOutcome",
        "secondary_outcomes": "trial/trialDescription/secondaryOutcome",
    },
    registry={
        "minimum_age": "trial/participants/lowerAgeLimit",
        "maximum_age": "trial/participants/upperAgeLimit",
        "sex": "trial/participants/gender",
        "healthy_volunteers": "trial/participants/healthyVolunteersAllowed",
        "enrollment": "trial/participants/targetEnrolment",
        "study_type": "trial/trialDesign/primaryStudyDesign",
        "allocation": "trial/trialDesign/interventionalTrialDesign/allocation",
        "masking": "trial/trialDesign/interventionalTrialDesign/masking",
    },
    phases="trial/interventions/intervention/phase",
)
