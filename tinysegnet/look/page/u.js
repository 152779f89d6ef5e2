"use strict";
// The U: every map, encoder down on the left and decoder up on the right, each level half as large as the one above.

const WIDEST = 230;         // pixels of the page for a map of the first level

async function showU(seen) {
  const maps = await Promise.all(seen.layers.map((layer) => mapOf(seen, layer)));
  return () => {
    const byLevel = new Map(), bottom = deepest(seen);
    seen.layers.forEach((layer, i) => {
      const level = byLevel.get(layer.level) ?? {down: [], up: []};
      byLevel.set(layer.level, level);
      if (i <= bottom) level.down.push(cell(seen, layer, maps[i]));
      else level.up.unshift(cell(seen, layer, maps[i]));
    });
    const levels = [...byLevel].sort(([a], [b]) => a - b);
    byId("levels").replaceChildren(...levels.map(([level, {down, up}]) => make(
      "div", {className: "level"}, make("div", {className: "side"}, ...down), across(seen, level), make("div", {className: "side"}, ...up),
    )));
    if (bottom >= 0) byId("levels").append(make("div", {className: "turn"}, `the map of ${seen.layers[bottom].name}, pooled once more, goes up again \u2934`));
    byId("u-words").textContent = uInWords(seen, bottom);
  };
}

function uInWords(seen, bottom) {
  const channels = "The small pictures are the channels of a map: choose one. From black, 0, orange goes up and blue goes down, to the largest value of that channel.";
  if (bottom < 0) return `This network does not pool. ${channels}`;
  const names = seen.layers.map(({name}) => name), unpools = seen.layers.some(({unpool}) => unpool !== null);
  const up = !unpools ? "" : state.way === "corners" ? "Going up, a value is put into that corner. "
    : "Going up, nobody asks for the corner now; the network was trained with corners, and nothing tells it that they are gone. ";
  return `Down on the left from ${names[0]} to ${names[bottom]}, up on the right from ${names[bottom + 1]} to ${names.at(-1)}; each level is half as ` +
    `high and half as wide as the one above. Going down, every window of 2 x 2 keeps its largest value only${unpools ? ", and remembers in which corner that was" : ""}. ${up}${channels}`;
}

/** What goes on from a layer: its map, after the ReLU if there is one. */
async function mapOf(seen, layer) {
  const y = await seen.array(`${layer.name}.y`);
  return layer.relu ? rectified(y) : y;
}

/** What goes from the encoder to the decoder at a level. */
function across(seen, level) {
  const pooled = seen.layers.find((layer) => layer.level === level && layer.pool !== null);
  const unpooled = pooled && seen.layers.some(({unpool}) => unpool === pooled.pool);
  return make("div", {className: "across"}, ...(unpooled ? ["corners", make("br"), state.way === "corners" ? "\u27f6" : "not used"] : []));
}

/** The number of the last layer before the last pooling, or -1. */
function deepest(seen) {
  return seen.layers.findLastIndex((layer) => layer.pool !== null);
}

function cell(seen, layer, map) {
  const [H, W, C] = map.shape, chosen = layer.name === state.layer, top = seen.size[1], channel = channelIn(layer);
  const size = make("canvas", {className: "one"}), strip = make("canvas", {className: "strip"});
  const one = channelOf(map, channel), wide = Math.max(WIDEST * W / top, 12), scale = Math.ceil(wide / W), [row, column] = pixelOf(layer, map.shape);
  mark(draw(size, pictureOf(one), scale), [row, column, row + 1, column + 1], scale);
  size.style.width = `${wide}px`;
  size.setAttribute("role", "img");
  size.setAttribute("aria-label", `${layer.name}, channel ${channel}`);
  size.onclick = (event) => change({layer: layer.name, ...placeAt(pixelAt(event, size, [H, W]), layer)});
  const columns = C > 36 ? 16 : 4, rows = Math.ceil(C / columns), width = C > 36 ? 21 : 58, height = Math.max(3, Math.round(width * seen.size[0] / top));
  const sheet = once(sheets, map, () => contactSheet(map, columns, width, height));
  [strip.width, strip.height] = [sheet.width, sheet.height];
  const context = strip.getContext("2d");
  context.drawImage(sheet, 0, 0);
  if (chosen) frame(context, channel % columns * width, Math.floor(channel / columns) * height, width, height);
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", `${layer.name}, all ${C} channels`);
  strip.onclick = (event) => {
    const {left, top, width: shownWidth, height: shownHeight} = strip.getBoundingClientRect();
    const q = Math.floor((event.clientX - left) / shownWidth * columns), r = Math.floor((event.clientY - top) / shownHeight * rows);
    if (r * columns + q < C) change({layer: layer.name, channel: r * columns + q, input: -1});
  };
  const button = make("button", {type: "button", className: "name", onclick: () => change({layer: layer.name, input: -1})}, layer.name);
  button.setAttribute("aria-pressed", chosen);
  return make(
    "div", {className: `layer${chosen ? " chosen" : ""}`},
    make("div", {className: "maps"}, size, strip),
    make("div", {}, button, make("span", {className: "quiet"}, ` ${H} x ${W}, ${C} channels${layer.relu ? ", ReLU" : ""}; ${range(layer, one.values)}${layer.pool === null ? "" : `; then pooled to ${(H + 1) >> 1} x ${(W + 1) >> 1}`}`)),
  );
}

/** From the smallest to the largest value. */
function range({relu}, values) {
  const most = values.reduce((a, b) => Math.max(a, b)), least = values.reduce((a, b) => Math.min(a, b));
  return relu ? `up to ${short(most)}` : `from ${short(least)} to ${short(most)}`;
}

const sheets = new WeakMap();

/** All channels of a map as small pictures in rows. */
function contactSheet(map, columns, width, height) {
  const C = map.shape[2], sheet = new OffscreenCanvas(columns * width, Math.ceil(C / columns) * height);
  const context = sheet.getContext("2d");
  for (let c = 0; c < C; c++) {
    const small = pictureOf(sampled(channelOf(map, c), width - 1, height - 1));
    context.putImageData(small, c % columns * width, Math.floor(c / columns) * height);
  }
  return sheet;
}

/** A map of that size, of each of whose pixels the nearest of `map` is taken. */
function sampled({shape: [H, W], values}, width, height) {
  const result = new Float32Array(width * height);
  for (let r = 0; r < height; r++) {
    for (let q = 0; q < width; q++) result[r * width + q] = values[Math.floor((r + 0.5) * H / height) * W + Math.floor((q + 0.5) * W / width)];
  }
  return {shape: [height, width], values: result};
}

function frame(context, left, top, width, height) {
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.strokeRect(left + 1, top + 1, width - 3, height - 3);
}

/** The pixel of a map of that size to which the mouse points on a canvas that shows all of it. */
function pixelAt(event, canvas, [H, W]) {
  const {left, top, width, height} = canvas.getBoundingClientRect();
  return {row: clamp(Math.floor((event.clientY - top) / height * H), H), column: clamp(Math.floor((event.clientX - left) / width * W), W)};
}
