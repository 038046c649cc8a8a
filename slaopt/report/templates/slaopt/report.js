(function () {
  "use strict";
  var options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, logLevel: 1, tooltip: { theme: "custom" } };
  function draw(figure) {
    var live = figure.querySelector(".live");
    var spec = JSON.parse(figure.querySelector("script").textContent);
    return vegaEmbed(live, spec, options).then(function () {
      figure.classList.add("drawn");
      ["role", "aria-roledescription", "aria-label"].forEach(function (name) { live.removeAttribute(name); });
      live.querySelectorAll("svg").forEach(function (svg) {
        svg.setAttribute("aria-hidden", "true");
        svg.setAttribute("focusable", "false");
      });
    });
  }
  var old = document.querySelector(".old"); // whoever opens a report late must know; the page has no other clock
  var age = old && Math.floor((Date.now() - Date.parse(old.dataset.end)) / 864e5);
  if (old && age > Number(old.dataset.days)) {
    old.textContent = "This report is " + age.toLocaleString("en") + " days old, older than the period it describes: make a new one before you decide.";
    old.hidden = false;
  }
  if (window.vegaEmbed) {
    document.querySelectorAll("figure.chart").forEach(function (figure) {
      draw(figure).catch(function () {
        figure.classList.remove("drawn");
      });
    });
  }
})();
