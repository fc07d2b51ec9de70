"""A marker of claims on a page of its own, and what its browser says and is told."""

import re

SILENT = "Not kept: Python does not answer. Run this cell, and mark again."
CONTRAST = """(nodes) => nodes.map((node) => {
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
    const over = (top, below) => {
        const [r, g, b, alpha = 1] = numbers(top);
        return [r, g, b].map((value, i) => alpha * value + (1 - alpha) * below[i]);
    };
    const light = (rgb) => rgb.map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    let ground = numbers(getComputedStyle(document.body).backgroundColor).slice(0, 3);
    const parents = [];
    for (let n = node; n && n !== document.body; n = n.parentElement) parents.unshift(n);
    for (const n of parents) ground = over(getComputedStyle(n).backgroundColor, ground);
    const [a, b] = [light(over(getComputedStyle(node).color, ground)), light(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})"""
"""How much lighter a text is than its ground, or darker, by the formula of WCAG 2."""


def within_reach(widget):
    """A widget's state, with a script that puts its model where `answer_as_python` finds it."""
    reach = "export default { initialize: ({ model }) => { window.model = model; }, render }"
    state = widget.get_state()
    assert "export default { render }" in state["_esm"]
    return state | {"_esm": state["_esm"].replace("export default { render }", reach)}


def answer_as_python(page, **state):
    """What a message of Python does, name by name in this order."""
    for name, value in state.items():
        page.evaluate("([name, value]) => window.model.set(name, value)", [name, value])


def said(page):
    return page.evaluate("window.states.it.said")


def claim(page, number):
    return page.get_by_role("button", name=re.compile(rf"^Claim {number} "))
