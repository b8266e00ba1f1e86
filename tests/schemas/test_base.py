import pytest
from pydantic import ValidationError

from extractor.schemas import Period, TimeUnit


@pytest.mark.parametrize("value", ["Infinity", "NaN", "1e999"])
def test_a_number_of_json_is_finite(value):
    with pytest.raises(ValidationError):
        Period.model_validate_json(f'{{"value": {value}, "unit": "day"}}')


def test_whole_numbers_are_kept_whole():
    period = Period(value=2.0, unit=TimeUnit.DAY)
    assert isinstance(period.value, int)
    assert period.model_dump_json() == '{"value":2,"unit":"day"}'
    assert Period(value=0.5, unit=TimeUnit.DAY).value == 0.5
