"""What a labeling page costs in Chromium: bytes and requests by the debugger, times by its own clock."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WINDOW = {"width": 1280, "height": 900}
READING_SECONDS = 1.5  # nobody submits faster than that; the next task is prepared meanwhile
PATIENCE_MS = 60_000

# In every document, before its own scripts. Times are of the wall clock, so that they outlive a navigation.
# A task counts as shown in the frame after the one in which its text stands in the page.
WATCH = """(() => {
  const clock = () => performance.timeOrigin + performance.now();
  const kept = (name) => sessionStorage.getItem("watch-" + name);
  const keep = (name, value) => sessionStorage.setItem("watch-" + name, String(value));
  const text = () => document.querySelector(%(task)r)?.textContent.trim() ?? "";
  const isUsable = () => document.querySelectorAll(%(usable)r).length >= %(count)d;
  const arm = () => { keep("before", text()); keep("armed", "yes"); keep("took", ""); };
  window.watched = { usable: null, arm };
  const press = (event) => {
    if (!event.isTrusted) return;
    keep("keys", Number(kept("keys") ?? 0) + 1);
    if (kept("armed") === "yes") { keep("pressed", clock()); keep("armed", "no"); }
  };
  addEventListener("keydown", press, true);
  addEventListener("pointerdown", press, true);
  const look = () => {
    if (watched.usable === null && isUsable()) watched.usable = performance.now();
    const isNext = kept("armed") === "no" && text() !== "" && text() !== kept("before") && isUsable();
    if (isNext && !kept("took")) {
      keep("took", "soon");
      requestAnimationFrame(() => keep("took", clock() - Number(kept("pressed"))));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""


@dataclass(frozen=True)
class LabelingPage:
    """Where a program shows a task, and how one sees that it does."""

    address: str
    task: str  # a selector of the prompt's text
    usable: str  # a selector of what is there once keys act
    count: int  # how many of those

    @property
    def script(self) -> str:
        return WATCH % {"task": self.task, "usable": self.usable, "count": self.count}


@dataclass
class Traffic:
    """Every request of a page since the last `clear`, with the bytes that came over the connection."""

    asked: set[str] = field(default_factory=set)
    sizes: dict[str, float] = field(default_factory=dict)

    def listen(self, page: Page) -> None:
        debugger = page.context.new_cdp_session(page)
        debugger.on("Network.requestWillBeSent", self._sent)
        debugger.on("Network.loadingFinished", self._finished)
        debugger.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        if urlsplit(event["request"]["url"]).scheme in {"http", "https"}:
            self.asked.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        self.sizes[event["requestId"]] = event["encodedDataLength"]

    def wait_for(self, asked: set[str], page: Page) -> None:
        """Until what was asked for has come; what never does counts as nothing."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not asked <= self.sizes.keys() and time.monotonic() < deadline:
            page.wait_for_timeout(20)

    def clear(self) -> None:
        self.asked.clear()
        self.sizes.clear()

    @property
    def requests(self) -> int:
        return len(self.asked)

    @property
    def bytes(self) -> int:
        return round(sum(self.sizes.get(request, 0) for request in self.asked))


@dataclass(frozen=True)
class FirstLoad:
    bytes: int
    requests: int
    usable_ms: float


@dataclass(frozen=True)
class Round:
    """From one submission to the next: how long until the next task was there, what was transferred, keys."""

    submit_to_next_ms: float
    bytes: int
    requests: int
    keys: int


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def open_context(browser: Browser, cookies: list[Any], page: LabelingPage) -> BrowserContext:
    """A person who is signed in and whose browser has nothing in its cache."""
    context = browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies(cookies)
    context.add_init_script(page.script)
    return context


def first_loads(browser: Browser, cookies: list[Any], page: LabelingPage, *, times: int) -> list[FirstLoad]:
    """The page with a cold cache. Counted is what was asked for until it took keys, and then came whole."""
    loads = []
    for _ in range(times):
        context = open_context(browser, cookies, page)
        tab, traffic = context.new_page(), Traffic()
        traffic.listen(tab)
        tab.goto(page.address, wait_until="commit")
        tab.wait_for_function("() => watched.usable !== null", polling=2)
        asked = set(traffic.asked)
        usable = float(tab.evaluate("watched.usable"))
        tab.wait_for_load_state("load")
        traffic.wait_for(asked, tab)
        traffic.asked = asked
        loads.append(FirstLoad(traffic.bytes, traffic.requests, usable))
        context.close()
    return loads


def rounds(
    browser: Browser,
    cookies: list[Any],
    page: LabelingPage,
    *,
    times: int,
    judge: Callable[[Page], None],
    submit: Callable[[Page], None],
) -> list[Round]:
    """Judge and submit so many tasks, one after the other; the clock starts at submit's first press."""
    context = open_context(browser, cookies, page)
    tab, traffic = context.new_page(), Traffic()
    traffic.listen(tab)
    tab.goto(page.address)
    tab.wait_for_function("() => watched.usable !== null")
    done = []
    judge(tab)
    tab.wait_for_timeout(READING_SECONDS * 1000)
    for _ in range(times):
        traffic.clear()
        tab.evaluate("watched.arm()")
        submit(tab)
        tab.wait_for_function("() => Number(sessionStorage.getItem('watch-took')) > 0", polling=5)
        keys = int(tab.evaluate("sessionStorage.getItem('watch-keys')"))
        took = float(tab.evaluate("sessionStorage.getItem('watch-took')"))
        # What follows until the next submission belongs to it: what is prepared and what is saved meanwhile.
        tab.evaluate("sessionStorage.setItem('watch-keys', '0')")
        judge(tab)
        tab.wait_for_timeout(READING_SECONDS * 1000)
        done.append(Round(took, traffic.bytes, traffic.requests, keys))
    context.close()
    return done
