"""Raw files as rows of text."""
