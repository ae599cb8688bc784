"""A real browser for the tests: headless Chromium, spoken to over its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path

import pytest
import websocket

PHONE, TABLET, DESKTOP, WIDE = (390, 844), (768, 1024), (1280, 900), (1920, 1080)  # CSS pixels
AXE = """axe.run({resultTypes: ["violations"]}).then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary}`)))"""


@cache
def axe():
    """The script of axe-core; it runs beside the page, so that no policy of the page stops it."""
    return (resources.files("axe_core_python") / "axe.min.js").read_text("utf-8")


def find():
    """Path of a Chromium; where there is none the test skips, or fails in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("no chromium, and CI is set: install it")
    pytest.skip("no chromium")


@contextmanager
def opened(profile: Path):
    """A tab of a browser of its own, ended with everything it started."""
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    flags += ["--remote-debugging-port=0", "--no-first-run", "--disable-background-networking"]
    command = [find(), *flags, f"--user-data-dir={profile}", "about:blank"]
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Tab(_address(profile / "DevToolsActivePort", process))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(file: Path, process, seconds=30):
    deadline = time.monotonic() + seconds
    while not (file.is_file() and file.read_text().count("\n") >= 1):
        assert process.poll() is None, "chromium ended at once"
        assert time.monotonic() < deadline, "chromium did not open its port"
        time.sleep(0.05)
    port, path = file.read_text().split()
    return f"ws://127.0.0.1:{port}{path}"


class Tab:
    """One page at a time, and all that happened while it was loaded."""

    def __init__(self, address):
        self.socket = websocket.create_connection(address, suppress_origin=True, timeout=30)
        self.number, self.session, self.events = 0, None, []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def send(self, method, **params):
        """Call a method and wait for its result; events met on the way are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        self.socket.send(
            json.dumps(message | ({"sessionId": self.session} if self.session else {}))
        )
        while (answer := json.loads(self.socket.recv())).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, file: Path, size):
        """Load a file in a window of this size, from nothing."""
        width, height = size
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2, mobile=width < 600,
        )  # fmt: skip
        self._go("about:blank")
        self.events.clear()
        self._go(file.resolve().as_uri())

    def _go(self, url):
        """Load an address and wait until it, and not the page before, is loaded."""
        loader = self.send("Page.navigate", url=url)["loaderId"]
        while (loader, "load") not in [
            (event["loaderId"], event["name"]) for event in self.told("Page.lifecycleEvent")
        ]:
            self.events.append(json.loads(self.socket.recv()))

    def value(self, expression):
        """What a JavaScript expression gives in the page."""
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        return found["result"].get("value")

    def show(self, media="screen", scheme="light"):
        """Show the page on paper or screen, light or dark; later pages too."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def unfold(self):
        """Open all that is folded."""
        self.value("document.querySelectorAll('details').forEach(each => { each.open = true })")

    def violations(self):
        """The rules of accessibility that the page breaks, with the elements that do."""
        self.value(axe() + ";0")
        return self.value(AXE)

    def told(self, method):
        """What the events of a kind said."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def picture(self, path: Path):
        """Write a picture of the whole page."""
        height = self.value("document.documentElement.scrollHeight")
        width = self.value("window.innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def paper(self, path: Path):
        """Write the page as a PDF."""
        made = self.send("Page.printToPDF", preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(made["data"]))
