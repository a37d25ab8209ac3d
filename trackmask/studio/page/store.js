/** The page's one state. Parts listen to the fields that they draw, and are called once a picture of the screen. */

/**
 * @template {object} State
 * @param {State} state
 */
export function makeStore(state) {
  /** @type {{fields: (keyof State)[], draw: (state: State, changed: Set<keyof State>) => void}[]} */
  const listeners = [];
  /** @type {Set<keyof State>} */
  let changed = new Set();

  const tell = () => {
    const now = changed;
    changed = new Set();
    for (const { fields, draw } of listeners) if (fields.some(field => now.has(field))) draw(state, now);
  };

  return {
    state,

    /** Set fields; those who listen to one that is another value now are told with the next picture of the screen.
     * @param {Partial<State>} fields */
    change(fields) {
      const before = changed.size;
      for (const [field, value] of Object.entries(fields)) {
        if (state[field] === value) continue;
        state[field] = value;
        changed.add(field);
      }
      // A hidden page gets no pictures: it catches up when it is seen again.
      if (!before && changed.size) requestAnimationFrame(tell);
    },

    /** Call `draw` now, and whenever one of the fields has changed.
     * @param {(keyof State)[]} fields */
    listen(fields, draw) {
      listeners.push({ fields, draw });
      draw(state, new Set(fields));
    },
  };
}
