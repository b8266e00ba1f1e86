"""The closed sets of the annotation guideline, and those of provenance.

Every member's value is the word that appears in the output. Large sets are lists of names, in
lower case as values.
"""

from enum import StrEnum
from typing import Final


class Task(StrEnum):
    """What can be extracted from a record: ``eligibility``, ``dosing``, ``endpoints``."""

    ELIGIBILITY = "eligibility"
    DOSING = "dosing"
    ENDPOINTS = "endpoints"


Sex = StrEnum("Sex", "ALL FEMALE MALE")
Sex.__doc__ = """Sex of the people who may take part."""

TimeUnit = StrEnum("TimeUnit", "MINUTE HOUR DAY WEEK MONTH YEAR CYCLE HALF_LIFE")
TimeUnit.__doc__ = """Units of ages, windows, cycles, durations and time points.

Only windows have half-lives.
"""


CriterionKind = StrEnum("CriterionKind", "INCLUSION EXCLUSION")
CriterionKind.__doc__ = """The list in which a criterion appears."""

Category = StrEnum(
    "Category",
    """
    AGE SEX DIAGNOSIS BIOMARKER PRIOR_THERAPY CONCOMITANT_THERAPY ORGAN_FUNCTION PERFORMANCE_STATUS
    LIFE_EXPECTANCY
    REPRODUCTIVE COMORBIDITY INFECTION ALLERGY LIFESTYLE CONSENT_COMPLIANCE LOGISTICS OTHER
    """,
)
Category.__doc__ = """What a criterion is about."""


GroupRule = StrEnum("GroupRule", "ALL ANY AT_LEAST")
GroupRule.__doc__ = """How many items of a group must hold."""


class Comparator(StrEnum):
    """How a limit bounds its quantity."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "="
    BETWEEN = "between"

    @property
    def opposite(self) -> "Comparator | None":
        """The comparator of all other values; None for ``=`` and ``between``.

        >>> Comparator.AT_LEAST.opposite.value
        '<'
        """
        opposites = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
        return Comparator(opposites[self]) if self in opposites else None


Role = StrEnum(
    "Role",
    "INVESTIGATIONAL COMPARATOR PLACEBO CONDITIONING PREMEDICATION BACKGROUND RESCUE PROCEDURE "
    "OTHER",
)
Role.__doc__ = """Why an agent is given."""

Route = StrEnum(
    "Route",
    """
    ORAL INTRAVENOUS SUBCUTANEOUS INTRAMUSCULAR INTRADERMAL TOPICAL INHALED INTRANASAL OPHTHALMIC
    INTRATHECAL
    INTRAVITREAL INTRATUMORAL INTRAPERITONEAL INTRA_ARTERIAL RECTAL VAGINAL TRANSDERMAL SUBLINGUAL
    EXTERNAL_BEAM
    OTHER
    """,
)
Route.__doc__ = """Way into the body."""


Frequency = StrEnum(
    "Frequency",
    {
        "ONCE": "once",
        "QD": "QD",
        "BID": "BID",
        "TID": "TID",
        "QID": "QID",
        "Q4H": "Q4H",
        "Q6H": "Q6H",
        "Q8H": "Q8H",
        "Q12H": "Q12H",
        "QOD": "QOD",
        "QW": "QW",
        "BIW": "BIW",
        "TIW": "TIW",
        "Q2W": "Q2W",
        "Q3W": "Q3W",
        "Q4W": "Q4W",
        "Q5W": "Q5W",
        "Q6W": "Q6W",
        "Q8W": "Q8W",
        "Q12W": "Q12W",
        "QM": "QM",
        "Q3M": "Q3M",
        "Q6M": "Q6M",
        "QY": "QY",
        "PRN": "PRN",
        "CONTINUOUS": "continuous",
        "OTHER": "other",
    },
)
Frequency.__doc__ = """How often an agent is given, as prescribers write it."""

Rank = StrEnum("Rank", "PRIMARY SECONDARY OTHER")
Rank.__doc__ = """The registered rank of an outcome."""

Concept = StrEnum(
    "Concept",
    """
    OVERALL_SURVIVAL PROGRESSION_FREE_SURVIVAL EVENT_FREE_SURVIVAL DISEASE_FREE_SURVIVAL
    TIME_TO_PROGRESSION
    TIME_TO_EVENT_OTHER RESPONSE_RATE DURATION_OF_RESPONSE TIME_TO_RESPONSE MINIMAL_RESIDUAL_DISEASE
    RELAPSE_OR_PROGRESSION_RATE MORTALITY ADVERSE_EVENTS DOSE_LIMITING_TOXICITY
    MAXIMUM_TOLERATED_DOSE
    SPECIFIC_TOXICITY LABORATORY_OR_VITAL_SAFETY PHARMACOKINETICS CELLULAR_KINETICS IMMUNOGENICITY
    BIOMARKER
    SYMPTOM_SCORE QUALITY_OF_LIFE FUNCTIONAL_STATUS CLINICAL_EVENT PHYSIOLOGICAL_MEASURE
    IMAGING_MEASURE
    MEDICATION_USE DESENSITIZATION_OR_CHALLENGE FEASIBILITY HEALTH_ECONOMICS OTHER
    """,
)
Concept.__doc__ = """What an endpoint measures."""

EndpointCategory = StrEnum(
    "EndpointCategory",
    "EFFICACY SAFETY PHARMACOKINETICS PHARMACODYNAMICS IMMUNOGENICITY PATIENT_REPORTED "
    "FEASIBILITY OTHER",
)
EndpointCategory.__doc__ = """The family of an endpoint's concept."""

