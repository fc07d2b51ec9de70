// A setting of an explorer needs new numbers, which only Python has. Where none answers, its menu is
// disabled and says why. Whoever answers marks the document with `data-python="ready"`, and tells it
// by the event "normlab:python"; an explorer that it cannot answer has `data-torch` on its place.

const CHAPTER = document.querySelector('a[href*="_static/notebooks/"]');

const list = (names) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

function makeReason(labels) {
  const reason = document.createElement("p");
  reason.className = "normlab-why";
  const [needs, these] = labels.length > 1 ? ["need", "them"] : ["needs", "it"];
  const what = document.createElement("span");
  reason.append(`${list(labels)} ${needs} new numbers from `, what, `. To change ${these}, `);
  if (CHAPTER) {
    const link = Object.assign(document.createElement("a"), { href: CHAPTER.href, download: "" });
    link.textContent = "download the notebook";
    reason.append(link, " and run this cell on your machine.");
  } else {
    reason.append("run this cell of the notebook on your machine.");
  }
  return { reason, what };
}

export function explainSettings(model, el) {
  const settings = (model.get("controls") ?? []).filter(({ role }) => role === "setting");
  if (!settings.length) return;
  const { reason, what } = makeReason(settings.map(({ label }) => `“${label}”`));
  el.querySelector(".normlab-controls").after(reason);
  const show = () => {
    const answers = document.documentElement.dataset.python === "ready";
    const torch = "torch" in model.host.dataset;
    what.textContent = torch ? "PyTorch, which runs in no page" : "Python, which does not run here";
    reason.hidden = answers && !torch;
    for (const control of el.querySelectorAll('[data-role="setting"]')) {
      const inputs = control.matches("select, input") ? [control] : control.querySelectorAll("input");
      for (const input of inputs) input.disabled = !reason.hidden;
      control.closest(".normlab-controls > *").classList.toggle("normlab-off-here", !reason.hidden);
    }
  };
  document.addEventListener("normlab:python", show);
  show();
}
