"""The closed sets of the annotation guideline, and those that say how a value is known.

Every member's value is the word that stands in the output.
"""

from enum import StrEnum

__all__ = [
    "AbsenceReason",
    "Category",
    "Comparator",
    "Concept",
    "CriterionKind",
    "EndpointCategory",
    "FindingKind",
    "Frequency",
    "Origin",
    "Rank",
    "Role",
    "Route",
    "Severity",
    "Sex",
    "Support",
    "Task",
    "TimeKind",
    "TimeUnit",
]


class Task(StrEnum):
    """What can be asked of a record."""

    ELIGIBILITY = "eligibility"
    DOSING = "dosing"
    ENDPOINTS = "endpoints"


class Sex(StrEnum):
    """Sex of the people who may take part."""

    ALL = "all"
    FEMALE = "female"
    MALE = "male"


class TimeUnit(StrEnum):
    """Units of ages, windows, cycles, durations and time points."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    CYCLE = "cycle"


class CriterionKind(StrEnum):
    """The list in which a criterion stands."""

    INCLUSION = "inclusion"
    EXCLUSION = "exclusion"


class Category(StrEnum):
    """What a criterion is about."""

    AGE = "age"
    SEX = "sex"
    DIAGNOSIS = "diagnosis"
    BIOMARKER = "biomarker"
    PRIOR_THERAPY = "prior_therapy"
    CONCOMITANT_THERAPY = "concomitant_therapy"
    ORGAN_FUNCTION = "organ_function"
    PERFORMANCE_STATUS = "performance_status"
    LIFE_EXPECTANCY = "life_expectancy"
    REPRODUCTIVE = "reproductive"
    COMORBIDITY = "comorbidity"
    INFECTION = "infection"
    ALLERGY = "allergy"
    LIFESTYLE = "lifestyle"
    CONSENT_COMPLIANCE = "consent_compliance"
    LOGISTICS = "logistics"
    OTHER = "other"


class Comparator(StrEnum):
    """How a limit bounds its quantity."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "="
    BETWEEN = "between"


class Role(StrEnum):
    """Why an agent is given."""

    INVESTIGATIONAL = "investigational"
    COMPARATOR = "comparator"
    PLACEBO = "placebo"
    CONDITIONING = "conditioning"
    PREMEDICATION = "premedication"
    BACKGROUND = "background"
    RESCUE = "rescue"
    PROCEDURE = "procedure"
    OTHER = "other"


class Route(StrEnum):
    """Way into the body."""

    ORAL = "oral"
    INTRAVENOUS = "intravenous"
    SUBCUTANEOUS = "subcutaneous"
    INTRAMUSCULAR = "intramuscular"
    INTRADERMAL = "intradermal"
    TOPICAL = "topical"
    INHALED = "inhaled"
    INTRANASAL = "intranasal"
    OPHTHALMIC = "ophthalmic"
    INTRATHECAL = "intrathecal"
    INTRAVITREAL = "intravitreal"
    INTRATUMORAL = "intratumoral"
    INTRAPERITONEAL = "intraperitoneal"
    INTRA_ARTERIAL = "intra_arterial"
    RECTAL = "rectal"
    VAGINAL = "vaginal"
    TRANSDERMAL = "transdermal"
    SUBLINGUAL = "sublingual"
    EXTERNAL_BEAM = "external_beam"
    OTHER = "other"


class Frequency(StrEnum):
    """How often an agent is given, as prescribers write it."""

    ONCE = "once"
    QD = "QD"
    BID = "BID"
    TID = "TID"
    QID = "QID"
    Q4H = "Q4H"
    Q6H = "Q6H"
    Q8H = "Q8H"
    Q12H = "Q12H"
    QOD = "QOD"
    QW = "QW"
    BIW = "BIW"
    TIW = "TIW"
    Q2W = "Q2W"
    Q3W = "Q3W"
    Q4W = "Q4W"
    Q5W = "Q5W"
    Q6W = "Q6W"
    Q8W = "Q8W"
    Q12W = "Q12W"
    QM = "QM"
    Q3M = "Q3M"
    Q6M = "Q6M"
    QY = "QY"
    PRN = "PRN"
    CONTINUOUS = "continuous"
    OTHER = "other"


