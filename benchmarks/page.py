"""The ranking page: bytes, requests, keys and time from task to task, beside Label Studio's labeling page.

python -m benchmarks.page [--setup | --quick]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.environments import DIRECTORY, LABEL_STUDIO, arguments, spread
from benchmarks.ours.page_site import running_site
from benchmarks.page_browser import FirstLoad, LabelingPage, Round, chromium, first_loads, rounds
from benchmarks.page_texts import tasks as texts_of
from benchmarks.peers.label_studio import running_label_studio

MODULE = "benchmarks.page"
OUTPUTS = 4
TASKS, QUICK_TASKS = 24, 10
PAIRS = 3
LOADS, QUICK_LOADS = 7, 3
WANTED = {
    "first_load_bytes": 80_000,
    "requests": 6,
    "next_load_bytes": 15_000,
    "submit_to_next_ms": 100,
}


def main() -> None:
    options = arguments(MODULE, __doc__ or "")
    if options.setup:
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        LABEL_STUDIO.set_up()
        return
    if not LABEL_STUDIO.is_set_up:
        sys.exit(f"not set up ({LABEL_STUDIO.name}): type python -m {MODULE} --setup first")
    tasks, loads = (QUICK_TASKS, QUICK_LOADS) if options.quick else (TASKS, LOADS)
    print(
        f"{loads} cold loads and {tasks} tasks of {OUTPUTS} outputs a side, ours first; "
        f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        flush=True,
    )
    figures: dict[str, Any] = {"tasks": tasks, "loads": loads, "load_before": os.getloadavg()[0]}
    with chromium() as browser:
        figures |= ours(browser, tasks=tasks, loads=loads)
        figures |= theirs(browser, tasks=tasks, loads=loads)
    figures["load_after"] = os.getloadavg()[0]
    report(figures)
    print(json.dumps(figures))


def press(key: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.press(key)


def untouched(_page: Page) -> None:
    """Nothing is done before it is submitted."""


# --- this program


def rank(page: Page) -> None:
    """One after the other onto the places 1 to K."""
    for place in range(1, OUTPUTS + 1):
        page.keyboard.press(str(place))


def ours(browser: Browser, *, tasks: int, loads: int) -> dict[str, Any]:
    with running_site() as site:
        ranking = labeling_page(site.make_project(tasks=tasks + 2, outputs=OUTPUTS))
        pairs = labeling_page(site.make_project(tasks=PAIRS + 2, outputs=2))
        cookies = site.sign_in(browser)
        first = first_loads(browser, cookies, ranking, times=loads)
        four = rounds(browser, cookies, ranking, times=tasks, judge=rank, submit=press("Enter"))
        two = rounds(browser, cookies, pairs, times=PAIRS, judge=untouched, submit=press("ArrowLeft"))
    texts = statistics.median(one.compressed_bytes for one in texts_of(tasks, OUTPUTS))
    figures = figures_of(first, four)
    figures["next_load_bytes_with_texts"] = figures["next_load_bytes"]
    figures["next_load_bytes"] = round(figures["next_load_bytes"] - texts)
    figures["keys_k4"], figures["keys_k2"] = keys_of(four), keys_of(two)
    figures["submit_to_next_ms_k2"] = statistics.median(one.submit_to_next_ms for one in two)
    return figures


def labeling_page(address: str) -> LabelingPage:
    # The attribute is set by the script that listens to keys.
    return LabelingPage(address, task=".conversation .text", usable="#work[data-mode]", count=1)


# --- Label Studio


def theirs(browser: Browser, *, tasks: int, loads: int) -> dict[str, Any]:
    """Outputs are dragged there, so they are submitted as they lie; no key orders them."""
    with running_label_studio() as peer:
        address = peer.make_project(tasks=tasks + 2, outputs=OUTPUTS)
        page = LabelingPage(
            address, task=".lsf-main-content .lsf-htx-richtext", usable=".htx-ranker-item", count=OUTPUTS
        )
        cookies = peer.sign_in(browser)
        first = first_loads(browser, cookies, page, times=loads)
        done = rounds(browser, cookies, page, times=tasks, judge=untouched, submit=press("Control+Enter"))
    return {f"peer_{name}": value for name, value in figures_of(first, done).items()}


# --- figures


def keys_of(done: Sequence[Round]) -> int:
    """Keystrokes from task shown to submitted; the same for every task, or something went wrong."""
    keys = {one.keys for one in done}
    assert len(keys) == 1, keys
    return keys.pop()


def figures_of(first: Sequence[FirstLoad], done: Sequence[Round]) -> dict[str, Any]:
    usable = [one.usable_ms for one in first]
    took = [one.submit_to_next_ms for one in done]
    return {
        "first_load_bytes": max(one.bytes for one in first),
        "requests": max(one.requests for one in first),
        "usable_ms": statistics.median(usable),
        "usable_ms_spread": spread(usable),
        "submit_to_next_ms": statistics.median(took),
        "submit_to_next_ms_spread": spread(took),
        "next_load_bytes": round(statistics.median(one.bytes for one in done)),
        "next_requests": statistics.median(one.requests for one in done),
    }


def report(figures: dict[str, Any]) -> None:
    for name in ("first_load_bytes", "requests", "usable_ms", "submit_to_next_ms", "next_load_bytes"):
        wanted = f", wanted {WANTED[name]:,} or less" if name in WANTED else ""
        peer = figures[f"peer_{name}"]
        print(f"{name}: ours {figures[name]:,.0f}{wanted}; Label Studio {peer:,.0f}")
    for name in ("submit_to_next_ms_spread", "usable_ms_spread"):
        ours, theirs = (
            [round(figures[side + name][part]) for part in ("min", "median", "max")] for side in ("", "peer_")
        )
        print(f"{name}: ours {ours}, Label Studio {theirs}")
    keys = f"{figures['keys_k4']} for 4 outputs, {figures['keys_k2']} for 2"
    print(f"keystrokes from task shown to submitted: {keys}", flush=True)


if __name__ == "__main__":
    main()
