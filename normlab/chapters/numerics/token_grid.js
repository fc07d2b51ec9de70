// Chapter 03: the token with an offset, each feature on the line of the numbers that a dtype can
// store, and what is left of its mean and its differences.

const OFFSETS = [
  0,
  ...Array.from({ length: 17 }, (_, i) => (i % 2 ? 3 : 1) * 10 ** Math.floor(i / 2)),
];
const sayOffset = (value) => value.toLocaleString("en-US");
const CLOSE = 3; // px: numbers that stand closer than that are drawn as a band
const LINE = 42; // px: the height of a line of numbers

const sayStepOf = (step) => (step < 1e-3 ? short(step) : String(step));

// Stored numbers, and the norm on them with its mean and differences in the same dtype. The sum
// itself is exact here: what is lost is lost by writing down.
function storeToken(x, { offset, dtype }) {
  const wanted = x.map((value) => value + offset);
  const stored = wanted.map((value) => roundTo(value, dtype));
  const mean = roundTo(meanOf(stored), dtype);
  const centered = stored.map((value) => roundTo(value - mean, dtype));
  return {
    wanted,
    stored,
    mean,
    centered,
    step: Math.max(...wanted.map((value) => spacingAt(value, dtype))),
  };
}

// A number as a dtype has it, with as many digits as tell its steps apart.
function long(value, step) {
  if (!Number.isFinite(value)) return short(value);
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(step))));
  const text = value.toLocaleString("en-US", { maximumFractionDigits: Math.max(digits, 1) });
  return text.replace("-", "−");
}

function makeLine(i, { onChange, onEnd, colors }) {
  const name = `x${SUBSCRIPTS[i]}`;
  const svg = drawn("svg", { class: "normlab-line", height: LINE });
  const field = makeField(`${name}, typed`, (value) => {
    if (value !== undefined) onChange(i, value);
    onEnd();
  });
  const stored = element("span", { class: "normlab-kept" });
  const node = element(
    "div",
    { class: "normlab-number-line" },
    element("span", {}, name),
    field,
    svg,
    stored,
  );
  let [state, width] = [{}, 300];
  const toX = (value) => (width * (value + state.reach)) / (2 * state.reach);
  const holder = drawn("g");
  const grip = drawn("g", { role: "slider", tabindex: 0, "aria-label": name });
  const move = (value) =>
    onChange(i, Number(Math.max(-state.reach, Math.min(state.reach, value)).toFixed(1)));
  grip.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    move(state.value + step);
    onEnd();
  });
  makeDraggable(svg, {
    start: () => {
      grip.focus({ preventScroll: true });
      return i;
    },
    move: (event) =>
      move(
        ((event.clientX - svg.getBoundingClientRect().left) / width) * 2 * state.reach -
          state.reach,
      ),
    end: onEnd,
  });
  keepKeys(svg);
  svg.append(holder, grip); // the grip stays where it is, so that it keeps the focus
  const update = (next) => {
    state = next;
    const { value, wanted, kept, offset, dtype, reach, step } = state;
    width = svg.getBoundingClientRect().width || 300;
    const { found, dense } = storedBetween(
      offset - reach,
      offset + reach,
      dtype,
      (CLOSE * 2 * reach) / width,
    );
    const ticks = found.map((tick) => `M${toX(tick - offset).toFixed(2)} 22v14`).join("");
    const band = dense
      ? { x: toX(dense[0] - offset), width: toX(dense[1] - offset) - toX(dense[0] - offset) }
      : { x: 0, width: 0 };
    const [from, to] = [
      toX(value),
      toX(Number.isFinite(kept) ? Math.max(-reach, Math.min(reach, kept - offset)) : reach),
    ];
    setAll(grip, { "aria-valuenow": value, "aria-valuemin": -reach, "aria-valuemax": reach });
    grip.setAttribute("aria-valuetext", `${exact(value)}, stored ${long(kept, step)}`);
    grip.replaceChildren(
      drawn("circle", { cx: from, cy: 11, r: 7, fill: colors.x, class: "normlab-mark" }),
      drawn("path", { d: `M${from} 18V22`, stroke: colors.x, "stroke-width": 2 }),
    );
    const arrow = drawn("path", {
      d: `M${from} 22L${to} 29`,
      stroke: colors.error,
      "stroke-width": 2.5,
    });
    const mark = makeMark(
      Number.isFinite(kept) ? "square" : "triangle",
      [to, 29],
      colors.stored,
      4.5,
    );
    mark.dataset.mark = "stored";
    holder.replaceChildren(
      drawn("path", { d: `M0 29H${width}`, class: "normlab-axis" }),
      drawn("rect", { ...band, y: 22, height: 14, class: "normlab-dense" }),
      drawn("path", { d: ticks, class: "normlab-ticks-of-dtype" }),
      arrow,
      mark,
    );
    svg.dataset.ticks = found.length;
    if (document.activeElement !== field) field.value = exact(value);
    stored.textContent = long(kept, step);
    stored.classList.toggle("normlab-off", kept !== wanted);
  };
  return { node, update };
}

