// What a learner did in the pages, kept in this browser: the entries that the record of `normlab`
// on a desk holds too. normlab/study/exchange/form.py says how they are written.

export const FORMAT = "normlab progress";
export const VERSION = 2;
export const READ = [1, VERSION]; // version 1 had no bets
const VERDICTS = ["holds", "holds if", "imprecise", "wrong"];
export const MARKS = [...VERDICTS, "don't know"];
export const LEVELS = [25, 50, 75, 90, 99];
const RECORD = "normlab:record";
const ASIDE = "normlab:record-put-aside";
const LONGEST_ID = 64;
const BEGIN = Date.UTC(2020);
const END = Date.UTC(2100);

export const isText = (value) => typeof value === "string" && value.isWellFormed();
export const isName = (value) => isText(value) && value !== "";
const within = (low, high) => (value) => Number.isFinite(value) && low <= value && value <= high;
const oneOf = (values) => [(value) => values.includes(value), `one of ${values.join(", ")}`];
const CLAIM = [(value) => Number.isInteger(value) && within(1, 1e6)(value), "a number from 1 on"];
const FIELDS = {
  answered: {
    question: [isName, "a name"],
    answer: [isText, "a text"],
    surprise: [within(0, 1), "a number from 0 to 1"],
    again: [(value) => typeof value === "boolean", "true or false"],
  },
  solved: {
    exercise: [isName, "a name"],
    function: [isName, "a name"],
    points: [within(0, 1e6), "a number from 0 on"],
    max_points: [(value) => within(0, 1e6)(value) && value > 0, "a number above 0"],
  },
  marked: { claim: CLAIM, word: oneOf(MARKS) },
  bet: { claim: CLAIM, word: oneOf(VERDICTS), percent: oneOf(LEVELS) },
  tried: {
    challenge: [isName, "a name"],
    rules: [isText, "a text"],
    settings: [isText, "a text"],
    score: [within(0, 100), "a number from 0 to 100"],
    outcome: [isText, "a text"],
  },
};

const TIME = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const isDay = (text) => {
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day; // there is no 30 February
};
export const isTime = (value) =>
  isText(value) && TIME.test(value) && isDay(value) && within(BEGIN, END)(Date.parse(value));
export const earlierFirst = (a, b) => Date.parse(a.time) - Date.parse(b.time);
export const now = () => new Date().toISOString();

// The parts of an object that are there and no others, or an error that names what is wrong.
export function checkParts(value, parts, what) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${what} is ${JSON.stringify(value)}; expected an object.`);
  }
  for (const name of Object.keys(value)) {
    if (!(name in parts)) throw new Error(`${what} has a part ${name}; expected none of that name.`);
  }
  for (const [name, [suits, expected]] of Object.entries(parts)) {
    if (!suits(value[name])) {
      throw new Error(`${what}: ${name} is ${JSON.stringify(value[name])}; expected ${expected}.`);
    }
  }
}

export function checkEntry(entry, what) {
  const own = Object.hasOwn(FIELDS, entry?.kind) ? FIELDS[entry.kind] : {};
  const id = (value) => isText(value) && /^[\w-]+$/.test(value) && value.length <= LONGEST_ID;
  const kind = (value) => Object.hasOwn(FIELDS, value);
  checkParts(entry, {
    kind: [kind, `one of ${Object.keys(FIELDS).join(", ")}`],
    id: [id, "letters and digits"],
    time: [isTime, "a time with its offset from UTC, as in 2026-11-24T10:00:00Z"],
    ...own,
  }, what);
  if (entry.kind === "solved" && entry.points > entry.max_points) {
    throw new Error(`${what}: points is ${entry.points}; expected at most ${entry.max_points}.`);
  }
  return entry;
}

// Storage that a browser may refuse: then things are kept as long as the page is open, and the event
// `normlab:unkept` on `document` tells why, "" when they could be stored after all.
const memory = new Map();
const tellUnkept = (why) => document.dispatchEvent(new CustomEvent("normlab:unkept", { detail: why }));
export function readItem(key) {
  try {
    return memory.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function itemKeys() {
  try {
    return [...new Set([...Object.keys(localStorage), ...memory.keys()])];
  } catch {
    return [...memory.keys()];
  }
}

export function removeItem(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch { /* nothing is stored */ }
}

// What could not be stored before is, if it can be now.
function storeMemory() {
  try {
    for (const [key, text] of memory) {
      localStorage.setItem(key, text);
      memory.delete(key);
    }
    tellUnkept("");
  } catch { /* it stays in memory */ }
}

// Write several items, all or none.
export function writeItems(items) {
  const before = Object.keys(items).map((key) => [key, readItem(key)]);
  try {
    for (const [key, text] of Object.entries(items)) localStorage.setItem(key, text);
    Object.keys(items).forEach((key) => memory.delete(key));
    storeMemory();
  } catch (error) {
    for (const [key, text] of before) {
      try {
        if (text === null) localStorage.removeItem(key);
        else localStorage.setItem(key, text);
      } catch { /* what is refused now was refused before */ }
    }
    for (const [key, text] of Object.entries(items)) memory.set(key, text);
    tellUnkept(error.name);
  }
}

export const asStored = (entries) =>
  ({ [RECORD]: JSON.stringify({ format: FORMAT, version: VERSION, entries }) });

// The records that could not be read, as texts.
export const putAside = () =>
  itemKeys().filter((key) => key.startsWith(ASIDE)).sort().map(readItem);

// All entries; a stored record that cannot be read is put aside, and a new one begins.
export function readEntries() {
  const text = readItem(RECORD);
  if (text === null) return [];
  try {
    const { format, version, entries } = JSON.parse(text);
    if (format !== FORMAT || !READ.includes(version)) throw new Error("another version");
    return entries.map((entry, i) => checkEntry(entry, `entry ${i + 1}`));
  } catch {
    let number = 1;
    while (readItem(`${ASIDE}-${number}`) !== null) number += 1;
    writeItems({ [`${ASIDE}-${number}`]: text, ...asStored([]) });
    return [];
  }
}

// A new id. `crypto.randomUUID` is missing where a site is served without https.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function addEntry(kind, values) {
  const entry = checkEntry({ kind, id: newId(), time: now(), ...values }, "the entry");
  writeItems(asStored([...readEntries(), entry]));
}

const grouped = (entries, key) => {
  const groups = Object.create(null); // a question may be called anything
  for (const entry of entries) (groups[key(entry)] ??= []).push(entry);
  return groups;
};

// What the entries say together, as `history_of` does on the desk.
export function historyOf(entries) {
  const inOrder = [...new Map(entries.map((entry) => [entry.id, entry])).values()].sort(earlierFirst);
  const of = (kind) => inOrder.filter((entry) => entry.kind === kind);
  const results = Object.create(null);
  for (const { exercise, function: name, points, max_points, time } of of("solved")) {
    const old = results[`${exercise}:${name}`];
    const share = points / max_points;
    if (old && share <= old.share) continue;
    results[`${exercise}:${name}`] = { points, max_points, share, solved: share === 1 ? time : null };
  }
  return {
    entries: inOrder,
    answers: grouped(of("answered"), (entry) => entry.question),
    results,
    marks: grouped(of("marked"), (entry) => entry.claim),
    bets: grouped(of("bet"), (entry) => entry.claim),
    tries: grouped(of("tried"), (entry) => entry.challenge),
  };
}
