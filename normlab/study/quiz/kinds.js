// The four kinds of answer. Each maker returns: the node to answer in; `read()`, which gives
// { answer } or { ask: what is still to be done }; `show(answer)`, which marks it where it was
// given; and `verdicts(answer)`, nodes that say what it is worth.

// Texts come from Python as HTML that is already escaped.
function written(tag, attributes, html) {
  const node = element(tag, attributes);
  node.innerHTML = html;
  return node;
}

// What an answer is worth, and the program that shows it.
function makeReason({ why, refute, shows }) {
  const nodes = [written("div", {}, why)];
  if (refute) nodes.push(element("pre", {}, refute), "prints", element("pre", {}, shows));
  return nodes;
}

function makeVerdict(sentence, ...reason) {
  const mark = sentence[0] === "✓" ? "right" : sentence[0] === "✗" ? "wrong" : "answer";
  const verdict = element("p", { class: `normlab-verdict normlab-${mark}` }, sentence);
  return element("div", {}, verdict, ...reason);
}

function makeChoice({ options, explanation }) {
  const worth = (option) => (option.right ? { ...option, why: explanation } : option);
  const right = options.find((option) => option.right);
  const made = options.map((option, value) => {
    const input = element("input", { type: "radio", name: "option", value });
    const mark = element("span", { class: "normlab-mark" });
    const letter = element("span", {}, `(${option.letter})`);
    const label = element("label", {}, input, letter, written("span", {}, option.text), mark);
    return { input, mark, label };
  });
  const read = () => {
    const answer = made.findIndex(({ input }) => input.checked);
    return answer < 0 ? { ask: "Choose an answer first." } : { answer };
  };
  const show = (answer) => {
    made[answer].input.checked = true;
    made.forEach(({ mark }, i) => {
      mark.textContent = options[i].right ? "✓ right" : i === answer ? "✗ your answer" : "";
    });
  };
  const other = (option) => {
    const summary = element("summary", {}, `✗ Why not (${option.letter})?`);
    return element("details", {}, summary, ...makeReason(option));
  };
  // the chosen option first, then the right one, then the others, folded
  const verdicts = (answer) => {
    const chosen = options[answer];
    const first = chosen.right ? `✓ (${chosen.letter}) is right.` : `✗ (${chosen.letter}) is not right.`;
    const nodes = [makeVerdict(first, ...makeReason(worth(chosen)))];
    const second = `✓ The right answer is (${right.letter}).`;
    if (!chosen.right) nodes.push(makeVerdict(second, ...makeReason(worth(right))));
    return [...nodes, ...options.filter((o, i) => !o.right && i !== answer).map(other)];
  };
  return { nodes: made.map(({ label }) => label), read, show, verdicts };
}

const digits = (value) =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));

// How far off, in words: a difference, or a factor where the scale is logarithmic.
function howFar(given, { answer, log }) {
  if (given === answer) return "exactly right";
  if (!log) return `${digits(Math.abs(given - answer))} too ${given > answer ? "high" : "low"}`;
  if (given / answer <= 0) return "of the wrong sign";
  const factor = Math.max(given / answer, answer / given);
  return `${digits(factor)} times too ${given > answer ? "large" : "small"}`;
}

// A line with the guess and the answer on it, so that the distance is seen.
function makeRuler(given, { answer, log, far }) {
  const place = (value) => (log ? Math.log10(Math.abs(value) || answer / far) : value);
  const [a, b] = [place(given), place(answer)];
  const reach = Math.max(Math.abs(a - b), (log ? Math.log10(far) : far) / 4) * 1.6;
  const left = (value) => `${50 + (100 * (value - (a + b) / 2)) / reach}%`;
  const mark = (value, name, text) => {
    const node = element("span", { class: `normlab-on-ruler normlab-${name}` }, text);
    node.style.left = left(value);
    return node;
  };
  const words = { class: "normlab-ruler", "aria-hidden": "true" };
  const marks = [mark(a, "guess", digits(given)), mark(b, "answer", digits(answer))];
  return element("div", words, ...marks);
}

