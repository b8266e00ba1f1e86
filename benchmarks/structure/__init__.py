"""Whether lists keep their items: lists of known truth, written without their form."""
