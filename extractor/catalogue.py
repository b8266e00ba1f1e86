"""Fields to use or to copy: plain pydantic models, as you write your own.

``Extractor(fields=[Washout])``, or ``--fields extractor.catalogue:Washout`` on the command line.
"""

from typing import Literal

from pydantic import BaseModel, Field

from extractor.schemas import Age, Period, Quantity, TimePoint

_TOLD = ["title", "official_title", "brief_summary", "detailed_description", "arms"]
"""Sections that tell how a trial is done."""


class Blinding(
    BaseModel,
    json_schema_extra={
        "sections": _TOLD,
        "mentions": ["blind", "mask", "open label", "open-label", "unblind", "unmask"],
        "examples": [
            {"text": "an open-label trial", "value": "open"},
            {"text": "The study is open label.", "value": "open"},
            {"text": "This trial is not blinded.", "value": "open"},
            {"text": "a non-blinded, randomised trial", "value": "open"},
            {"text": "an unmasked study", "value": "open"},
            {"text": "a single-blind study", "value": "single"},
            {"text": "assessor-blinded, randomised", "value": "single"},
            {"text": "randomised, double-blind", "value": "double"},
            {"text": "double masked trial", "value": "double"},
            {"text": "patients with open wounds get a label"},
            {"text": "a single dose for blind people"},
            {"text": "the double dose for blind people"},
        ],
    },
):
    """Who does not know which treatment a participant receives."""

    level: Literal["open", "single", "double", "triple", "quadruple"] = Field(
        description=(
            "open: everybody knows; single: the participants or the assessors alone do not; "
            "double: neither participants"
            " nor those who treat them do; triple: nor do those who assess the outcome; "
            "quadruple: nor do those who"
            " analyse the data."
        ),
        json_schema_extra={
            "pattern": {
                "open": [
                    "open ( - )? ( label | labelled | labeled ) | ( non | un ) ( blinded | masked "
                    ")",
                    "unblinded | unmasked | not ( blinded | masked )",
                ],
                "single": (
                    "( single | assessor | observer | rater | evaluator ) ( - )? ( blind | "
                    "blinded | masked )"
                ),
                "double": "double ( - )? ( blind | blinded | masked | dummy )",
            }
        },
    )


class Nyha(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "mentions": ["NYHA", "New York", "functional class"],
        "examples": [
            {"text": "NYHA class II to IV", "value": "2-4"},
            {"text": "NYHA IV", "value": "= 4"},
            {
                "text": "Heart failure above NYHA II",
                "value": {"quote": "above NYHA II", "classes": "> 2"},
            },
        ],
    },
):
    """The classes of the New York Heart Association that the criterion names.

    It may include or exclude them. A line that only explains a class states nothing.
    """

    classes: Quantity


class EjectionFraction(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "mentions": ["ejection", "LVEF", "EF"],
        "examples": [
            {"text": "Ejection fraction of 35 % or less", "value": "<= 35 %"},
            {"text": "LVEF between 40 and 49%", "value": "40-49 %"},
            {"text": "ejection fraction < 40 %", "value": "< 40 %"},
            {"text": "Preserved ejection fraction"},
            {"text": "ejection fraction falls by 10 points"},
        ],
    },
):
    """The limit or range of the left ventricular ejection fraction that the criterion states.

    It is in per cent; of several, the first counts.
    """

    limit: Quantity = Field(
        json_schema_extra={
            "pattern": (
                r"( ejection fraction | LVEF | EF ) ( \( _ \) )? ( of | is | was | must be )?"
                " limit=( ( <comparators> )? # %? ( - | to | and )? #? % ( <comparator_suffixes> "
                ")? )"
            )
        }
    )


