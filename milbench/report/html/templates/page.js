"use strict";
// The page can be read without any of this: it sorts, filters, and shows a pair beside the matrix.

const rows = (table) => [...table.tBodies[0].rows];

// A number where the text begins with one, whatever marks and intervals follow; else NaN.
const numeric = (text) => parseFloat(text.replace(/[<,(+]/g, ""));

function compare(a, b, column, sign) {
  const [one, other] = [a, b].map((row) => row.cells[column].textContent.trim());
  const [x, y] = [numeric(one), numeric(other)];
  const isText = Number.isNaN(x) && Number.isNaN(y);
  if (isText && one !== "-" && other !== "-") return sign * one.localeCompare(other);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);  // dashes last
  return sign * (x - y);
}

function sort(table, head) {
  const direction = head.ariaSort === "descending" ? "ascending" : head.ariaSort === "ascending"
    ? "descending" : head.classList.contains("value") ? "descending" : "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.ariaSort = direction;
  const sign = direction === "ascending" ? 1 : -1;
  const sorted = rows(table).sort((a, b) => compare(a, b, head.cellIndex, sign));
  table.tBodies[0].append(...sorted);
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    if (head.classList.contains("bar") || head.classList.contains("groups")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, head));
    head.replaceChildren(button);
  }
}

const [filter, controls, count] = ["filter", "controls", "count"].map((id) => document.getElementById(id));

function apply() {
  const terms = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const names = [new Set(), new Set()];
  for (const row of document.querySelectorAll("table:not(.matrix) > tbody > tr")) {
    const name = row.querySelector("th").textContent.toLowerCase();
    const isWanted = terms.length === 0 || terms.some((term) => name.includes(term));
    row.hidden = !isWanted || (row.classList.contains("control") && !controls.checked);
    if (row.closest("section > .scroll")) names[Number(row.hidden)].add(name);
  }
  const all = names[0].size + names[1].size;
  count.textContent = names[1].size ? `${names[0].size} of ${all} methods` : `${all} methods`;
}

if (filter) {
  filter.form.hidden = false;
  filter.form.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", apply);
  controls.addEventListener("change", apply);
  apply();
}

// A cell of the matrix shows the row of its pair: the same texts under the same heads.
function open(link) {
  const row = document.getElementById(link.hash.slice(1));
  const box = link.closest(".pairs").querySelector(".pair");
  const heads = row.closest("table").tHead.rows[0].cells;
  const title = document.createElement("h4");
  title.textContent = row.cells[0].textContent;
  const list = document.createElement("dl");
  for (const cell of [...row.cells].slice(2)) {
    const [what, value] = [document.createElement("dt"), document.createElement("dd")];
    what.textContent = heads[cell.cellIndex].textContent;
    value.textContent = cell.textContent.trim() || "none";
    list.append(what, value);
  }
  box.replaceChildren(title, ...[...row.cells[1].children].map((drawing) => drawing.cloneNode(true)), list);
  box.hidden = false;
  for (const other of document.querySelectorAll(".matrix a[aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
}

const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// One stop of the tab key for the whole matrix; arrows move inside it, over the empty diagonal too.
function move(table, link, [down, right]) {
  let [row, column] = [link.closest("tr").rowIndex + down, link.parentNode.cellIndex + right];
  const at = () => table.rows[row]?.cells[column];
  if (at() && !at().querySelector("a")) [row, column] = [row + down, column + right];
  const next = row > 0 && column > 0 && at()?.querySelector("a");
  if (!next) return;
  [link.tabIndex, next.tabIndex] = [-1, 0];
  next.focus();
}

for (const table of document.querySelectorAll(".matrix")) {
  [...table.querySelectorAll("a")].forEach((link, place) => { link.tabIndex = place ? -1 : 0; });
  table.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    open(link);
  });
  table.addEventListener("keydown", (event) => {
    const link = event.target.closest("a");
    if (!link || !(event.key in steps)) return;
    event.preventDefault();
    move(table, link, steps[event.key]);
  });
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
