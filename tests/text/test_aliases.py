"""Names of one instrument, measure or agent are equal, and names of two are not."""

from itertools import combinations

import pytest

from extractor.text.aliases import find_entry, list_names, name_instrument, split_version, unify
from extractor.text.book import terms_of

ONE_INSTRUMENT = """
ACT = Asthma Control Test = the asthma-control test = Asthma Control Test (ACT) = Asthma Control Test score
ACQ = Asthma Control Questionnaire
ADAS-Cog = Alzheimer's Disease Assessment Scale-Cognitive Subscale = ADAS Cog
BDI = Beck Depression Inventory = Beck's Depression Inventory
CGI-S = Clinical Global Impression - Severity = Clinical Global Impressions of Severity
CTCAE = NCI-CTCAE = Common Terminology Criteria for Adverse Events = Common Toxicity Criteria for Adverse Effects
DAS28 = Disease Activity Score in 28 joints = DAS-28
DLQI = Dermatology Life Quality Index = Dermatology Life Quality Index questionnaire
EASI = Eczema Area and Severity Index = Eczema Area & Severity Index
ECOG = Eastern Cooperative Oncology Group = ECOG performance status
EORTC QLQ-C30 = EORTC-QLQ C30 = QLQ-C30 = EORTC Quality of Life Questionnaire (QLQ-C30) = EORTC QLQ-C30 questionnaire
EQ-5D-5L = EQ5D5L = EuroQol 5 Dimensions 5 Levels
ESAS = Edmonton Symptom Assessment System = Edmonton Symptom Assessment Scale
FACIT-F = FACIT-Fatigue = Functional Assessment of Chronic Illness Therapy - Fatigue
GAD-7 = Generalised Anxiety Disorder-7 = 7-item Generalized Anxiety Disorder scale
HADS = Hospital Anxiety and Depression Scale = Hospital Anxiety & Depression Score
HAM-D = HDRS = Hamilton Rating Scale for Depression = Hamilton Depression Rating Scale
KOOS = Knee injury and Osteoarthritis Outcome Score
KPS = Karnofsky = Karnofsky Performance Status = Karnofsky Performance Scale
MADRS = Montgomery-Åsberg Depression Rating Scale = Montgomery Asberg Depression Rating Scale
MMSE = Mini-Mental State Examination = Mini Mental State Exam
mRECIST = modified RECIST = modified Response Evaluation Criteria in Solid Tumours
mRS = modified Rankin Scale
MRS = Menopause Rating Scale
NIHSS = National Institutes of Health Stroke Scale = NIH Stroke Scale
NRS = Numeric Rating Scale = numerical rating scale = 11-point numeric rating scale
PASI = Psoriasis Area and Severity Index = Psoriasis Area Severity Index
PedsQL = Pediatric Quality of Life Inventory = Paediatric Quality of Life Inventory
PHQ-9 = Patient Health Questionnaire-9 = Patient Health Questionnaire (PHQ-9) = 9-item Patient Health Questionnaire
RECIST = Response Evaluation Criteria in Solid Tumors = Response Evaluation Criteria in Solid Tumours
SF-36 = SF36 = 36-Item Short Form Health Survey = Short Form-36
SGRQ = St. George's Respiratory Questionnaire = St George’s Respiratory Questionnaire
VAS = visual analogue scale = visual analog scale = visual-analogue scale (VAS) = VAS score
Y-BOCS = Yale-Brown Obsessive-Compulsive Scale = Yale Brown Obsessive Compulsive Scale
"""
GROUPS = [line.split(" = ") for line in ONE_INSTRUMENT.strip().splitlines()]
FALSE_FRIENDS = """
SF-12/SF-36/SF-6D, FACT-G/FACT-L/FACT-B, HAM-A/HAM-D/HAM-D-17, MMSE/MoCA, mRS/MRS, BDI/BDI-II/BAI, ACT/ACQ/C-ACT,
CTC/CTCAE/PRO-CTCAE, RECIST/mRECIST/iRECIST, EQ-5D-3L/EQ-5D-5L, PHQ-2/PHQ-9, QLQ-C30/QLQ-BR23, UPDRS/MDS-UPDRS,
CGI-I/CGI-S, PGI-C/PGI-S, GOS/GOS-E, ACR20/ACR50, DAS28/DAS28-CRP/DAS44, UAS/UAS7, SCORAD/oSCORAD, NRS/VAS/VRS,
IIEF/IIEF-5, HAQ/HAQ-DI, EASI/PASI, SOFA/qSOFA/SOFAS, KCCQ/KCCQ-12, CES-D/C-SSRS
"""


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_names_of_one_instrument_are_equal(names):
    assert len({name_instrument(name) for name in names}) == 1


def test_names_of_two_instruments_differ():
    keys = [name_instrument(names[0]) for names in GROUPS]
    assert len(set(keys)) == len(keys)
    friends = [group.split("/") for group in FALSE_FRIENDS.replace("\n", " ").split(", ")]
    pairs = [pair for group in friends for pair in combinations(map(str.strip, group), 2)]
    assert [pair for pair in pairs if name_instrument(pair[0]) == name_instrument(pair[1])] == []


def test_unknown_names_compare_by_their_words():
    assert name_instrument("Example-Form of the Mood Scale") == name_instrument("EXAMPLE form of Mood scale")
    assert name_instrument("Example Mood Scale") != name_instrument("Example Mood Inventory")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Common Toxicity Criteria version 2.0", ("Common Toxicity Criteria", "2.0")),
        ("CTCAE, Version 5", ("CTCAE", "5")),
        ("CTCAEv4.03", ("CTCAE", "4.03")),
        ("RECIST (v. 1.1)", ("RECIST", "1.1")),
        ("RECIST 1.1", ("RECIST", "1.1")),
        ("SF-36v2", ("SF-36", "2")),
        ("SNOT-22", ("SNOT-22", None)),
        ("Example Scale v2", ("Example Scale v2", None)),
    ],
)
def test_a_version_is_cut_off_a_known_name(name, parts):
    assert split_version(name) == parts


def test_versions_of_one_instrument_differ():
    assert name_instrument("CTCAE v4.0") == name_instrument("NCI-CTCAE", "4") != name_instrument("CTCAE", "5.0")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("MTX", "Methotrexate", True),
        ("methotrexate (MTX)", "MTX", True),
        ("5FU", "5-FU", True),
        ("FEV1", "Forced Expiratory Volume in one second", True),
        ("absolute neutrophil counts", "ANC", True),
        ("haemoglobin level", "Hb", True),
        ("liposomal doxorubicin (DOX)", "DOX", False),
        ("Change in forced vital capacity (FVC)", "FVC", False),
        ("FEV1", "FVC", False),
        ("ALT", "AST", False),
        ("GFR", "eGFR", False),
        ("LDL-C", "HDL-C", False),
    ],
)
def test_names_of_agents_and_measures(one, other, same):
    assert (unify(one) == unify(other)) is same


@pytest.mark.parametrize("vocabulary", ["instruments", "measures", "agent_abbreviations"])
def test_every_name_leads_to_its_own_entry(vocabulary):
    entries = terms_of(vocabulary)
    assert len({entry.value for entry in entries}) == len(entries)
    names = [(name, entry) for entry in entries for name in list_names(entry)]
    assert [(name, entry.value) for name, entry in names if find_entry(name, vocabulary) is not entry] == []
