// A click on a table's heading sorts its rows; another turns them round.

/** The number that a cell begins with ("1,234", "+1.2%", "0.14 ± 0.01", "450k"), or null. */
function leading(text) {
  const found = text.replaceAll(",", "").match(/^[<≥≤~]?\s*([+−-]?[\d.]+(?:e[+-]?\d+)?)\s*([kMBT]?)(?![\w.])/);
  if (!found) return null;
  const unit = { k: 1e3, M: 1e6, B: 1e9, T: 1e12 }[found[2]] ?? 1;
  return Number(found[1].replace("−", "-")) * unit;
}

/** Numbers in their order, words in theirs, empty cells last whichever way. */
function compare(a, b, sign) {
  if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
  const [x, y] = [leading(a), leading(b)];
  if (x !== null && y !== null && x !== y) return sign * (x - y);
  if ((x === null) !== (y === null)) return x === null ? 1 : -1;
  return sign * a.localeCompare(b, "en", { numeric: true });
}

function sortable(table) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  if (body.rows.length < 3) return;
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      const text = (row) => row.cells[column]?.textContent.trim() ?? "";
      const rows = [...body.rows].sort((a, b) => compare(text(a), text(b), sign));
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      body.append(...rows);
    });
  });
}

document.querySelectorAll("table").forEach(sortable);
