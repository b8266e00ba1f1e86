"""The criteria of a trial: the outline of the eligibility text, and what each line is."""
