"""Who is leaving, when, and why: buyers who fall inactive, and contracts that end."""
