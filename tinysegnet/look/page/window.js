"use strict";
// How one value of a map came to be: the window of the map before it, times the kernel, summed up.

async function showWindow(seen) {
  const layer = seen.layers.find(({name}) => name === state.layer);
  const [x, y, w, b] = await Promise.all(["x", "y", "w", "b"].map((part) => seen.array(`${layer.name}.${part}`)));
  const f = channelIn(layer), map = channelOf(layer.relu ? rectified(y) : y, f), [H, W] = map.shape, canvas = byId("map");
  const scale = Math.max(1, Math.round(480 / W)), picture = pictureOf(map);
  const point = (row, column) => {
    const context = draw(canvas, picture, scale);
    mark(context, [row, column, row + 1, column + 1], scale);
    byId("sum").replaceChildren(...sumOf(seen, layer, f, {x, y, w, b}, row, column));
  };
  return () => {
    const isLast = layer === seen.layers.at(-1);
    byId("window-title").textContent = `How a value of ${layer.name}, channel ${f}${isLast ? `, ${seen.classes[f]},` : ","} comes to be`;
    const sums = layer.kind === "conv_transpose2d" ? "" : ` Move over it: every pixel is a sum of ${terms(layer, x, w)} products.`;
    byId("map-words").textContent = `The map, ${H} x ${W}.${sums}`;
    canvas.onclick = (event) => change(placeAt(pixelAt(event, canvas, [H, W]), layer));
    canvas.onmousemove = (event) => {
      const {row, column} = pixelAt(event, canvas, [H, W]);
      point(row, column);
    };
    canvas.onmouseleave = () => point(...pixelOf(layer, y.shape));
    point(...pixelOf(layer, y.shape));
  };
}

function clamp(place, length) {
  return Math.min(Math.max(place, 0), length - 1);
}

/** The pixel of a layer's map where the chosen pixel of the photograph is. */
function pixelOf(layer, [H, W]) {
  return [clamp(state.row >> layer.level, H), clamp(state.column >> layer.level, W)];
}

/** The pixel of the photograph where one of a layer's map begins. */
function placeAt({row, column}, {level}) {
  return {row: row << level, column: column << level};
}

function terms(layer, x, w) {
  const [K] = w.shape, channels = layer.kind === "conv2d" ? x.shape[2] : 1;
  return [...(K > 1 ? [K, K] : []), ...(channels > 1 ? [channels] : [])].join(" x ");
}

/** Elements that write out y[row, column, channel] of a convolution. */
function sumOf(seen, layer, f, {x, y, w, b}, row, column) {
  if (layer.kind === "conv_transpose2d") return [make("p", {}, "This layer is a transposed convolution: it spreads each value, and has no window.")];
  const [H, W, C] = x.shape, [K] = w.shape, F = y.shape[2], wide = layer.kind === "conv2d";
  const channels = wide ? [...Array(C).keys()] : [f];
  const value = (i, j, c) => {
    const [r, q] = [row + i - (K >> 1), column + j - (K >> 1)];
    return r < 0 || r >= H || q < 0 || q >= W ? 0 : x.values[(r * W + q) * C + c];
  };
  const weight = (i, j, c) => w.values[wide ? ((i * K + j) * C + c) * F + f : (i * K + j) * C + c];
  const grid = (entry) => [...Array(K * K).keys()].map((at) => entry(Math.floor(at / K), at % K));
  const parts = channels.map((c) => grid((i, j) => value(i, j, c) * weight(i, j, c)).reduce((sum, term) => sum + term, 0));
  const total = parts.reduce((sum, part) => sum + part, b.values[f]);
  const order = channels.map((c, at) => [c, parts[at]]).sort((p, q) => Math.abs(q[1]) - Math.abs(p[1]));
  const [input, share] = order.find(([c]) => c === state.input) ?? order[0];
  const what = {photograph: "the photograph, normalised,", pool: "the pooled map", unpool: "the map from below", map: "the map before"}[layer.of] ?? "the maps before";
  const from = layer.of === "photograph" ? ["red", "green", "blue"] : null;
  const name = (c) => from?.[c] ?? `channel ${c}`;
  const buttons = order.slice(0, 12).map(([c, part]) => {
    const button = make("button", {type: "button", onclick: () => change({input: c})}, `${from?.[c] ?? c} ${part >= 0 ? "+" : ""}${short(part)}`);
    button.setAttribute("aria-pressed", c === input);
    return button;
  });
  const others = order.length - 1;
  const line = make(
    "p", {className: "addition"}, `${short(share)} from ${name(input)}`,
    others ? `${added(total - share - b.values[f])} from ${others === 1 ? "the other" : `the ${others} others`}` : "",
    `${added(b.values[f])} bias = `, make("b", {}, short(total)),
    layer.relu ? (total > 0 ? ", which the ReLU leaves" : ", of which the ReLU makes 0") : "",
  );
  const shown = K === 1 ? [] : [make(
    "div", {className: "grids"},
    numbers(`${name(input)} of ${what} around row ${row}, column ${column}`, grid((i, j) => value(i, j, input)), K), "x",
    numbers(layer.norm ? "its kernel, with the batch norm in it" : "its kernel", grid((i, j) => weight(i, j, input)), K),
  )];
  return [
    make("p", {}, order.length > 1 ? `What each channel of ${what} adds${order.length > 12 ? ` (12 of ${order.length})` : ""}, the largest first:` : "Its kernel sees one channel alone:"),
    make("div", {className: "shares"}, ...buttons), ...shown, line,
  ];
}

function added(value) {
  return ` ${value < 0 ? "\u2212" : "+"} ${short(Math.abs(value))}`;
}

/** A table of K x K numbers, each on its colour. */
function numbers(caption, values, K) {
  const table = make("table", {className: "numbers"}, make("caption", {}, caption)), most = largest(values);
  for (let i = 0; i < K; i++) {
    const row = table.insertRow();
    for (const value of values.slice(i * K, (i + 1) * K)) {
      const cell = row.insertCell();
      cell.textContent = short(value).replace(/^(-?)0\./, "$1.");
      cell.style.background = `rgb(${colourOf(0.6 * value / most)})`;
    }
  }
  return table;
}
