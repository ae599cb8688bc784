"""A draft config from raw files, with every guess marked."""
