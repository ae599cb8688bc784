"""One process at a time changes a region's reports; what a killed one left goes first."""

import subprocess
import sys

import pytest
from published_reports import out_folder, publish

from cvm_analysis.run import region_lock

HOLDER = """
import sys
from pathlib import Path
from cvm_analysis.run import region_lock
with region_lock.hold(Path(sys.argv[1]), "east", lambda: None):
    print("holds", flush=True)
    sys.stdin.readline()
"""


class TooLong(Exception):
    pass


@pytest.fixture
def out(tmp_path):
    out = out_folder(tmp_path / "out")
    publish(out, "east", "2026-01-31")
    return out


def give_up():
    raise TooLong


def test_another_process_waits_and_may_give_up_until_the_holder_is_gone(out):
    command = [sys.executable, "-c", HOLDER, str(out)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "holds\n"
    with pytest.raises(TooLong), region_lock.hold(out, "east", give_up):
        pass
    with region_lock.hold(out, "west", give_up):
        pass  # another region
    holder.kill()
    holder.communicate()
    with region_lock.hold(out, "east", give_up):
        pass


def test_what_a_killed_process_left_of_any_day_goes(out):
    target = (out / "east" / "2026-01-31").readlink().name
    for name in (".2026-01-31-0123456789ab", ".2025-12-31-0123456789ab", ".mine-0123456789ab"):
        (out / "east" / name).mkdir()
    with region_lock.hold(out, "east", give_up):
        left = {path.name for path in (out / "east").iterdir()}
    assert left == {"2026-01-31", target, ".mine-0123456789ab", ".lock"}