class Rank(StrEnum):
    """The registered rank of an outcome."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    OTHER = "other"


class Concept(StrEnum):
    """What an endpoint measures."""

    OVERALL_SURVIVAL = "overall_survival"
    PROGRESSION_FREE_SURVIVAL = "progression_free_survival"
    EVENT_FREE_SURVIVAL = "event_free_survival"
    DISEASE_FREE_SURVIVAL = "disease_free_survival"
    TIME_TO_PROGRESSION = "time_to_progression"
    TIME_TO_EVENT_OTHER = "time_to_event_other"
    RESPONSE_RATE = "response_rate"
    DURATION_OF_RESPONSE = "duration_of_response"
    TIME_TO_RESPONSE = "time_to_response"
    MINIMAL_RESIDUAL_DISEASE = "minimal_residual_disease"
    RELAPSE_OR_PROGRESSION_RATE = "relapse_or_progression_rate"
    MORTALITY = "mortality"
    ADVERSE_EVENTS = "adverse_events"
    DOSE_LIMITING_TOXICITY = "dose_limiting_toxicity"
    MAXIMUM_TOLERATED_DOSE = "maximum_tolerated_dose"
    SPECIFIC_TOXICITY = "specific_toxicity"
    LABORATORY_OR_VITAL_SAFETY = "laboratory_or_vital_safety"
    PHARMACOKINETICS = "pharmacokinetics"
    CELLULAR_KINETICS = "cellular_kinetics"
    IMMUNOGENICITY = "immunogenicity"
    BIOMARKER = "biomarker"
    SYMPTOM_SCORE = "symptom_score"
    QUALITY_OF_LIFE = "quality_of_life"
    FUNCTIONAL_STATUS = "functional_status"
    CLINICAL_EVENT = "clinical_event"
    PHYSIOLOGICAL_MEASURE = "physiological_measure"
    IMAGING_MEASURE = "imaging_measure"
    MEDICATION_USE = "medication_use"
    DESENSITIZATION_OR_CHALLENGE = "desensitization_or_challenge"
    FEASIBILITY = "feasibility"
    HEALTH_ECONOMICS = "health_economics"
    OTHER = "other"


class EndpointCategory(StrEnum):
    """The family of an endpoint's concept."""

    EFFICACY = "efficacy"
    SAFETY = "safety"
    PHARMACOKINETICS = "pharmacokinetics"
    PHARMACODYNAMICS = "pharmacodynamics"
    IMMUNOGENICITY = "immunogenicity"
    PATIENT_REPORTED = "patient_reported"
    FEASIBILITY = "feasibility"
    OTHER = "other"


class TimeKind(StrEnum):
    """How a time frame relates to its time points."""

    AT = "at"
    UP_TO = "up_to"
    FROM_TO = "from_to"
    PER = "per"
    UNSPECIFIED = "unspecified"


class Origin(StrEnum):
    """Who found a value: the rules, a model, or both alike."""

    RULE = "rule"
    MODEL = "model"
    BOTH = "both"


class Support(StrEnum):
    """How a value follows from its evidence.

    - ``literal``: the value is the quoted text.
    - ``parsed``: a grammar derives the value from the quoted text ("two years" is 2, year).
    - ``inferred``: the quoted text decides the value, which is a class of the guideline.
    - ``unsupported``: nothing quoted supports the value. Never in a finished extraction.
    """

    LITERAL = "literal"
    PARSED = "parsed"
    INFERRED = "inferred"
    UNSUPPORTED = "unsupported"


class AbsenceReason(StrEnum):
    """Why a field is empty.

    - ``not_reported``: the sections were searched and do not state it.
    - ``section_absent``: the record has no section that could state it.
    - ``ambiguous``: the text can be read in several ways and nobody could decide.
    - ``contradictory``: two passages disagree.
    - ``not_asked``: the rules could not read it and no model was asked.
    - ``unsupported_answer``: a model answered, its answer was not in the text, and it was kept out.
    - ``budget_exhausted``: the run's budget ended before it was asked.
    - ``model_refused``: a model was asked and gave no usable answer.
    """

    NOT_REPORTED = "not_reported"
    SECTION_ABSENT = "section_absent"
    AMBIGUOUS = "ambiguous"
    CONTRADICTORY = "contradictory"
    NOT_ASKED = "not_asked"
    UNSUPPORTED_ANSWER = "unsupported_answer"
    BUDGET_EXHAUSTED = "budget_exhausted"
    MODEL_REFUSED = "model_refused"


class FindingKind(StrEnum):
    """What the audit of an extraction reports."""

    QUOTE_NOT_FOUND = "quote_not_found"
    VALUE_NOT_IN_QUOTE = "value_not_in_quote"
    ANSWER_MISSING = "answer_missing"


class Severity(StrEnum):
    """How much a finding matters to a reader."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
