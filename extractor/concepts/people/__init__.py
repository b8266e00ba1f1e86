"""Who may take part: ages, sex, healthy volunteers."""
