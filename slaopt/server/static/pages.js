// What runs on every page of somebody who is logged in.

import { cookie, listen } from "./dialogs.js";
import { keepUp, refresh } from "./live.js";

listen();
keepUp();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-log-out]");
  if (!button) return;
  try {
    await fetch(button.dataset.logOut, { method: "POST", headers: { "X-XSRFToken": cookie("_xsrf") } });
    location.assign(button.dataset.then);
  } catch {
    refresh(); // which says that the server is away
  }
});

// Cards are filtered by typing, as tables are.
const filter = document.querySelector(".card-filter");
function narrow() {
  const words = filter.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const cards = [...document.querySelectorAll(".card[data-words]")];
  let matches = 0;
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.words.includes(word));
    matches += !card.hidden;
  }
  filter.querySelector("output").textContent = words.length ? `${matches} of ${cards.length}` : "";
}
if (filter) {
  filter.hidden = false;
  filter.addEventListener("input", narrow);
  document.addEventListener("shown", narrow);
}

// A report in its frame knows neither this page nor its choice of colours: it is told.
const frame = document.querySelector("iframe.report");
if (frame) {
  const tell = () => frame.contentWindow.postMessage({ theme: document.documentElement.dataset.theme ?? "" }, "*");
  frame.addEventListener("load", tell);
  new MutationObserver(tell).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
