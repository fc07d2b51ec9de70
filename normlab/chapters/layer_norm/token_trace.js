// Chapter 01: the token's way through layer norm, a row of bars for each step.

const MOVES = {
  "x + 1": (x) => x.map((value) => value + 1),
  "2·x": (x) => x.map((value) => value * 2),
  "−x": (x) => x.map((value) => -value),
  "one-hot": (x) => x.map((_, i) => (i === 0 ? 1 : 0)),
  "all equal": (x) => x.map(() => meanOf(x)),
};

const spread = (v) => meanSquare(v.map((value) => value - meanOf(v)));

function makeView({ get, set, change, settle, colors, features, eps }) {
  const row = (name, color, key) =>
    makeBars({
      name,
      color: colors[color],
      bandColor: colors.mean,
      height: key && key !== "x" ? 80 : 104,
      ...(key && { onChange: change(key), onEnd: settle }),
    });
  const rows = {
    x: row("x", "x", "x"),
    centered: row("x − μ", "centered"),
    normalized: row("x̂", "LayerNorm"),
    gain: row("γ", "gain", "gain"),
    shift: row("β", "shift", "shift"),
    output: row("γ ⊙ x̂ + β", "LayerNorm"),
  };
  const statistics = makeStatistics(colors);
  const first = (v) => v.slice(0, get().features);
  const moved = (move) => () =>
    set({ x: [...move(first(get().x)), ...get().x.slice(get().features)] });
  const buttons = Object.entries(MOVES).map(([name, move]) => makeButton(name, moved(move)));
  const learned = makeButton("γ, β after training", () =>
    set({ gain: get().learned[0], shift: get().learned[1] }),
  );
  const fresh = makeButton("γ = 1, β = 0", () =>
    set({ gain: get().x.map(() => 1), shift: get().x.map(() => 0) }),
  );
  const legend = makeLegend();
  legend.show([
    ["diamond", colors.mean, "mean, ± standard deviation"],
    ["frame", "currentColor", "outline: the step before"],
  ]);
  const nodes = [
    element(
      "div",
      { class: "normlab-controls" },
      features(),
      eps(),
    ),
    element("div", { class: "normlab-buttons" }, ...buttons, learned, fresh),
    statistics.node,
    element(
      "div",
      { class: "normlab-rows normlab-by-column" },
      ...Object.values(rows).map(({ node }) => node),
    ),
    legend.node,
  ];

  const draw = (state, reaches) => {
    const [x, gain, shift] = [state.x, state.gain, state.shift].map(first);
    const made = forward(x, { eps: state.eps, gain, shift });
    const { mean, centered, variance, std, normalized, output } = made;
    const reach = reaches(() => ({
      input: reachOf(4, x, centered),
      output: reachOf(4, normalized, output),
      learned: reachOf(2, gain, shift),
    }));
    const band = (v) => ({ mean: meanOf(v), std: Math.sqrt(spread(v)) });
    rows.x.update({ values: x, reach: reach.input, band: band(x) });
    rows.centered.update({ values: centered, reach: reach.input, before: x, band: band(centered) });
    rows.normalized.update({
      values: normalized,
      reach: reach.output,
      before: centered,
      band: band(normalized),
    });
    rows.gain.update({ values: gain, reach: reach.learned });
    rows.shift.update({ values: shift, reach: reach.learned });
    rows.output.update({
      values: output,
      reach: reach.output,
      before: normalized,
      band: band(output),
    });
    rows.x.say("x: drag a bar, or type");
    rows.centered.say(`x − μ: ${short(mean)} is subtracted`);
    rows.normalized.say(`x̂: divided by ${short(std)}`);
    rows.gain.say("γ, the gain");
    rows.shift.say("β, the shift");
    rows.output.say("γ ⊙ x̂ + β: the output");
    const sigma = Math.sqrt(variance);
    statistics.show([
      ["μ", short(mean, 3), "mean"],
      ["σ", short(sigma, 3), "mean"],
      ["√(σ² + ε)", short(std, 3), "mean"],
    ]);
    const steps = { x, "x − μ": centered, x̂: normalized, "γ ⊙ x̂ + β": output };
    return {
      sentence: sayTrace(x, made, state.eps),
      columns: ["step", ...x.map((_, i) => `feature ${i}`), "mean", "variance"],
      rows: Object.entries(steps).map(([name, v]) => [
        name,
        ...[...v, meanOf(v), spread(v)].map((n) => short(n, 3)),
      ]),
    };
  };
  return { nodes, draw };
}

function sayTrace(x, { mean, variance, normalized, output }, eps) {
  const sigma = Math.sqrt(variance);
  const listed = output.map((v) => short(v)).join(", ");
  const about = `x has mean ${short(mean)} and standard deviation ${short(sigma)}`;
  if (sigma === 0 && eps === 0)
    return `${about}: all features are equal. With ε = 0 that is 0/0, and x̂ is not a number.`;
  if (sigma === 0)
    return `${about}: all features are equal, and x̂ is 0. The output is β: ${listed}.`;
  const sizes = normalized.map(Math.abs);
  const largest = sizes.indexOf(Math.max(...sizes));
  return (
    `${about}. x̂ has mean square ${short(meanSquare(normalized), 3)}; the entry farthest from 0 is ` +
    `${short(normalized[largest])}, feature ${largest}. The output is ${listed}.`
  );
}
