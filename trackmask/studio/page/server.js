/** All that the page says to the server, and hears from it. What the answers hold: docs/studio-protocol.md. */

/** What went wrong, as a sentence for people. `status` is 0 where nobody answered. */
export class Refused extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The studio does not answer.", 0);
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let sentence = text;
  try {
    sentence = JSON.parse(text).error ?? text;
  } catch {
    // A plain sentence then.
  }
  throw new Refused(sentence.slice(0, 500) || `The studio answered with ${answer.status}.`, answer.status);
}

const json = async answer => (answer.status === 204 ? null : answer.json());

/** @param {string} path @returns {Promise<any>} */
export const get = async path => json(await ask(path));

/** @param {string} path @param {object | Blob} body @returns {Promise<any>} */
async function post(path, body = {}) {
  const bytes = body instanceof Blob;
  const type = bytes ? "application/octet-stream" : "application/json";
  return json(
    await ask(path, { method: "POST", headers: { "Content-Type": type }, body: bytes ? body : JSON.stringify(body) }),
  );
}

/** The pictures, masks and acts of one clip. @param {string} id */
export function clipAt(id) {
  const root = `/api/clips/${encodeURIComponent(id)}`;
  return {
    id,
    sound: `${root}/sound`,
    state: () => get(root),

    /** @param {string} act @param {object} body @returns {Promise<any>} the clip's new state */
    act: (act, body) => post(`${root}/${act}`, body),

    /** @param {string} format @param {boolean} absent whether what the file does not show is not here @param {File} file */
    import: (format, absent, file) =>
      post(`${root}/import?${new URLSearchParams({ format, absent: absent ? 1 : 0, name: file.name })}`, file),

    /** @returns {Promise<Float64Array>} seconds, one a frame */
    times: async () => new Float64Array(await (await ask(`${root}/times`)).arrayBuffer()),

    /** @param {number} object @returns {Promise<{first: number, states: string, confidence: (number | null)[]}>} */
    timeline: object => get(`${root}/timeline?object=${object}`),

    /**
     * @param {number} frame
     * @param {{width?: number, still?: boolean, ahead?: boolean}} how `still`: people rest here, the server makes itself
     *   ready for clicks; `ahead`: it reads on, for playing
     * @returns {Promise<ImageBitmap>}
     */
    async picture(frame, { width, still = false, ahead = false }) {
      const asked = new URLSearchParams();
      if (width) asked.set("width", width);
      if (still) asked.set("still", 1);
      if (ahead) asked.set("ahead", 1);
      // From the browser's own store the server would not hear that people rest here.
      const answer = await ask(`${root}/frames/${frame}?${asked}`, { cache: still ? "no-store" : "default" });
      return createImageBitmap(await answer.blob());
    },

    /**
     * The picture of a frame where it comes soon, else of one near it: for who drags along.
     * @param {number} frame @param {{width?: number}} how @returns {Promise<{frame: number, bitmap: ImageBitmap}>}
     */
    async near(frame, { width }) {
      const asked = new URLSearchParams({ near: 1 });
      if (width) asked.set("width", width);
      const answer = await ask(`${root}/frames/${frame}?${asked}`);
      return { frame: Number(answer.headers.get("Frame")), bitmap: await createImageBitmap(await answer.blob()) };
    },

    /** @param {number} frame @param {number} version @returns {Promise<import("./masks.js").Labels>} */
    async masks(frame, version) {
      const answer = await ask(`${root}/masks/${frame}?v=${version}`);
      // As stored: a colour profile must not touch ids.
      const image = await createImageBitmap(await answer.blob(), {
        colorSpaceConversion: "none",
        premultiplyAlpha: "none",
      });
      const { width, height } = image;
      const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      image.close();
      const rgba = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
      return { ids: new Uint8Array(rgba), width, height }; // the lowest byte is red, and the picture is grey
    },
  };
}

/**
 * The server's events, for as long as the page is open; a lost connection is taken up again.
 * @param {Record<string, (data: any) => void>} on by the events' names; `open` and `lost` tell of the connection
 */
export function listen(on) {
  const { open, lost, ...named } = on;
  const AGAIN = 1000; // milliseconds
  const connect = () => {
    const source = new EventSource("/api/events");
    source.addEventListener("open", () => open());
    for (const [name, tell] of Object.entries(named))
      source.addEventListener(name, event => tell(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      // The browser's own attempts end for good with the first answer that is no stream of events.
      source.close();
      lost();
      setTimeout(connect, AGAIN);
    });
  };
  connect();
}
