// The editor of the exercise pages. Colours are CSS variables of python.css, so that it follows the
// theme of the site.
import { defaultKeymap, history, historyKeymap, indentWithTab, temporarilySetTabFocusMode } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colour = (name) => `var(--normlab-code-${name})`;
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: colour("keyword") },
  { tag: [tags.string, tags.special(tags.string)], color: colour("string") },
  { tag: [tags.number, tags.bool, tags.null], color: colour("number") },
  { tag: tags.comment, color: colour("comment") },
  { tag: [tags.definition(tags.function(tags.variableName)), tags.className], color: colour("name") },
]);

// Tab indents where that is asked for, and then Escape and Tab leave the editor.
const indenting = [{ key: "Escape", run: temporarilySetTabFocusMode }, indentWithTab];

// An editor in `parent`.
//   text: what is in it.
//   label: its name for screen readers.
//   indents: the id of what says how to leave it, if Tab indents in it; without one Tab moves on.
//   onChange(text): called when a person has changed it.
//   keys: {"Shift-Enter": function, …}, called in place of the editor's own.
// It returns { text(), replace(text), focus() }.
export const makeEditor = ({ parent, text, label, indents, onChange, keys = {} }) => {
  const own = Object.entries(keys).map(([key, act]) => ({ key, run: () => (act(), true) }));
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        Prec.highest(keymap.of(own)),
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("    "),
        bracketMatching(),
        highlightActiveLine(),
        python(),
        syntaxHighlighting(colours),
        keymap.of([...(indents ? indenting : []), ...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({
          "aria-label": label,
          ...(indents ? { "aria-describedby": indents } : {}),
          tabindex: "0", // what scrolls holds something that keys reach
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((t) => t.isUserEvent("normlab"))) {
            onChange(update.state.doc.toString());
          }
        }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (other) =>
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: other },
        userEvent: "normlab.replace",
      }),
    focus: () => view.focus(),
  };
};
