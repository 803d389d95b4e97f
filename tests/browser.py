"""Chromium without a window, told what to do over a pipe: opens a page as its readers do.

The Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol), one JSON object
after the other, each ended by a zero byte, over the file descriptors 3 and 4 of the browser.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
    os.close(end)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the pipes where Chromium looks for them."""
PATIENCE = 120.0
"""Seconds within which the browser has to answer."""


def find_browser() -> str | None:
    """Give the path of a Chromium, or None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Page:
    """What a page showed, said and asked for while it was open."""

    browser: Browser
    session: str
    errors: list[str] = field(default_factory=list[str])
    """What it wrote to the console, or the browser about it: warnings and errors."""
    requests: list[str] = field(default_factory=list[str])
    """Addresses that it asked for, its own but the first."""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and give its result."""
        return self.browser.call(method, parameters, self)

    def value(self, expression: str) -> Any:
        """Evaluate JavaScript in the page; its policy does not hold for who looks into it."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def show(self, width: int, height: int, *, dark: bool = False, paper: bool = False) -> None:
        """Set the window and what the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if width < 600 else 1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call(
            "Emulation.setEmulatedMedia", media="print" if paper else "screen", features=[scheme]
        )

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page, a PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def paper(self, path: Path) -> None:
        """Write the page as it is printed, a PDF of A4."""
        self.call("Emulation.setEmulatedMedia", media="")
        printed = self.call(
            "Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True
        )
        path.write_bytes(base64.b64decode(printed["data"]))

    def heard(self, event: dict[str, Any]) -> None:
        """Note what an event tells."""
        method, of = event["method"], event.get("params", {})
        if method == "Runtime.consoleAPICalled" and of["type"] in {"error", "warning", "assert"}:
            self.errors.append(json.dumps(of["args"]))
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(of["exceptionDetails"]))
        elif method == "Log.entryAdded" and of["entry"]["level"] in {"error", "warning"}:
            self.errors.append(of["entry"]["text"])
        elif method == "Audits.issueAdded":
            self.errors.append(of["issue"]["code"] + json.dumps(of["issue"]["details"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(of["request"]["url"])


class Browser:
    """One Chromium; ``open`` gives pages of it."""

    def __init__(self) -> None:
        path = find_browser()
        assert path is not None
        self._numbers = itertools.count(1)
        self._pages: dict[str, Page] = {}
        self._left = b""
        self._profile = TemporaryDirectory(ignore_cleanup_errors=True)
        self._process, self._send, self._receive = _start(path, self._profile.name)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._send)  # without its pipe it ends
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._receive)
        self._profile.cleanup()

    def open(self, path: Path) -> Page:
        """Open a file, and wait until it is there."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = Page(self, attached["sessionId"])
        self._pages[page.session] = page
        for domain in ("Log", "Runtime", "Network", "Page", "Audits"):
            page.call(f"{domain}.enable")
        address = path.resolve().as_uri()
        page.call("Page.navigate", url=address)
        deadline = time.monotonic() + PATIENCE
        while page.value("document.readyState + location.href") != f"complete{address}":
            assert time.monotonic() < deadline, f"{address} was not loaded"
            time.sleep(0.02)
        page.requests = [url for url in page.requests if url != address]
        return page

    def call(
        self, method: str, parameters: dict[str, Any], page: Page | None = None
    ) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come before it are noted."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if page is not None:
            message["sessionId"] = page.session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while (answer := self._message(deadline)).get("id") != number:
            listener = self._pages.get(answer.get("sessionId", ""))
            if listener is not None and "method" in answer:
                listener.heard(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        found: dict[str, Any] = answer["result"]
        return found

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select(
                [self._receive], [], [], max(0, deadline - time.monotonic())
            )
            assert ready, "Chromium does not answer"
            read = os.read(self._receive, 1 << 20)
            assert read, f"Chromium ended with {self._process.poll()}"
            self._left += read
        whole, _, self._left = self._left.partition(b"\0")
        found: dict[str, Any] = json.loads(whole)
        return found


def _start(path: str, profile: str) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start the browser; give it and the ends of its pipes."""
    commands, send = os.pipe()
    receive, answers = os.pipe()
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", LAUNCHER, str(commands), str(answers), path),
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",  # root, in a container, has none
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            f"--user-data-dir={profile}",
        ],
        pass_fds=(commands, answers),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands)
    os.close(answers)
    return process, send, receive
