"""An exercise page of the site in a real browser, as a learner uses it."""

import json
import re

from playwright.sync_api import expect

ANY = re.compile("true|false")
SECONDS = 90_000  # until Python has started on a machine that is busy
CALL = """async ([method, ...args]) => {
    const { call } = await import(new URL("../_static/python/python.js", location).href);
    return await call(method, args, { seconds: 120 });
}"""
NO_TIME = {"timeout": SECONDS}


class ExercisePage:
    """A page that may ask nobody but its own server.

    Args:
        browser: as `chromium` gives it.
        site: with the `url` that serves it.
        name: of the page, such as "exercises/01_layer_norm".
        page: as for `browser.new_page`.
    """

    def __init__(self, browser, site, name, **page):
        self.url, self.wrong = site.url, []
        self.page = browser.new_page(**page)
        self.page.route("**/*", self._only_own_server)
        self.page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        self.page.on(
            "console",
            lambda m: self.wrong.append(m.text) if m.type == "error" else None,
        )
        self.open(name)

    def _only_own_server(self, route):
        if route.request.url.startswith(self.url):
            return route.continue_()
        self.wrong.append(f"asks outside: {route.request.url}")
        return route.abort()

    def open(self, name):
        self.page.goto(f"{self.url}/{name}.html")
        self.ready()

    def ready(self):
        self.page.wait_for_selector("html[data-page]", state="attached")

    def answer(self, function):
        """The place of an answer, or of any code by its cell's id."""
        return self.page.locator(f".normlab-cell:is([data-function='{function}'],"
                                 f"[data-cell='{function}'])")  # fmt: skip

    def write(self, function, source):
        self.answer(function).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)

    def press(self, function, name):
        self.answer(function).get_by_role("button", name=name, exact=True).click()

    def said(self, function):
        """What stands below an answer."""
        return self.answer(function).locator(".normlab-below")

    def check(self, function):
        """Press Check; the rows of the diagnosis as they stand in the page."""
        self.answer(function).evaluate("(node) => delete node.dataset.passed")
        self.press(function, "Check")
        expect(self.answer(function)).to_have_attribute("data-passed", ANY, **NO_TIME)
        return self.rows(function)

    def rows(self, function):
        rows = self.said(function).locator("table").first.locator("tr")
        return rows.evaluate_all(
            "(rows) => rows.map((r) => [...r.cells].map((c) => c.textContent))"
        )

    def take_along(self, path):
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Take the notebook along").click()
        assert download.value.suggested_filename == path.name
        download.value.save_as(path)
        return path

    def call(self, method, *args):
        """What the page's Python returns."""
        return self.page.evaluate(CALL, [method, *args])

    def diagnosis(self, file, notebook, function):
        return self.call("check", file, json.dumps(notebook), function)

    def close(self):
        self.page.close()
