// The claims: search them, and show verdicts, all or one, when they are asked for.

const form = document.getElementById("normlab-claims");
const { words, verdict } = form.elements;
const claims = [...document.querySelectorAll(".normlab-claim-fold")];
const sections = [...document.querySelectorAll("section section:has(> .normlab-claim-fold)")];

function show() {
  const wanted = words.value.toLowerCase().split(/\s+/);
  for (const claim of claims) {
    const text = claim.querySelector("summary").textContent.toLowerCase();
    const fits = ["", "any", claim.dataset.verdict].includes(verdict.value);
    claim.hidden = !(fits && wanted.every((word) => text.includes(word)));
    claim.querySelector(".normlab-verdict-tag").hidden = verdict.value === "";
  }
  for (const section of sections) section.hidden = !section.querySelector(".normlab-claim-fold:not([hidden])");
  const count = claims.filter((claim) => !claim.hidden).length;
  form.querySelector("[role=status]").textContent = `${count} of ${claims.length}`;
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", show);
show();
