// Python in a worker. Messages of the page: { id, call, args }, where `call` is a method of `Page`
// in page_runtime.py. What comes back: { id, kind: "done", result }, { id, kind: "failed", text },
// while it runs { id, kind: "stream" | "data" | "error", … }, and { kind: "loading", bytes, of }.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const FOLDER = new URL("./pyodide/", import.meta.url).href;
let current = null; // the id of the message that Python answers
let bytes = 0;
let total = 0;

const loading = (more) => {
  bytes += more;
  postMessage({ kind: "loading", bytes: Math.min(bytes, total), of: total });
};

// Every fetch of Pyodide is counted as its bytes come. One that fails is told, since Pyodide may wait
// for ever for what it does not get.
const plainFetch = self.fetch.bind(self);
const fetched = async (request) => {
  const name = String(request[0].url ?? request[0]).split("/").at(-1);
  let answer;
  try {
    answer = await plainFetch(...request);
  } catch (error) {
    postMessage({ kind: "failed", text: `${name} cannot be fetched (${error.message})` });
    throw error;
  }
  if (!answer.ok) postMessage({ kind: "failed", text: `${name} cannot be fetched (${answer.status})` });
  return answer;
};
self.fetch = async (...request) => {
  const answer = await fetched(request);
  if (!answer.ok || !answer.body) return answer;
  const count = new TransformStream({
    transform: (piece, controller) => {
      loading(piece.byteLength);
      controller.enqueue(piece);
    },
  });
  const { status, headers } = answer;
  return new Response(answer.body.pipeThrough(count), { status, headers });
};

const loadPackages = async (python, names) => {
  const failed = [];
  await python.loadPackage(names, {
    messageCallback: () => {},
    errorCallback: (text) => failed.push(text),
  });
  if (failed.length) throw new Error(failed.join("\n"));
};

const start = async () => {
  const downloads = await (await plainFetch(new URL("downloads.json", import.meta.url))).json();
  total = downloads.first;
  const python = await loadPyodide({ indexURL: FOLDER });
  await loadPackages(python, ["normlab"]);
  const lock = await (await plainFetch(`${FOLDER}pyodide-lock.json`)).json();
  const packageOf = {};
  for (const [name, { imports }] of Object.entries(lock.packages)) {
    for (const module of imports) packageOf[module] ??= name;
  }
  const post = (text) => postMessage({ id: current, ...JSON.parse(text) });
  const page = python.pyimport("docs.site.python.page_runtime").start(post, Object.keys(packageOf));
  postMessage({ kind: "ready" });
  return { python, page, packageOf, later: downloads.later, packages: lock.packages };
};
const started = start();
started.catch((error) => postMessage({ kind: "failed", text: String(error.message ?? error) }));

// Bytes of a package and of those it needs, as far as they are not loaded.
const bytesOf = ({ python, packages, later }, name, seen = new Set()) => {
  if (seen.has(name) || python.loadedPackages[name]) return 0;
  seen.add(name);
  const needs = packages[name].depends.map((need) => bytesOf({ python, packages, later }, need, seen));
  return needs.reduce((a, b) => a + b, later[name] ?? 0);
};

// A cell that asks for a module of the distribution is run again when that is loaded.
const run = async (made, method, args) => {
  for (;;) {
    const result = JSON.parse(made.page[method](...args));
    if (!result.missing) return result;
    const wanted = made.packageOf[result.missing];
    bytes = 0;
    total = bytesOf(made, wanted);
    postMessage({ id: current, kind: "clear" });
    await loadPackages(made.python, [wanted]);
    postMessage({ id: current, kind: "begun" });
  }
};

// Whether Python can go on: code can end it, as `os._exit()` does.
const isAlive = ({ python }) => {
  try {
    python.runPython("None");
    return true;
  } catch {
    return false;
  }
};

const answer = async ({ id, call, args }) => {
  let made;
  try {
    made = await started;
    current = id;
    postMessage({ id, kind: "begun" });
    const loads = call === "run" || call === "answer";
    const result = loads ? await run(made, call, args) : JSON.parse(made.page[call](...args) ?? "null");
    postMessage({ id, kind: "done", result });
  } catch (error) {
    if (made && !isAlive(made)) postMessage({ kind: "exited" });
    else postMessage({ id, kind: "failed", text: String(error.message ?? error) });
  }
};

// One after the other: a cell that loads a package does not let the next one in.
let queue = Promise.resolve();
onmessage = ({ data }) => {
  queue = queue.then(() => answer(data));
};
