"""Where answers are kept and found again: the store of a run, recordings, cassettes."""
