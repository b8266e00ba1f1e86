"""The canonical name of a limit is one that its words bear out, or none."""

import pytest

from extractor.apps.export.limits import name_limit

_PASP = "systolic_pulmonary_artery_pressure"
NAMES = [
    # a kind that the unit alone tells
    ("Cut-off", 5, "ng/mL", None),
    ("jet", 10, "mm", None),
    ("Receiving", 25, "%", None),
    ("discomfort", 2, "days/week", None),
    ("left ventricular mass index", 95, "g/m2", None),
    ("central labs", 1.5, "x ULN", None),
    ("aortic diameter", 5, "cm", "length"),
    ("dose", 10, "mg daily", "dose"),
    ("hepatic concentration", 80, "umol/g", "concentration"),
    ("syncopal spells", 2, None, "count"),
    ("symptom score", 21, None, "score"),
    # the head is another thing
    ("trials of adequate dose", 2, None, None),
    ("Duration of symptoms", 2, None, None),
    ("doses of vaccine", 2, None, "number_of_doses"),
    ("number of symptoms", 2, None, "number_of_symptoms"),
    ("courses of oral steroid therapy", 2, None, "therapy_cycles"),
    ("lines of systemic therapy", 2, None, "number_of_prior_therapies"),
    # a short form of other words
    ("American College of Rheumatology (ACR) criteria", 1, None, None),
    ("General Deterioration Scale (GDS) score", 4, None, None),
    ("Geriatric Depression Scale (GDS) score", 4, None, "gds"),
    ("albumin-creatinine ratio (ACR)", 30, "mg/g", "urine_albumin_creatinine_ratio"),
    ("Body Mas Index (BMI)", 30, "kg/m2", "bmi"),
    ("third-generation EGFR-TKI", 1, None, None),
    ("eGFR", 60, "mL/min", "egfr"),
    # of another age, or in a unit that no age has
    ("Bone age", 14, "years", "bone_age"),
    ("Maternal age", 18, "years", "maternal_age"),
    ("age", 30, "min", None),
    ("age", 18, "years", "age"),
    ("projected hypervolaemia", 40, "pounds", None),
    ("participants", 50, "kg", "body_weight"),
    ("CD19", 95, "%", "antigen_expression"),
    ("CD22", 95, "%", "antigen_expression"),
    ("CD19+ B cells", 2, "%", "b_cell_percentage"),
    ("CD19", 5, "/uL", "b_cell_percentage"),
    ("femur BMD", 0.7, "g/cm2", "bone_mineral_density"),
    ("lumbar spine T-score", -2.5, None, "bone_density_t_score"),
    ("ECOG physical status", 1, None, "ecog_performance_status"),
    ("ASA physical status", 2, None, "asa_class"),
    ("calculated Cr clearance", 30, "mL/min", "creatinine_clearance"),
    ("BMI", 95, "percentile", "bmi_percentile"),
    ("Post bronchodilator FEV1/FVC", 0.7, None, "fev1_fvc_ratio"),
    # an instrument or a test that only shares words with a known one
    ("Neck Disability Index (NDI)", 30, "%", "neck_disability_index"),
    ("Roland-Morris score", 7, None, "roland_morris"),
    ("Oswestry Disability Index", 30, "%", "oswestry"),
    ("TIBC", 250, "ug/dL", "iron_binding_capacity"),
    ("total iron-binding capacity (TIBC)", 60, "umol/L", "iron_binding_capacity"),
    ("liver iron concentration", 7, "mg/g", "liver_iron_concentration"),
    ("serum iron", 60, "ug/dL", "iron"),
    ("PCL-5 score", 33, None, "ptsd_checklist"),
    ("AUDIT-C", 4, None, "audit_c"),
    ("CDR-SB", 0.5, None, "cdr_sb"),
    ("KOOS pain score", 40, None, "koos"),
    ("WOMAC pain subscale score", 9, None, "womac"),
    ("HIT-6", 50, None, "hit_6"),
    ("pulmonary artery systolic pressure", 50, "mmHg", _PASP),
    ("systolic pulmonary artery pressure", 50, "mmHg", _PASP),
    ("central venous oxygen saturation", 70, "%", "central_venous_oxygen_saturation"),
    ("total T4", 4, "ug/dL", "total_t4"),
    ("peak flow variability", 20, "%", "peak_flow_variability"),
    ("bone ages", 2, "years", "bone_age"),
    ("creatinine", 60, "mL/min", "creatinine_clearance"),
    ("CKD-EPI creatinine equation", 60, "mL/min/1.73 m2", "egfr"),
    ("CGI-S", 4, None, "clinical_global_impression"),
    ("CGI-I", 2, None, "clinical_global_improvement"),
    # a ratio of two, of which only one is named
    ("neutrophil-to-lymphocyte ratio", 3, None, None),
    ("CRP/albumin ratio", 3, None, None),
    ("ratio of ferritin to albumin", 3, None, None),
    ("PaO2/FiO2 ratio", 300, None, "pao2_fio2"),
    ("AST/ALT ratio", 2, None, "ast_alt_ratio"),
    # several without a joint name
    ("bilirubin or ASAT", 3, "x ULN", "total_bilirubin|ast"),
    ("BUN and serum creatinine", 1.5, "x ULN", "blood_urea_nitrogen|serum_creatinine"),
    ("ALT or AST", 3, "x ULN", "alt_or_ast"),
    ("AST (SGOT)/ALT (SGPT)", 3, "x ULN", "alt_or_ast"),
    ("transaminases and bilirubin", 3, "x ULN", "alt|ast|total_bilirubin"),
    ("(AST), (ALT) and bilirubin", 3, "x ULN", "ast|alt|total_bilirubin"),
    (
        "neutrophils (ANC), platelets (PLT)",
        50,
        "/L",
        "absolute_neutrophil_count|platelet_count",
    ),
    ("total protein/albumin", 2, "g/dL", "albumin"),
    ("FEV1/FVC", 75, "%", "fev1_fvc_ratio"),
    ("sinus rhythm and resting heart rate", 70, "bpm", "heart_rate"),
]


@pytest.mark.parametrize(("text", "value", "unit", "name"), NAMES)
def test_a_name_is_borne_out_by_words(text, value, unit, name):
    limit = {"quantity": text, "comparator": ">=", "value": value, "unit": unit}
    assert name_limit(limit).quantity_canonical == name


def test_the_kind_that_a_unit_tells_is_kept():
    limit = {"quantity": "Cut-off", "comparator": ">", "value": 5, "unit": "ng/mL"}

    cells = name_limit(limit)

    assert cells.quantity_kind == "concentration"
    assert cells.unit_ucum == "ng/mL"
