"""The pages of a report: one for each executed notebook, and what managers get, also on paper."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from cvm_analysis import atomic_folder, file_names
from cvm_analysis.minimum_data import Note
from cvm_analysis.run import pdf, published
from cvm_analysis.run.plan import PRIVATE, Job

OUT = "../../.."  # from <region>/<date>/share/ to the output folder


def write(
    job: Job, source: Path, notebook: str, language: str, stop: threading.Event
) -> list[Note]:
    """Write the page of an executed notebook beside it; of the report, also the files in share/.

    source : <folder>/desk/notebooks/<name>.ipynb

    Returns
    -------
    A Note if the report could not be printed; the report itself does not depend on that.
    """
    from cvm_analysis.report import page
    from cvm_analysis.texts import words

    is_report = job.plan.is_report(notebook)
    name = job.names.get(language, job.region) + ("" if is_report else f" {notebook}")
    title = words(language)("report.title", business=job.plan.business, region=name)
    html = page.render(source, title, language)
    atomic_folder.write(source.with_suffix(".html"), html, PRIVATE)
    if not is_report:
        return []
    share = source.parents[2] / "share"
    share.mkdir(exist_ok=True)
    path = share / f"{_stem(job)}.{language}.html"
    notes = _print(job, html, path.with_suffix(".pdf"), stop)
    found = links(job, language)
    if path.with_suffix(".pdf").is_file():
        found.append((words(language)("report.links.pdf"), path.with_suffix(".pdf").name))
    atomic_folder.write(path, page.render(source, title, language, found))
    return notes


def links(job: Job, language: str) -> list[tuple[str, str]]:
    """List what a report leads to: the portal, its other languages, the report before it.

    Returns
    -------
    Label and path from share/. The report before is that of the newest earlier date.
    """
    from cvm_analysis.texts import words

    plan, say = job.plan, words(language)
    found = [(say("report.links.portal"), f"{OUT}/{portal_page(language)}")]
    found += [
        (words(other)("language.name"), f"{_stem(job)}.{other}.html")
        for other in plan.languages
        if other != language
    ]
    for link, made in published.reports(job.folder, plan.business):
        page = published.pages(made).get(language)
        if page and link.name < plan.as_of:
            label = say("report.links.previous", date=say.date(link.name))
            return [*found, (label, f"../../{link.name}/{page}")]
    return found


def find_linked(folder: Path) -> set[str]:
    """Find the dates of the earlier reports that the pages of a report lead to."""
    pattern = re.compile(rf'href="\.\./\.\./({published.DATE})/')
    texts = [path.read_text("utf-8") for path in folder.glob("share/*.html")]
    return {date for text in texts for date in pattern.findall(text)}


def portal_page(language: str) -> str:
    """Name the portal of a language, in the output folder."""
    return f"index.{language}.html"


def _stem(job: Job) -> str:
    return file_names.stem(job.plan.business, job.region, job.plan.as_of)


def _print(job: Job, html: str, path: Path, stop: threading.Event) -> list[Note]:
    if not job.plan.has_pdf or pdf.find_browser() is None:
        return []
    note = pdf.print_page(html, path, job.plan.as_of, stop)
    return [note] if note else []
