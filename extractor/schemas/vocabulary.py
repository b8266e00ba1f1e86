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
    - ``unsupported``: the value cannot be derived from what is quoted. A model's is kept out; a rule's is shown so.
    """

    LITERAL = "literal"
    PARSED = "parsed"
    INFERRED = "inferred"
    UNSUPPORTED = "unsupported"


class AbsenceReason(StrEnum):
    """Why a field is empty.

    - ``not_reported``: the sections were searched and do not state it.
    - ``section_absent``: the record has no section that could state it.
    - ``ambiguous``: the text was read in several ways, or by one who is often wrong, and no reading is believed.
    - ``contradictory``: two passages disagree, and neither is believed.
    - ``not_asked``: the rules could not read it and no model was asked.
    - ``unsupported_answer``: a model answered, its answer was not in the text, and it was kept out.
    - ``budget_exhausted``: the run's budget ended before it was asked.
    - ``model_refused``: a model was asked and gave no usable answer.
    - ``low_confidence``: a value was read, and is less sure than ``--min-confidence`` asks for.
    """

    NOT_REPORTED = "not_reported"
    SECTION_ABSENT = "section_absent"
    AMBIGUOUS = "ambiguous"
    CONTRADICTORY = "contradictory"
    NOT_ASKED = "not_asked"
    UNSUPPORTED_ANSWER = "unsupported_answer"
    BUDGET_EXHAUSTED = "budget_exhausted"
    MODEL_REFUSED = "model_refused"
    LOW_CONFIDENCE = "low_confidence"


class FindingKind(StrEnum):
    """What a reader should know of an extraction, or of the record itself.

    Of a model's answers:

    - ``quote_not_found``: a quote that the text does not hold.
    - ``value_not_in_quote``: a value that its quote does not bear out.
    - ``quote_conflict``: a quote or value that nearly stands there, with another number, unit, comparator, ...
    - ``answer_missing``: a question that got no usable answer.

    Of text that nothing was read from:

    - ``criterion_unread``: a line of the eligibility section that looks like a criterion.
    - ``dose_unread``: words of an arm or intervention that look like a dose.
    - ``number_unread``: a limit or a time that stands in a criterion or time frame and is in no value.

    - ``example_repeated``: an answer that repeats a worked example of the prompt, which the text does not hold.

    Of text that is aimed at a model, or that hides something (``extractor/parse/injection``):

    - ``instruction_in_text``: a command to a model, a chat's turn, an answer or a line in the form of a prompt.
    - ``invisible_characters``: characters that nobody sees, or that set a text backwards.
    - ``look_alike_letters``: letters of two alphabets in one word.
    - ``markup``: code that a page would run or hide.
    - ``oversized_token``: a word without end, or words repeated over and over.

    Of a record that contradicts itself (``extractor/audit``):

    - ``endpoint_not_registered``: the text names an endpoint that no registered outcome measures.
    - ``time_points_differ``: the text measures an endpoint at other times than the registered outcome does.
    - ``sample_size_differs``: the number of participants in the text is not the planned enrolment.
    - ``phase_differs``: the phase in the text is not the registered one.
    - ``allocation_differs``: the text says randomised, the registered design does not, or the other way round.
    - ``masking_differs``: the text says open or blinded, the registered design the opposite.
    - ``arm_count_differs``: the text counts more or fewer arms than are registered.
    - ``arm_without_intervention``: a registered arm to which no intervention is linked.
    - ``age_differs``: an age limit of the text is not the registered one.
    - ``sex_differs``: the text admits another sex than the registered field.
    - ``limits_contradict``: limits that leave nobody, or that exclude whom another criterion asks for.
    - ``criterion_contradicted``: the same condition is asked for and excludes.
    - ``endpoint_undefined``: a survival or response endpoint without definition and without named criteria.
    - ``time_frame_missing``: an outcome without a time frame.
    - ``dose_differs``: an arm and its intervention give the same agent in other amounts.
    - ``outcome_repeated``: an outcome that is registered twice.
    """

    QUOTE_NOT_FOUND = "quote_not_found"
    VALUE_NOT_IN_QUOTE = "value_not_in_quote"
    QUOTE_CONFLICT = "quote_conflict"
    ANSWER_MISSING = "answer_missing"
    CRITERION_UNREAD = "criterion_unread"
    DOSE_UNREAD = "dose_unread"
    NUMBER_UNREAD = "number_unread"
    EXAMPLE_REPEATED = "example_repeated"
    INSTRUCTION_IN_TEXT = "instruction_in_text"
    INVISIBLE_CHARACTERS = "invisible_characters"
    LOOK_ALIKE_LETTERS = "look_alike_letters"
    MARKUP = "markup"
    OVERSIZED_TOKEN = "oversized_token"  # noqa: S105 - a word, no password
    ENDPOINT_NOT_REGISTERED = "endpoint_not_registered"
    TIME_POINTS_DIFFER = "time_points_differ"
    SAMPLE_SIZE_DIFFERS = "sample_size_differs"
    PHASE_DIFFERS = "phase_differs"
    ALLOCATION_DIFFERS = "allocation_differs"
    MASKING_DIFFERS = "masking_differs"
    ARM_COUNT_DIFFERS = "arm_count_differs"
    ARM_WITHOUT_INTERVENTION = "arm_without_intervention"
    AGE_DIFFERS = "age_differs"
    SEX_DIFFERS = "sex_differs"
    LIMITS_CONTRADICT = "limits_contradict"
    CRITERION_CONTRADICTED = "criterion_contradicted"
    ENDPOINT_UNDEFINED = "endpoint_undefined"
    TIME_FRAME_MISSING = "time_frame_missing"
    DOSE_DIFFERS = "dose_differs"
    OUTCOME_REPEATED = "outcome_repeated"


class Severity(StrEnum):
    """How much a finding matters to a reader."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