class BackgroundTherapy(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "where": {"kind": "inclusion"},
        "many": True,
        "mentions": [
            *(
                "stable",
                "background",
                "optim",
                "standard",
                "guideline",
                "receiv",
                "treated",
                "treatment",
                "therapy",
            ),
            *(
                "taking",
                "prescribed",
                "medication",
                "dose",
                "blocker",
                "inhibitor",
                "drug",
                "tolerat",
            ),
        ],
        "examples": [
            {
                "text": "On a stable dose of a beta blocker for at least 4 weeks",
                "value": {"therapy": "beta blocker", "taken_for": "4 week"},
            },
            {
                "text": "Treated with glucose-lowering drugs (metformin or insulin)",
                "value": [{"therapy": "metformin"}, {"therapy": "insulin"}],
            },
            {"text": "Failed a beta blocker"},
        ],
    },
):
    """A treatment that the criterion asks participants to take already when they enter.

    Each that is named is a value; a general word counts where nothing more exact is named. No
    treatment that the trial gives, none that they must have failed or ended, none that they only
    may take ("if taking beta blockers, the dose must be stable"), and no disease or indication for
    a treatment. What only some must take counts ("those with hypertension must be on treatment").
    """

    therapy: str = Field(
        description="The drug, class or kind of treatment, in as few words as name it."
    )
    taken_for: Period | None = Field(
        None, description="For how long it must have been taken, or unchanged."
    )


class Contraception(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "mentions": ["contracept", "birth control"],
        "examples": [
            {
                "text": (
                    "Women must use contraception during the trial and for 6 months after the "
                    "last dose"
                ),
                "value": {"asked_of": "women", "after_treatment": "6 month"},
            },
            {"text": "Oral contraceptives are not allowed"},
        ],
    },
):
    """Contraception that the criterion asks of participants or their partners.

    With how long it must go on after the last dose or the end of treatment. A definition of who can
    bear children states nothing of it.
    """

    asked_of: Literal["women", "men", "both"] = Field(
        description="women: women, or men's partners; men: men, or women's partners; both: all "
        "participants."
    )
    after_treatment: Period | None = Field(
        None, description="How long after the last dose or the end of treatment."
    )


class FollowUp(
    BaseModel,
    json_schema_extra={
        "many": True,
        "sections": _TOLD,
        "mentions": ["follow", "observ", "monitor"],
        "examples": [
            {
                "text": "All participants will be followed for 24 months after the infusion.",
                "value": {"quote": "followed for 24 months", "length": "24 month"},
            },
            {
                "text": "They will be followed up for at least 5 years.",
                "value": "5 year",
            },
            {"text": "observed over a period of 12 weeks", "value": "12 week"},
            {"text": "with a 12-month follow-up", "value": "12 month"},
            {"text": "6 months of safety follow-up", "value": "6 month"},
            {"text": "The follow-up period lasts up to 5 years.", "value": "5 year"},
            {"text": "follow-up: 12 months", "value": "12 month"},
            {"text": "Treatment lasts 12 weeks, with follow-up visits."},
            {"text": "followed by surgery for 2 weeks"},
            {"text": "infusion, followed for 3 days by rest"},
            {"text": "a 4-week follow-up visit"},
            {"text": "2 weeks after the follow-up visit"},
            {"text": "seen at 6 weeks, and follow-up ends"},
            {"text": "follow-up every 3 months"},
        ],
    },
):
    """How long participants are followed or observed.

    In the words of the title, the summary, the description or an arm: each length that is stated,
    once. Neither how long the treatment lasts, nor the time between two visits, nor that of one
    visit.
    """

    length: Period = Field(
        json_schema_extra={
            "pattern": [
                "( followed | observed | monitored ) ( up )? ( for | over | during ) ( a | the )?"
                " ( period of | total of | median of | minimum of | maximum of | at least | up to "
                "| about"
                " | approximately | another )? length=<duration> (?! by )",
                "length=<duration> ( of )? ( long term | safety | post treatment )?"
                " ( follow up | followup | observation ) (?! visit~ | call~ | every )",
                "( follow up | followup | observation ) ( period | time | phase | duration )?"
                " ( will | is | was | lasts | last | be | of | for | : | at least | up to )* "
                "length=<duration>",
            ]
        }
    )


