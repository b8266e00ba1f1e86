"""Ready-made custom fields, to use or to copy. They are plain pydantic models, like the ones that
you write.

Use them as ``Extractor(fields=[Washout])``, or ``--fields extractor.catalogue:Washout`` on the
command line.
"""

from typing import Literal

from pydantic import BaseModel, Field

from extractor.schemas import Period, Quantity


class Blinding(
    BaseModel,
    json_schema_extra={
        "sections": [
            "title",
            "official_title",
            "brief_summary",
            "detailed_description",
            "arms",
        ],
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
                "open": r"\b(open[ -]?label(l?ed)?|(un|non-|not )(blinded|masked))\b",
                "single": r"\b(single|assessor|observer|rater|evaluator)[ -](blind|mask)(ed)?\b",
                "double": r"\bdouble[ -]((blind|mask)(ed)?|dummy)\b",
            }
        },
    )


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
            "pattern": r"\b(ejection fraction|LVEF|EF)( \([^)]*\))?( of| is| was| must be)? "
            r"(?P<limit>([a-z]+ ){0,3}[<>=≤≥]* ?\d+( ?%| ?(-|to|and) ?\d+ ?%)( or [a-z]+)?)"
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


class Washout(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "many": True,
        "mentions": [
            "within",
            "prior to",
            "before",
            "washout",
            "wash-out",
            "half-li",
            "last",
            "discontinu",
            "stopped",
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
