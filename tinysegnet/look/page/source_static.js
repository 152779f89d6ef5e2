"use strict";
// Where the page has its arrays from: here, scripts beside it, one for each street and way up.

const source = {
  live: false,
  kept: new Map(),
  waiting: new Map(),

  async images() {
    return IMAGES;
  },

  /** The content of a script, which calls `arrived` with it. */
  content(name) {
    if (!this.kept.has(name)) {
      this.kept.set(name, new Promise((resolve, reject) => {
        this.waiting.set(name, resolve);
        const failed = () => {
          this.kept.delete(name);           // so that it is asked for once more
          reject(new Error(`${name}.js cannot be had, or is not whole: load this page again, or export it again.`));
        };
        document.head.append(make("script", {src: `${name}.js`, onerror: failed, onload: () => this.waiting.has(name) && failed()}));
      }));
    }
    return this.kept.get(name);
  },

  arrived(content) {
    this.waiting.get(content.name)(content);
    this.waiting.delete(content.name);
  },

  async seen(image, way) {
    const scripts = await Promise.all(["network", `${image}-corners`, `${image}-${way}`].map((name) => this.content(name)));
    const packed = Object.assign({}, ...scripts.map(({arrays}) => arrays)), array = (name) => this.once(packed[packed[name].same ?? name]);
    return {...scripts[2].about, array};
  },

  once(packed) {
    packed.unpacked ??= unpack(packed);
    return packed.unpacked;
  },

  /** That of the nearest pixel for which it was computed; null if for none. */
  async gradient(image, way, row, column) {
    const {gradients, about} = await this.content(`${image}-${way}`);
    if (!gradients.length) return null;
    const far = (one) => (one.row - row) ** 2 + (one.column - column) ** 2;
    const nearest = gradients.reduce((best, one) => far(one) < far(best) ? one : best);
    const [H, W] = about.size, [top, left, bottom, right] = nearest.field, inside = (await this.once(nearest)).values;
    const values = new Float32Array(H * W), width = right - left;
    for (let r = top; r < bottom; r++) values.set(inside.subarray((r - top) * width, (r - top + 1) * width), r * W + left);
    return {...nearest, shape: [H, W], values};
  },
};

/** The array that was packed by tinysegnet/look/static.py. */
async function unpack({shape, kind, scale, data}) {
  const packed = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer(), multiples = new {uint8: Uint8Array, int8: Int8Array, int16: Int16Array}[kind](buffer);
  const values = new Float32Array(multiples.length), C = scale.length, length = multiples.length / C;
  for (let c = 0; c < C; c++) {
    for (let i = 0; i < length; i++) {
      if (i) multiples[c * length + i] += multiples[c * length + i - 1];
      values[i * C + c] = scale[c] * multiples[c * length + i];
    }
  }
  return {shape, values};
}