function makeNumber(question) {
  const { answer: right, unit, log, near, guesses, explanation } = question;
  const input = element("input", { type: "text", inputmode: "decimal", size: 12, "aria-label": "Your number" });
  const node = element("label", {}, "Your number ", input, unit ? ` ${unit}` : "");
  const close = (a, b) => {
    if (log) return a * b > 0 && Math.max(a / b, b / a) <= near * (1 + 1e-9);
    return Math.abs(a - b) <= near * (1 + 1e-9);
  };
  const read = () => {
    const answer = readNumber(input.value, unit);
    if (Number.isFinite(answer)) return { answer };
    return { ask: "Write a number first, such as 0.25, 1/4 or 1e-5." };
  };
  const show = (answer) => {
    if (!close(readNumber(input.value, unit), answer)) input.value = digits(answer);
  };
  const verdicts = (answer) => {
    const isRight = close(answer, right);
    const said = `${digits(answer)} is ${howFar(answer, question)}. It is ${digits(right)}${unit && ` ${unit}`}.`;
    const known = isRight ? undefined : guesses.find((guess) => close(guess.value, answer));
    const reasons = [known && makeVerdict(`Why not ${digits(known.value)}`, ...makeReason(known))];
    return [
      makeVerdict(`${isRight ? "✓" : "✗"} ${said}`, makeRuler(answer, question)),
      ...reasons.filter(Boolean),
      written("div", {}, explanation),
    ];
  };
  return { nodes: [node], read, show, verdicts };
}

// Round numbers for the vertical axis: decades if it is logarithmic, else about five steps.
function ticksOf({ bottom, top, log }) {
  if (log) {
    const first = Math.ceil(Math.log10(bottom) - 1e-9);
    const count = Math.floor(Math.log10(top) + 1e-9) - first + 1;
    const step = Math.ceil(count / 7);
    return Array.from({ length: Math.ceil(count / step) }, (_, i) => 10 ** (first + i * step));
  }
  const rough = (top - bottom) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const first = Math.ceil(bottom / step - 1e-9);
  const count = Math.floor(top / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

const BOX = { width: 480, height: 260, left: 62, right: 14, top: 12, bottom: 46 };

function makeDrawing(question) {
  const { answer: measured, x, bottom, top, log, near, x_label, y_label, explanation } = question;
  const place = (value) => (log ? Math.log10(value) : value);
  const span = place(top) - place(bottom);
  const across = BOX.width - BOX.left - BOX.right;
  const down = BOX.height - BOX.top - BOX.bottom;
  const toX = (i) => BOX.left + (across * (i + 0.5)) / x.length;
  const toY = (value) => BOX.top + down * (1 - (place(value) - place(bottom)) / span);
  const fromShare = (share) => {
    const at = place(bottom) + span * Math.min(1, Math.max(0, share));
    return log ? 10 ** at : at;
  };
  const heights = x.map(() => fromShare(0.5));
  let touched = false;

  const grid = ticksOf(question).flatMap((tick) => [
    drawn("line", { class: "normlab-grid", x1: BOX.left, x2: BOX.width - BOX.right, y1: toY(tick), y2: toY(tick) }),
    drawn("text", { x: BOX.left - 6, y: toY(tick) + 4, "text-anchor": "end" }, digits(tick)),
  ]);
  const names = x.map((name, i) =>
    drawn("text", { x: toX(i), y: BOX.height - BOX.bottom + 18, "text-anchor": "middle" }, name),
  );
  const labels = [
    drawn("text", { x: BOX.left + across / 2, y: BOX.height - 6, "text-anchor": "middle" }, x_label),
    drawn("text", { transform: `translate(13 ${BOX.top + down / 2}) rotate(-90)`, "text-anchor": "middle" }, y_label),
  ];
  const line = (name) => drawn("polyline", { class: name });
  const mine = line("normlab-mine");
  const truth = line("normlab-truth");
  const end = (text, name) => drawn("text", { class: name, "text-anchor": "end" }, text);
  const myName = end("yours", "normlab-mine-name");
  const truthName = end("measured", "normlab-truth-name");
  const points = x.map((name, i) =>
    drawn("circle", {
      r: 9,
      cx: toX(i),
      class: "normlab-handle",
      role: "slider",
      tabindex: 0,
      "aria-label": `${y_label} at ${x_label} ${name}`,
      "aria-orientation": "vertical",
      "aria-valuemin": 0, // how high it stands, in percent; what it says is the text
      "aria-valuemax": 100,
    }),
  );
  const draw = () => {
    mine.setAttribute("points", heights.map((height, i) => `${toX(i)},${toY(height)}`).join(" "));
    points.forEach((point, i) => {
      point.setAttribute("cy", toY(heights[i]));
      point.setAttribute("aria-valuenow", Math.round(100 * shareOf(heights[i])));
      point.setAttribute("aria-valuetext", digits(heights[i]));
    });
  };
  const move = (i, share) => {
    heights[i] = fromShare(share);
    touched = true;
    draw();
  };
  const shareOf = (height) => (place(height) - place(bottom)) / span;

  const svg = drawn("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, class: "normlab-drawing", role: "group" });
  svg.setAttribute("aria-label", `${y_label} over ${x_label}, to be drawn`);
  svg.append(...grid, ...names, ...labels, truth, truthName, mine, myName, ...points);
  const indexAt = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const column = (((event.clientX - left) / width) * BOX.width - BOX.left) / across;
    return Math.min(x.length - 1, Math.max(0, Math.floor(column * x.length)));
  };
  makeDraggable(svg, {
    start: (event) => {
      points[indexAt(event)].focus({ preventScroll: true });
      return true;
    },
    move: (event) => {
      const { top: above, height } = svg.getBoundingClientRect();
      const share = 1 - (((event.clientY - above) / height) * BOX.height - BOX.top) / down;
      move(indexAt(event), share);
    },
  });
  points.forEach((point, i) =>
    point.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 0.02, ArrowDown: -0.02, PageUp: 0.1, PageDown: -0.1 }[event.key];
      if (!step) return;
      event.preventDefault();
      move(i, shareOf(heights[i]) + step);
    }),
  );
  draw();

  const read = () =>
    touched ? { answer: [...heights] } : { ask: "Draw first: drag the points, or move them with the arrow keys." };
  // the upper of the two ends has its name above it, the other below
  const nameEnds = (myEnd, trueEnd) => {
    const offset = myEnd < trueEnd ? [22, -12] : [-12, 22];
    [toY(myEnd), toY(trueEnd)].forEach((y, i) => {
      [myName, truthName][i].setAttribute("x", BOX.width - BOX.right);
      [myName, truthName][i].setAttribute("y", y + offset[i]);
    });
  };
  const show = (answer) => {
    touched = true;
    answer.forEach((height, i) => (heights[i] = height));
    draw();
    truth.setAttribute("points", measured.map((height, i) => `${toX(i)},${toY(height)}`).join(" "));
    nameEnds(heights.at(-1), measured.at(-1));
    svg.classList.add("normlab-revealed");
  };
  const verdicts = (answer) => {
    const distances = answer.map((height, i) => Math.abs(place(height) - place(measured[i])));
    const mean = distances.reduce((sum, distance) => sum + distance, 0) / x.length;
    const isRight = mean <= (log ? Math.log10(near) : near) * (1 + 1e-9);
    const off = log ? `a factor of ${digits(10 ** mean)}` : digits(mean);
    const said = `${isRight ? "✓" : "✗"} On average your curve is off by ${off}.`;
    return [makeVerdict(said), written("div", {}, explanation)];
  };
  const hint = element("p", { class: "normlab-how" }, "Drag the points to where you expect them.");
  return { nodes: [svg, hint], read, show, verdicts };
}

