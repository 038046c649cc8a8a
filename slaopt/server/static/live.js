// Keeps a page as the store is: asks every ten seconds whether anything has changed, and shows what has.

const EVERY = 10_000;
const main = document.getElementById("main");
const away = document.getElementById("away");
let seen = new Date();
let ended = false;
let asking = null;

const clock = (time) => time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Say on top of the page that something stands between it and the server; without words, that nothing does. */
function tell(claim, rest, link) {
  away.hidden = !claim;
  if (!claim || away.dataset.claim === claim) return;
  away.dataset.claim = claim;
  const words = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = claim;
  words.append(strong, ` ${rest} `);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    words.append(anchor);
  }
  away.replaceChildren(words);
}

/** The address of the login page, and from there back to this one. */
export function login() {
  const back = location.pathname + location.search;
  return `${document.body.dataset.login}?next=${encodeURIComponent(back)}`;
}

/** Say that the session has ended. */
export function expired() {
  ended = true;
  tell("Your session has ended.", "Nothing more is sent from this page, and what it shows gets older.", {
    href: login(),
    text: "Log in again",
  });
}

function unreachable() {
  tell(
    "The server does not answer.",
    `What you see is as it was at ${clock(seen)}; nothing can be changed now. This page asks again every ten seconds.`,
  );
}

/** Show what another version of this page shows, and keep what is being read: filters, open parts, the focus. */
function take(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!now || now.innerHTML === part.dataset.from || now.innerHTML === part.innerHTML) continue;
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((details) => details.id));
    part.replaceChildren(...now.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    part.closest("table")?.dispatchEvent(new Event("rows"));
    part.dispatchEvent(new Event("shown", { bubbles: true }));
  }
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  main.dataset.version = fresh.getElementById("main").dataset.version;
}

async function ask() {
  let answer;
  try {
    answer = await fetch(location.href, {
      headers: { Accept: "text/html", "If-None-Match": `"${main.dataset.version}"` },
      redirect: "manual",
      cache: "no-store",
      signal: AbortSignal.timeout(EVERY),
    });
  } catch {
    return unreachable();
  }
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return expired();
  if (answer.status >= 500) return unreachable();
  seen = new Date();
  tell();
  away.dataset.claim = "";
  for (const part of document.querySelectorAll("[data-updated]")) part.textContent = `Looked at ${clock(seen)}`;
  if (answer.status === 200) take(await answer.text());
}

/** Ask now; who asks meanwhile gets the same answer. */
export function refresh() {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

/** Begin to ask. */
export function keepUp() {
  if (!main.dataset.version) return;
  const due = () => !ended && !document.hidden && !document.querySelector("dialog[open]");
  setInterval(() => due() && refresh(), EVERY);
  document.addEventListener("visibilitychange", () => due() && refresh());
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-refresh]");
    if (!button) return;
    button.disabled = true;
    await refresh();
    button.disabled = false;
    button.focus();
  });
}
