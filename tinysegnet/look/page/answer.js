"use strict";
// The photograph, and beside it the answer: all classes, one class, or how sure the network is.

async function showAnswer(seen) {
  const [photograph, scores, truth] = await Promise.all(["photograph", "probabilities", ...(seen.truth ? ["truth"] : [])].map(seen.array));
  const [H, W, K] = scores.shape, scale = Math.max(1, Math.floor(480 / W)), most = new Float32Array(H * W);
  const labels = new Uint8Array(H * W);
  for (let i = 0; i < H * W; i++) {
    for (let k = 0; k < K; k++) if (scores.values[i * K + k] > most[i]) [most[i], labels[i]] = [scores.values[i * K + k], k];
  }
  return () => {
    const pixel = [state.row, state.column, state.row + 1, state.column + 1];
    const colours = new ImageData(W, H), asItIs = new ImageData(W, H), one = shownClass(seen);
    for (let i = 0; i < H * W; i++) {
      const rgb = photograph.values.slice(3 * i, 3 * i + 3);
      asItIs.data.set([...rgb, 255], 4 * i);
      const share = one >= 0 ? scores.values[i * K + one] : most[i];
      const label = {classes: labels[i], truth: truth?.values[i]}[state.show];
      const shown = label === undefined ? colourOf(share) : seen.palette[label] ?? [0, 0, 0];
      colours.data.set([...shown, 255], 4 * i);
    }
    mark(draw(byId("photograph"), asItIs, scale), pixel, scale);
    mark(draw(byId("classes"), colours, scale), pixel, scale);
    const words = {
      classes: `The most probable class of each pixel.${truth ? ` ${right(labels, truth.values, K)} % of them are right.` : ""}`,
      confidence: "How probable that class is, by the network's own word: from black, 0, to white, 1.",
      truth: "What is drawn in truth. Black does not count.",
    };
    byId("classes-words").textContent = one < 0 ? words[state.show] : `How probable ${seen.classes[one]} is: from black, 0, to white, 1.`;
    legend(seen);
    const read = (row, column) => { byId("reading").textContent = readingOf(seen, scores, row, column); };
    read(state.row, state.column);
    for (const canvas of [byId("photograph"), byId("classes")]) {
      canvas.onmousemove = (event) => { const {row, column} = pixelAt(event, canvas, seen.size); read(row, column); };
      canvas.onmouseleave = () => read(state.row, state.column);
    }
  };
}

/** How many % of the labels are the true ones; a truth that is none of the K classes does not count. */
function right(labels, truth, K) {
  let [counted, same] = [0, 0];
  truth.forEach((label, i) => {
    if (label < K) [counted, same] = [counted + 1, same + (labels[i] === label)];
  });
  return Math.round(100 * same / counted);
}

/** The number of the class that is shown alone, or -1. */
function shownClass(seen) {
  return seen.classes.indexOf(state.show);
}

function legend(seen) {
  const others = [["classes", "all classes"], ["confidence", "how sure"], ...(seen.truth ? [["truth", "the truth"]] : [])];
  const choices = [...others, ...seen.classes.map((name) => [name, name])];
  byId("legend").replaceChildren(...choices.map(([show, words], i) => {
    const button = make("button", {type: "button", onclick: () => change({show})});
    const colour = seen.palette[i - others.length];
    if (colour) button.append(make("span", {className: "swatch", style: `background: rgb(${colour})`}));
    button.append(words);
    button.setAttribute("aria-pressed", state.show === show);
    return button;
  }));
}

/** In words, what the network thinks of a pixel. */
function readingOf(seen, scores, row, column) {
  const [, W, K] = scores.shape, start = (row * W + column) * K;
  const order = seen.classes.map((name, k) => [scores.values[start + k], name]).sort((a, b) => b[0] - a[0]);
  const parts = order.slice(0, 3).filter(([share]) => share >= 0.005).map(([share, name]) => `${name} ${Math.round(100 * share)} %`);
  return `Row ${row}, column ${column}: ${parts.join(", ")}.`;
}

/** The most probable class of a pixel. */
function labelAt(scores, row, column) {
  const [, W, K] = scores.shape, values = [...scores.values.slice((row * W + column) * K, (row * W + column + 1) * K)];
  return values.indexOf(Math.max(...values));
}
