"""An --out folder of reports that nobody ran: as published, of a few bytes each."""

import hashlib
import json
import secrets

BUSINESS = "Demo"


def out_folder(folder):
    """An --out folder of the business."""
    folder.mkdir()
    owner = {"business": BUSINESS, "config": "demo.yaml", "place": "0" * 16}
    (folder / ".owner.json").write_text(json.dumps(owner))
    return folder


def publish(out, region, day, leads_to="", started="", regions=None, without=(), **more):
    """Publish a report: its page leads to that of an earlier day.

    regions : of `all`, key -> date of the report of each; without : keys of those not in it
    """
    target = out / region / f".{day}-{secrets.token_hex(6)}"
    (target / "share").mkdir(parents=True)
    link = f'<a href="../../{leads_to}/share/x.en.html">before</a>' if leads_to else ""
    page = f"share/{region}-{day}.en.html"
    (target / page).write_text(f"<p>{region} {day}</p>{link}")
    digest = hashlib.sha256((target / page).read_bytes()).hexdigest()
    parts = {
        key: {
            "names": {"en": key.title()},
            "fingerprint": f"{key} {day}",
            "is_included": key not in without,
        }
        for key, day in (regions or {}).items()
    }
    made = {
        "fingerprint": f"{region} {day}",
        "business": BUSINESS,
        "region": region,
        "names": {"en": region.title()},
        "as_of": day,
        "languages": ["en"],
        "outputs": {page: digest},
        "code": {},
        "regions": parts,
        "timing": {"started": started or f"{day}T06:00:00+00:00"},
        **more,
    }
    (target / "run.json").write_text(json.dumps(made))
    (out / region / day).unlink(missing_ok=True)
    (out / region / day).symlink_to(target.name)
    return out / region / day


def fail(out, region, since="2026-02-01T06:00:00+00:00"):
    """Record that the last run of a region failed."""
    content = {"names": {"en": region.title()}, "business": BUSINESS, "since": since}
    (out / region).mkdir(exist_ok=True)
    failed = {**content, "notebook": "05_value", "cell": 7}
    (out / region / "failed.json").write_text(json.dumps(failed))
