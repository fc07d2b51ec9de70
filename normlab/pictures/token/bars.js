// A row of bars, one for each feature, which can be dragged, moved by keys, or typed. A row that
// cannot be changed shows the same bars with their numbers.

const EDGE = 26; // px at the left of the bars, for the numbers of the axis
const SUBSCRIPTS = "₁₂₃₄₅₆₇₈";

// A number in a few characters, with a true minus. What is rounding noise is 0, without a minus.
function short(value, digits = 2) {
  if (Number.isNaN(value)) return "0/0";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value) < 1e-12 ? 0 : Math.abs(value);
  let text = value.toFixed(size >= 100 ? Math.max(0, digits - 1) : digits);
  if (Math.abs(text) >= 1e5 || (size > 0 && size < 0.5 * 10 ** -digits)) {
    const [mantissa, power] = value.toExponential(1).split("e").map(Number);
    text = `${mantissa}e${power}`;
  }
  return (Number(text) === 0 ? text.replace("-", "") : text).replaceAll("-", "−");
}

// All digits that count; `readNumber` reads it back.
const exact = (value) => String(Number(value.toPrecision(7))).replaceAll("-", "−");
const LIMIT = 1e6; // the largest number that can be typed

const STEPS = {
  ArrowUp: 0.1,
  ArrowRight: 0.1,
  ArrowDown: -0.1,
  ArrowLeft: -0.1,
  PageUp: 1,
  PageDown: -1,
};

const EXPECTED = `a number from −${LIMIT} to ${LIMIT} is expected, such as 0.25, 1/4 or 1e-5`;

// What to say of a typed text that was not taken as it is: what was given, what is expected, and what
// became of it; "" of a number.
function aboutTyped(text, value, taken) {
  if (value === taken) return "";
  const given = text.trim() ? `“${text.trim()}” was typed` : "Nothing was typed";
  const end = taken === undefined ? "The number stays as it was." : `It became ${exact(taken)}.`;
  return `${given}: ${EXPECTED}. ${end}`;
}

// A field for a number. `onType` gets the number, or undefined; `onSaid` what is to say of it.
function makeField(name, onType, onSaid) {
  const input = element("input", { type: "text", inputmode: "decimal", "aria-label": name });
  input.addEventListener("change", () => {
    const value = readNumber(input.value);
    const taken = Number.isFinite(value) ? Math.max(-LIMIT, Math.min(LIMIT, value)) : undefined;
    onSaid(aboutTyped(input.value, value, taken));
    onType(taken);
  });
  input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
  keepKeys(input);
  return input;
}

