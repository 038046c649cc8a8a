(function () {
  var root = document.documentElement;
  var framed = window.parent !== window; // in a page of the approval server, which has the buttons and tells the theme
  if (framed) root.dataset.framed = "";
  try {
    var kept = localStorage.getItem("slaopt-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch (denied) {}
  document.addEventListener("DOMContentLoaded", function () {
    var button = document.querySelector(".theme");
    var prefers = matchMedia("(prefers-color-scheme: dark)");
    function dark() {
      return root.dataset.theme ? root.dataset.theme === "dark" : prefers.matches;
    }
    function show() {
      button.setAttribute("aria-pressed", String(dark()));
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      root.dataset.theme = dark() ? "light" : "dark";
      try {
        localStorage.setItem("slaopt-theme", root.dataset.theme);
      } catch (denied) {}
      show();
    });
    prefers.addEventListener("change", show);
    addEventListener("message", function (event) {
      if (!framed || event.source !== window.parent || !event.data || typeof event.data.theme !== "string") return;
      if (event.data.theme === "dark" || event.data.theme === "light") root.dataset.theme = event.data.theme;
      else delete root.dataset.theme;
    });
    show();
  });
})();
