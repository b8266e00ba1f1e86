"""What people of other projects marked in eligibility texts, against what the rules read there."""
