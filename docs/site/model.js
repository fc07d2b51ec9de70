// The state of a widget, as anywidget's modules expect it: get, set, save_changes, on, off, send, with
// the events "change:NAME", "change" and "msg:custom". Who answers what is saved or sent listens on
// the document for "normlab:save" and "normlab:send".

const alike = (a, b) => a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

export class Model {
  #state;
  #handlers = new Map();
  #unsaved = new Map(); // names, with the values before

  constructor(state, host) {
    this.#state = state;
    this.host = host; // the element of the page that the widget stands in
  }

  get(name) {
    return this.#state[name];
  }

  // One name and its value, or an object of several: all are set before anybody is told.
  set(name, value) {
    const entries = Object.entries(typeof name === "object" ? name : { [name]: value });
    const changed = entries.filter(([key, now]) => !alike(this.#state[key], now));
    for (const [key, now] of changed) {
      if (!this.#unsaved.has(key)) this.#unsaved.set(key, this.#state[key]);
      this.#state[key] = now;
    }
    for (const [key, now] of changed) this.trigger(`change:${key}`, this, now);
    if (changed.length) this.trigger("change", this);
  }

  on(names, handler) {
    for (const name of names.split(" ")) {
      this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
    }
  }

  // Without a handler all of these names; without names all.
  off(names, handler) {
    for (const name of names?.split(" ") ?? [...this.#handlers.keys()]) {
      const kept = (this.#handlers.get(name) ?? []).filter((one) => handler && one !== handler);
      this.#handlers.set(name, kept);
    }
  }

  trigger(name, ...values) {
    for (const handler of this.#handlers.get(name) ?? []) handler(...values);
  }

  save_changes() {
    const names = [...this.#unsaved.keys()];
    const before = Object.fromEntries(this.#unsaved);
    this.#unsaved.clear();
    if (names.length) this.#tell("normlab:save", { names, before });
  }

  // The whole state; it stays as it is, whatever comes after.
  copy() {
    return structuredClone(this.#state);
  }

  send(content) {
    this.#tell("normlab:send", { content });
  }

  // What Python would send to the widget.
  receive(content, buffers = []) {
    this.trigger("msg:custom", content, buffers);
  }

  #tell(event, detail) {
    document.dispatchEvent(new CustomEvent(event, { detail: { model: this, ...detail } }));
  }
}
