// The zoo: search its rows, and sort them by the column whose head is pressed.

const table = document.getElementById("normlab-zoo");
const form = document.getElementById("normlab-zoo-search");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const inOrder = new Intl.Collator("en", { numeric: true }).compare;

function compare(a, b) {
  const [x, y] = [Number(a), Number(b)];
  const [noX, noY] = [Number.isNaN(x), Number.isNaN(y)];
  if (noX !== noY) return noX - noY; // numbers stand in front of words
  return noX ? inOrder(a, b) : x - y;
}

function sortBy(column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  const rows = [...body.rows].sort((a, b) => {
    const order = compare(a.cells[column].textContent, b.cells[column].textContent);
    return down ? -order : order;
  });
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}

// A word is found in a row's text; a number also in a cell that has it, however it is written.
function hasWord(row, word) {
  if (row.textContent.toLowerCase().includes(word)) return true;
  return word !== "" && [...row.cells].some((cell) => Number(cell.textContent || NaN) === Number(word));
}

function search() {
  const wanted = form.elements.words.value.toLowerCase().split(/\s+/);
  const rows = [...body.rows];
  for (const row of rows) {
    row.hidden = !wanted.every((word) => hasWord(row, word));
  }
  const count = rows.filter((row) => !row.hidden).length;
  form.querySelector("[role=status]").textContent = `${count} of ${rows.length} models`;
}

heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  button.addEventListener("click", () => sortBy(column));
  head.replaceChildren(button);
});
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", search);
search();
