"""Finished tables to lists and tags for a CRM; what comes back are sources of the config."""
