// Chapter 02: a token of three features in space. Centering is its fall onto the plane, scaling its
// way to the sphere; and the upstream gradient with the directions that it loses.

const LOOKS = { "from the side": [35, 20], "edge-on": [35, 0], "along 1": [0, 90] };
const sayPoint = (p) => `(${p.map((v) => short(v)).join(", ")})`;

// Where a token stands at a step: the input at 0, centered at 1, normalized at 2.
function wayOf(x, step, settings) {
  const { centered, normalized } = forward(x, settings);
  const [from, to, share] = step <= 1 ? [x, centered, step] : [centered, normalized, step - 1];
  return from.map((value, i) => (share === 0 ? value : value + share * (to[i] - value)));
}

// Moves all tokens from the input to where they end, in three seconds.
function makePlay({ get, set, settle }) {
  let timer;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const stop = () => {
    clearInterval(timer);
    settle();
  };
  const button = makeButton("▶ from input to output", () => {
    clearInterval(timer);
    let tenths = still ? 19 : -1;
    if (still) set({ step: 1.9 });
    timer = setInterval(() => {
      const moved = tenths >= 0 && get().step !== tenths / 10; // by somebody else
      if (moved || !button.isConnected || ++tenths > 20) return stop();
      set({ step: tenths / 10 }, true);
    }, 150);
  });
  return element("div", { class: "normlab-buttons" }, button);
}

