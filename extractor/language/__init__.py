"""Read text once: tokens, rules over tokens, terms, numbers, units and times."""
