"""Someone's own files -> a draft of their config, with every guess marked as one."""
