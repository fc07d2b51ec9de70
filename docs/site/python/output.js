// What cells and checks show, below them.

export const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

export const button = (text, act, attributes = {}) => {
  const made = element("button", { type: "button", class: "normlab-button", ...attributes }, text);
  made.addEventListener("click", act);
  return made;
};

const ofHtml = (html) => {
  const shown = element("div", { class: "normlab-html normlab-scroll" });
  shown.innerHTML = html;
  return shown;
};

const ofPng = (png, sentence) =>
  element("img", { class: "dark-light", src: `data:image/png;base64,${png}`, alt: sentence });

const ofData = (data) => {
  if (data["image/png"]) return ofPng(data["image/png"], data["text/plain"]);
  if (data["text/html"]) return ofHtml(data["text/html"]);
  return element("pre", {}, data["text/plain"] ?? "");
};

// The rows of a check or a hint as a table: a label and a text, which keeps its line breaks.
export const ofRows = (rows) => {
  const body = rows.map(([label, text]) => {
    const kind = ["input", "got", "expected"].includes(label) ? "normlab-numbers" : "";
    return element("tr", {}, element("th", { scope: "row" }, label), element("td", { class: kind }, text));
  });
  return element("table", { class: "normlab-diagnosis" }, element("tbody", {}, ...body));
};

// A place for output. `show(message)` takes what page_runtime.py sends; `fail(text)` says what was
// not done, in place of what it has said so before; "" takes that away.
export const makeOutput = () => {
  const node = element("div", { class: "normlab-shown", "aria-live": "polite" });
  let stream = null;
  let failure = null;
  const add = (child) => {
    stream = null;
    node.append(child);
  };
  const show = ({ kind, text, data }) => {
    if (kind === "clear") clear();
    else if (kind === "stream") {
      if (!stream) {
        add(element("pre", {}));
        stream = node.lastChild;
      }
      stream.append(text);
    } else if (kind === "data") add(ofData(data));
    else if (kind === "error") add(element("pre", { class: "normlab-error" }, text));
  };
  const clear = () => {
    stream = null;
    node.replaceChildren();
  };
  const say = (text) => add(element("p", { class: "normlab-said" }, text));
  const fail = (text) => {
    failure?.remove();
    failure = text ? element("p", { class: "normlab-said" }, text) : null;
    if (failure) add(failure);
  };
  return { node, show, clear, add, say, fail };
};
