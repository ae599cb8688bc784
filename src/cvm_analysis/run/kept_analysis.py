"""What `all` found before its regions, kept until its data, settings or code change.

A run that was killed goes on from here, and so does the company's report where other machines made
the regions. Only what was never published is kept here: a folder as it would be, without share/.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cvm_analysis import atomic_folder
from cvm_analysis.run import manifest
from cvm_analysis.run.notebook import Finished
from cvm_analysis.run.plan import Job

LINK = ".analysis"  # beside the reports of `all`


def keep(job: Job, desk: Path, made_from: str, finished: Sequence[Finished]) -> None:
    """Keep a run folder, and how its notebooks ended, in their order."""
    with atomic_folder.atomic_folder(job.folder, LINK) as folder:
        _copy(desk, folder / "desk")
        manifest.write(folder, job, made_from, finished, {})
        atomic_folder.publish(folder, job.folder / LINK)


def restore(job: Job, desk: Path, made_from: str) -> list[Finished]:
    """Copy what was kept into a run folder, and say how its notebooks ended.

    Nothing is copied, and the list is empty, if it was made from anything else or is damaged.
    """
    link = job.folder / LINK
    with atomic_folder.kept(link) as folder:
        found = manifest.read(folder)
        if not (found and found["fingerprint"] == made_from and manifest.is_whole(folder, found)):
            return []
        _copy(folder / "desk", desk)
        return [
            Finished(
                notebook=each["notebook"],
                seconds=each["seconds"],
                attempts=each["attempts"],
                notes=tuple(
                    {name: value for name, value in note.items() if name != "notebook"}
                    for note in found["notes"]
                    if note["notebook"] == each["notebook"]
                ),
            )
            for each in found["notebooks"]
        ]


def _copy(desk: Path, to: Path) -> None:
    """Copy a run folder without its lock; files are never changed, only replaced."""
    ours = shutil.ignore_patterns(atomic_folder.LOCK)
    shutil.copytree(desk, to, ignore=ours, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, to: str) -> None:
    Path(to).unlink(missing_ok=True)
    try:
        os.link(source, to)
    except OSError:  # on a file system without links
        shutil.copy2(source, to)
