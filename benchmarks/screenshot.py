"""The README's picture of the report: a record of the seeds, extracted by the rules, with a value and its evidence.

    python -m benchmarks.screenshot [--out docs/images/report.png] [--dark] [--phone] [--place ADDRESS]

Needs the extra `dev` and a chromium. The picture is the same wherever the fonts are.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import ViewportSize, sync_playwright

from extractor.report import write_report

ROOT = Path(__file__).parents[1]
PLACE = "#003_b184c860ed2ef927/eligibility.criteria[1].constraints[0]"
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-lcd-text")
PHONE, SCREEN = ViewportSize(width=390, height=844), ViewportSize(width=1180, height=680)


def main() -> None:
    """Take the picture."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "report.png")
    arguments.add_argument("--dark", action="store_true")
    arguments.add_argument("--phone", action="store_true")
    arguments.add_argument("--place", default=PLACE, help="what is shown, as in the page's address")
    chosen = arguments.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = make_page(Path(folder))
        size = PHONE if chosen.phone else SCREEN
        take(page.as_uri() + chosen.place, chosen.out, size, "dark" if chosen.dark else "light")
    print(f"{chosen.out}: {chosen.out.stat().st_size // 1000} kB")


def make_page(folder: Path) -> Path:
    """The report of the seeds."""
    run, page = folder / "results", folder / "report.html"
    words = [sys.executable, "-m", "extractor", "run", "seeds/records", "--assist", "never", "--out", str(run), "-q"]
    subprocess.run(words, check=True, cwd=ROOT)
    write_report(run, page, records=[ROOT / "seeds" / "records"])
    return page


def take(address: str, path: Path, size: ViewportSize, scheme: Literal["light", "dark"]) -> None:
    """A picture of an address in a browser's window of that size."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no chromium here; install it, for instance: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_context(viewport=size, color_scheme=scheme, offline=True).new_page()
        page.goto(address)
        page.locator("html[data-ready]").wait_for()
        page.wait_for_timeout(300)
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    main()
