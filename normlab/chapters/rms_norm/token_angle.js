// Chapter 04: layer norm beside RMSNorm, and the angle between their outputs. It is the angle of a
// right-angled triangle, whose sides are x − μ and μ·1, and whose longest side is x.

const RATIOS = Array.from({ length: 101 }, (_, i) => (i - 50) / 10);

function makeTriangle({ move, settle, colors }) {
  const svg = drawn("svg", { class: "normlab-triangle", role: "img" });
  let [unit, start, middle] = [1, 0, 0];
  makeDraggable(svg, {
    start: () => 0,
    move: (event) => move((middle - (event.clientY - svg.getBoundingClientRect().top)) / unit),
    end: settle,
  });
  // The sides are σ and μ, in standard deviations if there is one: x has the length √(σ² + μ²).
  const update = ({ mean, sigma, angle, reach }) => {
    const width = Math.min(svg.parentElement.getBoundingClientRect().width || 320, 340);
    const height = 200;
    setAll(svg, { width, height });
    [start, middle] = [34, height / 2];
    unit = Math.min((width - start - 70) / reach.across, (height / 2 - 22) / reach.up);
    const [x, y] = [start + unit * sigma, middle - unit * mean];
    const text = (at, said, color, anchor = "start") =>
      drawn("text", { x: at[0], y: at[1], "text-anchor": anchor, fill: color }, said);
    const radius = Math.min(46, unit * sigma * 0.8);
    const [a, b] = [start + radius, start + radius * Math.cos((angle * Math.PI) / 180)];
    const arcEnd = middle - Math.sign(mean) * radius * Math.sin((angle * Math.PI) / 180);
    const arc =
      angle > 0.5 && radius > 8
        ? [
            drawn("path", {
              d: `M${a} ${middle}A${radius} ${radius} 0 0 ${mean > 0 ? 0 : 1} ${b} ${arcEnd}`,
              fill: "none",
              stroke: "currentColor",
            }),
          ]
        : [];
    const half = ((angle / 2) * Math.PI) / 180;
    const beyond = [
      start + (radius + 8) * Math.cos(half),
      middle - Math.sign(mean) * (radius + 8) * Math.sin(half) + 5,
    ];
    if (arc.length && angle > 18 && angle < 55)
      // a steep triangle has no room in its corner
      arc.push(text(beyond, `${short(angle, 1)}°`, "currentColor"));
    const [above, tip] = [mean >= 0, Math.min(x, width - 64)];
    svg.replaceChildren(
      drawn("path", {
        d: `M${start} ${middle}H${width}`,
        class: "normlab-axis",
        "stroke-opacity": 0.25,
      }),
      ...arc,
      ...makeArrow([start, middle], [x, middle], colors.LayerNorm),
      ...makeArrow([x, middle], [x, y], colors.mean),
      ...makeArrow([start, middle], [x, y], colors.RMSNorm),
      text(
        [start + Math.max(30, unit * sigma) / 2, middle + (above ? 17 : -8)],
        "σ",
        colors.LayerNorm,
        "middle",
      ),
      text([x + 8, (middle + y) / 2 + 4], "μ", colors.mean),
      text(
        [tip - (tip > 60 ? 8 : -8), y + (above ? -8 : 17)],
        "x",
        colors.RMSNorm,
        tip > 60 ? "end" : "start",
      ),
    );
    const said = Number.isFinite(angle)
      ? `the angle between σ and the longest side is ${short(angle, 1)}°`
      : "one of the outputs has no direction, so there is no angle";
    svg.setAttribute("aria-label", `A right-angled triangle with the sides σ and μ: ${said}.`);
  };
  return { svg, update };
}

