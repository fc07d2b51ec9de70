// An answer that another tab has changed: this one says so, and can take it over.
import { button, element } from "./output.js";

const makeSentence = (name, take) => {
  const earlier = element("a", { href: "../progress.html#normlab-earlier" }, "your earlier answers");
  const said = `${name} was changed in another tab. What stood here is kept among `;
  return element("p", { class: "normlab-said" }, said, earlier, ". ", button("Take over the other", take));
};

// `hear(text)` is told what the other tab has written, null if it has started over. What stands in
// the editor of the cell is kept, and again when it is replaced.
export const makeOther = (name, cell, given, store, taken) => {
  const node = element("div", { "aria-live": "polite" });
  let other = null;
  const keep = () => cell.text() !== given && store.keep(name, cell.text());
  const clear = () => node.replaceChildren();
  const take = () => {
    keep();
    cell.replace(other ?? given);
    if (other === null) store.forget(name);
    else store.write(name, other);
    clear();
    taken();
  };
  const hear = (text) => {
    other = text;
    if ((other ?? given) === cell.text()) return clear();
    if (node.hasChildNodes()) return;
    keep();
    node.append(makeSentence(name, take));
  };
  return { node, hear, clear };
};
