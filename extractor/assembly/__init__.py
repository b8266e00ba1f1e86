"""One extraction out of all readings: a model's answers are proven, and each field is resolved."""
