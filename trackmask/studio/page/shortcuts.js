/** Which key does what, by the headings of the dialog behind '?'. */

const NINE = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const STYLES = ["fill", "outline", "cutout", "none"];

/** @returns {Record<string, import("./keys.js").Key[]>} @param {object} parts of the page, as main.js made them */
export function shortcuts({
  store,
  player,
  gestures,
  timeline,
  objects,
  tracking,
  review,
  transport,
  tools,
  undo,
  redo,
  save,
  exports,
  imports,
  help,
}) {
  const { state, change } = store;
  const chosen = act => () => state.chosen !== null && act(state.chosen);
  const tool = name => () => change({ tool: name });
  const focus = id => () => document.getElementById(id).focus();
  return {
    Frames: [
      { does: "Play, pause", keys: [" "], press: player.toggle },
      {
        does: "A frame back, on",
        keys: ["ArrowLeft", "ArrowRight"],
        press: [() => player.step(-1), () => player.step(1)],
      },
      {
        does: "Ten frames back, on",
        keys: ["Shift+ArrowLeft", "Shift+ArrowRight"],
        press: [() => player.step(-10), () => player.step(10)],
      },
      {
        does: "First, last frame",
        keys: ["Home", "End"],
        press: [() => player.step(-Infinity), () => player.step(Infinity)],
      },
      { does: "Play backward; again: faster", keys: ["j"], press: () => player.shuttle(-1) },
      { does: "Stand still", keys: ["k"], press: player.pause },
      { does: "Play forward; again: faster", keys: ["l"], press: () => player.shuttle(1) },
      { does: "Place to review before, next", keys: ["p", "n"], press: [() => review.step(-1), () => review.step(1)] },
      { does: "Type a frame, a time", keys: ["f", "d"], press: [focus("frame-field"), focus("time-field")] },
    ],
    Tools: [
      { does: "Click or box", keys: ["v"], press: tool("point") },
      { does: "Brush", keys: ["b"], press: tool("brush") },
      { does: "Eraser", keys: ["e"], press: tool("eraser") },
      { does: "Lasso", keys: ["g"], press: tool("lasso") },
      { does: "Hand", keys: ["q"], press: tool("hand") },
      { does: "Smaller, larger brush", keys: ["[", "]"], press: [() => tools.grow(1 / 1.2), () => tools.grow(1.2)] },
    ],
    "Say what is right": [
      { does: "On the object", shown: ["Click"] },
      { does: "Beside the object", shown: ["Right click", "Alt click"] },
      { does: "A box around it", shown: ["Drag"] },
      { does: "Choose the object under the pointer", shown: ["Shift click"] },
      { does: "Not here: gone or hidden", keys: ["x"], press: chosen(objects.absent) },
      { does: "Take back what was said in this frame", keys: ["c"], press: chosen(objects.clear) },
      { does: "Undo", keys: ["Ctrl+z"], press: undo },
      { does: "Redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], press: redo },
      {
        does: "In the frame: a cross; move; click, draw",
        keys: ["Enter"],
        press: gestures.cross,
        shown: ["Enter", "Arrows", "Enter"],
      },
      { does: "With the cross: beside it; a box", shown: ["Alt Enter", "R"] },
    ],
    Track: [
      { does: "Track", keys: ["t"], press: tracking.start },
      {
        does: "Stop; give up what is being drawn",
        keys: ["Escape"],
        press: () => gestures.cancel() || tracking.stop(),
      },
    ],
    Objects: [
      { does: "New object", keys: ["o"], press: objects.fresh },
      {
        does: "Object above, below",
        keys: ["ArrowUp", "ArrowDown"],
        press: [() => objects.next(-1), () => objects.next(1)],
      },
      {
        does: "One of the first nine",
        keys: NINE.map(String),
        press: NINE.map(place => () => objects.pick(place)),
        shown: ["1", "…", "9"],
      },
      { does: "Rename", keys: ["F2"], press: chosen(objects.rename) },
      { does: "Hide, show", keys: ["h"], press: chosen(objects.hide) },
      { does: "Show alone", keys: ["s"], press: chosen(objects.solo) },
      { does: "Delete", keys: ["Delete", "Backspace"], press: chosen(objects.remove) },
    ],
    Files: [
      { does: "Save (done after each tracking)", keys: ["Ctrl+s"], press: save },
      { does: "Export, import", keys: ["Ctrl+e", "Ctrl+i"], press: [exports, imports] },
    ],
    View: [
      {
        does: "Masks: fill, outline, cutout, none",
        keys: ["m"],
        press: () => change({ style: STYLES[(STYLES.indexOf(state.style) + 1) % STYLES.length] }),
      },
      {
        does: "Zoom out, in",
        keys: ["-", "+", "="],
        press: [() => gestures.zoom(-1), () => gestures.zoom(1), () => gestures.zoom(1)],
        shown: ["−", "+", "Wheel"],
      },
      { does: "Fit; the object large", keys: ["0", "z"], press: [transport.fit, transport.near] },
      { does: "Move the picture", shown: ["Middle drag"] },
      {
        does: "Zoom the timeline in, out",
        keys: ["Alt+ArrowUp", "Alt+ArrowDown"],
        press: [() => timeline.zoom(1), () => timeline.zoom(-1)],
      },
      { does: "This list", keys: ["?"], press: help, anywhere: true },
    ],
  };
}
