"""The closed sets of values in the annotation guideline and in the provenance.

The value of each member is the word that appears in the output. In large sets, only the names are
listed; their values are the names in lower case.
"""

from enum import StrEnum
from typing import Final


class Task(StrEnum):
    """What can be extracted from a record: ``eligibility``, ``dosing`` or ``endpoints``."""

    ELIGIBILITY = "eligibility"
    DOSING = "dosing"
    ENDPOINTS = "endpoints"


Sex = StrEnum("Sex", "ALL FEMALE MALE")
Sex.__doc__ = """The sex of the people who may take part."""

TimeUnit = StrEnum("TimeUnit", "MINUTE HOUR DAY WEEK MONTH YEAR CYCLE HALF_LIFE")
TimeUnit.__doc__ = """The units of ages, windows, cycles, durations and time points.

Only windows can be given in half-lives.
"""


CriterionKind = StrEnum("CriterionKind", "INCLUSION EXCLUSION")
CriterionKind.__doc__ = """The list that contains a criterion."""

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
GroupRule.__doc__ = """How many items in a group must be met."""


class Comparator(StrEnum):
    """How a limit restricts its quantity."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "="
    BETWEEN = "between"

    @property
    def opposite(self) -> "Comparator | None":
        """The comparator that matches exactly the values that this comparator does not match; None
        for ``=`` and ``between``.

        >>> Comparator.AT_LEAST.opposite.value
        '<'
        """
        opposites = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
        if self in opposites:
            return Comparator(opposites[self])
        return None


LOWER = (Comparator.AT_LEAST, Comparator.MORE)
"""The comparators that bound the lower side."""
UPPER = (Comparator.AT_MOST, Comparator.LESS)
"""The comparators that bound the upper side."""


Role = StrEnum(
    "Role",
    "INVESTIGATIONAL COMPARATOR PLACEBO CONDITIONING PREMEDICATION BACKGROUND RESCUE PROCEDURE "
    "OTHER",
)
Role.__doc__ = """The reason why an agent is given."""

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
Route.__doc__ = """The route of administration."""


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
Frequency.__doc__ = """How often an agent is given, in prescribers' abbreviations."""

StepKind = StrEnum("StepKind", "LOADING MAINTENANCE TITRATION TAPER RESCUE")
StepKind.__doc__ = """What a step of a treatment is for.

- ``loading``: a first dose or phase that is larger or more frequent than what follows.
- ``maintenance``: what follows a loading step.
- ``titration``, ``taper``: a step of a planned rise or fall.
- ``rescue``: what is added if symptoms break through.
"""

MaximumPer = StrEnum("MaximumPer", "DOSE DAY WEEK CYCLE TOTAL")
MaximumPer.__doc__ = """What a maximum is of: a dose, all doses of a day, week or cycle, or all
of the treatment (``total``).
"""

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
EndpointCategory.__doc__ = """The category of an endpoint's concept."""

TimeKind = StrEnum("TimeKind", "AT UP_TO FROM_TO PER UNSPECIFIED")
TimeKind.__doc__ = """How a time frame relates to its time points."""


Origin = StrEnum("Origin", "RULE MODEL BOTH")
Origin.__doc__ = """The source of a value: the rules, a model, or both if they agree."""

Support = StrEnum("Support", "LITERAL PARSED INFERRED UNSUPPORTED")
Support.__doc__ = """How a value follows from its evidence.

- ``literal``: the value is the quoted text.
- ``parsed``: a grammar reads the value from the quoted text ("two years" is read as 2, year).
- ``inferred``: the value is a class of the guideline that the text implies or does not contradict.
- ``unsupported``: in results from earlier versions, a value from the rules that could not be found
  again in its quote.
"""

AbsenceReason = StrEnum(
    "AbsenceReason",
    """
    NOT_REPORTED UNREAD_NUMBER UNREAD_TEXT SECTION_ABSENT AMBIGUOUS CONTRADICTORY NOT_ASKED
    UNSUPPORTED_ANSWER BUDGET_EXHAUSTED
    MODEL_REFUSED LOW_CONFIDENCE OTHER_LANGUAGE
    """,
)
AbsenceReason.__doc__ = """The reason why a field is empty.

- ``not_reported``: the sections were searched and do not state it.
- ``unread_number``: the text contains a number that is not part of any value, so a value may have
  been missed.
- ``unread_text``: the text has a sentence about it from which nothing was read; the finding
  ``text_unread`` quotes it.
- ``section_absent``: the record does not have a section that could state it.
- ``ambiguous``: no value was accepted, because the text has several readings, the reading is too
  uncertain, words such as "daily" are in no dose, or a model omitted a value that the rules had
  read.
- ``contradictory``: two passages disagree, and neither was accepted.
- ``not_asked``: the rules could not read it and no model was asked.
- ``unsupported_answer``: a model answered, but its answer was rejected because the text does not
  support it.
- ``budget_exhausted``: the run's budget was spent before the model was asked.
- ``model_refused``: a model was asked but did not give a usable answer.
- ``low_confidence``: a value was read, but its confidence is below ``--min-confidence``.
- ``other_language``: the text that could state it is in a language other than English and was not
  read.
"""

