"""A headless Chromium, driven through its DevTools protocol over a pair of pipes."""

import json
import os
import select
import shutil
import subprocess
import time

NAMES = ["chromium", "chromium-browser", "google-chrome"]


def find():
    """The path of a browser, or None."""
    return os.environ.get("KERF_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process; every page is a tab of its own."""

    def __init__(self, path, profile):
        child_reads, self.write = os.pipe()
        self.read, child_writes = os.pipe()
        # The protocol is spoken on the descriptors 3 and 4.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{child_reads} 4>&{child_writes}', "bash", path,
             "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", f"--user-data-dir={profile}",
             # Whatever a page asked of the network would fail, and show as an error.
             "--host-resolver-rules=MAP * ~NOTFOUND", "about:blank"],
            pass_fds=[child_reads, child_writes], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(child_reads)
        os.close(child_writes)
        self.rest = b""
        self.count = 0
        self.events = []

    def close(self):
        self.call("Browser.close")
        self.process.wait(timeout=20)
        os.close(self.read)
        os.close(self.write)

    def call(self, method, session=None, **parameters):
        """The result of a call; events that come before it are kept."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def wait(self, method, session, **parameters):
        """Takes events until one of this name, with these parameters, has come."""
        def fits(event):
            return (
                event.get("method") == method and event.get("sessionId") == session
                and parameters.items() <= event["params"].items())

        while not any(map(fits, self.events)):
            self.events.append(self._next())

    def _next(self):
        deadline = time.monotonic() + 60
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            read = os.read(self.read, 1 << 20)
            assert read, "the browser has ended"
            self.rest += read
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, path, width=1280, height=900, dark=False, scripts=True):
        return Page(self, path, width, height, dark, scripts)


class Page:
    """A file in a tab, with what it did wrong."""

    def __init__(self, browser, path, width, height, dark, scripts):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call(
            "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if not scripts:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.url = path.absolute().as_uri()
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        loader = self.call("Page.navigate", url=self.url)["loaderId"]
        browser.wait("Page.lifecycleEvent", self.session, name="load", loaderId=loader)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def run(self, script):
        """What an expression is worth, as JSON has it."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def key(self, name):
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def _events(self, *methods):
        self.run("0")
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event.get("method") in methods]

    @property
    def complaints(self):
        """Exceptions, and what was written to the console."""
        return self._events(
            "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")

    @property
    def requests(self):
        """What the page asked for, without itself and what is within it."""
        urls = [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [url for url in urls if url != self.url and not url.startswith("data:")]
