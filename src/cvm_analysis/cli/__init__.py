"""`cvm`, the command: what it does is grouped by what it is about.

Exit codes: 0 good; 1 some region failed, the others are published (of `status`: something is wrong,
of `notify`: something was not sent); 2 wrong use, config or input; 3 a data gate stopped it. For 2
and 3 nothing is published.
"""

from cvm_analysis.cli.program import app, main

__all__ = ["app", "main"]
