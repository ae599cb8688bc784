"""Raw files to prepared tables: read, check, quarantine, pseudonymise."""
