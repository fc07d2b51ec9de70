// Looking at three features: a camera that turns around the direction 1 = (1, 1, 1), which points
// up, so that the plane "sum = 0" is a floor; and the sphere, the plane and the axes around 0.

const UP = times([1, 1, 1], 3 ** -0.5);
const ACROSS = times([1, -1, 0], 2 ** -0.5);
const BEHIND = times([1, 1, -2], 6 ** -0.5);
const RADIUS = Math.sqrt(3);
const MARGIN = 30; // px around the tokens, where the names of the axes stand and no token does

// `turn` and `tilt` in degrees: at tilt 0 the plane is seen edge-on, at 90 from above, along 1.
function makeCamera({ turn, tilt, reach, size }) {
  const [a, b] = [(turn * Math.PI) / 180, (tilt * Math.PI) / 180];
  const right = plus(times(ACROSS, Math.cos(a)), times(BEHIND, Math.sin(a)));
  const away = plus(times(ACROSS, -Math.sin(a)), times(BEHIND, Math.cos(a)));
  const up = plus(times(away, Math.sin(b)), times(UP, Math.cos(b)));
  const near = plus(times(away, -Math.cos(b)), times(UP, Math.sin(b)));
  const scale = (size / 2 - MARGIN) / reach;
  const middle = size / 2;
  return {
    scale,
    middle,
    right,
    up,
    at: (p) => [middle + scale * dot(p, right), middle - scale * dot(p, up)],
    depth: (p) => dot(p, near),
    flat: Math.sin(b), // how wide the plane looks: 0 edge-on, 1 or −1 from above or below
  };
}

const pathOf = (points) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// Half of a circle in the plane 1^⊥, nearer to the eye or farther: as an ellipse on the picture.
function halfRing({ middle, scale, flat }, radius, nearer) {
  const [rx, ry] = [scale * radius, scale * radius * Math.abs(flat)];
  const below = nearer === flat >= 0;
  return `M${middle - rx} ${middle}A${rx} ${ry} 0 0 ${below ? 0 : 1} ${middle + rx} ${middle}`;
}

// Circles of latitude and meridians around 1, every 30°: the parts in front and those behind.
function graticule(camera) {
  const lines = [];
  const point = (latitude, longitude) => {
    const [u, v] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
    const level = plus(
      times(ACROSS, Math.cos(u) * Math.cos(v)),
      times(BEHIND, Math.cos(u) * Math.sin(v)),
    );
    return times(plus(level, times(UP, Math.sin(u))), RADIUS);
  };
  const range = (from, to, step) =>
    Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);
  for (const latitude of [-60, -30, 30, 60])
    lines.push(range(0, 360, 6).map((l) => point(latitude, l)));
  for (const longitude of range(0, 330, 30))
    lines.push(range(-90, 90, 6).map((l) => point(l, longitude)));
  const part = (front) =>
    lines
      .map((line) =>
        line
          .slice(1)
          .map((p, i) =>
            camera.depth(plus(p, line[i])) >= 0 === front
              ? pathOf([camera.at(line[i]), camera.at(p)])
              : "",
          )
          .join(""),
      )
      .join("");
  return { front: part(true), behind: part(false) };
}

// Names of directions on a ring around the picture, outside of all tokens, and not on each other.
function placeNames(camera, named) {
  const seen = named
    .map(([name, tip]) => {
      const [x, y] = camera.at(tip).map((v) => v - camera.middle);
      return { name, x, y, angle: Math.atan2(y, x), far: Math.hypot(x, y) };
    })
    .filter(({ far }) => far > 14) // what points at the eye has no place on the ring
    .sort((a, b) => a.angle - b.angle);
  for (let round = 0; round < 20; round++)
    seen.forEach((a, i) => {
      const b = seen[(i + 1) % seen.length];
      const gap = b.angle - a.angle + (i + 1 === seen.length ? 2 * Math.PI : 0);
      const push = (0.22 - gap) / 2;
      if (a === b || push <= 0) return;
      a.angle -= push;
      b.angle += push;
    });
  const ring = camera.middle - 12;
  return seen.map(({ name, x, y, angle }) => ({
    name,
    tip: [camera.middle + x, camera.middle + y],
    place: [camera.middle + ring * Math.cos(angle), camera.middle + ring * Math.sin(angle)],
  }));
}

// What stands around the tokens, in layers from behind to the front, as SVG nodes.
function drawSurroundings(camera, colors, prefix, onePlane) {
  const { front, behind } = graticule(camera);
  const [x, y] = [camera.middle, camera.middle];
  const line = (d, color, more = {}) => drawn("path", { d, fill: "none", stroke: color, ...more });
  const wide = (0.82 * (camera.middle - MARGIN)) / camera.scale;
  const floor = (nearer) => {
    const edge = line(halfRing(camera, wide, nearer), colors.plane, { "stroke-width": 1 });
    setAll(edge, { fill: colors.plane, "fill-opacity": 0.2 });
    return edge;
  };
  const ring = (nearer) =>
    line(halfRing(camera, RADIUS, nearer), colors.circle, {
      "stroke-width": nearer ? 3 : 1.5,
      ...(!nearer && { "stroke-dasharray": "4 3" }),
    });
  const stop = (offset, opacity) =>
    drawn("stop", { offset, "stop-color": colors.sphere, "stop-opacity": opacity });
  const id = `${prefix}ball`;
  const ball = drawn(
    "radialGradient",
    { id, cx: 0.36, cy: 0.3, r: 0.75 },
    stop(0, 0.08),
    stop(0.55, 0.22),
    stop(1, 0.6),
  );
  const disc = drawn("circle", {
    class: "normlab-sphere",
    cx: x,
    cy: y,
    r: RADIUS * camera.scale,
    fill: `url(#${id})`,
    stroke: colors.sphere,
  });
  const axes = [0, 1, 2].map((i) => [
    `x${SUBSCRIPTS[i]}`,
    [0, 1, 2].map((k) => (k === i ? wide : 0)),
  ]);
  const named = [...axes, ["1", times(UP, wide)]];
  const axis = ([name, tip]) =>
    line(pathOf([camera.at([0, 0, 0]), camera.at(tip)]), "currentColor", {
      "stroke-width": name === "1" ? 2 : 1,
      "stroke-opacity": 0.7,
    });
  const side = (isFront) => named.filter(([, tip]) => camera.depth(tip) >= 0 === isFront).map(axis);
  const names = placeNames(camera, named).flatMap(({ name, tip, place }) => [
    line(pathOf([tip, place]), "currentColor", {
      "stroke-opacity": 0.35,
      "stroke-dasharray": "1 4",
    }),
    drawn(
      "text",
      { class: "normlab-axis-name", x: place[0], y: place[1] + 4, "text-anchor": "middle" },
      name,
    ),
  ]);
  const thin = { "stroke-width": 0.8, "stroke-opacity": 0.8 };
  return {
    behind: [
      ball,
      floor(false),
      ...side(false),
      line(behind, colors.sphere, { ...thin, "stroke-opacity": 0.3 }),
      ...(onePlane ? [ring(false)] : []),
    ],
    sphere: [disc, line(front, colors.sphere, thin)],
    front: [floor(true), ...(onePlane ? [ring(true)] : []), ...side(true), ...names],
  };
}
