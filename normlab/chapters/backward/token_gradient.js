// The upstream gradient of a token in space, and the parts of it that a norm takes away.

// The gradient's arrows start at x̂; what arrives at the token, dx, starts at x.
function drawGradient(camera, colors, x, { normalized }, g, settings) {
  const parts = backward(g, x, settings);
  const arrow = (from, v, color, name) =>
    v.every(Number.isFinite)
      ? makeArrow(camera.at(from), camera.at(plus(from, v)), color, name)
      : [];
  const nodes = normalized.every(Number.isFinite)
    ? [
        ...arrow(normalized, g, colors.upstream, "g"),
        ...arrow(normalized, parts.along1, colors.lost1, "along1"),
        ...arrow(normalized, parts.alongX, colors.lostX, "alongX"),
        ...arrow(normalized, parts.rest, colors.dx, "rest"),
        ...arrow(x, parts.dx, colors.dx, "dx"),
      ]
    : [];
  const along1 =
    settings.norm === "LayerNorm" ? [["arrow", colors.lost1, "part along 1: lost"]] : [];
  const lost = settings.eps === 0 ? "lost" : "lost, but for what ε leaks";
  return {
    nodes,
    legend: [
      ["arrow", colors.upstream, "g, upstream"],
      ...along1,
      ["arrow", colors.lostX, `part along x̂: ${lost}`],
      [
        "arrow",
        colors.dx,
        `what passes; divided by ${settings.norm === "LayerNorm" ? "σ" : "r"} it is dx, at x`,
      ],
    ],
  };
}

function sayGradient(x, g, made, settings, from) {
  const { along1, alongX, rest, dx } = backward(g, x, settings);
  const named = { g, "part along 1": along1, "part along x̂": alongX, "what passes": rest, dx };
  const long = (v) => short(lengthOf(v));
  const one =
    settings.norm === "LayerNorm"
      ? `${long(along1)} along 1 and ${long(alongX)} along x̂ are`
      : `${long(alongX)} along x̂ is`;
  const sentence =
    made.std === 0
      ? `${settings.norm}: with ε = 0 this token has no x̂ (0/0), and no gradient. ${from}`
      : `${settings.norm}, ε = ${sayEps(settings.eps)}: of g, ${long(g)} long, ${one} subtracted; ` +
        `${long(rest)} passes, and dx is ${long(dx)} long. ` +
        `The sum of dx is ${short(sum(dx))}, its product with x̂ ${short(dot(dx, made.normalized))}. ${from}`;
  return {
    sentence,
    columns: ["", "1", "2", "3", "sum", "product with x̂", "length"],
    rows: Object.entries(named).map(([name, v]) => [
      name,
      ...[...v, sum(v), dot(v, made.normalized), lengthOf(v)].map((n) => short(n)),
    ]),
  };
}