class BrainMetastases(
    BaseModel,
    json_schema_extra={
        "mentions": ["brain", "CNS", "central nervous", "cerebral", "intracranial"],
        "examples": [
            {
                "text": (
                    "Exclusion: untreated brain metastases; treated ones must be stable for 4 weeks"
                ),
                "value": {"status": "allowed_if_treated", "stable_for": "4 week"},
            },
            {
                "text": "Exclusion: known CNS metastases",
                "value": {"status": "excluded"},
            },
            {"text": "Exclusion: a primary tumour of the brain"},
        ],
    },
):
    """Whether people with metastases of the brain or the central nervous system may take part.

    What all lines together say counts; give it on each line that bears it out. A line about
    leptomeningeal disease, primary brain tumours or the brain's other diseases states nothing of
    it.
    """

    status: Literal["allowed", "allowed_if_treated", "excluded"] = Field(
        description=(
            "allowed: people with them may take part, even untreated, or the trial is for them; "
            "allowed_if_treated: only"
            " if treated, stable or without symptoms, so too where only active, unstable or "
            "symptomatic ones are"
            " excluded; excluded: nobody with them may take part."
        )
    )
    stable_for: Period | None = Field(
        None,
        description="How long they must have been stable, or how long ago their treatment must "
        "have ended.",
    )


class PriorLines(
    BaseModel,
    json_schema_extra={
        "many": True,
        "mentions": [
            *(
                "line",
                "regimen",
                "prior",
                "previous",
                "course",
                "naive",
                "naïve",
                "treatment-na",
                "untreated",
            ),
            *("receiv", "refractory"),
        ],
        "examples": [
            {
                "text": "Inclusion: at least two prior lines of chemotherapy",
                "value": {
                    "quote": "at least two prior lines of chemotherapy",
                    "lines": ">= 2",
                    "of_therapy": "chemotherapy",
                },
            },
            {
                "text": "Exclusion: more than 3 previous regimens for metastatic disease",
                "value": {
                    "quote": "more than 3 previous regimens for metastatic disease",
                    "lines": "> 3",
                },
            },
            {
                "text": "Inclusion: no prior chemotherapy for advanced disease",
                "value": {
                    "quote": "no prior chemotherapy for advanced disease",
                    "lines": "= 0",
                    "of_therapy": "chemotherapy",
                },
            },
            {"text": "Inclusion: at least 2 cycles of induction"},
            {"text": "Exclusion: prior immunotherapy"},
        ],
    },
):
    """How many earlier lines, regimens or courses of systemic therapy for the cancer a participant
    must or may have had.

    Where the line states the number in digits or words, or says that there were none: "must not
    have received prior TKIs" is "= 0" of TKIs. Write a number as the line states it, also one that
    is excluded: "more than one line is not permitted" is "> 1". No cycles, no doses, no operations.
    "Prior chemotherapy", "first-line treatment" and "relapsed" state no number.
    """

    lines: Quantity = Field(description="The number, with its comparator and no unit.")
    of_therapy: str | None = Field(
        None, description="The kind of therapy, if one is named."
    )


