"use strict";
// Maps as arrays {shape: [H, W, C], values}, and how they are drawn.

/** The values of one channel of a map, row by row. */
function channelOf({shape: [H, W, C], values}, channel) {
  const result = new Float32Array(H * W);
  for (let i = 0; i < result.length; i++) result[i] = values[i * C + channel];
  return {shape: [H, W], values: result};
}

/** make(of), made once and remembered in `made`, a WeakMap. */
function once(made, of, make) {
  if (!made.has(of)) made.set(of, make(of));
  return made.get(of);
}

const rectifiedMaps = new WeakMap();

function rectified(map) {
  return once(rectifiedMaps, map, ({shape, values}) => ({shape, values: values.map((value) => Math.max(value, 0))}));
}

/** The largest absolute value, and not 0, so that one can divide by it. */
function largest(values) {
  let most = 1e-12;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** The colour of a value from -1 to 1: black is 0, what is above goes by orange to white, what is below by blue. */
function colourOf(value) {
  const size = Math.min(Math.abs(value), 1), rising = (begin, end) => Math.min(Math.max((size - begin) / (end - begin), 0), 1);
  const [first, second, third] = [rising(0, 0.6), rising(0.15, 0.85), rising(0.5, 1.1)].map((part) => Math.round(255 * part));
  return value >= 0 ? [first, second, third] : [third, second, first];
}

// The same as numbers, as a picture has them, of values from -255 to 255.
const COLOURS = new Uint32Array(new Uint8Array([...Array(511).keys()].flatMap((i) => [...colourOf((i - 255) / 255), 255])).buffer);

/** A picture of the map {shape: [H, W], values}, for putImageData; most: the value that is brightest. */
function pictureOf({shape: [H, W], values}, most = largest(values)) {
  const picture = new ImageData(W, H), pixels = new Uint32Array(picture.data.buffer);
  for (let i = 0; i < H * W; i++) pixels[i] = COLOURS[255 + Math.round(255 * Math.max(-1, Math.min(1, values[i] / most)))];
  return picture;
}

/** Draw a picture onto a canvas, which gets its size, times `scale`. */
function draw(canvas, picture, scale = 1) {
  canvas.width = picture.width * scale;
  canvas.height = picture.height * scale;
  const context = canvas.getContext("2d"), small = new OffscreenCanvas(picture.width, picture.height);
  small.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context;
}

/** Mark a pixel, or a rectangle of pixels, of a picture that was drawn at `scale`. */
function mark(context, [top, left, bottom, right], scale, colour = "#ffb066") {
  context.lineWidth = 2;
  for (const [style, off] of [["#000", 1], [colour, 0]]) {
    context.strokeStyle = style;
    context.strokeRect(left * scale - 1 - off, top * scale - 1 - off, (right - left) * scale + 2 + 2 * off, (bottom - top) * scale + 2 + 2 * off);
  }
}

/** A number in about four characters; in three, if it was rounded to 7 bits. */
function short(value) {
  const digits = source.live ? 3 : 2, size = Math.abs(value);
  if (size < 0.5 * 10 ** -digits) return value ? "~0" : "0";
  return value.toFixed(Math.max(0, size < 1 ? digits : digits - Math.ceil(Math.log10(size + 1e-9))));
}

/** An element with attributes and children: make("p", {className: "quiet"}, "words", another). */
function make(kind, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(kind), attributes);
  element.append(...children);
  return element;
}
