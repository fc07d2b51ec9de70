// The arithmetic of one token, in float64: a norm forward and backward, and rounding to a dtype.
// A test compares all of it with normlab.norms, NumPy and PyTorch.

const sum = (v) => v.reduce((total, value) => total + value, 0);
const meanOf = (v) => v[0] + sum(v.map((value) => value - v[0])) / v.length; // exact if all are equal
const meanSquare = (v) => sum(v.map((value) => value * value)) / v.length;
const dot = (a, b) => sum(a.map((value, i) => value * b[i]));
const lengthOf = (v) => Math.hypot(...v);
const times = (v, factor) => v.map((value) => value * factor);
const plus = (a, b) => a.map((value, i) => value + b[i]);

// All steps of layer norm, or of RMSNorm, which has μ = 0 here. Where σ_ε = 0, x̂ is 0/0: NaN.
function forward(x, { norm = "LayerNorm", eps, gain, shift }) {
  const mean = norm === "LayerNorm" ? meanOf(x) : 0;
  const centered = x.map((value) => value - mean);
  const variance = meanSquare(centered);
  const std = Math.sqrt(variance + eps);
  const normalized = centered.map((value) => value / std);
  const scaled = normalized.map((value, i) => value * (gain?.[i] ?? 1));
  const output = scaled.map((value, i) => value + (shift?.[i] ?? 0));
  return { mean, centered, variance, std, normalized, output };
}

// dx = (ĝ − mean(ĝ) − x̂ mean(ĝ ⊙ x̂))/σ_ε, and the two parts of ĝ = γ ⊙ g that are subtracted.
function backward(g, x, { norm = "LayerNorm", eps, gain }) {
  const { std, normalized } = forward(x, { norm, eps });
  const scaled = g.map((value, i) => value * (gain?.[i] ?? 1));
  const mean = norm === "LayerNorm" ? meanOf(scaled) : 0;
  const along1 = scaled.map(() => mean);
  const alongX = times(normalized, dot(scaled, normalized) / g.length);
  const rest = scaled.map((value, i) => value - along1[i] - alongX[i]);
  return { along1, alongX, rest, dx: rest.map((value) => value / std) };
}

// Degrees between two vectors: exact for tiny angles too.
function angleBetween(a, b) {
  const [p, q] = [times(a, 1 / lengthOf(a)), times(b, 1 / lengthOf(b))];
  return (360 / Math.PI) * Math.atan2(lengthOf(plus(p, times(q, -1))), lengthOf(plus(p, q)));
}

// Significant bits, exponent of the smallest normal number, and the largest number.
const DTYPES = {
  float16: { bits: 11, least: -14, largest: 65504 },
  bfloat16: { bits: 8, least: -126, largest: 2 ** 127 * (2 - 2 ** -7) },
  float32: { bits: 24, least: -126, largest: 2 ** 127 * (2 - 2 ** -23) },
};

function exponentOf(value) {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, Math.abs(value));
  return (bytes.getUint32(0) >>> 20) - 1023;
}

// From a number to the next one that the dtype can store, away from 0.
function spacingAt(value, dtype) {
  const { bits, least } = DTYPES[dtype];
  return 2 ** (Math.max(exponentOf(value), least) - bits + 1);
}

// The nearest number that the dtype can store; of two that are as near, the even one.
function roundTo(value, dtype) {
  if (!Number.isFinite(value)) return value;
  const step = spacingAt(value, dtype);
  const below = Math.floor(value / step);
  const rest = value / step - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  const rounded = (below + (up ? 1 : 0)) * step;
  return Math.abs(rounded) > DTYPES[dtype].largest ? Math.sign(value) * Infinity : rounded;
}

// Numbers that a dtype can store between two others, and the part where they lie closer than
// `gap`, as [from, to]; there they are not listed.
function storedBetween(low, high, dtype, gap) {
  const { bits, largest } = DTYPES[dtype];
  const edge = 2 ** (exponentOf(gap) + bits - (gap === 2 ** exponentOf(gap) ? 1 : 0));
  const dense = [Math.max(low, -edge), Math.min(high, edge)];
  const found = [];
  const walk = (from, to, sign) => {
    if (!(from < to)) return;
    let value = roundTo(from, dtype);
    for (; value <= Math.min(to, largest); value += spacingAt(value, dtype))
      if (value >= from) found.push(sign * value);
  };
  walk(Math.max(low, edge), high, 1);
  walk(Math.max(-high, edge), -low, -1);
  return { found, dense: dense[0] < dense[1] ? dense : null };
}
