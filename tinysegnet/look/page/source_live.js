"use strict";
// Where the page has its arrays from: here, the program that serves it.

const source = {
  live: true,
  kept: new Map(),

  /** The result of `ask` for that key, asked for once. Those not asked for in the longest time go, as maps are large. */
  once(key, ask) {
    if (!this.kept.has(key)) {
      const result = ask();
      this.kept.set(key, result);
      result.catch(() => this.kept.delete(key));
      if (this.kept.size > 60) this.kept.delete(this.kept.keys().next().value);
    }
    const result = this.kept.get(key);
    this.kept.delete(key);
    this.kept.set(key, result);
    return result;
  },

  async answer(address, options) {
    let response;
    try {
      response = await fetch(address, options);
    } catch {
      throw new Error("The program does not answer: start it again, and load this page again.");
    }
    if (!response.ok) throw new Error(await response.text());
    return response;
  },

  images() {
    return this.once("images", async () => (await this.answer("images")).json());
  },

  /** What the network computes in an image: what the layers are, and array(name), which has the maps. */
  seen(image, way) {
    return this.once(`${image} ${way}`, async () => {
      const seen = await (await this.answer(`seen/${image}?way=${way}`)).json();
      const bottom = seen.layers.findLastIndex(({pool}) => pool !== null), before = seen.layers.slice(0, bottom + 1);
      const alike = (name) => /(^photograph|^corners.*|\.[wb])$/.test(name) || before.some((layer) => name.startsWith(`${layer.name}.`));
      seen.array = (name) => this.array(image, way, name, alike(name) ? "" : way);
      return seen;
    });
  },

  /** A map of one way up; what is alike in all is asked for once, and kept as that of the way "". */
  array(image, way, name, keptAs) {
    return this.once(`${image} ${keptAs} ${name}`, async () => {
      const response = await this.answer(`arrays/${image}/${name}?way=${way}`);
      return arrayIn(await response.arrayBuffer(), response.headers.get("X-Array"));
    });
  },

  gradient(image, way, row, column, label) {
    return this.once(`${image} ${way} ${row} ${column} ${label}`, async () => {
      const response = await this.answer(`gradients/${image}?way=${way}&row=${row}&column=${column}&label=${label}`);
      const field = response.headers.get("X-Field").split(",").map(Number);
      return {row, column, label, field, ...arrayIn(await response.arrayBuffer(), response.headers.get("X-Array"))};
    });
  },

  async upload(file) {
    const response = await this.answer("photographs", {method: "POST", body: file});
    this.kept.delete("images");
    return response.json();
  },
};

/** about: "float32 180,240,64" */
function arrayIn(buffer, about) {
  const [kind, shape] = about.split(" ");
  return {shape: shape.split(",").map(Number), values: new {float32: Float32Array, uint8: Uint8Array}[kind](buffer)};
}
