"use strict";
// What is looked at: kept in the address, so that a link shows the same.

const USUAL = {image: "", way: "corners", layer: "", channel: -1, row: -1, column: -1, show: "classes", input: -1};
const state = {...USUAL};

/** Take the state from the address. A number that is none, or a name that is unknown later, becomes the usual one. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, usual] of Object.entries(USUAL)) {
    const text = given.get(name);
    if (typeof usual === "number") state[name] = /^\d{1,5}$/.test(text ?? "") ? Number(text) : usual;
    else state[name] = text ?? usual;
  }
}

/** Change the state, keep it in the address, so that the browser's Back undoes it, and show it. What comes of a key
 * held down is undone as one; and a browser may refuse to keep so much, which is no reason not to show it. */
function change(changes, held = false) {
  say("");
  Object.assign(state, changes);
  const kept = Object.entries(state).filter(([name, value]) => value !== USUAL[name]);
  try {
    history[held ? "replaceState" : "pushState"](null, "", `#${new URLSearchParams(kept)}`);
  } catch (error) {
    if (error.name !== "SecurityError") throw error;
  }
  show();
}

/** The chosen channel of a layer's map, or its last one, if it has fewer. */
function channelIn({channels}) {
  return Math.min(state.channel, channels - 1);
}