function makeView({ get, set, change, settle, colors, pick, features, eps }) {
  const input = makeBars({
    name: "x",
    color: colors.x,
    onEnd: settle,
    onChange: change("x"),
  });
  const outputs = Object.fromEntries(
    ["LayerNorm", "RMSNorm"].map((norm) => [norm, makeBars({ name: norm, color: colors[norm] })]),
  );
  const statistics = makeStatistics(colors);
  const first = (v) => v.slice(0, get().features);
  const deviation = (x) => Math.sqrt(forward(x, { eps: 0 }).variance);
  // Moves all features together, so that the mean becomes `mean`.
  const shiftTo = (mean) => {
    const { x, features } = get();
    const by = mean - meanOf(first(x));
    set({ x: x.map((value, i) => (i < features ? Number((value + by).toFixed(4)) : value)) }, true);
  };
  const triangle = makeTriangle({
    move: (mean) =>
      shiftTo(
        Math.max(-5, Math.min(5, mean / (deviation(first(get().x)) || 1))) *
          (deviation(first(get().x)) || 1),
      ),
    settle,
    colors,
  });
  const ratio = pick("ratio", "mean / std", RATIOS, {
    slider: true,
    show: (v) => short(v, 1),
    read: ({ x }) => meanOf(first(x)) / (deviation(first(x)) || 1),
    onPick: (value) => shiftTo(value * (deviation(first(get().x)) || 1)),
  });
  const controls = element(
    "div",
    { class: "normlab-controls" },
    ratio,
    features(),
    eps(),
  );

  const draw = (state, reaches) => {
    const x = first(state.x);
    const made = {
      LayerNorm: forward(x, state),
      RMSNorm: forward(x, { ...state, norm: "RMSNorm" }),
    };
    const { mean, variance } = made.LayerNorm;
    const sigma = Math.sqrt(variance);
    const angle = angleBetween(made.LayerNorm.output, made.RMSNorm.output);
    const reach = reaches(() => ({
      input: reachOf(4, x),
      output: reachOf(2, made.LayerNorm.output, made.RMSNorm.output),
      across: Math.max(sigma, 0.4 * Math.abs(mean), 1e-9) * 1.3,
      up: Math.max(0.6 * sigma, Math.abs(mean), 1e-9) * 1.1,
    }));
    input.update({ values: x, reach: reach.input });
    input.say("x: drag a bar");
    for (const [norm, row] of Object.entries(outputs)) {
      row.update({
        values: made[norm].output,
        reach: reach.output,
        before: made[norm === "LayerNorm" ? "RMSNorm" : "LayerNorm"].output,
      });
      row.say(`${norm}: mean ${short(meanOf(made[norm].output))}`);
    }
    triangle.update({ mean, sigma, angle, reach });
    statistics.show([
      ["μ", short(mean, 3), "mean"],
      ["σ", short(sigma, 3), "LayerNorm"],
      ["√mean(x²)", short(Math.sqrt(meanSquare(x)), 3), "RMSNorm"],
      ["angle", Number.isFinite(angle) ? `${short(angle, 1)}°` : "none"],
    ]);
    const named = { x, LayerNorm: made.LayerNorm.output, RMSNorm: made.RMSNorm.output };
    return {
      sentence: sayAngle(x, mean, sigma, angle, made),
      columns: ["", ...x.map((_, i) => `feature ${i}`), "mean", "mean square"],
      rows: Object.entries(named).map(([name, v]) => [
        name,
        ...[...v, meanOf(v), meanSquare(v)].map((n) => short(n, 3)),
      ]),
    };
  };
  const right = element("div", {}, triangle.svg, statistics.node);
  const legend = makeLegend();
  legend.show([["frame", "currentColor", "outline: the output of the other norm"]]);
  const rows = element(
    "div",
    { class: "normlab-rows" },
    outputs.LayerNorm.node,
    outputs.RMSNorm.node,
  );
  return {
    nodes: [
      controls,
      element("div", { class: "normlab-beside normlab-even" }, input.node, right),
      rows,
      legend.node,
    ],
    draw,
  };
}

function sayAngle(x, mean, sigma, angle, { LayerNorm, RMSNorm }) {
  const values = ({ output }) => output.map((v) => short(v)).join(", ");
  const about = `x has mean ${short(mean)} and standard deviation ${short(sigma)}`;
  const both = `LayerNorm gives ${values(LayerNorm)}; RMSNorm gives ${values(RMSNorm)}.`;
  if (!Number.isFinite(angle)) return `${about}: one of the outputs has no direction. ${both}`;
  return `${about}, mean/std = ${short(mean / sigma)}: the outputs are ${short(angle, 1)}° apart. ${both}`;
}
