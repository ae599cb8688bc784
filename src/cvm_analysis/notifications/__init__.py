"""Who is told how a run ended: by commands, mail and webhooks that the config names."""
