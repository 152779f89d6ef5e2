"use strict";
// The corners travel: 2 x 2 windows of an encoder's map, the maximum of each, and the cell where the decoder puts a value.

const CELL = 36;                    // how large a pixel of a map is drawn

async function showCorners(seen) {
  const chosen = seen.layers.find(({name}) => name === state.layer);
  const number = chosen.pool ?? chosen.unpool ?? 0;
  const encoder = seen.layers.find(({pool}) => pool === number), decoder = seen.layers.find(({unpool}) => unpool === number);
  if (!encoder || !decoder) {
    return () => {
      byId("corners-words").textContent = `${seen.network} unpools no map by its corners.`;
      byId("corners-drawing").replaceChildren();
    };
  }
  const [before, corners, after] = await Promise.all([mapOf(seen, encoder), seen.array(`corners.${number}`), seen.array(`${decoder.name}.x`)]);
  return () => {
    const side = innerWidth < 700 ? 4 : 8;          // pixels of a map that are shown along a side
    const c = channelIn(encoder), [H, W] = before.shape;
    const place = (at, length) => 2 * clamp((at >> encoder.level >> 1) - side / 4, Math.max(Math.ceil((length - side) / 2), 0) + 1);
    const top = place(state.row, H), left = place(state.column, W);
    byId("corners-words").textContent = cornersInWords(encoder, decoder, c, chosen);
    byId("corners-drawing").replaceChildren(drawing({encoder, decoder, before, corners, after, c, top, left, side}));
  };
}

function cornersInWords(encoder, decoder, c, chosen) {
  const goes = {
    corners: "The value that comes up from the level below is another one; but it is put into that corner, with zeros in the other three cells. " +
      "So an edge stays where the encoder saw it, to the pixel: that is how SegNet keeps edges sharp.",
    replication: "Now nobody asks for the corner: the value that comes up from the level below goes to all four cells, a quarter to each. Where in the window the edge was, is lost.",
    bilinear: "Now nobody asks for the corner: a cell has the mean of the values around it that come up from the level below, divided by four. Edges become slopes.",
    first: "Now nobody asks for the corner: the value that comes up from the level below always goes into the first cell, up to a pixel beside where the edge was.",
  }[state.way];
  const others = chosen === encoder || chosen === decoder ? "" : `${chosen.name} has no corners; these are those of ${encoder.name}. `;
  return `${others}Channel ${c}. On the left is the map of ${encoder.name}, in windows of 2 x 2. The largest value of each goes down, and two bits remember in which ` +
    `corner it was (framed; of equals, the first, with a dashed frame). On the right is the map that ${decoder.name} takes. ${goes}`;
}

/** The two pieces of maps as a drawing, with an arrow for each window. */
function drawing({encoder, decoder, before, corners, after, c, top, left, side}) {
  const [H, W, C] = before.shape, rows = Math.min(side, H - top), columns = Math.min(side, W - left);
  const apart = side * CELL + (side === 8 ? 190 : 60), head = 22;
  const svg = svgElement("svg", {viewBox: `-2 0 ${apart + side * CELL + 4} ${head + rows * CELL + 4}`, role: "img"});
  svg.setAttribute("aria-label", `The corners of ${encoder.name}, channel ${c}, from row ${top}, column ${left}`);
  const texts = [];           // they come last, so that no arrow strikes them out
  const piece = (map) => [...Array(rows * columns).keys()].map((at) =>
    map.values[((top + Math.floor(at / columns)) * W + left + at % columns) * C + c]);
  for (const [map, x, word] of [[before, 0, `${encoder.name}, before pooling`], [after, apart, `into ${decoder.name}`]]) {
    const values = piece(map), most = largest(values);
    svg.append(svgElement("text", {x, y: 14, class: "word"}, side === 8 ? `${word}, from row ${top}, column ${left}` : word));
    values.forEach((value, at) => {
      const [px, py] = [x + at % columns * CELL, head + Math.floor(at / columns) * CELL];
      svg.append(svgElement("rect", {x: px, y: py, width: CELL, height: CELL, fill: `rgb(${colourOf(0.6 * value / most)})`}));
      const words = short(value).replace(/^(-?)0\./, "$1.");
      texts.push(svgElement("text", {x: px + CELL / 2, y: py + CELL / 2, class: value ? "" : "zero"}, words));
    });
  }
  const chosen = [state.row >> encoder.level >> 1, state.column >> encoder.level >> 1];
  for (let r = top / 2; 2 * r < top + rows; r++) {
    for (let q = left / 2; 2 * q < left + columns; q++) {
      const values = [0, 1, 2, 3].map((k) => before.values[((2 * r + (k >> 1)) * W + 2 * q + (k & 1)) * C + c]);
      const equal = values.every((value) => value === values[0]), here = r === chosen[0] && q === chosen[1];
      drawWindow({svg, corners, c, top, left, head, apart, r, q, equal, here, rows, columns});
    }
  }
  svg.append(...texts);
  for (let r = top / 2; 2 * r < top + rows; r++) {
    for (let q = left / 2; 2 * q < left + columns; q++) {
      const pick = svgElement("rect", {x: (2 * q - left) * CELL, y: head + (2 * r - top) * CELL, width: 2 * CELL, height: 2 * CELL, class: "pick"});
      pick.onclick = () => change({row: 2 * r << encoder.level, column: 2 * q << encoder.level});
      svg.append(pick);
    }
  }
  return svg;
}

/** One window of both pieces: its frame, the frame of its maximum, and the arrows to where its value goes. */
function drawWindow({svg, corners, c, top, left, head, apart, r, q, equal, here, rows, columns}) {
  const [, w, C] = corners.shape, corner = corners.values[(r * w + q) * C + c], also = here ? " chosen" : "";
  const y = head + (2 * r - top) * CELL, x = (2 * q - left) * CELL;
  const height = Math.min(2, rows - (2 * r - top)) * CELL, width = Math.min(2, columns - (2 * q - left)) * CELL;
  const [dy, dx] = [(corner >> 1) * CELL, (corner & 1) * CELL];
  for (const start of [x, apart + x]) svg.append(svgElement("rect", {x: start, y, width, height, class: `block${also}`}));
  svg.append(svgElement("rect", {x: x + dx + 2, y: y + dy + 2, width: CELL - 4, height: CELL - 4, class: `winner${equal ? " tie" : ""}`}));
  const to = {corners: [corner], first: [0], replication: [0, 1, 2, 3], bilinear: [0, 1, 2, 3]}[state.way];
  for (const goal of to) {
    const [gy, gx] = [(goal >> 1) * CELL, (goal & 1) * CELL];
    if (gy >= height || gx >= width) continue;
    if (state.way === "corners") svg.append(svgElement("rect", {x: apart + x + gx + 2, y: y + gy + 2, width: CELL - 4, height: CELL - 4, class: `winner${equal ? " tie" : ""}`}));
    const [x1, y1, x2, y2] = [x + dx + CELL, y + dy + CELL / 2, apart + x + gx + (state.way === "corners" ? 0 : CELL / 2), y + gy + CELL / 2];
    if (to.length === 1 || here) svg.append(svgElement("path", {d: `M${x1} ${y1} C${x1 + 90} ${y1} ${x2 - 90} ${y2} ${x2} ${y2}`, class: `arrow${also}`}));
  }
}

function svgElement(kind, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}