function makeSentence({ points, explanation }) {
  const input = element("textarea", { rows: 2, "aria-label": "Your sentence" });
  const boxes = points.map((point, i) => {
    const box = element("input", { type: "checkbox" });
    return { box, label: element("label", {}, box, written("span", {}, point)) };
  });
  const named = element("fieldset", { class: "normlab-points" });
  named.append(element("legend", {}, "Tick what you named, then press Reveal again."));
  named.append(...boxes.map(({ label }) => label));
  named.hidden = true;
  const read = () => {
    const text = input.value.trim();
    if (!text) return { ask: "Write a sentence first." };
    if (!named.hidden) return { answer: { text, said: boxes.map(({ box }) => box.checked) } };
    named.hidden = false;
    return { ask: "A good answer names what stands below." };
  };
  const show = ({ text, said }) => {
    input.value = text;
    named.hidden = false;
    boxes.forEach(({ box }, i) => (box.checked = said[i]));
  };
  const verdicts = ({ said }) => {
    const count = said.filter(Boolean).length;
    const mark = count === points.length ? "✓" : "✗";
    const sentence = `${mark} You named ${count} of ${points.length}.`;
    return [makeVerdict(sentence), written("div", {}, explanation)];
  };
  return { nodes: [input, named], read, show, verdicts };
}

const KINDS = { choice: makeChoice, number: makeNumber, drawing: makeDrawing, sentence: makeSentence };
