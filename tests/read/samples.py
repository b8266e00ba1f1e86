"""Invented records in the shape of other registries and dumps. The trial is the same in all of them."""

import json

from .test_packaging import zip_members

TITLE = "Fictumab in Asthma"
CRITERIA = "Inclusion Criteria:\n* Asthma\n* Age ~18 to 65 years\nExclusion Criteria:\n* FEV1 < 50 %"

V2 = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT90000001", "briefTitle": TITLE, "officialTitle": "A Phase 2 Trial"},
        "descriptionModule": {"briefSummary": "Fictumab is studied.", "detailedDescription": "In two arms."},
        "conditionsModule": {"conditions": ["Asthma", "Wheezing"], "keywords": ["inhaler"]},
        "designModule": {
            "studyType": "INTERVENTIONAL",
            "phases": ["PHASE2"],
            "enrollmentInfo": {"count": 40, "type": "ESTIMATED"},
            "designInfo": {"allocation": "RANDOMIZED", "maskingInfo": {"masking": "DOUBLE"}},
        },
        "armsInterventionsModule": {
            "armGroups": [
                {"label": "Low", "type": "EXPERIMENTAL", "description": "5 mg once daily"},
                {"label": "None", "type": "NO_INTERVENTION"},
            ],
            "interventions": [
                {"type": "DRUG", "name": "Fictumab", "otherNames": ["FCT-1", "Fictix"], "armGroupLabels": ["Low"]}
            ],
        },
        "outcomesModule": {
            "primaryOutcomes": [{"measure": "FEV1", "description": "Spirometry", "timeFrame": "12 weeks"}],
            "secondaryOutcomes": [{"measure": "Attacks", "timeFrame": "1 year"}, {"measure": "Relief"}],
            "otherOutcomes": [{"measure": "Cost"}],
        },
        "eligibilityModule": {
            "eligibilityCriteria": CRITERIA,
            "sex": "ALL",
            "minimumAge": "18 Years",
            "maximumAge": "65 Years",
            "healthyVolunteers": False,
        },
    }
}

V1 = {
    "ProtocolSection": {
        "IdentificationModule": {"NCTId": "NCT90000001", "BriefTitle": TITLE, "OfficialTitle": "A Phase 2 Trial"},
        "DescriptionModule": {"BriefSummary": "Fictumab is studied.", "DetailedDescription": "In two arms."},
        "ConditionsModule": {
            "ConditionList": {"Condition": ["Asthma", "Wheezing"]},
            "KeywordList": {"Keyword": ["inhaler"]},
        },
        "DesignModule": {
            "StudyType": "INTERVENTIONAL",
            "PhaseList": {"Phase": ["PHASE2"]},
            "EnrollmentInfo": {"EnrollmentCount": "40", "EnrollmentType": "ESTIMATED"},
            "DesignInfo": {"DesignAllocation": "RANDOMIZED", "DesignMaskingInfo": {"DesignMasking": "DOUBLE"}},
        },
        "ArmsInterventionsModule": {
            "ArmGroupList": {
                "ArmGroup": [
                    {"ArmGroupLabel": "Low", "ArmGroupType": "EXPERIMENTAL", "ArmGroupDescription": "5 mg once daily"},
                    {"ArmGroupLabel": "None", "ArmGroupType": "NO_INTERVENTION"},
                ]
            },
            "InterventionList": {
                "Intervention": [
                    {
                        "InterventionType": "DRUG",
                        "InterventionName": "Fictumab",
                        "InterventionOtherNameList": {"InterventionOtherName": ["FCT-1", "Fictix"]},
                        "InterventionArmGroupLabelList": {"InterventionArmGroupLabel": ["Low"]},
                    }
                ]
            },
        },
        "OutcomesModule": {
            "PrimaryOutcomeList": {
                "PrimaryOutcome": [
                    {
                        "PrimaryOutcomeMeasure": "FEV1",
                        "PrimaryOutcomeDescription": "Spirometry",
                        "PrimaryOutcomeTimeFrame": "12 weeks",
                    }
                ]
            },
            "SecondaryOutcomeList": {
                "SecondaryOutcome": [
                    {"SecondaryOutcomeMeasure": "Attacks", "SecondaryOutcomeTimeFrame": "1 year"},
                    {"SecondaryOutcomeMeasure": "Relief"},
                ]
            },
            "OtherOutcomeList": {"OtherOutcome": [{"OtherOutcomeMeasure": "Cost"}]},
        },
        "EligibilityModule": {
            "EligibilityCriteria": CRITERIA,
            "Gender": "ALL",
            "MinimumAge": "18 Years",
            "MaximumAge": "65 Years",
            "HealthyVolunteers": "false",
        },
    }
}