// `onChange(i, value)` and `onEnd()` make the bars movable. `update({ values, reach, before, band })`
// draws them in a frame from −reach to reach; `before` are outlines of the step before, and `band`
// says the mean and the standard deviation of the values, which are drawn behind them.
function makeBars({ name, color, bandColor, height = 104, onChange, onEnd }) {
  const title = element("div", { class: "normlab-row-title" });
  const svg = drawn("svg", { class: "normlab-bars", height });
  const cells = element("div", { class: "normlab-cells" });
  const about = element("p", { class: "normlab-typed", role: "status" });
  const node = element("div", { class: "normlab-row" }, title, svg, cells, about);
  node.dataset.row = name;
  let bars = [];
  let state = { values: [], reach: 4 };
  const middle = height / 2;
  const scale = () => (middle - 7) / state.reach;
  const width = () => svg.getBoundingClientRect().width || 320;
  const column = () => (width() - EDGE) / state.values.length;
  const change = (i, value) => {
    const rounded = Number(Math.max(-state.reach, Math.min(state.reach, value)).toFixed(1));
    about.textContent = "";
    if (rounded !== state.values[i]) onChange(i, rounded);
  };

  const build = (count) => {
    const axis = ["high", "zero", "low"].map(() =>
      drawn("text", { class: "normlab-tick", x: EDGE - 5 }),
    );
    const line = drawn("line", { class: "normlab-axis", x1: EDGE });
    const behind = drawn("rect", { class: "normlab-band", x: EDGE, fill: bandColor ?? "none" });
    const level = drawn("line", { class: "normlab-level", x1: EDGE });
    const outline = Array.from({ length: count }, () => drawn("rect", { class: "normlab-before" }));
    bars = Array.from({ length: count }, (_, i) => {
      const called = `${name}, feature ${i}`;
      const bar = drawn("rect", { fill: color, class: "normlab-bar" });
      const grip = drawn("rect", { class: "normlab-grip", rx: 2, height: 4 });
      const column = drawn("rect", { class: "normlab-column", y: 0, height });
      const group = drawn(
        "g",
        onChange ? { role: "slider", tabindex: 0, "aria-label": called } : {},
      );
      group.append(column, bar, ...(onChange ? [grip] : []));
      const typing = [`${called}, typed`, (v) => typed(i, v), (text) => (about.textContent = text)];
      const cell = onChange ? makeField(...typing) : element("span");
      if (onChange) group.addEventListener("keydown", (event) => press(event, i));
      return { bar, grip, column, group, cell, before: outline[i] };
    });
    svg.replaceChildren(
      ...axis,
      behind,
      level,
      ...bars.map(({ group }) => group),
      ...outline,
      line,
    );
    svg.setAttribute("aria-hidden", !onChange);
    cells.replaceChildren(...bars.map(({ cell }) => cell));
    cells.style.gridTemplateColumns = `repeat(${count}, minmax(0, 1fr))`;
  };
  const typed = (i, value) => {
    if (value !== undefined) onChange(i, value);
    update({}); // what cannot be read becomes the number that it was
    onEnd();
  };
  const press = (event, i) => {
    const step = STEPS[event.key];
    if (!step && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    const { values, reach } = state;
    change(i, step ? values[i] + step : event.key === "Home" ? -reach : reach);
    onEnd();
  };
  const update = (next) => {
    state = { ...state, ...next };
    const { values, reach, before, band } = state;
    if (bars.length !== values.length) build(values.length);
    const top = (value) => middle - scale() * Math.max(-reach, Math.min(reach, value || 0));
    const place = (rect, value, x, across) =>
      setAll(rect, {
        x,
        width: across,
        y: Math.min(top(value), middle),
        height: Math.abs(top(value) - middle),
      });
    const [axis, wide] = [svg.querySelectorAll(".normlab-tick"), column()];
    [reach, 0, -reach].forEach((value, k) => {
      axis[k].setAttribute("y", middle - scale() * value + 4);
      axis[k].textContent = short(value, 0);
    });
    setAll(svg.querySelector(".normlab-axis"), { x2: width(), y1: middle, y2: middle });
    if (band) {
      const [high, low] = [top(band.mean + band.std), top(band.mean - band.std)];
      setAll(svg.querySelector(".normlab-band"), {
        y: high,
        height: low - high,
        width: width() - EDGE,
      });
      setAll(svg.querySelector(".normlab-level"), {
        stroke: bandColor,
        x2: width(),
        y1: top(band.mean),
        y2: top(band.mean),
      });
    }
    bars.forEach(({ bar, grip, column, group, cell, before: outline }, i) => {
      const x = EDGE + wide * i;
      setAll(column, { x, width: wide });
      place(bar, values[i], x + wide * 0.2, wide * 0.6);
      place(outline, before?.[i], x + wide * 0.12, wide * 0.76);
      outline.setAttribute("visibility", before ? "visible" : "hidden");
      setAll(grip, { x: x + wide * 0.16, width: wide * 0.68, y: top(values[i]) - 2 });
      if (!onChange) return (cell.textContent = short(values[i]));
      const now = { "aria-valuenow": values[i], "aria-valuemin": -reach, "aria-valuemax": reach };
      setAll(group, { ...now, "aria-valuetext": exact(values[i]) });
      if (document.activeElement !== cell || next.values === undefined)
        cell.value = exact(values[i]);
    });
  };
  if (onChange) {
    svg.classList.add("normlab-movable");
    const at = ({ clientX, clientY }) => {
      const { left, top } = svg.getBoundingClientRect();
      return { x: clientX - left, y: clientY - top };
    };
    makeDraggable(svg, {
      start: (event) => {
        const i = Math.floor((at(event).x - EDGE) / column());
        bars[i]?.group.focus({ preventScroll: true });
        return bars[i] && i;
      },
      move: (event, i) => change(i, (middle - at(event).y) / scale()),
      end: onEnd,
    });
    keepKeys(svg);
  }
  const say = (...parts) => title.replaceChildren(...parts);
  return { node, update, say };
}

// The least round number that holds all values: 4 for a common token.
function reachOf(least, ...rows) {
  const largest = Math.max(least, ...rows.flat().filter(Number.isFinite).map(Math.abs));
  if (largest <= least) return least;
  const unit = 10 ** Math.floor(Math.log10(largest));
  return unit * [1, 2, 4, 6, 8, 10].find((factor) => factor * unit >= largest * (1 - 1e-12));
}