function makeView({ get, set, change, settle, colors, prefix, pick, eps }) {
  const svg = drawn("svg", {
    class: "normlab-space",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "view",
  });
  svg.setAttribute(
    "aria-label",
    "Tokens in space. Arrow keys turn the view; the bars move the token.",
  );
  const legend = makeLegend();
  const row = (name, key) =>
    makeBars({
      name,
      color: colors[key === "x" ? "x" : "upstream"],
      onEnd: settle,
      onChange: change(key),
    });
  const bars = { x: row("x", "x"), g: row("g", "g") };
  const looks = Object.entries(LOOKS).map(([name, [turn, tilt]]) =>
    makeButton(name, () => set({ turn, tilt })),
  );
  const play = makePlay({ get, set, settle });
  const step = pick(
    "step",
    "step",
    Array.from({ length: 21 }, (_, i) => i / 10),
    { slider: true, show: sayStep },
  );
  const others = pick("others", "other tokens", ["random", "a·x + b·1", "none"]);
  let camera;

  const place = ({ clientX, clientY }) => {
    const { left, top } = svg.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  makeDraggable(svg, {
    start: (event) => {
      svg.focus({ preventScroll: true });
      const [at, state] = [place(event), get()];
      const x = state.x.slice(0, 3);
      const [u, v] = camera.at(x);
      const reach = event.pointerType === "touch" ? 24 : 16;
      return {
        at,
        x,
        rest: state.x.slice(3),
        turn: state.turn,
        tilt: state.tilt,
        token: Math.hypot(at[0] - u, at[1] - v) < reach,
      };
    },
    move: (event, { at, x, rest, turn, tilt, token }) => {
      const [dx, dy] = place(event).map((value, i) => value - at[i]);
      if (!token)
        return set({ turn: turn - dx / 2, tilt: Math.max(-90, Math.min(90, tilt + dy / 2)) }, true);
      const shift = plus(
        times(camera.right, dx / camera.scale),
        times(camera.up, -dy / camera.scale),
      );
      const moved = plus(x, shift);
      const inside = Math.min(1, camera.reach / lengthOf(moved));
      set({ x: [...moved.map((v) => Number((v * inside).toFixed(1))), ...rest] }, true);
    },
    end: settle,
  });
  svg.addEventListener("keydown", (event) => {
    const [a, b] =
      { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[event.key] ??
      [];
    if (a === undefined) return;
    event.preventDefault();
    set({ turn: get().turn + a, tilt: Math.max(-90, Math.min(90, get().tilt + b)) });
  });
  keepKeys(svg);

  const tokens = ({ x, step, norm, others, free, related }, settings) => {
    const made = forward(x, settings);
    const cloud =
      others === "none"
        ? []
        : others === "random"
          ? free
          : related.map(([a, b]) => x.map((v) => a * v + b));
    const way = [x];
    if (step > 0) way.push(wayOf(x, Math.min(step, 1), settings));
    if (step > 1) way.push(wayOf(x, step, settings));
    const kind = others === "random" ? ["dot", colors.random] : ["triangle", colors.related];
    const marks = cloud.map((start) => ({
      p: wayOf(start, step, settings),
      start,
      look: [...kind, 4.5],
      name: "other",
    }));
    const shown = [
      ["dot", colors.x, 7, "x"],
      ["diamond", colors.centered, 6, "centered"],
      ["square", colors[norm], 6, "normalized"],
    ];
    way.forEach((p, i) => {
      const still = norm === "RMSNorm" && i === 1; // nothing is centered
      if (i === 0 || !still) marks.push({ p, look: shown[i].slice(0, 3), name: shown[i][3] });
    });
    return { made, marks, way, cloud };
  };

  const draw = (state, reaches) => {
    const [x, settings] = [state.x.slice(0, 3), { norm: state.norm, eps: state.eps }];
    const gradient = state.mode === "gradient";
    const { made, marks, way, cloud } = tokens(
      { ...state, x, ...(gradient && { others: "none", step: 2 }) },
      settings,
    );
    const g = state.g;
    const reach = reaches(() => ({
      space:
        Math.max(2.6, lengthOf(x), ...cloud.map(lengthOf), gradient ? RADIUS + lengthOf(g) : 0) *
        1.02,
      bars: reachOf(4, x),
      g: reachOf(2, g),
    }));
    const size = Math.min(svg.parentElement.getBoundingClientRect().width || 340, 440);
    setAll(svg, { width: size, height: size });
    camera = {
      ...makeCamera({ turn: state.turn, tilt: state.tilt, reach: reach.space, size }),
      reach: reach.space,
    };
    const layers = drawSurroundings(camera, colors, prefix, state.norm === "LayerNorm");
    const seen = marks.filter(({ p }) => p.every(Number.isFinite));
    const nodes = (front) =>
      seen
        .filter(({ p }) => camera.depth(p) >= -1e-9 === front)
        .sort((a, b) => camera.depth(a.p) - camera.depth(b.p))
        .map(({ p, look: [kind, color, wide], name }) => {
          const mark = makeMark(kind, camera.at(p), color, wide, {
            "fill-opacity": front ? 1 : 0.65,
          });
          mark.dataset.mark = name;
          return mark;
        });
    const trail = (points, color, width) =>
      drawn("path", {
        d: pathOf(points.filter((p) => p.every(Number.isFinite)).map(camera.at)),
        fill: "none",
        stroke: color,
        "stroke-width": width,
        "stroke-dasharray": width > 1 ? "5 3" : "none",
      });
    const trails = seen
      .filter(({ start }) => start)
      .map(({ start, p }) => trail([start, p], colors.random, 0.6));
    const parts = gradient ? drawGradient(camera, colors, x, made, g, settings) : { nodes: [] };
    svg.replaceChildren(
      ...layers.behind,
      ...trails,
      ...nodes(false),
      ...layers.sphere,
      ...layers.front,
      trail(way, colors.x, 2),
      ...nodes(true),
      ...parts.nodes,
    );

    bars.x.update({ values: x, reach: reach.bars });
    bars.g.update({ values: g, reach: reach.g });
    bars.x.say("x: drag a bar, or the dot");
    bars.g.say("g, the upstream gradient");
    bars.g.node.hidden = !gradient;
    step.hidden = others.hidden = play.hidden = gradient;
    legend.show([...legendOf(state, colors, gradient), ...(parts.legend ?? [])]);
    const side = state.tilt < 0 ? "below" : "above";
    const from = `Seen from ${Math.round(Math.abs(state.tilt))}° ${side} the plane.`;
    return gradient
      ? sayGradient(x, g, made, settings, from)
      : sayTokens(state, x, made, marks, from);
  };
  const settings = element(
    "div",
    { class: "normlab-controls" },
    pick("mode", "show", ["tokens", "gradient"]),
    pick("norm", "norm", ["LayerNorm", "RMSNorm"]),
    eps(),
    others,
    step,
    play,
  );
  const beside = element("div", {}, bars.x.node, bars.g.node, legend.node);
  const view = element(
    "div",
    { class: "normlab-view" },
    svg,
    element("div", { class: "normlab-buttons" }, ...looks),
  );
  return { nodes: [settings, element("div", { class: "normlab-beside" }, view, beside)], draw };
}

const sayStep = (step) =>
  step.toFixed(1) + ({ 0: " input", 1: " centered", 2: " normalized" }[step] ?? "");

function legendOf({ norm, others, step }, colors, gradient) {
  const name = norm === "LayerNorm" ? "circle: where plane and sphere meet" : "sphere of radius √3";
  const entries = [["dot", colors.x, "x, the token"]];
  if (norm === "LayerNorm" && (gradient || step > 0))
    entries.push([
      "diamond",
      colors.centered,
      step < 1 && !gradient ? "on its way" : "x − μ, on the plane sum = 0",
    ]);
  if (gradient || step > 1)
    entries.push(["square", colors[norm], gradient || step === 2 ? "x̂" : "on its way"]);
  if (!gradient && others !== "none")
    entries.push(
      others === "random"
        ? ["dot", colors.random, "random tokens"]
        : ["triangle", colors.related, "a·x + b·1, a > 0"],
    );
  return [...entries, ["dot", norm === "LayerNorm" ? colors.circle : colors.sphere, name]];
}

function sayTokens({ norm, step, others, eps }, x, made, marks, from) {
  const now = marks.findLast(({ name }) => name !== "other").p;
  const cloud = marks.filter(({ name }) => name === "other").map(({ p }) => p);
  const rowOf = (name, p) => [name, ...[...p, sum(p), lengthOf(p)].map((v) => short(v))];
  const undone = made.std === 0 ? "With ε = 0 it has no direction to be scaled along: 0/0. " : "";
  const far = Math.max(
    0,
    ...cloud.flatMap((p) => cloud.map((q) => lengthOf(plus(p, times(q, -1))))),
  );
  const together =
    others === "a·x + b·1" && !undone
      ? `The ${cloud.length} tokens a·x + b·1 lie within ${short(far)} of one another. `
      : "";
  const where = now.every(Number.isFinite)
    ? `stands at ${sayPoint(now)}: sum ${short(sum(now))}, length ${short(lengthOf(now))}`
    : "stands nowhere";
  return {
    sentence:
      `${norm}, ε = ${sayEps(eps)}, step ${step.toFixed(1)}: the token ${sayPoint(x)} ${where}; ` +
      `the sphere has radius ${short(RADIUS)}. ${undone}${together}${from}`,
    columns: ["", "x₁", "x₂", "x₃", "sum", "length"],
    rows: [
      rowOf("x", x),
      rowOf("x − μ", made.centered),
      rowOf("x̂", made.normalized),
      ...cloud.map((p) => rowOf("other", p)),
    ],
  };
}