TimeKind = StrEnum("TimeKind", "AT UP_TO FROM_TO PER UNSPECIFIED")
TimeKind.__doc__ = """How a time frame relates to its time points."""


Origin = StrEnum("Origin", "RULE MODEL BOTH")
Origin.__doc__ = """Who found a value: the rules, a model, or both alike."""

Support = StrEnum("Support", "LITERAL PARSED INFERRED UNSUPPORTED")
Support.__doc__ = """How a value follows from its evidence.

- ``literal``: the value is the quoted text.
- ``parsed``: a grammar reads the value from the quoted text ("two years" is 2, year).
- ``inferred``: the text decides the value, which is a class of the guideline, or does not
  contradict it.
- ``unsupported``: in results of earlier versions, a rule's value that was not found again in what
  is quoted.
"""

AbsenceReason = StrEnum(
    "AbsenceReason",
    """
    NOT_REPORTED UNREAD_NUMBER SECTION_ABSENT AMBIGUOUS CONTRADICTORY NOT_ASKED UNSUPPORTED_ANSWER
    BUDGET_EXHAUSTED
    MODEL_REFUSED LOW_CONFIDENCE OTHER_LANGUAGE
    """,
)
AbsenceReason.__doc__ = """Why a field is empty.

- ``not_reported``: the sections were searched and do not state it.
- ``unread_number``: the text has a number that no field took, so a value may have been missed.
- ``section_absent``: the record has no section that could state it.
- ``ambiguous``: the text can be read in several ways, what was read is too unsure, or a model
  leaves out what the rules read, so no value was taken.
- ``contradictory``: two passages disagree, and neither is believed.
- ``not_asked``: the rules could not read it and no model was asked.
- ``unsupported_answer``: a model answered, its answer was not in the text, and it was kept out.
- ``budget_exhausted``: the run's budget ended before it was asked.
- ``model_refused``: a model was asked and gave no usable answer.
- ``low_confidence``: a value was read, and is less sure than ``--min-confidence`` asks for.
- ``other_language``: the text that could state it is in another language than English, and was not
  read.
"""

SETTLED_ABSENCES: Final = frozenset(
    {AbsenceReason.NOT_REPORTED, AbsenceReason.SECTION_ABSENT}
)
"""Reasons of fields that are rightly empty. All others leave open what the text says."""

DOUBTFUL_BELOW: Final = 0.85
"""A value with a lower confidence is in doubt."""

