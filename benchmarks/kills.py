"""Does kill -9, at whatever moment, leave half a report, change one, or leave anything behind?

Kills runs with stubs for notebooks, runs with real kernels, and prepares, as `tests/kills.py` does;
what is published is compared by its digests. The first violation stops it with a traceback.
    python benchmarks/kills.py [number of kills] [seed]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kills import main

if __name__ == "__main__":
    number, seed = [*map(int, sys.argv[1:]), *(100, 0)[len(sys.argv) - 1 :]]
    for what, share in (("run", 0.4), ("kernels", 0.2), ("prepare", 0.4)):
        main(what, round(share * number), seed)
