"use strict";
// The page: what is chosen is shown, and what is clicked is chosen.

const WAYS = {corners: "into its corner", replication: "into all four", bilinear: "bilinearly", first: "into the first corner"};
let backwardSeen = Promise.resolve();       // the gradient that was asked for last
let turn = 0;               // of show(): an older one that is still waiting must not draw over a newer one
let choice = 0;             // of a picture: a photograph that is looked at for long must not come before a later one
const LOOKING = "Looking ...";

function byId(id) {
  return document.getElementById(id);
}

function say(words) {
  byId("said").textContent = words;
  byId("said").hidden = !words;
}

/** Show the state. The panels wait for their maps, and then are drawn together; the gradient, which takes longest, later. */
async function show() {
  const mine = ++turn;
  document.body.setAttribute("aria-busy", "true");
  try {
    const images = await source.images();
    if (mine !== turn) return;
    if (!images.some(({name}) => name === state.image)) {
      if (state.image) say(`There is no picture ${state.image} any more: drop the photograph again, or look at a street.`);
      state.image = images[0].name;
    }
    if (!Object.hasOwn(WAYS, state.way)) state.way = "corners";
    let seen = await source.seen(state.image, state.way);
    if (mine !== turn) return;
    if (!unpools(seen) && state.way !== "corners") {         // then there is no other way, and no switch that shows it
      state.way = "corners";
      seen = await source.seen(state.image, state.way);
    }
    const first = await seen.array(`${seen.layers[0].name}.y`);
    if (mine !== turn) return;
    settle(seen, first);
    const panels = await Promise.all([showAnswer, showU, showWindow, showCorners].map((panel) => panel(seen)));
    if (mine !== turn) return;
    keepingFocus(() => {
      choices(images);
      panels.forEach((draw) => draw());
    });
    if (byId("said").textContent === LOOKING) say("");
    document.querySelector("#answer .network").textContent = seen.words;
    document.querySelector("h1").textContent = document.title = `Look inside ${seen.network}`;
    byId("ways").hidden = !unpools(seen);
    await backwardSeen.catch(() => {});         // one at a time, or those of a key held down would queue
    if (mine !== turn) return;
    backwardSeen = showBackward(seen);
    const backward = await backwardSeen;
    if (mine !== turn) return;
    backward();
    document.body.removeAttribute("aria-busy");
    for (const way of source.live && unpools(seen) ? Object.keys(WAYS) : []) {       // ahead of the switch
      if (mine !== turn) return;
      await source.seen(state.image, way);
    }
  } catch (error) {
    if (mine !== turn) return;
    say(error.message);
    document.body.removeAttribute("aria-busy");
  }
}

function unpools(seen) {
  return seen.layers.some(({unpool}) => unpool !== null);
}

/** Draw, and give the focus back to the button that had it, of which there may be a new one of the same words. */
function keepingFocus(draw) {
  const pressed = document.activeElement, group = pressed.parentElement?.closest("[id]")?.id;
  draw();
  if (pressed.isConnected) return;
  const again = [...byId(group).querySelectorAll("button, input")].find(({textContent, type}) => textContent === pressed.textContent && type === pressed.type);
  again?.focus();
}

/** Bring what the address says to what there is. */
function settle(seen, first) {
  const [H, W] = seen.size;
  if (!seen.layers.some(({name}) => name === state.layer)) state.layer = (seen.layers.findLast(({unpool}) => unpool !== null) ?? seen.layers[0]).name;
  if (state.row < 0 || state.row >= H) state.row = (H >> 1) & ~15;
  if (state.column < 0 || state.column >= W) state.column = (W >> 2) & ~15;
  if (!["classes", "confidence", ...(seen.truth ? ["truth"] : []), ...seen.classes].includes(state.show)) state.show = "classes";
  if (state.channel < 0) state.channel = liveliest(first);
}

/** The channel with the largest value near the chosen pixel, in a map of the first level: there is something to see. */
function liveliest({shape: [H, W, C], values}) {
  let [best, most] = [0, 0];
  for (let r = Math.max(state.row - 4, 0); r < Math.min(state.row + 4, H); r++) {
    for (let i = (r * W + Math.max(state.column - 4, 0)) * C; i < (r * W + Math.min(state.column + 4, W)) * C; i++) {
      if (values[i] > most) [best, most] = [i % C, values[i]];
    }
  }
  return best;
}

