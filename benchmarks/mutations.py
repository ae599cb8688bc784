"""Does any fault of a raw file or config end in a traceback, or lose a row?

Draws faults as `tests/mutations.py` does, of each kind of file, and counts how they end: read, or
one message. A traceback stops it and names the kind and the seed.
    python benchmarks/mutations.py [number of faults]
"""

import collections
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from mutations import KINDS, good, mutate, outcome


def main(n: int) -> None:
    """Print how the faults of each kind end."""
    for kind in KINDS:
        content, ends = good(kind), collections.Counter[str]()
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(n // len(KINDS)):
                try:
                    faulty = mutate(content, np.random.default_rng(seed))
                    found = outcome(kind, faulty, Path(folder))
                except BaseException:
                    print(f"{kind}, seed {seed}:")
                    raise
                ends["read" if isinstance(found, int) else "one message"] += 1
        print(f"{kind:8} {', '.join(f'{end} {count:,}' for end, count in sorted(ends.items()))}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
