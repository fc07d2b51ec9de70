// Where this browser stores nothing, every page says so, and offers the record as a file.

import { exportRecord } from "./progress.js";

const day = () => {
  const at = new Date();
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
};

export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// Save all that is kept here, also what is kept in memory alone; returns the name of the file.
export function saveProgress() {
  const name = `normlab-progress-${day()}.json`;
  download(name, exportRecord());
  return name;
}

function makeNotice() {
  const text = document.createElement("span");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Export to a file" });
  button.className = "normlab-button";
  button.addEventListener("click", saveProgress);
  const notice = document.createElement("aside");
  notice.className = "normlab-unkept";
  notice.setAttribute("role", "alert");
  notice.append(text, " ", button);
  return { notice, text };
}

const { notice, text } = makeNotice();
document.addEventListener("normlab:unkept", ({ detail: why }) => {
  if (!why) return notice.remove();
  const said = `This browser keeps nothing of what you do here (${why}): it is gone when you leave this page.`;
  if (text.textContent !== said) text.textContent = said;
  if (!notice.isConnected) document.body.append(notice);
});