function makeView({ change, settle, colors, pick, features }) {
  const lines = element("div", { class: "normlab-lines" });
  const centered = makeBars({ name: "x − μ", color: colors.stored });
  const normalized = makeBars({ name: "x̂", color: colors.stored });
  const statistics = makeStatistics(colors);
  const legend = makeLegend();
  const controls = element(
    "div",
    { class: "normlab-controls" },
    pick("dtype", "dtype", Object.keys(DTYPES)),
    pick("offset", "offset", OFFSETS, { slider: true, show: sayOffset }),
    features(),
  );
  let made = [];

  const draw = (state, reaches) => {
    const x = state.x.slice(0, state.features);
    if (made.length !== x.length) {
      made = x.map((_, i) => makeLine(i, { onChange: change("x"), onEnd: settle, colors }));
      lines.replaceChildren(...made.map(({ node }) => node));
    }
    const kept = storeToken(x, state);
    const right = forward(x, state);
    const std = Math.sqrt(meanSquare(kept.centered) + state.eps);
    const normal = kept.centered.map((value) => value / std);
    const reach = reaches(() => ({ line: reachOf(4, x) * 1.25, bars: reachOf(4, right.centered) }));
    made.forEach(({ update }, i) =>
      update({
        value: x[i],
        wanted: kept.wanted[i],
        kept: kept.stored[i],
        offset: state.offset,
        dtype: state.dtype,
        reach: reach.line,
        step: kept.step,
      }),
    );
    const [wide, far] = [ruler.getBoundingClientRect().width || 300, 0.8 * reach.line];
    const label = (value) =>
      value === 0 ? "offset" : `${value > 0 ? "+" : "−"}${short(Math.abs(value), 0)}`;
    ruler.replaceChildren(
      ...[-far, 0, far].map((value) =>
        drawn(
          "text",
          { x: wide * (0.5 + value / (2 * reach.line)), y: 11, "text-anchor": "middle" },
          label(value),
        ),
      ),
    );
    centered.update({ values: kept.centered, reach: reach.bars, before: right.centered });
    normalized.update({
      values: normal,
      reach: reachOf(4, right.normalized),
      before: right.normalized,
    });
    centered.say(`x − μ in ${state.dtype}; outline: exact`);
    normalized.say("x̂ of that; outline: exact");
    const exactMean = right.mean + state.offset;
    statistics.show([
      ["step", sayStepOf(kept.step), "error"],
      ["exact μ", long(exactMean, kept.step / 4), "x"],
      ["stored μ", long(kept.mean, kept.step / 4), "stored"],
    ]);
    legend.show([
      ["dot", colors.x, "the exact feature: drag it"],
      ["square", colors.stored, "the number that is stored"],
    ]);
    return sayGrid(x, state, kept, right, normal);
  };
  const rows = element("div", { class: "normlab-rows" }, centered.node, normalized.node);
  const ruler = drawn("svg", { class: "normlab-ruler-of-grid", height: 16, "aria-hidden": "true" });
  const below = element(
    "div",
    { class: "normlab-number-line" },
    element("span"),
    element("span"),
    ruler,
    element("span"),
  );
  const head = element(
    "div",
    { class: "normlab-number-line normlab-head" },
    ...["", "x", "offset + x, among the numbers that can be stored", "stored"].map((t) =>
      element("span", {}, t),
    ),
  );
  return { nodes: [controls, head, lines, below, legend.node, statistics.node, rows], draw };
}

function sayGrid(x, { dtype, offset }, { wanted, stored, mean, centered, step }, right, normal) {
  const rows = x.map((value, i) => [
    String(i + 1),
    exact(value),
    long(stored[i], step),
    short(stored[i] - wanted[i], 4),
    short(right.centered[i], 4),
    short(centered[i], 4),
    short(right.normalized[i], 3),
    short(normal[i], 3),
  ]);
  const columns = [
    "feature",
    "exact, less the offset",
    "stored",
    "error",
    "x − μ",
    "in the dtype",
    "x̂",
    "of what is stored",
  ];
  const beyond = stored.filter((value) => !Number.isFinite(value)).length;
  const about = `${dtype} around ${sayOffset(offset)}`;
  const shown = { maximumSignificantDigits: 5 };
  const largest = DTYPES[dtype].largest.toLocaleString("en-US", shown);
  const overflow =
    `${about}: ${beyond} of ${x.length} features overflow, since the largest number is ` +
    `${largest}. Nothing is left of the token.`;
  if (beyond) return { sentence: overflow, columns, rows };
  const worst = (a, b) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));
  const [lost, off] = [worst(stored, wanted), worst(centered, right.centered)];
  const kept = stored.filter((value, i) => value === wanted[i]).length;
  return {
    sentence:
      `${about} has steps of up to ${sayStepOf(step)}: ${kept} of ${x.length} features are stored ` +
      `exactly, the worst is off by ${short(lost)}. The mean is off by ` +
      `${short(Math.abs(mean - offset - right.mean))}, and a difference x − μ by up to ` +
      `${short(off)}; x̂ by up to ${short(worst(normal, right.normalized))}.`,
    columns,
    rows,
  };
}