class Biomarker(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "where": {"category": ["biomarker", "diagnosis", "prior_therapy"]},
        "many": True,
        "examples": [
            {
                "text": "PD-L1 TPS of at least 50 % by 22C3",
                "value": {"marker": "PD-L1", "cutoff": ">= 50 %", "assay": "22C3"},
            },
            {
                "text": "EGFR mutation or ALK rearrangement",
                "value": [
                    {"quote": "EGFR mutation", "marker": "EGFR mutation"},
                    {"quote": "ALK rearrangement", "marker": "ALK rearrangement"},
                ],
            },
            {"text": "Histologically confirmed melanoma"},
        ],
    },
):
    """A molecular marker of the tumour that the criterion asks for or excludes.

    A gene, a protein, a receptor, a rearrangement, an expression score. Several markers, or several
    alterations of a gene, are several values, each in the line's own words. A marker counts, too,
    if it only says for whom a requirement holds ("those with HR+ tumours must ..."), or if only its
    status must be known. No tissue for later analysis, no drug named after a marker, no laboratory
    value of the blood.
    """

    marker: str = Field(description="The marker, with its alteration if one is named.")
    cutoff: Quantity | None = Field(
        None,
        description='The number that decides, as stated, a share, a count or a score; "IHC 3+" is '
        '"= 3 +".',
    )
    assay: str | None = Field(
        None,
        description="The test by which it is measured, as named, without its maker.",
    )


class DoseInterval(
    BaseModel,
    json_schema_extra={
        "many": True,
        "sections": [*_TOLD, "interventions"],
        "mentions": [
            *(
                "dose",
                "vaccin",
                "booster",
                "prime",
                "inject",
                "immuni",
                "apart",
                "interval",
                "schedule",
            ),
            *("day", "week", "month"),
        ],
        "examples": [
            {"text": "Two doses, 28 days apart", "value": {"interval": "28 day"}},
            {
                "text": "a booster 21 to 28 days later",
                "value": [
                    {"quote": "21 to 28 days later", "interval": "21 day"},
                    {"quote": "21 to 28 days later", "interval": "28 day"},
                ],
            },
            {
                "text": "Vaccinated on days 0, 28 and 180",
                "value": {"at": ["0 day", "28 day", "180 day"]},
            },
            {"text": "A blood sample 28 days after the dose"},
        ],
    },
):
    """When the doses of a vaccine are given.

    The time between one dose and the next or the booster, as the line states it, and the days or
    months of its schedule, ages too ("at 2, 4 and 6 months of age"). Nothing is worked out: "Day 0
    and Day 28" states two times and no interval. A range ("21 to 28 days") is two values, one for
    each end. A schedule of one dose states nothing. No time of a blood sample, a visit or an
    outcome.
    """

    interval: Period | None = Field(
        None, description="The time from one dose to the next."
    )
    at: list[TimePoint] = Field(
        [], description="Each day, week or month of the schedule, as stated."
    )


class Serostatus(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "many": True,
        "mentions": [
            *(
                "sero",
                "antibod",
                "IgG",
                "HBsAg",
                "HIV",
                "HCV",
                "hepatitis",
                "infection",
                "positive",
                "negative",
            ),
        ],
        "examples": [
            {
                "text": "Exclusion: positive for HIV antibodies",
                "value": {
                    "quote": "positive for HIV antibodies",
                    "target": "HIV antibodies",
                    "result": "positive",
                },
            },
            {
                "text": "Inclusion: seronegative for dengue",
                "value": {
                    "quote": "seronegative for dengue",
                    "target": "dengue",
                    "result": "negative",
                },
            },
            {"text": "Exclusion: fever"},
        ],
    },
):
    """A test for an infection or for immunity by which the criterion includes or excludes people.

    With what the test must or must not show, as the criterion words it. The line names the test or
    its result: positive, negative, sero-, an antibody, an antigen. A history of an infection, and
    an infection alone ("HIV infection"), state nothing.
    """

    target: str = Field(description="The germ, antigen or antibody.")
    result: Literal["positive", "negative"] = Field(
        description="positive: the criterion speaks of a positive result; negative: of a negative "
        "one."
    )


