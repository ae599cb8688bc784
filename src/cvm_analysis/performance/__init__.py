"""How the business did: against the year before, why, and how much depends on few customers."""
