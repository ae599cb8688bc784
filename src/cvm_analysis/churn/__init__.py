"""Who is leaving, when, and why: buyers who fall silent, and contracts that end."""
