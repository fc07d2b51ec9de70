// The page's Python: one worker, started when something is asked of it for the first time.

const MEGABYTE = 1e6;

// A call that was ended, by the learner or because it took too long; the message says so.
export class Ended extends Error {}

export const GONE = "Python starts anew: what other cells have left, such as variables, is gone.";

const hearers = new Set();
let worker = null;
let calls = new Map(); // id -> { resolve, reject, show, seconds, timer }
let number = 0;

const tell = (news) => {
  for (const hear of hearers) hear(news);
};

// `hear(news)` is told: { state: "loading", bytes, of }, "ready", "running", "idle", "ended".
export const onState = (hear) => hearers.add(hear);

export const megabytes = (bytes) => (bytes / MEGABYTE).toFixed(1);

const drop = (error) => {
  worker?.terminate();
  worker = null;
  const dropped = [...calls.values()];
  calls = new Map();
  for (const { reject, timer } of dropped) {
    clearTimeout(timer);
    reject(error);
  }
};

// End whatever runs; a new Python starts at once, so that it is there when it is asked.
export const end = (why) => {
  drop(new Ended(`${why} ${GONE}`));
  tell({ state: "ended" });
  start();
};

const settle = (id, act) => {
  const call = calls.get(id);
  if (!call) return;
  clearTimeout(call.timer);
  calls.delete(id);
  act(call);
  if (!calls.size) tell({ state: "idle" });
};

const limit = (call) => {
  clearTimeout(call.timer);
  call.timer = setTimeout(
    () => end(`Ended after ${call.seconds} seconds: is there a loop that never stops?`),
    1000 * call.seconds,
  );
};

const hear = (message) => {
  const { id, kind } = message;
  const call = calls.get(id);
  if (kind === "loading") tell({ state: "loading", ...message });
  else if (kind === "clear") {
    clearTimeout(call?.timer); // a package is loaded, which takes its time
    call?.show(message);
  } else if (kind === "ready") tell({ state: calls.size ? "running" : "ready" });
  else if (kind === "begun" && call) {
    limit(call);
    tell({ state: "running" });
  } else if (kind === "done") settle(id, ({ resolve }) => resolve(message.result));
  else if (kind === "failed" && id === undefined) {
    drop(new Error(`Python stops: ${message.text}. The next Run or Check starts it anew.`));
    tell({ state: "ended" });
  } else if (kind === "exited") end("Python was ended by the code that ran.");
  else if (kind === "failed") settle(id, ({ reject }) => reject(new Error(message.text)));
  else if (kind === "widget") document.dispatchEvent(new CustomEvent("normlab:widget", { detail: message }));
  else call?.show(message);
};

const start = () => {
  if (worker) return;
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => hear(data);
  worker.onerror = (event) => {
    event.preventDefault();
    hear({ kind: "failed", text: event.message || "its files cannot be loaded" });
  };
};

// Call a method of `Page` in page_runtime.py.
//   show(message): hears what it shows while it runs.
//   seconds: after which it is ended, counted from when it runs.
// Resolves to its result; rejects with Ended, or with an Error of Python's.
export const call = (method, args, { show = () => {}, seconds = 30 } = {}) => {
  start();
  const id = (number += 1);
  return new Promise((resolve, reject) => {
    calls.set(id, { resolve, reject, show, seconds });
    worker.postMessage({ id, call: method, args });
  });
};

export const isBusy = () => calls.size > 0;
