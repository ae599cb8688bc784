"""An invented flooring company with known truth: `make` writes its raw files and truth.json."""

from cvm_analysis.sample.folder import make

__all__ = ["make"]
