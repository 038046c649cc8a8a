// Shows what a change would do, asks whether it is meant, sends it once, and says what came of it.

import { expired, login, refresh } from "./live.js";

const dialog = document.getElementById("dialog");
let opener = null;
let key = null; // of the request: sent again after a lost answer, it is done once
let sending = false;

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The value of a cookie that scripts may read. */
export function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function closer(words) {
  return element("button", { type: "button", className: "plain", textContent: words, onclick: () => dialog.close() });
}

function simple(title, ...content) {
  dialog.replaceChildren(
    element("h2", { id: "dialog-title", textContent: title }),
    ...content,
    element("div", { className: "buttons" }, closer("Close")),
  );
}

function loggedOut() {
  const link = element("a", { href: login(), textContent: "Log in again" });
  return element("p", {}, "Your session has ended. Nothing was changed. ", link, ".");
}

/** Ask the server for what a dialog shows. */
async function content(address) {
  try {
    const answer = await fetch(address, { redirect: "manual", headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      expired();
      return simple("Not logged in", loggedOut());
    }
    if (answer.status === 404) return simple("Not found", element("p", { textContent: "This is not there any more. The page shows what is." }));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    dialog.replaceChildren(...fresh.body.childNodes);
  } catch {
    simple("The server does not answer", element("p", { textContent: "Nothing was changed. Try again in a moment." }));
  }
}

async function open(button) {
  opener = button;
  key = randomKey();
  button.setAttribute("aria-busy", "true");
  await content(button.dataset.dialog);
  button.removeAttribute("aria-busy");
  for (const zone of dialog.querySelectorAll("[data-zone]")) {
    zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("h2")).focus();
}

/** Ask once more for what a dialog shows, with what was typed into it. */
async function again(form) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  const address = new URL(form.dataset.again, location.href);
  for (const [name, value] of new FormData(form)) if (value.trim()) address.searchParams.set(name, value.trim());
  await content(address.href);
  dialog.scrollTop = 0;
  dialog.querySelector("h2").focus();
}

const written = {
  text: (input) => input.value.trim() || undefined,
  number: (input) => (input.value.trim() === "" ? (input.dataset.empty === "null" ? null : undefined) : Number(input.value)),
  boolean: (input) => (input.type === "checkbox" ? input.checked : input.value === "true"),
  time: (input) => (input.value ? new Date(input.value).toISOString() : undefined),
};

/** The fields of a form as the body of a request; what is left empty is left out. */
function body(form) {
  const fields = [...form.elements].filter((input) => input.name && !input.disabled);
  return Object.fromEntries(fields.map((input) => [input.name, written[input.dataset.type ?? "text"](input)]));
}

function say(form, kind, ...words) {
  const place = form.querySelector(".outcome");
  place.className = `outcome banner ${kind}`;
  place.replaceChildren(element("p", {}, ...words));
  place.scrollIntoView({ block: "nearest" });
}

function ready(form, words) {
  sending = false;
  const button = form.querySelector("button[type=submit]");
  button.disabled = false;
  button.removeAttribute("aria-busy");
  if (words) button.textContent = words;
}

function unknown(form) {
  say(
    form, "poor", element("strong", { textContent: "The server does not answer." }),
    " Whether this was done is not known yet. Trying again asks for the same once more: it is done at most once.",
  );
  ready(form, "Try again");
}

/** Say what came of it. */
function done(form, answer) {
  const title = form.dataset.done;
  const words = answer.sentence ?? form.dataset.said ?? "Done.";
  const close = element("button", { type: "button", className: "main", textContent: "Close", onclick: () => dialog.close() });
  dialog.replaceChildren(
    element("h2", { id: "dialog-title", tabIndex: -1, textContent: title }),
    element("div", { className: "banner good", role: "status" }, element("p", { textContent: words })),
    element("div", { className: "buttons" }, close),
  );
  dialog.dataset.done = "true";
  close.focus();
}

async function send(form) {
  if (sending) return;
  sending = true;
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  let answer;
  let told = {};
  try {
    answer = await fetch(form.dataset.to, {
      method: form.dataset.method ?? "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key, "X-XSRFToken": cookie("_xsrf") },
      body: JSON.stringify(body(form)),
      redirect: "manual",
      signal: AbortSignal.timeout(60_000),
    });
    told = await answer.json().catch(() => ({}));
  } catch {
    return unknown(form);
  }
  if (answer.ok) {
    sending = false;
    return done(form, told);
  }
  if (answer.status >= 500 && answer.status !== 501) return unknown(form);
  key = randomKey(); // refused, so nothing was done: what is sent next is another request
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    expired();
    say(form, "poor", loggedOut());
  } else {
    say(form, "poor", element("strong", { textContent: "Refused." }), ` ${told.message ?? "The server gave no reason."}`);
  }
  ready(form);
}

/** Listen for what opens dialogs, and for what is sent from them. */
export function listen() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dialog]");
    if (button) open(button);
    if (event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.dataset.again) again(event.target);
    else send(event.target);
  });
  dialog.addEventListener("cancel", (event) => sending && event.preventDefault());
  dialog.addEventListener("close", async () => {
    if (opener?.isConnected) opener.focus();
    if (dialog.dataset.done) {
      delete dialog.dataset.done;
      await refresh();
      if (document.activeElement === document.body) document.getElementById("main").focus();
    }
  });
}
