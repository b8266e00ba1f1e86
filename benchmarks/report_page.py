"""What a report of many records costs in the browser, beside one of few.

    python -m benchmarks.report_page [--records 2000] [--few 20]

    python -m benchmarks.report_page --run RUN

Prints, for both: the page's size, the time of one core to write it, what is opened and drawn when the list is shown,
when a record is, and after a search through all, with the browser's processor time of the first search and the next;
and how much longer many take than few. RUN is a folder of a run, to be measured instead. Needs the extra `dev` and a
chromium.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from benchmarks.screenshot import ARGUMENTS
from benchmarks.soak.records import write_distinct_records
from extractor.report import write_report

ROUNDS = 5
KILO, MEGA = 1000, 1000**2
_ANSWER = re.compile(r"^[\d,]+ of [\d,]+ records$")
_STATE = """() => ({chunks: opened.chunks, characters: opened.characters, heap: performance.memory.usedJSHeapSize,
                    elements: document.querySelectorAll("body :not(script)").length, loaded: performance.now()})"""


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=2000)
    arguments.add_argument("--few", type=int, default=20)
    arguments.add_argument("--run", type=Path)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_browser() as page:
        if chosen.run:
            for name, figure in measure(page, Path(folder), chosen.run).items():
                print(f"{name}: {figure:,.0f}")
            return
        counts = (chosen.few, chosen.records)
        found = {count: measure(page, Path(folder), make_run(Path(folder), count)) for count in counts}
    few, many = found.values()
    for name in few:
        print(f"{name}: {few[name]:,.0f} for {chosen.few} records, {many[name]:,.0f} for {chosen.records}")
    name = "milliseconds until the list is shown"
    print(f"until the list is shown, many take {many[name] / few[name]:.2f} times as long")


@contextmanager
def open_browser() -> Iterator[Page]:
    """A page of a browser that tells its memory exactly."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no chromium here; install it, for instance: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*ARGUMENTS, "--enable-precise-memory-info"]
        )
        yield browser.new_page(viewport={"width": 1440, "height": 900})
        browser.close()


def measure(page: Page, folder: Path, run: Path) -> dict[str, float]:
    """Figures of a run's report, the fastest of several loads."""
    path = folder / "page.html"
    since = time.process_time()
    count = write_report(run, path).shown
    writing = time.process_time() - since
    loads = [load(page, f"{path.as_uri()}#?", count) for _ in range(ROUNDS)]
    shown = min(loads, key=lambda one: one["loaded"])
    page.locator(".rows a").first.click()
    page.locator(".value").first.wait_for()
    opened = page.evaluate(_STATE)
    page.go_back()
    page.locator(".rows a").first.wait_for()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    first, later = (search(page, session, words) for words in ("randomised placebo", "no such words"))
    searched = page.evaluate(_STATE)
    return {
        "milliseconds of one core to write the page": 1000 * writing,
        "page, kB": path.stat().st_size / KILO,
        "milliseconds until the list is shown": shown["loaded"],
        "elements of the list": shown["elements"],
        "characters of JSON read for the list": shown["characters"],
        "memory with the list, MB": shown["heap"] / MEGA,
        "chunks opened for a record": opened["chunks"],
        "characters of JSON read for a record": opened["characters"] - shown["characters"],
        "chunks opened for a search": searched["chunks"] - opened["chunks"],
        "milliseconds of processor time of the first search": 1000 * first,
        "milliseconds of processor time of a later search": 1000 * later,
        "memory after it, MB": searched["heap"] / MEGA,
    }


def load(page: Page, address: str, count: int) -> dict[str, Any]:
    """Open a report anew, and say what there is once the list is shown."""
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator(".status")).to_have_text(f"{count:,} of {count:,} records", timeout=60_000)
    state: dict[str, Any] = page.evaluate(_STATE)
    return state


def search(page: Page, session: CDPSession, words: str) -> float:
    """Seconds that the page's thread computes from a search to its answer."""
    before = read_task_duration(session)
    page.evaluate("document.querySelector('.status').textContent = 'waiting'")
    page.get_by_role("searchbox").fill(words)
    expect(page.locator(".status")).to_have_text(_ANSWER, timeout=60_000)
    return read_task_duration(session) - before


def read_task_duration(session: CDPSession) -> float:
    """Seconds that the page's thread has computed so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def make_run(folder: Path, count: int) -> Path:
    """A run over synthetic records, made in a process of its own."""
    records, run = folder / f"{count}.jsonl", folder / f"run-{count}"
    write_distinct_records(records, count)
    words = [sys.executable, "-m", "extractor", "run", records, "--assist", "never", "--out", run, "-q"]
    subprocess.run([str(word) for word in words], check=True)
    return run


if __name__ == "__main__":
    main()
