"""Take the README's screenshot of the report: a seed record with a value and its evidence, from
recorded answers.

    python -m benchmarks.screenshot [--out FILE]

FILE defaults to ``docs/images/report.png``. Needs the extra `dev` and chromium. The picture depends
only on the fonts.
"""

import subprocess
import tempfile
from pathlib import Path

from benchmarks.data import parse_options
from benchmarks.processes import run_command
from extractor.apps.report import write_report
from tests.browser import launch

ROOT = Path(__file__).parents[1]
PLACE = "#003_b184c860ed2ef927/eligibility.criteria[1].constraints[0]"


def main() -> None:
    """Take the picture."""
    picture = Path(
        parse_options(__doc__, out=str(ROOT / "docs" / "images" / "report.png")).out
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, launch() as browser:
        run = Path(folder, "results")
        report = Path(folder, "report.html")
        subprocess.run(
            run_command("seeds/records", "--replay", "seeds/answers", "--out", run),
            check=True,
            cwd=ROOT,
        )
        write_report(run, report, records=[ROOT / "seeds" / "records"])
        page = browser.new_context(
            viewport={"width": 1240, "height": 740}, offline=True
        ).new_page()
        page.goto(report.as_uri() + PLACE)
        page.locator("html[data-ready]").wait_for()
        page.wait_for_timeout(300)
        page.screenshot(path=picture)
    print(f"{picture}: {picture.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
