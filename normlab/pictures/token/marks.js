// Marks, arrows, the legend that says what they stand for, and numbers with their names.

function makeMark(kind, [x, y], color, size, more = {}) {
  const shape = {
    dot: () => drawn("circle", { cx: x, cy: y, r: size }),
    triangle: () =>
      drawn("path", { d: `M${x} ${y - size * 1.2}l${size * 1.1} ${size * 2}h${-size * 2.2}z` }),
    diamond: () =>
      drawn("path", {
        d: `M${x} ${y - size * 1.3}l${size} ${size * 1.3}l${-size} ${size * 1.3}l${-size} ${-size * 1.3}z`,
      }),
    frame: () =>
      drawn("rect", {
        x: x - size,
        y: y - size,
        width: 2 * size,
        height: 2 * size,
        "fill-opacity": 0,
        stroke: "currentColor",
        "stroke-dasharray": "2 2",
      }),
    square: () => drawn("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size }),
  }[kind]();
  setAll(shape, { fill: color, ...(kind !== "frame" && { class: "normlab-mark" }), ...more });
  return shape;
}

function makeArrow([x, y], [u, v], color, name) {
  const far = Math.hypot(u - x, v - y);
  if (!(far > 1)) return [];
  const [a, b] = [(u - x) / far, (v - y) / far];
  const head = Math.min(9, far);
  const corner = (side) =>
    `${u - head * a + side * head * 0.5 * b} ${v - head * b - side * head * 0.5 * a}`;
  const line = drawn("line", {
    x1: x,
    y1: y,
    x2: u - head * a * 0.7,
    y2: v - head * b * 0.7,
    stroke: color,
    "stroke-width": 3,
  });
  if (name) line.dataset.arrow = name;
  return [line, drawn("path", { d: `M${u} ${v}L${corner(1)}L${corner(-1)}z`, fill: color })];
}

// Marks and what they stand for, under the picture: names never lie among the tokens.
function makeLegend() {
  const node = element("ul", { class: "normlab-legend" });
  const show = (entries) =>
    node.replaceChildren(
      ...entries.map(([kind, color, text]) => {
        const svg = drawn("svg", { width: 18, height: 14, "aria-hidden": "true" });
        svg.append(
          ...(kind === "arrow"
            ? makeArrow([1, 7], [17, 7], color)
            : [makeMark(kind, [9, 7], color, 4.5)]),
        );
        return element("li", {}, svg, text);
      }),
    );
  return { node, show };
}

// Numbers by name; each name in the colour of what it stands for.
function makeStatistics(colors) {
  const node = element("p", { class: "normlab-statistics" });
  const show = (named) =>
    node.replaceChildren(
      ...named.flatMap(([name, value, color]) => {
        const term = element("span", {}, `${name} = ${value}`);
        term.style.borderColor = colors[color] ?? color ?? "transparent";
        return [term, " "];
      }),
    );
  return { node, show };
}
