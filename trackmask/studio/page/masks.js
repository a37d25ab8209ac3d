/** Masks as the screen shows them: labels (the objects' ids, a byte a pixel of the clip) painted in the objects' colours,
 * pixel by pixel of the screen, so that contours are thin and sharp however far people zoom. */

const TINT = 0.5; // of the colour in a filled mask: the object under it can still be judged
const INNER = { fill: 255 * TINT, outline: 0, cutout: 255 }; // of 255: how much a mask covers, by how it is shown
const EDGE = 1.5; // CSS pixels: the contour in the object's colour, within the mask
const RIM = { chosen: 3, other: 1 }; // CSS pixels: light or dark around it, so that it is seen on every picture
const RIM_ALPHA = 217; // of 255: the picture shows through it a little
const BRIGHT = 140; // of 255: the luma of colours from which on their rim is dark

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
  return { left, top, right, bottom };
}

/**
 * The labels as they lie on the screen, where the frame is seen.
 * @param {Labels} labels
 * @param {{x: number, y: number, across: number, down: number, width: number, height: number}} view the frame's left
 *   and top edge, a pixel of the clip, and the canvas; all in device pixels
 * @param {(id: number) => boolean} isShown
 * @returns {Labels & {x: number, y: number}} x and y: of its first pixel on the canvas
 */
function onScreen({ ids, width, height }, view, isShown) {
  const [x, y] = [Math.max(0, Math.round(view.x)), Math.max(0, Math.round(view.y))];
  const wide = Math.max(0, Math.min(view.width, Math.round(view.x + width * view.across)) - x);
  const high = Math.max(0, Math.min(view.height, Math.round(view.y + height * view.down)) - y);
  const place = (at, edge, size, most) => Math.min(Math.max(Math.floor((at + 0.5 - edge) / size), 0), most - 1);
  const columns = Int32Array.from({ length: wide }, (_, k) => place(x + k, view.x, view.across, width));
  const shown = Uint8Array.from({ length: 256 }, (_, id) => (id && isShown(id) ? id : 0));
  const seen = new Uint8Array(wide * high);
  let before = -1;
  for (let k = 0; k < high; k++) {
    const row = place(y + k, view.y, view.down, height);
    if (row === before) seen.copyWithin(k * wide, (k - 1) * wide, k * wide);
    else for (let at = k * wide, c = 0; c < wide; c++, at++) seen[at] = shown[ids[row * width + columns[c]]];
    before = row;
  }
  return { ids: seen, width: wide, height: high, x, y };
}

/** As the bytes lie in an ImageData on every machine that browsers run on: the red one lowest. */
const packed = ([r, g, b], alpha) => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
/** Luma as in BT.601. */
const rimOf = ([r, g, b]) => packed(0.3 * r + 0.59 * g + 0.11 * b < BRIGHT ? [255, 255, 255] : [0, 0, 0], RIM_ALPHA);

/**
 * Paint the masks that are seen; null where there are none.
 * @param {Labels} labels
 * @param {"fill" | "outline" | "cutout"} style "cutout" is the bare shape, opaque
 * @param {object} view as onScreen takes it
 * @param {{palette: number[][], isShown: (id: number) => boolean, chosen: number | null, ratio: number}} how `palette`:
 *   256 colours, [r, g, b]; `ratio`: device pixels a CSS pixel
 * @returns {{canvas: OffscreenCanvas, x: number, y: number} | null} the picture, and where on the canvas it lies
 */
export function painted(labels, style, view, { palette, isShown, chosen, ratio }) {
  const seen = onScreen(labels, view, isShown);
  const box = bounds(seen);
  if (!box) return null;
  const room = grown(box, Math.ceil(RIM.chosen * ratio), seen);
  const image = new ImageData(room.right - room.left + 1, room.bottom - room.top + 1);
  const sheet = { pixels: new Uint32Array(image.data.buffer), width: image.width, box, room };
  const inner = Uint32Array.from(palette, colour => packed(colour, INNER[style]));
  if (style === "cutout") paintShapes(seen, sheet, inner, inner, 0);
  else {
    const contour = Uint32Array.from(palette, colour => packed(colour, 255));
    paintShapes(seen, sheet, inner, contour, Math.round(EDGE * ratio));
    const radius = id => Math.round((id === chosen ? RIM.chosen : RIM.other) * ratio);
    paintRims(seen, sheet, Uint32Array.from(palette, rimOf), radius);
  }
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return { canvas, x: seen.x + room.left, y: seen.y + room.top };
}

/** A rectangle with so many more pixels on all sides, within a picture. */
const grown = ({ left, top, right, bottom }, by, { width, height }) => ({
  left: Math.max(0, left - by),
  top: Math.max(0, top - by),
  right: Math.min(width - 1, right + by),
  bottom: Math.min(height - 1, bottom + by),
});

/** Masks and, so many pixels wide, their contours. The picture's own border is no contour. */
function paintShapes({ ids, width, height }, { pixels, width: wide, box, room }, inner, contour, edge) {
  for (let y = box.top; y <= box.bottom; y++) {
    const [up, down] = [Math.min(y, edge) * width, Math.min(height - 1 - y, edge) * width];
    let at = y * width + box.left,
      to = (y - room.top) * wide + box.left - room.left;
    for (let x = box.left; x <= box.right; x++, at++, to++) {
      const id = ids[at];
      if (!id) continue;
      const [left, right] = [Math.min(x, edge), Math.min(width - 1 - x, edge)];
      const within = ids[at - left] === id && ids[at + right] === id && ids[at - up] === id && ids[at + down] === id;
      pixels[to] = within ? inner[id] : contour[id];
    }
  }
}

/** The rim around masks, where nothing else is. @param {(id: number) => number} radius in pixels */
function paintRims({ ids, width, height }, { pixels, width: wide, box, room }, colours, radius) {
  function stamp(x, y, id) {
    const r = radius(id);
    for (let v = Math.max(y - r, room.top); v <= Math.min(y + r, room.bottom); v++)
      for (let u = Math.max(x - r, room.left); u <= Math.min(x + r, room.right); u++)
        if (!ids[v * width + u] && (u - x) ** 2 + (v - y) ** 2 <= r * r + 1)
          pixels[(v - room.top) * wide + u - room.left] = colours[id];
  }
  for (let y = box.top; y <= box.bottom; y++) {
    const [up, down] = [y ? width : 0, y < height - 1 ? width : 0];
    for (let x = box.left, at = y * width + box.left; x <= box.right; x++, at++) {
      const [left, right] = [x ? 1 : 0, x < width - 1 ? 1 : 0];
      const id = ids[at];
      if (id && !(ids[at - left] && ids[at + right] && ids[at - up] && ids[at + down])) stamp(x, y, id);
    }
  }
}
