(function () {
  "use strict";
  var table = document.querySelector("table[data-sortable]");
  if (!table) return;
  var body = table.tBodies[0];
  var rows = Array.from(body.rows);
  var texts = rows.map(function (row) {
    return (row.cells[0].textContent + " " + row.cells[1].textContent).toLowerCase();
  });
  var box = document.querySelector(".filter");
  var input = box.querySelector("input");
  var output = box.querySelector("output");
  box.hidden = false;
  input.addEventListener("input", function () {
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    rows.forEach(function (row, place) {
      var match = words.every(function (word) { return texts[place].indexOf(word) >= 0; });
      if (row.hidden === match) row.hidden = !match;
      shown += match;
    });
    output.textContent = words.length ? shown + " of " + rows.length : "";
  });
  var keys = {
    text: function (cell) { return cell.textContent; },
    number: function (cell) { return Number(cell.dataset.k); },
  };
  function sort(column, kind, down) {
    var keyed = rows.map(function (row, place) {
      return { row: row, key: kind === "place" ? place : keys[kind](row.cells[column]) };
    });
    keyed.sort(function (a, b) {
      var order = kind === "text" ? a.key.localeCompare(b.key) : a.key - b.key;
      return down ? -order : order;
    });
    var ordered = document.createDocumentFragment();
    keyed.forEach(function (item) { ordered.appendChild(item.row); });
    body.appendChild(ordered);
  }
  Array.from(table.tHead.rows[0].cells).forEach(function (heading, column) {
    var kind = heading.dataset.sort;
    if (!kind) return;
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.textContent = "";
    heading.appendChild(button);
    if (kind === "place") heading.setAttribute("aria-sort", "ascending");
    button.addEventListener("click", function () {
      var was = heading.getAttribute("aria-sort");
      var down = was ? was === "ascending" : kind === "number";
      table.querySelectorAll("[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(column, kind, down);
    });
  });
})();
