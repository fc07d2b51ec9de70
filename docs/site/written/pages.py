"""All pages of the site that no notebook holds, as Sphinx's sources."""

from pathlib import Path

from docs.site.written.claims import claims_page
from docs.site.written.first_page import MOVING, STILL, first_page
from docs.site.written.progress import progress_page
from docs.site.written.reference import write_reference
from docs.site.written.teaching import OVERVIEW, teaching_page
from docs.site.written.zoo import zoo_page


def write_pages(folder: Path) -> None:
    """Write the first page, the claims, the zoo, the teacher's guide, the page of the learner's
    progress, and the reference, with their pictures, into the folder of Sphinx's sources."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "index": first_page(),
        "claims": claims_page(),
        "zoo": zoo_page(),
        "teaching": teaching_page(),
        "progress": progress_page(),
    }
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for picture in (MOVING, STILL, OVERVIEW):
        target = folder / "_static" / "course" / picture.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(picture.read_bytes())
    write_reference(folder / "api")
