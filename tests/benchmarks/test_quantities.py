from benchmarks.quantities import format_shares, read_limits
from extractor.schemas import RegistryFields, Section, Source, TrialRecord


def test_shares_count_specific_and_general_names_and_units():
    text = (
        "Inclusion Criteria:\n\n* Platelet count >= 100,000/mm3\n* Serum creatinine <= 1.5 mg/dL\n* Wabbles < 3 mg/day"
    )
    record = TrialRecord(
        record_id="A",
        source=Source(path="a.json", format="ctgov_json"),
        sections=(Section(name="eligibility", text=text),),
        registry=RegistryFields(),
    )
    limits = list(read_limits(record))
    names = [limit.quantity.name if limit.quantity else None for limit in limits]
    assert names == ["platelet_count", "serum_creatinine", "dose"]
    shares = format_shares("all", limits)
    assert "quantity 1.000 (specific 0.667)  unit 1.000 of 3" in shares
    assert "quantity 0.000" in format_shares("none", [])
