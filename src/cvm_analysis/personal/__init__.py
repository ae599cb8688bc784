"""Values by which a person is known: how they are searched in texts, and their keyed hashes."""
