"""Measure a report of many records in the browser, compared with one of few.

    python -m benchmarks.report_page [--records 10000] [--few 20]
    python -m benchmarks.report_page --run RUN

Prints for both: the page's size, the core time to write it, the processor time of all the browser's processes until the
list is shown, the chunks and elements for the list, for a record, and for a search through all, and the processor time
of the page's thread for the first search and the next; then the ratio of times for many and few records. RUN is the
folder of a run to measure instead. Needs the extra `dev` and chromium.
"""

import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect

from benchmarks.data import format_table, parse_options
from benchmarks.records import make_run
from benchmarks.screenshot import open_browser
from extractor.report import write_report

_ROUNDS = 5
_LIMIT = 1_000_000
_WAIT_MS = 60_000
_ANSWER = re.compile(r"^[\d,]+ of [\d,]+ records$")
_STATE = """() => ({chunks: opened.chunks, characters: opened.characters, heap: performance.memory.usedJSHeapSize,
                    elements: document.querySelectorAll("body :not(script)").length, loaded: performance.now(),
                    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0})"""


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, records=10000, few=20, run=Path)
    with tempfile.TemporaryDirectory() as folder, open_browser("--enable-precise-memory-info") as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        runs = {"run": chosen.run} if chosen.run else {}
        runs = runs or {f"{count} records": make_run(Path(folder), count) for count in (chosen.few, chosen.records)}
        found = [measure(page, Path(folder, "page.html"), run) for run in runs.values()]
    print(format_table(("", *runs), [(name, *(f"{one[name]:,.0f}" for one in found)) for name in found[0]]))
    if not chosen.run:
        few, many = (one["milliseconds until the list is shown"] for one in found)
        print(f"until the list is shown, many take {many / few:.2f} times as long")


def measure(page: Page, path: Path, run: Path) -> dict[str, float]:
    """Measure a run's report, with the fastest of several loads."""
    begun = time.process_time()
    count = write_report(run, path, limit=_LIMIT).shown
    writing = time.process_time() - begun
    shown = min((load(page, f"{path.as_uri()}#?", count) for _ in range(_ROUNDS)), key=lambda one: one["loaded"])
    page.locator(".rows a").first.click()
    page.locator(".value").first.wait_for()
    opened = page.evaluate(_STATE)
    page.go_back()
    page.locator(".rows a").first.wait_for()
    first, later = (search(page, words) for words in ("randomised placebo", "no such words"))
    searched = page.evaluate(_STATE)
    return {
        "milliseconds of one core to write the page": 1000 * writing,
        "page, kB": path.stat().st_size / 1e3,
        "milliseconds of processor time until the list is shown": 1000 * shown["processor"],
        "milliseconds until the first paint": shown["painted"],
        "milliseconds until the list is shown": shown["loaded"],
        "elements of the list": shown["elements"],
        "characters of JSON read for the list": shown["characters"],
        "memory with the list, MB": shown["heap"] / 1e6,
        "chunks opened for a record": opened["chunks"],
        "characters of JSON read for a record": opened["characters"] - shown["characters"],
        "chunks opened for a search": searched["chunks"] - opened["chunks"],
        "milliseconds of processor time of the first search": 1000 * first,
        "milliseconds of processor time of a later search": 1000 * later,
        "memory after it, MB": searched["heap"] / 1e6,
    }


def load(page: Page, address: str, count: int) -> dict[str, Any]:
    """Open a report, and return the state of the page once the list is shown."""
    page.goto("about:blank")
    before = read_processor_time()
    page.goto(address)
    expect(page.locator(".status")).to_have_text(f"{count:,} of {count:,} records", timeout=_WAIT_MS)
    return dict(page.evaluate(_STATE)) | {"processor": read_processor_time() - before}


def read_processor_time() -> float:
    """Return the processor seconds of all processes that this one started, the browser's, so far."""
    times = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times.append(process.cpu_times())
    return sum(one.user + one.system for one in times)


def search(page: Page, words: str) -> float:
    """Measure the processor seconds of the page's thread from a search to its answer."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read_clock() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    before = read_clock()
    page.evaluate("document.querySelector('.status').textContent = 'waiting'")
    page.get_by_role("searchbox").fill(words)
    expect(page.locator(".status")).to_have_text(_ANSWER, timeout=_WAIT_MS)
    return read_clock() - before


if __name__ == "__main__":
    main()
