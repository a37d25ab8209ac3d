/** The frames' pictures and masks, fetched when they are wanted and kept within bounds. */

const KEPT = 48e6; // pixels of decoded pictures, 4 bytes each
const MASKS_KEPT = 96e6; // bytes
const LINGERS = 2000; // milliseconds that a picture stays after it was forgotten
const WIDTHS = [640, 960, 1280, 1920, 2560]; // a few sizes, so that a picture serves many zooms

/** The width to ask for when the frame is shown `wide` device pixels wide; undefined: the clip's own. */
export function widthFor(wide, clipWidth, most = Infinity) {
  const width = WIDTHS.find(width => width >= Math.min(wide, most)) ?? Infinity;
  return width < clipWidth ? width : undefined;
}

/** A Map that forgets what was used longest ago. @param {number} most the sum of sizes that it keeps */
function makeKept(most, forget = () => {}) {
  const items = new Map();
  let total = 0;
  const drop = key => {
    const item = items.get(key);
    if (!item) return;
    items.delete(key);
    total -= item.size;
    forget(item.value);
  };
  return {
    get(key) {
      const item = items.get(key);
      if (item) (items.delete(key), items.set(key, item));
      return item?.value;
    },
    set(key, value, size) {
      drop(key);
      items.set(key, { value, size });
      total += size;
      while (total > most && items.size > 1) drop(items.keys().next().value);
    },
  };
}

/**
 * @param {ReturnType<import("./server.js").clipAt>} clip
 * @param {(bitmap: ImageBitmap) => boolean} isSeen whether the stage shows it
 */
export function makePictures(clip, isSeen) {
  // A browser frees a picture's memory late unless it is told to; not at once: this one may just be on its way to the stage.
  const close = ({ bitmap }) => setTimeout(() => isSeen(bitmap) || bitmap.close(), LINGERS);
  const pictures = makeKept(KEPT, close);
  const masks = makeKept(MASKS_KEPT);
  const coming = new Map(); // what is on its way, so that nothing is asked for twice
  // Of the masks' versions only this page knows; from the clock, so that no visit before had the same.
  let version = Date.now();
  let allChanged = version;
  const changed = new Map(); // the version from which on a frame's masks are others

  const once = (key, start) => {
    if (!coming.has(key))
      coming.set(
        key,
        start().finally(() => coming.delete(key)),
      );
    return coming.get(key);
  };
  const since = frame => Math.max(allChanged, changed.get(frame) ?? 0);

  const keep = (frame, bitmap, width) => {
    if (!(pictures.get(frame)?.width > width)) pictures.set(frame, { bitmap, width }, bitmap.width * bitmap.height);
  };

  return {
    /** The picture of a frame if it is here, of whatever width. @returns {ImageBitmap | undefined} */
    ready: frame => pictures.get(frame)?.bitmap,

    /** @param {number} frame @param {{width?: number, still?: boolean, ahead?: boolean}} how as server.js has it
     * @returns {Promise<ImageBitmap>} */
    async picture(frame, how) {
      const width = how.width ?? Infinity;
      const known = pictures.get(frame);
      if (known && known.width >= width && !how.still) return known.bitmap;
      return once(`${frame} ${width} ${how.still}`, async () => {
        const bitmap = await clip.picture(frame, how);
        keep(frame, bitmap, width);
        return bitmap;
      });
    },

    /** A frame or, where that takes long, one near it. @returns {Promise<{frame: number, bitmap: ImageBitmap}>} */
    async near(frame, how) {
      const known = pictures.get(frame);
      if (known) return { frame, bitmap: known.bitmap };
      const found = await clip.near(frame, how);
      keep(found.frame, found.bitmap, how.width ?? Infinity);
      return found;
    },

    /** The masks of a frame if they are here and not out of date. */
    masksReady(frame) {
      const known = masks.get(frame);
      return known && known.version >= since(frame) ? known.labels : undefined;
    },

    /** @param {number} frame @returns {Promise<import("./masks.js").Labels>} */
    async masks(frame) {
      const known = this.masksReady(frame);
      if (known) return known;
      const asked = since(frame);
      const labels = await once(`masks ${frame} ${asked}`, () => clip.masks(frame, asked));
      if (!(masks.get(frame)?.version > asked)) masks.set(frame, { labels, version: asked }, labels.ids.length);
      return labels;
    },

    /** The masks of these frames have changed; without frames: those of all. @param {number[]} [frames] */
    outdate(frames) {
      version++;
      if (frames) for (const frame of frames) changed.set(frame, version);
      else {
        allChanged = version;
        changed.clear();
      }
    },
  };
}