SETTLED_ABSENCES: Final = frozenset(
    {AbsenceReason.NOT_REPORTED, AbsenceReason.SECTION_ABSENT}
)
"""Reasons that indicate that a field is correctly empty. If a field is empty for any other reason,
the text may still state a value.
"""

DOUBTFUL_BELOW: Final = 0.85
"""Values whose confidence is below this threshold are treated as doubtful."""

MENDED: Final = (
    "the reply is not one JSON document; its errors were mended, or its parts joined"
)
"""The remark about a reply that becomes the finding ``answer_mended``."""
LIMITED: Final = "a spending limit stopped a call; its questions are open"
"""The remark about a record that becomes the finding ``limit_reached``."""

FindingKind = StrEnum(
    "FindingKind",
    """
    QUOTE_NOT_FOUND VALUE_NOT_IN_QUOTE QUOTE_CONFLICT ANSWER_UNCONFIRMED ANSWER_MISSING
    ANSWER_AMBIGUOUS ANSWER_MENDED LIMIT_REACHED
    LINE_UNANSWERED
    REGIMEN_UNCONFIRMED STRUCTURE_DOUBTFUL
    DOSE_UNREAD TEXT_UNREAD LANGUAGE_OTHER
    SOURCE_DOUBTFUL INSTRUCTION_IN_TEXT INVISIBLE_CHARACTERS LOOK_ALIKE_LETTERS MARKUP
    OVERSIZED_TOKEN
    ENDPOINT_NOT_REGISTERED TIME_POINTS_DIFFER ALLOCATION_DIFFERS MASKING_DIFFERS
    AGE_DIFFERS
    """,
)
FindingKind.__doc__ = """What a reader should know about an extraction or about the record itself.

About a model's answers:

- ``quote_not_found``: a quote is not in the text.
- ``value_not_in_quote``: a value is not supported by its quote.
- ``quote_conflict``: a quote or value nearly matches the text, but with a different number, unit or
  comparator.
- ``answer_unconfirmed``: the rules could not confirm a value, so its confidence is low.
- ``answer_missing``: a question did not receive a usable answer, or a value cannot be read.
- ``answer_ambiguous``: a reply has several readings, for example because it contains two different
  complete answers.
- ``answer_mended``: a reply was not valid JSON, and its small errors were mended.
- ``limit_reached``: a spending limit stopped a call about the record.
- ``line_unanswered``: the model was asked about a line and skipped it, so the values of the rules
  are not confirmed.
- ``regimen_unconfirmed``: the rules read a dose that is not in the model's list of regimens.

About text with an uncertain structure:

- ``structure_doubtful``: a line resembles a heading, an item could be two items, a list does not
  have a heading, or a text without headings may be a list of criteria.

About text from which nothing was read:

- ``dose_unread``: the words of an arm or intervention look like a dose or a part of one.
- ``text_unread``: a sentence speaks of who takes part or of an endpoint, but no criterion or no
  endpoint was read.
- ``language_other``: lines are in a language other than English; the finding states the language
  and the number of lines.

About a file that had to be corrected, or parts of which had to be guessed:

- ``source_doubtful``: for example, the file contains characters that XML does not allow, or
  columns that are not read.

About text that addresses a model or hides something (``extractor/concepts/hostile/injection.py``):

- ``instruction_in_text``: an instruction to a model, a turn of a chat, or an answer or line in the
  format of a prompt.
- ``invisible_characters``: characters that are invisible or that reverse the direction of the text.
- ``look_alike_letters``: letters of two alphabets in one word.
- ``markup``: code that a web page would run or hide.
- ``oversized_token``: an extremely long word, or words that are repeated many times.

About a record that contradicts itself (``extractor/audit``):

- ``endpoint_not_registered``: the text names an endpoint that is not among the registered outcomes.
- ``time_points_differ``: the times of an endpoint in the text differ from those of its registered
  outcomes.
- ``allocation_differs``: the text describes a randomised trial but the registered design does not,
  or vice versa.
- ``masking_differs``: the text describes an open trial but the registered design a blinded one, or
  vice versa.
- ``age_differs``: an age limit in the criteria differs from the registered limit.
"""

TermKind = StrEnum(
    "TermKind",
    "CONDITION CONDITION_ANCESTOR INTERVENTION INTERVENTION_ANCESTOR OTHER_NAME KEYWORD",
)
TermKind.__doc__ = """The kind of a registered term.

- ``condition``, ``intervention``: a MeSH term that the registry assigned to the trial's conditions
  or interventions.
- ``condition_ancestor``, ``intervention_ancestor``: a broader term for one of these in the MeSH
  tree.
- ``other_name``: another name for an intervention, such as a code or a brand name.
- ``keyword``: a keyword that the trial's sponsor chose.
"""

Severity = StrEnum("Severity", "INFO WARNING")
Severity.__doc__ = """How important a finding is to a reader."""


class Effort(StrEnum):
    """How much of a record a model is asked about.

    - ``none``: nothing; only the rules run.
    - ``full``: everything; the model reads the whole record once.

    >>> Effort("full")
    <Effort.FULL: 'full'>
    """

    NONE = "none"
    FULL = "full"