# Rows are not in the order of the trial's items, and "~" stands for a line break.
TABLES = {
    "studies": [
        "nct_id|study_type|brief_title|official_title|phase|enrollment|enrollment_type",
        f"NCT90000001|INTERVENTIONAL|{TITLE}|A Phase 2 Trial|PHASE2|40|ESTIMATED",
    ],
    "brief_summaries": ["id|nct_id|description", "1|NCT90000001|Fictumab is studied."],
    "detailed_descriptions": ["id|nct_id|description", "1|NCT90000001|In two arms."],
    "conditions": ["id|nct_id|name|downcase_name", "8|NCT90000001|Wheezing|wheezing", "7|NCT90000001|Asthma|asthma"],
    "keywords": ["id|nct_id|name|downcase_name", "1|NCT90000001|inhaler|inhaler"],
    "designs": ["id|nct_id|allocation|masking", "1|NCT90000001|RANDOMIZED|DOUBLE"],
    "eligibilities": [
        "id|nct_id|gender|minimum_age|maximum_age|healthy_volunteers|criteria",
        f'1|NCT90000001|ALL|18 Years|65 Years|false|"{CRITERIA}"'.replace("\n", "~"),
    ],
    "design_groups": [
        "id|nct_id|group_type|title|description",
        "22|NCT90000001|NO_INTERVENTION|None|",
        "21|NCT90000001|EXPERIMENTAL|Low|5 mg once daily",
    ],
    "interventions": ["id|nct_id|intervention_type|name|description", "31|NCT90000001|DRUG|Fictumab|"],
    "intervention_other_names": [
        "id|nct_id|intervention_id|name",
        "2|NCT90000001|31|Fictix",
        "1|NCT90000001|31|FCT-1",
        "3|NCT90000001|99|Another",
    ],
    "design_group_interventions": ["id|nct_id|design_group_id|intervention_id", "1|NCT90000001|21|31"],
    "design_outcomes": [
        "id|nct_id|outcome_type|measure|time_frame|population|description",
        "3|NCT90000001|secondary|Relief|||",
        "2|NCT90000001|secondary|Attacks|1 year||",
        "1|NCT90000001|primary|FEV1|12 weeks||Spirometry",
        "4|NCT90000001|other|Cost|||",
    ],
    "facilities": ["id|nct_id|name", "1|NCT90000001|Clinic"],
}


def zip_tables(tables: dict[str, list[str]]) -> bytes:
    """An AACT export."""
    return zip_members({f"export/{name}.txt": "\n".join([*rows, ""]).encode() for name, rows in tables.items()})


ICTRP = {
    "TrialID": "ChiCTR2100000001",
    "Public_title": TITLE,
    "Scientific_title": "A Phase 2 Trial",
    "Inclusion_agemin": "18",
    "Inclusion_gender": "Both",
    "Target_size": "Low:20;None:20;",
    "Study_type": "Interventional study",
    "Phase": "2",
    "Condition": "Asthma",
    "Intervention": "Drug: Fictumab 5 mg; once daily;Other: Diary",
    "Inclusion_Criteria": "Inclusion criteria: <br>1. Asthma\r<br>2. Age 18 years or older",
    "Exclusion_Criteria": "1. Pregnancy",
    "Primary_outcome": "FEV1 (before; after);Attacks;",
    "Secondary_outcome": "1. Relief<br>2. Cost at week 4",
}
EUCTR = {
    "TrialID": "EUCTR2021-000001-10-ES",
    "Inclusion_Criteria": "1.Asthma<br>Are the trial subjects under 18? no<br>",
    "Intervention": "<br>Product Name: Fictumab<br>Route: Oral use<br><br>Trade Name: Fictix<br>",
    "Primary_outcome": (
        "Main Objective: To see whether it works;Secondary Objective: Not applicable;Primary end point(s): "
        "•FEV1<br>•Attacks;Timepoint(s) of evaluation of this end point: Week 12"
    ),
}