FindingKind = StrEnum(
    "FindingKind",
    """
    QUOTE_NOT_FOUND VALUE_NOT_IN_QUOTE QUOTE_CONFLICT ANSWER_MISSING ANSWER_AMBIGUOUS
    LINE_UNANSWERED
    REGIMEN_UNCONFIRMED STRUCTURE_DOUBTFUL
    DOSE_UNREAD LANGUAGE_OTHER
    SOURCE_DOUBTFUL INSTRUCTION_IN_TEXT INVISIBLE_CHARACTERS LOOK_ALIKE_LETTERS MARKUP
    OVERSIZED_TOKEN
    ENDPOINT_NOT_REGISTERED TIME_POINTS_DIFFER ALLOCATION_DIFFERS MASKING_DIFFERS
    AGE_DIFFERS
    """,
)
FindingKind.__doc__ = """What a reader should know of an extraction, or of the record itself.

Of a model's answers:

- ``quote_not_found``: a quote that the text does not hold.
- ``value_not_in_quote``: a value that its quote does not bear out.
- ``quote_conflict``: a quote or value that nearly stands there, with another number, unit
  or comparator.
- ``answer_missing``: a question that got no usable answer, or a value in no readable form.
- ``answer_ambiguous``: a reply that can be read in several ways, such as one with two complete
  answers that differ.
- ``line_unanswered``: a line that the model was asked about and skipped; the rules' values stand
  there, unconfirmed.
- ``regimen_unconfirmed``: a dose that the rules read and that the model's list of regimens does not
  have.

Of text whose structure is in doubt:

- ``structure_doubtful``: a heading that is only nearly one, an item that could be two, a list that
  no heading opens, a text without headings that may be a list of criteria.

Of text that nothing was read from:

- ``dose_unread``: words of an arm or intervention that look like a dose.
- ``language_other``: lines in another language than English, with the language and their number.


Of a file that had to be mended, or whose parts had to be guessed, to read the record:

- ``source_doubtful``: a file that had to be mended, such as one with characters that XML does not
  allow, or with a column that has another name than the registry's.

Of text that is aimed at a model, or that hides something
(``extractor/concepts/hostile/injection.py``):

- ``instruction_in_text``: a command to a model, a chat's turn, an answer or a line in the form of a
  prompt.
- ``invisible_characters``: characters that nobody sees, or that set a text backwards.
- ``look_alike_letters``: letters of two alphabets in one word.
- ``markup``: code that a page would run or hide.
- ``oversized_token``: a word without end, or words repeated over and over.

Of a record that contradicts itself (``extractor/audit``):

- ``endpoint_not_registered``: the text names an endpoint that no registered outcome measures.
- ``time_points_differ``: the text measures an endpoint at other times than its outcomes.
- ``allocation_differs``: the text says randomised, the registered design does not, or the other way
  round.
- ``masking_differs``: the text says open or blinded, the registered design the opposite.
- ``age_differs``: an age limit of the criteria is not the registered one.
"""

CONTRADICTIONS: Final = frozenset(
    {
        FindingKind.ENDPOINT_NOT_REGISTERED,
        FindingKind.TIME_POINTS_DIFFER,
        FindingKind.ALLOCATION_DIFFERS,
        FindingKind.MASKING_DIFFERS,
        FindingKind.AGE_DIFFERS,
    }
)
"""Kinds of findings of a record that contradicts itself. All others are about what was read."""

UNREAD: Final = frozenset(
    {
        FindingKind.DOSE_UNREAD,
        FindingKind.LANGUAGE_OTHER,
        FindingKind.STRUCTURE_DOUBTFUL,
        FindingKind.SOURCE_DOUBTFUL,
    }
)
"""Kinds of findings on text that was not read, or may have been read wrongly."""

TermKind = StrEnum(
    "TermKind",
    "CONDITION CONDITION_ANCESTOR INTERVENTION INTERVENTION_ANCESTOR OTHER_NAME KEYWORD",
)
TermKind.__doc__ = """What a registered term is.

- ``condition``, ``intervention``: a MeSH term that the registry gave to the trial's conditions or
  interventions.
- ``condition_ancestor``, ``intervention_ancestor``: a MeSH term above one of these in the MeSH
  tree.
- ``other_name``: another name of an intervention, such as a code or a brand.
- ``keyword``: a keyword of the trial's sponsor.
"""

Severity = StrEnum("Severity", "INFO WARNING")
Severity.__doc__ = """How much a finding matters to a reader."""


_DOUBTED = 0.9
"""``medium`` asks about a value of the rules whose confidence is lower than this."""
_DOUBTED_RARE = 0.975
"""The same in a field that few items state, where a missed value weighs more."""


class Effort(StrEnum):
    """How much a model is asked.

    - ``none``: nothing; only the rules run.
    - ``medium``: what the rules are unsure of, which is what has a confidence below 0.9.
    - ``all``: every question, whatever the rules say.

    >>> Effort("medium")
    <Effort.MEDIUM: 'medium'>
    """

    NONE = "none"
    MEDIUM = "medium"
    ALL = "all"

    def doubts(self, confidence: float, *, rare: bool = False) -> bool:
        """Return whether a model is asked about a value of the rules. ``rare`` if few items state
        its field.

        >>> (
        ...     Effort.MEDIUM.doubts(0.95),
        ...     Effort.MEDIUM.doubts(0.95, rare=True),
        ...     Effort.ALL.doubts(0.99),
        ... )
        (False, True, True)
        """
        if self is Effort.MEDIUM:
            return confidence < (_DOUBTED_RARE if rare else _DOUBTED)
        return self is Effort.ALL
