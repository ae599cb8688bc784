"""The config of the sample without most of its sources, for what holds whatever the tables are."""

import re

ELSEWHERE = "north|central|southwest|northeast"  # regions other than east and south


def keep_sources(config, *kept):
    """Leave only these sources in the sample's config, and the sales of two regions."""
    text = config.read_text("utf-8")
    start, end = (
        re.search(f"^{name}:.*\n", text, re.MULTILINE) for name in ("sources", "identity")
    )
    sources = re.split(r"^(?=  \w+: )", text[start.end() : end.start()], flags=re.MULTILINE)
    there = {each.strip().partition(":")[0]: each for each in sources}
    left = "".join(there[name] for name in kept)
    left = re.sub(f"    - {{files: .*, region: ({ELSEWHERE}), .*}}\n", "", left)
    config.write_text(f"{text[: start.end()]}{left}\n{text[end.start() :]}", "utf-8")
