// Shows pairs and sends answers. It knows nothing of a picture but its place on the screen.

const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];
const PATIENCE = 10_000; // ms for an answer of the server
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie", t: "tie", s: "skip" };
const UNSENT = `unsent ${location.pathname}`;

let state = null; // as the server told last
let busy = true; // from an answer until the next pair can be seen
let clock = null; // of the pair on the screen
const loaded = new Map(); // from pairs to promises of their pictures

// The server -------------------------------------------------------------------------------

class Refused extends Error {}

// The answer of an address; asks again for as long as the server is away.
async function ask(path, body) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 4000)) {
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const headers = { "content-type": "application/json" };
      const options = body ? { method: "POST", body: JSON.stringify(body), headers } : {};
      const answer = await fetch(path, { ...options, signal });
      if (answer.ok) {
        const content = await answer.json();
        tellAway("");
        return content;
      }
      if (answer.status < 500) throw new Refused(await answer.text());
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    tellAway(body?.answer
      ? "The server cannot be reached. Your answer is kept, and sent as soon as it is back."
      : "The server cannot be reached. Trying again…");
    await later(wait);
  }
}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function tellAway(text) {
  if ($("#away").textContent !== text) $("#away").textContent = text;
  $("#away").hidden = !text;
}

// An answer is kept here until the server has it on its disk: a reload does not lose it.
const unsent = {
  keep: (vote) => localStorage.setItem(UNSENT, JSON.stringify(vote)),
  drop: () => localStorage.removeItem(UNSENT),
  read: () => JSON.parse(localStorage.getItem(UNSENT) ?? "null"),
};

async function send(vote) {
  unsent.keep(vote);
  try {
    return await ask("vote", vote);
  } finally {
    unsent.drop();
  }
}

// Pictures ---------------------------------------------------------------------------------

async function picture(token, side) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 4000)) {
    const image = new Image();
    image.alt = `The ${side} picture`;
    image.draggable = false;
    image.src = `picture/${token}.png`;
    try {
      await image.decode();
      return image;
    } catch {
      const fresh = await ask("state"); // which waits until the server is back
      if (!JSON.stringify(fresh.pairs).includes(token)) throw new Refused("it asks others now");
      await later(wait);
    }
  }
}

function load(pair) {
  if (!loaded.has(pair.pair)) {
    loaded.set(pair.pair, Promise.all([picture(pair.left, "left"), picture(pair.right, "right")]));
  }
  return loaded.get(pair.pair);
}

// Every pixel becomes n × n of the screen's, as large as there is room for.
function fit() {
  for (const frame of $$(".picture")) {
    const image = frame.firstElementChild;
    if (!image) continue;
    const style = getComputedStyle(frame);
    const room = Math.min(
      (frame.clientWidth - 2 * parseFloat(style.paddingLeft)) / state.width,
      (frame.clientHeight - 2 * parseFloat(style.paddingTop)) / state.height,
    );
    const ratio = window.devicePixelRatio || 1;
    const whole = Math.floor(room * ratio);
    const scale = whole >= 1 ? whole / ratio : room;
    image.classList.toggle("shrunk", whole < 1);
    image.style.width = `${state.width * scale}px`;
    image.style.height = `${state.height * scale}px`;
  }
}

// The time a pair has been seen, without that when the page was hidden.
function stopwatch() {
  let since = performance.now(), before = 0;
  return {
    seen: (visible) => {
      if (!visible && since !== null) { before += performance.now() - since; since = null; }
      if (visible && since === null) since = performance.now();
    },
    seconds: () => (before + (since === null ? 0 : performance.now() - since)) / 1000,
  };
}

// What is seen -------------------------------------------------------------------------------

async function show(told) {
  state = told;
  const total = state.done + state.left;
  Object.assign($("#progress"), { max: total || 1, value: state.done });
  $("#done").textContent = state.done;
  $("#left").textContent = state.left;
  const pace = state.median_seconds;
  $("#median").textContent = pace === null ? "–" : `${pace.toFixed(1)} s`;
  disable($("#undo"), !state.last);
  const [pair, next] = state.pairs;
  for (const known of loaded.keys()) {
    if (!state.pairs.some((wanted) => wanted.pair === known)) loaded.delete(known);
  }
  $("#vote").hidden = $("#skip").hidden = !pair;
  const ended = !pair && $("#thanks").hidden;
  $("#thanks").hidden = Boolean(pair);
  busy = false;
  if (!pair) {
    if (ended) $("#thanks").focus();
    return;
  }
  busy = true;
  const images = await load(pair);
  $("#question").textContent = state.question;
  $("#prompt").textContent = pair.prompt;
  $$(".picture").forEach((frame, i) => {
    frame.classList.remove("chosen");
    frame.replaceChildren(images[i]);
  });
  fit();
  $("#said").textContent = `Pair ${state.done + 1} of ${total}: ${pair.prompt}`;
  $("#vote").setAttribute("aria-busy", "false");
  await new Promise(requestAnimationFrame);
  clock = stopwatch();
  clock.seen(!document.hidden);
  busy = false;
  if (next) load(next).catch(() => loaded.delete(next.pair));
}

const disable = (button, off) => button.setAttribute("aria-disabled", String(off));

// What people do -----------------------------------------------------------------------------

async function answer(choice) {
  const pair = state?.pairs[0];
  if (busy || !pair) return;
  busy = true;
  const seconds = Math.min(Math.round(clock.seconds() * 1000) / 1000, 86_400);
  $$(".picture").forEach((f) => f.classList.toggle("chosen", f.dataset.answer === choice));
  await shown(() => send({ pair: pair.pair, answer: choice, seconds }));
}

async function undo() {
  if (busy || !state?.last) return;
  busy = true;
  await shown(() => ask("undo", { vote: state.last }));
}

// Shows what a request gives; a refused one (as of a page from before) shows how things are now.
async function shown(request) {
  try {
    await show(await request());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    try {
      await show(await ask("state"));
    } catch {
      tellAway(`This page's address is no longer known: ${error.message}.`);
    }
  }
}

for (const button of $$("[data-answer]")) {
  button.addEventListener("click", () => answer(button.dataset.answer));
}
$("#undo").addEventListener("click", undo);
$("#ask").addEventListener("click", () => $("#help").showModal());
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("#help").open) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in KEYS) answer(KEYS[key]);
  else if (key === "u") undo();
  else if (key === "?") $("#help").showModal();
  else return;
  event.preventDefault();
});
document.addEventListener("visibilitychange", () => clock?.seen(!document.hidden));
window.addEventListener("resize", () => state && fit());

const kept = unsent.read();
shown(() => (kept ? send(kept) : ask("state")));