def write_ictrp_xml(*trials: dict[str, str]) -> bytes:
    rows = ("".join(f"<{name}>{_escape(text)}\n    </{name}>" for name, text in trial.items()) for trial in trials)
    body = "".join(f"<Trial><Internal_Number>1</Internal_Number>{row}<Acronym/></Trial>" for row in rows)
    root = "Trials_downloaded_from_ICTRP"
    return f"<?xml version='1.0' encoding='UTF-8' ?>\n<{root}>{body}</{root}>".encode()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#x0D;")


def write_ictrp_csv(*trials: dict[str, str]) -> bytes:
    names = list(trials[0])
    rows = (",".join(f'"{trial[name]}"' for name in names) for trial in trials)
    return "\n".join([",".join(names).replace("_", " "), *rows, ""]).encode()


ISRCTN = f"""<?xml version="1.0" encoding="UTF-8"?>
<allTrials xmlns="http://www.67bricks.com/isrctn" totalCount="1"><fullTrial><trial version="2">
<isrctn dateAssigned="2031-01-01">90000001</isrctn>
<trialDescription><title>{TITLE}</title><scientificTitle>A Phase 2 Trial</scientificTitle>
<studyHypothesis>Fictumab works.</studyHypothesis>
<primaryOutcomes><outcomeMeasure id="a"><variable>FEV1</variable><method>Spirometry</method>
<timepoints>12 weeks</timepoints></outcomeMeasure></primaryOutcomes><primaryOutcome/>
<secondaryOutcome>1.\tAttacks, at 1 year
2.\tRelief</secondaryOutcome></trialDescription>
<trialDesign><primaryStudyDesign>Interventional</primaryStudyDesign>
<interventionalTrialDesign><allocation>Randomized controlled trial</allocation></interventionalTrialDesign>
</trialDesign>
<participants><inclusion>1. Asthma</inclusion><lowerAgeLimit unit="years" value="18.0">18 Years</lowerAgeLimit>
<gender>All</gender><targetEnrolment>40</targetEnrolment><exclusion>1. Pregnancy</exclusion></participants>
<conditions><condition><description>Asthma</description><diseaseClass1>Other</diseaseClass1></condition></conditions>
<interventions><intervention>
<description>Fictumab 5 mg once daily</description><interventionType>Drug</interventionType>
<phase>Phase II</phase><drugNames>Fictumab</drugNames></intervention></interventions></trial>
<sponsor><organisation>Clinic</organisation></sponsor></fullTrial></allTrials>"""

PART_I = {
    "products": [
        {"productName": "Fictumab 5 mg tablets", "routes": ["ORAL USE"], "productDictionaryInfo": {"prodName": "F"}},
        {"productDictionaryInfo": {"activeSubstanceName": "PLACEBO"}},
    ],
    "trialDetails": {
        "clinicalTrialIdentifiers": {"publicTitle": TITLE, "fullTitle": "A Phase 2 Trial"},
        "trialInformation": {
            "trialObjective": {"mainObjective": "To see whether it works", "secondaryObjectives": None},
            "medicalCondition": {"partIMedicalConditions": [{"medicalCondition": "Asthma"}]},
            "eligibilityCriteria": {
                "principalInclusionCriteria": [
                    {"number": 1, "principalInclusionCriteria": "Asthma"},
                    {"number": 2, "principalInclusionCriteria": "Age 18 years or older"},
                ],
                "principalExclusionCriteria": [{"number": 1, "principalExclusionCriteria": "Pregnancy"}],
            },
            "endPoint": {"primaryEndPoints": [{"endPoint": "FEV1 at week 12"}], "secondaryEndPoints": []},
        },
    },
}
CTIS = {
    "ctNumber": "2031-500001-10-00",
    "ctStatus": 4,
    "gender": "Female, Male",
    "totalNumberEnrolled": 40,
    "trialPhase": "Phase II",
    "authorizedApplication": {"authorizedPartI": PART_I},
}

SAMPLES = {
    "aact": zip_tables(TABLES),
    "ctgov_json_v1": json.dumps({"FullStudiesResponse": {"NStudiesFound": 1, "FullStudies": [{"Study": V1}]}}).encode(),
    "ctis_json": json.dumps(CTIS).encode(),
    "ictrp_csv": write_ictrp_csv(ICTRP),
    "ictrp_xml": write_ictrp_xml(ICTRP),
    "isrctn_xml": ISRCTN.encode(),
}
"""A file of each format, by its name in ``Source.format``."""