function choices(images) {
  const buttons = images.map(({name, title}) => {
    const button = make("button", {type: "button", onclick: () => { choice++; change({image: name, row: -1, column: -1}); }}, title);
    button.setAttribute("aria-pressed", name === state.image);
    return button;
  });
  if (source.live) buttons.push(fileChoice());
  byId("images").replaceChildren(...buttons);
  for (const radio of document.querySelectorAll("#ways input")) radio.checked = radio.value === state.way;
}

function fileChoice() {
  const input = make("input", {type: "file", accept: "image/*", id: "file", onchange: () => {
    if (input.files[0]) take(input.files[0]);
    input.value = "";               // so that the same file, mended, can be chosen again
  }});
  return make("label", {className: "file"}, "a photograph of your own: choose it, or drop it here", input);
}

/** Look at a photograph that was dropped or chosen. */
async function take(file) {
  const mine = ++choice;
  say(LOOKING);
  try {
    await file.slice(0, 1).arrayBuffer().catch(() => { throw new Error(`${file.name} cannot be read, or is a folder: give the file of a photograph.`); });
    if (file.size > LARGEST_FILE) throw new Error(`The file has more than ${LARGEST_FILE / 1e6} MB: give a smaller one.`);
    const {name} = await source.upload(file);
    if (mine !== choice) return;
    change({image: name, row: -1, column: -1});
    say(LOOKING);                   // until it is shown
  } catch (error) {
    if (mine === choice) say(error.message);
  }
}

/** f, whose errors are said. */
function saying(f) {
  return (event) => f(event).catch((error) => say(error.message));
}

const LARGEST_FILE = 20e6;         // bytes, as the program has it
const KEYS = {
  ",": (seen, layer) => ({channel: (channelIn(layer) + layer.channels - 1) % layer.channels, input: -1}),
  ".": (seen, layer) => ({channel: (channelIn(layer) + 1) % layer.channels, input: -1}),
  m: (seen) => ({layer: beside(seen, 1), input: -1}),
  n: (seen) => ({layer: beside(seen, -1), input: -1}),
  w: (seen) => (unpools(seen) ? {way: Object.keys(WAYS)[(Object.keys(WAYS).indexOf(state.way) + 1) % 4]} : {}),
};
const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

function beside(seen, step) {
  const names = seen.layers.map(({name}) => name);
  return names[(names.indexOf(state.layer) + step + names.length) % names.length];
}

async function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onCanvas = event.target.tagName === "CANVAS";
  if (!(event.key in KEYS) && !(onCanvas && event.key in ARROWS)) return;
  event.preventDefault();
  const seen = await source.seen(state.image, state.way), layer = seen.layers.find(({name}) => name === state.layer);
  if (event.key in KEYS) return change(KEYS[event.key](seen, layer), event.repeat);
  const step = event.target.id === "map" ? 1 << layer.level : 1, [down, right] = ARROWS[event.key];
  change({row: clamp(state.row + step * down, seen.size[0]), column: clamp(state.column + step * right, seen.size[1])}, event.repeat);
}

function begin() {
  if (!Array.prototype.findLast || !window.OffscreenCanvas || !(source.live || window.DecompressionStream)) {
    return say("This browser is too old for this page: take Firefox 113, Chrome 97, Safari 16.4, or a later one.");
  }
  for (const [way, words] of Object.entries(WAYS)) {
    const radio = make("input", {type: "radio", name: "way", value: way, onchange: () => change({way})});
    byId("ways").append(make("label", {}, radio, words));
  }
  for (const id of ["photograph", "classes", "gradient"]) {
    byId(id).onclick = saying(async (event) => change(pixelAt(event, byId(id), (await source.seen(state.image, state.way)).size)));
  }
  document.addEventListener("keydown", saying(typed));
  window.addEventListener("hashchange", () => { readAddress(); show(); });
  if (source.live) {
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.toggle("over", event.dataTransfer.types.includes("Files"));
    });
    document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("over");
      const {files} = event.dataTransfer;
      if (files.length === 1) take(files[0]);
      else say(files.length ? "One photograph at a time, please: drop one." : "That is no file: save the photograph, and drop its file.");
    });
  }
  byId("origin").textContent = source.live
    ? "All is computed by NumPy on this machine. Photographs are kept in memory alone."
    : "Computed beforehand; the maps are rounded to 7 bits. With photographs of your own: python -m tinysegnet look";
  readAddress();
  show();
}

begin();
