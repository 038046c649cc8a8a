(function () {
  "use strict";
  var MOST = 400; // rows shown at first: more take a browser noticeable time to lay out
  var table = document.querySelector("table[data-sortable]");
  if (!table) return;
  var body = table.tBodies[0];
  function read() {
    return Array.from(body.rows).map(function (row, place) {
      return { row: row, place: place, text: (row.cells[0].textContent + " " + row.cells[1].textContent).toLowerCase() };
    });
  }
  var all = read();
  var box = document.querySelector(".filter");
  var input = box.querySelector("input");
  var output = box.querySelector("output");
  var more = document.querySelector(".more");
  var collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  var limit = MOST;

  function show() {
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    var matches = 0;
    all.forEach(function (item) {
      var match = words.every(function (word) { return item.text.indexOf(word) >= 0; });
      matches += match;
      var hidden = !match || matches > limit;
      if (item.row.hidden !== hidden) item.row.hidden = hidden;
    });
    output.textContent = words.length ? matches.toLocaleString("en") + " of " + all.length.toLocaleString("en") : "";
    more.hidden = matches <= limit;
    more.textContent = "Show all " + matches.toLocaleString("en");
  }

  var keys = {
    text: function (item) { return item.row.cells[0].textContent; },
    place: function (item) { return item.place; },
    number: function (item, column) { // the figure that the text begins with, unless it says another one
      var cell = item.row.cells[column];
      return Number(cell.dataset.k || parseFloat(cell.textContent.replace(/,/g, "")));
    },
    key: function (item, column) { return Number(item.row.cells[column].dataset.k || 0); },
  };
  function sort(column, kind, down) {
    all.forEach(function (item) { item.key = keys[kind](item, column); });
    all.sort(function (a, b) {
      var order = kind === "text" ? collator.compare(a.key, b.key) : a.key - b.key;
      return (down ? -order : order) || a.place - b.place;
    });
    var ordered = document.createDocumentFragment();
    all.forEach(function (item) { ordered.appendChild(item.row); });
    show();
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
      var down = was ? was === "ascending" : kind === "number" || kind === "key";
      table.querySelectorAll("[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(column, kind, down);
    });
  });
  input.addEventListener("input", show);
  table.addEventListener("rows", function () { // others have taken the place of those that were read
    all = read();
    var sorted = table.querySelector("[aria-sort]");
    if (!sorted) return show();
    sort(sorted.cellIndex, sorted.dataset.sort, sorted.getAttribute("aria-sort") === "descending");
  });
  more.addEventListener("click", function () {
    limit = Infinity;
    show();
  });
  box.hidden = false;
  show();
})();
