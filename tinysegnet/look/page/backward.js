"use strict";
// The gradient of a score with respect to the photograph, and the receptive field.

async function showBackward(seen) {
  const [photograph, scores] = await Promise.all([seen.array("photograph"), seen.array("probabilities")]);
  const one = shownClass(seen), label = one >= 0 ? one : labelAt(scores, state.row, state.column);
  const found = await source.gradient(state.image, state.way, state.row, state.column, label);
  return () => {
    byId("gradient").hidden = !found;
    byId("backward-title").textContent = "What that pixel looked at";
    if (!found) {
      byId("gradient-words").textContent = "It has been computed beforehand only for values that go into their corner: switch back to see it.";
      return;
    }
    const [H, W] = found.shape, scale = Math.max(1, Math.floor(480 / W)), picture = new ImageData(W, H), most = largest(found.values);
    for (let i = 0; i < H * W; i++) {
      const [r, g, b] = photograph.values.slice(3 * i, 3 * i + 3), grey = 0.25 * (0.3 * r + 0.59 * g + 0.11 * b);
      const [red, green, blue] = colourOf(Math.sqrt(found.values[i] / most));     // the root, as most of it is faint
      picture.data.set([grey + red, grey + green, grey + blue, 255], 4 * i);
    }
    const context = draw(byId("gradient"), picture, scale), [top, left, bottom, right] = found.field;
    mark(context, found.field, scale, "#9fd0ff");
    mark(context, [found.row, found.column, found.row + 1, found.column + 1], scale);
    const exactly = found.row === state.row && found.column === state.column;
    if (!exactly) byId("backward-title").textContent = "What a pixel nearby looked at";
    byId("gradient-words").replaceChildren(
      exactly ? "How" : "The nearest pixel for which this was computed beforehand: how",
      ` much the score of ${seen.classes[found.label]} at row ${found.row}, column ${found.column} changes with each pixel of `,
      `the normalised photograph, |d score / d input|, by the backward pass. Half of it is in ${half(found.values)} of ${H * W} pixels. `,
      bottom - top === H && right - left === W ? "It can depend on all of the picture: its receptive field is no smaller."
        : `In the blue frame, ${bottom - top} x ${right - left}, are all that it can depend on: its receptive field.`,
      seen.normalisation === "standardised" ? " (And on the mean and the deviation of the whole picture, to which its colours are brought first.)" : "",
    );
  };
}

/** How many of the values, the largest first, have half of the sum. */
function half(values) {
  const sorted = [...values].sort((a, b) => b - a);
  let left = sorted.reduce((sum, value) => sum + value, 0) / 2, count = 0;
  while (left > 0) left -= sorted[count++];
  return count;
}
