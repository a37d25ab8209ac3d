/** The row under the stage: playing, the frame and time as fields, how masks are shown, zoom. */

import { mountChoice } from "./dom.js";
import { bounds } from "./masks.js";
import { clock, parseClock } from "./times.js";
import { around, fitted } from "./viewport.js";

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 * @param {ReturnType<import("./player.js").makePlayer>} player
 * @param {(steps: number) => void} zoom
 */
export function mountTransport(store, session, player, zoom) {
  const { state, change } = store;
  const by = id => document.getElementById(id);
  const [frameField, timeField, speed] = ["frame-field", "time-field", "speed"].map(by);

  const presses = {
    first: () => player.step(-Infinity),
    back: () => player.step(-1),
    play: () => player.toggle(),
    on: () => player.step(1),
    last: () => player.step(Infinity),
    sound: () => player.mute(),
    "zoom-out": () => zoom(-1),
    "zoom-in": () => zoom(1),
    "zoom-fit": () => fit(),
  };
  for (const [id, press] of Object.entries(presses)) by(id).addEventListener("click", press);

  function look(viewport) {
    change({ viewport: { ...viewport, of: state.clip.clip } });
    session.sharpen();
  }
  const fit = () => look(fitted(state.clip, state.room));

  /** The chosen object large, where it has a mask here. */
  function near() {
    if (!state.shown) return;
    const { labels } = state.shown;
    const box = bounds({ ...labels, ids: labels.ids.map(id => (id === state.chosen ? 1 : 0)) });
    if (box) look(around(state.clip, state.room, box));
  }

  /**
   * A field whose value is gone to with Enter, or when it is left.
   * @param {string} example what is said of a value that cannot be gone to
   * @param {(text: string) => number | null} frameOf
   */
  function mountField(field, example, frameOf) {
    const says = sentence => {
      field.setCustomValidity(sentence);
      field.setAttribute("aria-invalid", sentence !== "");
    };
    /** @returns {boolean} whether there is such a frame */
    const go = () => {
      const frame = frameOf(field.value);
      says(frame === null ? example : "");
      if (frame === null) return false;
      change({ speed: 0, follow: false });
      session.go(frame);
      draw();
      return true;
    };
    field.addEventListener("focus", () => field.select());
    field.addEventListener("input", () => says(""));
    field.addEventListener("change", go);
    field.addEventListener("keydown", event => {
      if (event.key === "Enter" && go()) field.blur();
      else if (event.key === "Enter") field.reportValidity();
      if (event.key === "Escape") {
        field.value = ""; // nothing that could be gone to
        by("picture").focus();
      }
      event.stopPropagation();
    });
    field.addEventListener("blur", () => {
      says("");
      draw();
    });
  }
  const number = text => (/^\s*\d+\s*$/.test(text) ? Number(text) : null);
  mountField(frameField, "Type the number of a frame, such as 12.", number);
  mountField(timeField, "Type a time, such as 1:15.48, or seconds.", text => {
    const seconds = parseClock(text);
    return seconds === null ? null : session.frameAt(seconds);
  });

  function draw() {
    const { clip, frame } = state;
    if (!clip) return;
    if (document.activeElement !== frameField) frameField.value = String(frame);
    if (document.activeElement !== timeField) timeField.value = clock(session.timeOf(frame));
    by("frame-last").textContent = `of ${clip.counted ? "" : "≈"}${(clip.frames - 1).toLocaleString("en")}`;
  }

  store.listen(["clip", "frame", "times"], draw);
  store.listen(["speed", "sound", "clip"], () => {
    const playing = state.speed !== 0;
    by("play-icon").setAttribute("href", `#icon-${playing ? "pause" : "play"}`);
    by("play").title = playing ? "Pause (Space)" : "Play (Space)";
    by("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    speed.textContent = playing && state.speed !== 1 ? `${state.speed}×` : "";
    by("sound").hidden = !state.clip?.sound;
    by("sound").title = state.sound ? "Sound off" : "Sound on";
    by("sound").setAttribute("aria-pressed", state.sound);
    by("sound-icon").setAttribute("href", `#icon-${state.sound ? "sound" : "sound-off"}`);
  });
  store.listen(
    ["viewport"],
    () => (by("zoom-fit").textContent = `${Math.round(state.viewport.scale * devicePixelRatio * 100)} %`),
  );
  const showStyle = mountChoice(by("style"), style => change({ style }));
  store.listen(["style"], () => showStyle(state.style));
  return { fit, near };
}