class AgeGroups(
    BaseModel,
    json_schema_extra={
        "many": True,
        "sections": [
            "title",
            "official_title",
            "brief_summary",
            "detailed_description",
            "eligibility",
            "arms",
        ],
        "mentions": [
            *(
                "age",
                "year",
                "month",
                "adult",
                "child",
                "infant",
                "toddler",
                "adolescent",
                "elderly",
                "older",
            ),
        ],
        "examples": [
            {
                "text": "Cohort 1: adults 18 to 64 years; cohort 2: 65 years and older",
                "value": [
                    {
                        "quote": "adults 18 to 64 years",
                        "youngest": "18 year",
                        "oldest": "64 year",
                    },
                    {"quote": "65 years and older", "youngest": "65 year"},
                ],
            },
            {"text": "Adults of 18 years or older"},
        ],
    },
):
    """A group of participants by age that the record tells apart from another one, such as strata
    or cohorts.

    A group without limits of age states nothing. No group are the ages of all participants
    together, and ages that decide on a scale, a dose, a consent or one criterion alone.
    """

    youngest: Age | None = Field(
        None, description="The lower limit; 'over 6 years' has 6 years, too."
    )
    oldest: Age | None = Field(
        None,
        description="The upper limit, in one unit: 'under 5 years and 10 months' has 70 months.",
    )


class VisitSchedule(
    BaseModel,
    json_schema_extra={
        "many": True,
        "sections": ["brief_summary", "detailed_description", "arms"],
        "mentions": [
            *(
                "visit",
                "follow-up",
                "followed",
                "seen",
                "return",
                "call",
                "assess",
                "minute",
                "hour",
                "week",
                "month",
            ),
            *("day", "year"),
        ],
        "examples": [
            {
                "text": "Visits take place at weeks 4 and 12.",
                "value": {"visit": "Visits", "at": ["4 week", "12 week"]},
            },
            {
                "text": "CT scans 6 weeks after surgery, then every 3 months",
                "value": {"visit": "CT scans", "at": ["6 week"], "every": "3 month"},
            },
            {
                "text": "Visits take place every 3 weeks.",
                "value": {"visit": "Visits", "every": "3 week"},
            },
            {
                "text": "follow-up visits every 6 months",
                "value": {"visit": "follow-up visits", "every": "6 month"},
            },
            {"text": "Participants are followed for 2 years."},
            {"text": "a visit in the third week"},
        ],
    },
):
    """A visit, call, examination or sample of the participants, with the times at which it takes
    place.

    A line without a time of it states nothing. No treatment or session of it, no length of the
    trial or of the follow-up as a whole. When outcomes are measured counts if the text tells it as
    something that is done. What one statement gives the same times is one entry; a visit that is
    only mentioned again is none.
    """

    visit: str = Field(description="What takes place, in as few words as name it.")
    at: list[TimePoint] = Field(
        [],
        description=(
            "Each time at which it takes place, from whatever it is counted; both ends of a "
            "range. Baseline, and times"
            " before the start, are left out."
        ),
    )
    every: Period | None = Field(
        None,
        description="The time from one to the next, where it is repeated; of a range the shorter.",
        json_schema_extra={
            "pattern": (
                "visit=( visit | visits | follow up ( visit | visits )? ) ( are | is | take place "
                "| will take place )?"
                " ( scheduled | planned )? every every=( <duration> )"
            )
        },
    )


class Washout(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "many": True,
        "mentions": [
            *(
                "within",
                "prior to",
                "before",
                "washout",
                "wash-out",
                "half-li",
                "last",
                "discontinu",
                "stopped",
            ),
        ],
        "examples": [
            {
                "text": "Systemic steroids within 4 weeks before the first dose",
                "value": {"treatment": "Systemic steroids", "free_for": "4 week"},
            },
            {"text": "Stroke within 6 months"},
        ],
    },
):
    """A treatment that must have ended, or must not have been given, for some time before the trial
    or its first dose.

    And that time. No disease, no operation other than a treatment of the condition, and no test.
    """

    treatment: str = Field(
        description="The drug, class or kind of treatment, in as few words as name it."
    )
    free_for: Period = Field(description="How long it must have ended.")
