"""Names that mean something to a program which takes text for more than text.

Each is a person's name, too: by itself, as the second half of one, and one is very long.
"""

import json
from pathlib import Path

GROUPS = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
BARE = (*(name for group in GROUPS.values() for name in group), "x" * 500)
NAMES = tuple(dict.fromkeys([*BARE, *(f"Ann {each}" for each in BARE)]))
