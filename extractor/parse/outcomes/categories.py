"""The category of an outcome: it follows from the concept, with the guideline's exceptions."""

import re

from extractor.schemas import Concept, EndpointCategory

__all__ = ["choose_category"]

_SAFETY = (
    Concept.MORTALITY, Concept.ADVERSE_EVENTS, Concept.DOSE_LIMITING_TOXICITY, Concept.MAXIMUM_TOLERATED_DOSE,
    Concept.SPECIFIC_TOXICITY, Concept.LABORATORY_OR_VITAL_SAFETY,
)  # fmt: skip
_CATEGORIES = dict.fromkeys(Concept, EndpointCategory.EFFICACY)
_CATEGORIES |= dict.fromkeys(_SAFETY, EndpointCategory.SAFETY)
_CATEGORIES |= dict.fromkeys((Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS), EndpointCategory.PHARMACOKINETICS)
_CATEGORIES |= {
    Concept.BIOMARKER: EndpointCategory.PHARMACODYNAMICS,
    Concept.IMMUNOGENICITY: EndpointCategory.IMMUNOGENICITY,
    Concept.QUALITY_OF_LIFE: EndpointCategory.PATIENT_REPORTED,
    Concept.FEASIBILITY: EndpointCategory.FEASIBILITY,
    Concept.HEALTH_ECONOMICS: EndpointCategory.OTHER,
    Concept.OTHER: EndpointCategory.OTHER,
}

_RATED = (Concept.SYMPTOM_SCORE, Concept.OTHER, Concept.RESPONSE_RATE, Concept.FUNCTIONAL_STATUS)
_RATED_BY_PATIENT = re.compile(
    r"\b(?:patient|participant|subject|self|parent|caregiver|child)s?'?s?[- ](?:reported"
    r"|rated|assessed|completed|administered|global|evaluated)"
    r"|\b(?:rated|reported|completed|recorded|scored|assessed|filled(?: in| out)?"
    r"|evaluated|answered) by (?:the )?(?:patient|participant|subject|parent|caregiver"
    r"|child)"
    r"|\b(?:diary|diaries|visual analog(?:ue)?|VAS|questionnaire|PROMIS|self-report"
    r"|asthma control (?:test|questionnaire)|ACQ|ACT|C-ACT|SNOT-?2[02]|NRS|POEM"
    r"|UAS7?|UCT"
    r"|(?:patients?|participants?|subjects?|parents?) (?:will |were asked to "
    r"|are asked to |is asked to |will be asked to )?(?:rate|record|report|complete"
    r"|score|answer))\b",
    re.IGNORECASE,
)


def choose_category(concept: Concept, text: str) -> tuple[EndpointCategory, float]:
    """The category of a concept in an outcome's cleaned text, and the probability that it is right given the concept.

    >>> choose_category(Concept.SYMPTOM_SCORE, "Itch score, rated by the patient from 0 to 10")[0].value
    'patient_reported'
    """
    if concept is Concept.SYMPTOM_SCORE:
        rated = _RATED_BY_PATIENT.search(text)
        return (EndpointCategory.PATIENT_REPORTED, 0.7) if rated else (EndpointCategory.EFFICACY, 0.8)
    if concept in (Concept.MORTALITY, Concept.OTHER, Concept.PHYSIOLOGICAL_MEASURE):
        return _CATEGORIES[concept], 0.75
    if concept in (Concept.TIME_TO_EVENT_OTHER, Concept.MEDICATION_USE):
        return _CATEGORIES[concept], 0.85
    return _CATEGORIES[concept], 0.98
