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
    byId("corners-words").textContent = cornersInWords(encoder, decoder, c, chosen, seen.layers.indexOf(decoder) === seen.layers.indexOf(encoder) + 1);
    byId("corners-drawing").replaceChildren(drawing({encoder, decoder, before, corners, after, c, top, left, side}));
  };
}

function cornersInWords(encoder, decoder, c, chosen, turns) {
  const value = turns ? "Here, at the turn, it is the same value that goes up again" : "The value that comes up from the level below is another one";
  const goes = {
    corners: `${value}: it is put into that corner, with zeros in the other three cells. ` +
      "So an edge stays where the encoder saw it, to the pixel: that is how SegNet keeps edges sharp.",
    replication: "Now nobody asks for the corner: the value that comes up from the level below goes to all four cells, a quarter to each, so that their sum is as before. Where in the window the edge was, is lost.",
    bilinear: "Now nobody asks for the corner: a cell has the mean of the values around it that come up from the level below, divided by four, so that their sum is about as before. Edges become slopes.",
    first: "Now nobody asks for the corner: the value that comes up from the level below always goes into the first cell, up to a pixel beside where the edge was.",
  }[state.way] + (state.way === "corners" ? "" : " And so at every level.");
  const others = chosen === encoder || chosen === decoder ? "" : `${chosen.name} has no corners; these are those of ${encoder.name}. `;
  return `${others}Channel ${c}. On the left is the map of ${encoder.name}, in windows of 2 x 2. The largest value of each goes down, and two bits remember in which ` +
    `corner it was (framed; of equals, the first, with a dashed frame${source.live ? "" : "; here numbers are rounded, and others may look equal"}). On the right is the map that ${decoder.name} takes. ${goes}`;
}

/** The two pieces of maps as a drawing, with an arrow for the chosen window. */
function drawing({encoder, decoder, before, corners, after, c, top, left, side}) {
  const [H, W, C] = before.shape, rows = Math.min(side, H - top), columns = Math.min(side, W - left);
  const apart = side * CELL + (side === 8 ? 190 : 60), head = 22;
  const svg = svgElement("svg", {viewBox: `-2 0 ${apart + side * CELL + 4} ${head + rows * CELL + 4}`, role: "img"});
  svg.setAttribute("aria-label", `The corners of ${encoder.name}, channel ${c}, from row ${top}, column ${left}`);
  const texts = [], last = [];            // what is drawn over the cells: first the numbers, then what belongs to the chosen window
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
      const [, w] = corners.shape, corner = corners.values[(r * w + q) * C + c], here = r === chosen[0] && q === chosen[1];
      const tie = isFirstOfEquals(before, c, r, q, corner);
      drawWindow({svg, corner, top, left, head, apart, r, q, tie, here, rows, columns, last});
    }
  }
  svg.append(...texts, ...last);
  for (let r = top / 2; 2 * r < top + rows; r++) {
    for (let q = left / 2; 2 * q < left + columns; q++) {
      const pick = svgElement("rect", {x: (2 * q - left) * CELL, y: head + (2 * r - top) * CELL, width: 2 * CELL, height: 2 * CELL, class: "pick"});
      pick.onclick = () => change({row: 2 * r << encoder.level, column: 2 * q << encoder.level});
      svg.append(pick);
    }
  }
  return svg;
}

/** Whether the corner of a window is the first of several with its largest value. At an odd edge it has fewer than four.
 * Of numbers that are rounded only zeros are known to be equal. */
function isFirstOfEquals({shape: [H, W, C], values}, c, r, q, corner) {
  const cells = [0, 1, 2, 3].filter((k) => 2 * r + (k >> 1) < H && 2 * q + (k & 1) < W);
  const valueOf = (k) => values[((2 * r + (k >> 1)) * W + 2 * q + (k & 1)) * C + c], most = Math.max(...cells.map(valueOf));
  const equal = cells.filter((k) => valueOf(k) === most);
  return equal.length > 1 && equal[0] === corner && (source.live || most === 0);
}

/** One window of both pieces: its frame, the frame of its maximum, and the arrows to where its value goes. */
function drawWindow({svg, corner, top, left, head, apart, r, q, tie, here, rows, columns, last}) {
  const y = head + (2 * r - top) * CELL, x = (2 * q - left) * CELL;
  const height = Math.min(2, rows - (2 * r - top)) * CELL, width = Math.min(2, columns - (2 * q - left)) * CELL;
  const [dy, dx] = [(corner >> 1) * CELL, (corner & 1) * CELL];
  for (const start of [x, apart + x]) {
    svg.append(svgElement("rect", {x: start, y, width, height, class: "block"}));
    if (here) last.push(svgElement("rect", {x: start, y, width, height, class: "block chosen"}));
  }
  svg.append(svgElement("rect", {x: x + dx + 2, y: y + dy + 2, width: CELL - 4, height: CELL - 4, class: `winner${tie ? " tie" : ""}`}));
  if (state.way !== "corners") return;
  svg.append(svgElement("rect", {x: apart + x + dx + 2, y: y + dy + 2, width: CELL - 4, height: CELL - 4, class: `winner${tie ? " tie" : ""}`}));
  if (!here) return;
  const [x1, y1, x2, y2] = [x + dx + CELL - 2, y + dy + 6, apart + x + dx - 1, y + dy + 6];
  last.push(
    svgElement("path", {d: `M${x1} ${y1} C${x1 + 80} ${y1 - 70} ${x2 - 80} ${y2 - 70} ${x2} ${y2}`, class: "arrow"}),
    svgElement("path", {d: `M${x2 + 2} ${y2 + 2} l-11 -2 l7 -9 z`, class: "head"}),
  );
}

function svgElement(kind, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}
