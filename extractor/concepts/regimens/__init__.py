"""What participants are given: agents, amounts, schedules, arms and roles."""
