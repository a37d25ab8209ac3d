/** Masks as pictures: labels (the objects' ids, a byte a pixel) painted in the objects' colours. */

const TINT = 0.5; // of the colour in a filled mask: the object under it can still be judged

/**
 * @typedef {object} Labels the masks of one frame
 * @property {Uint8Array} ids row by row; 0 is background
 * @property {number} width
 * @property {number} height
 */

/** The smallest rectangle with all ids but 0, or null. @param {Labels} labels */
export function bounds({ ids, width, height }) {
  const full = row => {
    for (let at = row * width; at < (row + 1) * width; at++) if (ids[at]) return true;
    return false;
  };
  let top = 0,
    bottom = height - 1;
  while (top < height && !full(top)) top++;
  if (top === height) return null;
  while (!full(bottom)) bottom--;
  let left = width,
    right = -1;
  for (let y = top; y <= bottom; y++) {
    const row = y * width;
    let x = 0;
    while (x < left && !ids[row + x]) x++;
    left = Math.min(left, x);
    x = width - 1;
    while (x > right && !ids[row + x]) x--;
    right = Math.max(right, x);
  }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * @param {number[][]} palette 256 colours, [r, g, b]
 * @param {(id: number) => boolean} shown
 * @param {number} alpha 0 to 255
 */
function table(palette, shown, alpha) {
  // As the bytes lie in an ImageData on every machine that browsers run on: the red one lowest.
  return Uint32Array.from(palette, ([r, g, b], id) =>
    id && shown(id) ? ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0 : 0,
  );
}

/**
 * Paint masks into a canvas that covers only their bounds; nothing is painted where there are none.
 * @param {Labels} labels
 * @param {"fill" | "outline" | "cutout"} style "cutout" is the bare shape, opaque
 * @param {{palette: number[][], shown: (id: number) => boolean, line: number}} how `line`: the contour's width in
 *   the clip's pixels; it lies within the mask
 * @returns {{canvas: OffscreenCanvas, x: number, y: number} | null}
 */
export function painted(labels, style, { palette, shown, line }) {
  const box = bounds(labels);
  if (!box) return null;
  const { ids, width, height } = labels;
  const inner = table(palette, shown, style === "fill" ? 255 * TINT : style === "cutout" ? 255 : 0);
  const edge = table(palette, shown, 255);
  const image = new ImageData(box.width, box.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0, at = 0; y < box.height; y++) {
    const fy = y + box.y;
    const up = Math.min(fy, line) * width,
      down = Math.min(height - 1 - fy, line) * width;
    for (let x = 0, place = fy * width + box.x; x < box.width; x++, at++, place++) {
      const id = ids[place];
      if (!id) continue;
      if (style === "cutout") {
        pixels[at] = inner[id];
        continue;
      }
      const fx = x + box.x;
      const left = place - Math.min(fx, line),
        right = place + Math.min(width - 1 - fx, line);
      // The frame's own border is no contour.
      const within = ids[left] === id && ids[right] === id && ids[place - up] === id && ids[place + down] === id;
      pixels[at] = within ? inner[id] : edge[id];
    }
  }
  const canvas = new OffscreenCanvas(box.width, box.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return { canvas, x: box.x, y: box.y };
}
