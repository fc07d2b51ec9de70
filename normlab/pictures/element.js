// What every widget of the course is made of.

const SVG = "http://www.w3.org/2000/svg";

function setAll(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  setAll(node, attributes);
  node.append(...children);
  return node;
}

// The same in a picture (SVG).
function drawn(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  setAll(node, attributes);
  node.append(...children);
  return node;
}

// Begins ids and groups that are unlike all others on the page, where each widget runs a copy of this
// script.
function ownPrefix() {
  globalThis.normlabWidgets = (globalThis.normlabWidgets ?? 0) + 1;
  return `normlab-${globalThis.normlabWidgets}-`;
}

// JupyterLab binds arrow keys, digits, letters, Enter and Escape.
function keepKeys(node) {
  node.dataset.lmSuppressShortcuts = "true";
  node.addEventListener("keydown", (event) => event.stopPropagation());
}

// Follows one pointer from its press to its release, with what `start` gives for the press: nothing
// if there is nothing to hold. Other fingers and buttons do nothing meanwhile.
function makeDraggable(node, { start, move, end = () => {} }) {
  let held;
  const isHeld = (event) => held?.pointer === event.pointerId;
  node.addEventListener("pointerdown", (event) => {
    if (held || event.button !== 0) return;
    const what = start(event);
    if (what === undefined) return;
    held = { pointer: event.pointerId, what };
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    move(event, what);
  });
  node.addEventListener("pointermove", (event) => isHeld(event) && move(event, held.what));
  for (const name of ["pointerup", "pointercancel"])
    node.addEventListener(name, (event) => {
      if (!isHeld(event)) return;
      held = undefined;
      end();
    });
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/;
const POWER = /^(?:(.+)[·*x×])?10(?:\^|\*\*)\(?([+-]?\d+)\)?$/;

// A number as people type it, or NaN: "0.25", "0,25", "1,000", "1/4", "25 %" with the unit %,
// "10^-5", "−1e−5". A comma before three digits stands between thousands, as in the texts; else it
// is a point.
function readNumber(text, unit = "") {
  const plain = text.replace(unit, "").replace(/\s|_/g, "").replaceAll("−", "-");
  const decimal = (part) => (DECIMAL.test(part) ? Number(part) : NaN);
  const one = (part) => {
    const number = part.replaceAll(",", THOUSANDS.test(part) ? "" : ".");
    const power = number.match(POWER);
    return power ? decimal(power[1] ?? "1") * 10 ** Number(power[2]) : decimal(number);
  };
  const [above, below = "1", ...more] = plain.split("/");
  return more.length ? NaN : one(above) / one(below);
}
