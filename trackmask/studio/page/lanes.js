/** The lanes of the timeline, one for each object: as many columns as the screen has, however many frames there are. */

import { STATES } from "./series.js";

// Sizes are CSS pixels.
export const LANE = 36; // high; as .lane in layout.css
const STRIP = 6; // the states' colours, at a lane's foot
const MARK = 4.5; // half a prompt's mark, which is whole at the clip's ends as well
const MARK_TOP = 8; // from a lane's top to the middle of such a mark
const PADDING = 5; // over and under the line of confidence
const HATCH = 7; // from one line of what is out of date to the next
const FADED = 0.65; // of 1: how much of a state's colour goes where it is out of date
const RANK = [0, 2, 3, 4, 1]; // of STATES: where many frames fall into one column the one to look at is shown

export const COLOURS = [
  "soft",
  "rule",
  "card",
  "ink",
  "accent",
  "empty",
  "mark",
  "stale",
  "chosen",
  "tracked",
  "uncertain",
  "lost",
  "absent",
];

/**
 * @typedef {object} Lane
 * @property {number} id
 * @property {import("./series.js").Series} series
 * @property {[number, number][]} stale ranges of frames never tracked or out of date
 * @property {[number, number][]} tracked ranges of frames that have been tracked
 * @property {{first: number, last: number}[]} review
 * @property {{frame: number, kind: string}[]} prompts
 */

/**
 * @param {CanvasRenderingContext2D} context scaled so that a unit is a CSS pixel
 * @param {{width: number, from: number, to: number, frames: number, lanes: Lane[], cuts: number[],
 *   chosen: number | null, colours: Record<string, string>}} what `from` up to `to`: the frames that are seen, as
 *   fractions too
 */
export function drawLanes(context, what) {
  const { width, lanes, chosen, colours, cuts, from, to } = what;
  context.clearRect(0, 0, width, lanes.length * LANE);
  const scale = width / (to - from);
  const left = frame => (frame - from) * scale;
  lanes.forEach((lane, k) => {
    context.save();
    context.translate(0, k * LANE);
    context.beginPath();
    context.rect(0, 0, width, LANE);
    context.clip();
    if (lane.id === chosen) fill(context, colours.chosen, 0, 1, width, LANE);
    fill(context, colours.rule, 0, 0, width, 1);
    drawLane(context, lane, what, left, scale);
    context.restore();
  });
  for (const cut of cuts)
    if (cut > from && cut < to) fill(context, colours.soft, left(cut) - 0.5, 0, 1, lanes.length * LANE);
}

function fill(context, style, x, y, width, height) {
  context.fillStyle = style;
  context.fillRect(x, y, width, height);
}

function drawLane(context, lane, { width, colours, from, to, frames }, left, scale) {
  const foot = LANE - STRIP - 3;
  for (const { first, last } of lane.review) {
    const x = left(first),
      wide = Math.max(3, (last + 1 - first) * scale);
    fill(context, colours.mark, x, 1, wide, foot);
    fill(context, colours.lost, x, 1, wide, 2);
  }
  const end = Math.min(width, left(frames));
  fill(context, colours.empty, Math.max(0, left(0)), foot + 1, end - Math.max(0, left(0)), STRIP);
  const columns = gather(lane.series, { width: Math.ceil(end), from, to, frames, scale });
  drawStates(context, columns, colours, foot + 1);
  drawConfidence(context, columns, colours.accent, foot);
  drawStale(context, lane, { colours, foot, left, scale });
  for (const { frame, kind } of lane.prompts) {
    if (frame < Math.floor(from) || frame >= to) continue;
    drawPrompt(context, Math.min(Math.max(left(frame) + scale / 2, MARK + 1), width - MARK - 1), kind, colours);
  }
}

/** Of each column of the screen: the state to look at (a number of STATES), lowest and highest confidence (NaN: none). */
export function gather({ states, confidence }, { width, from, to, frames, scale }) {
  const columns = {
    state: new Uint8Array(width),
    low: new Float32Array(width).fill(NaN),
    high: new Float32Array(width).fill(NaN),
  };
  for (let x = 0; x < width; x++) {
    const first = Math.max(0, Math.floor(from + x / scale));
    const behind = Math.min(frames, Math.ceil(to), Math.max(first + 1, Math.floor(from + (x + 1) / scale)));
    let worst = 0,
      low = 2,
      high = -1;
    for (let frame = first; frame < behind; frame++) {
      const state = states[frame];
      if (!state) continue;
      if (RANK[state] > RANK[worst]) worst = state;
      const value = confidence[frame];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (!worst) continue;
    columns.state[x] = worst;
    columns.low[x] = low;
    columns.high[x] = high;
  }
  return columns;
}

function drawStates(context, { state }, colours, top) {
  for (let x = 0; x < state.length;) {
    const from = x,
      now = state[x];
    while (x < state.length && state[x] === now) x++;
    if (now) fill(context, colours[STATES[now]], from, top, x - from, STRIP);
  }
}

function drawConfidence(context, { state, low, high }, colour, foot) {
  const y = value => PADDING + (1 - value) * (foot - 2 * PADDING);
  context.beginPath();
  let drawing = false;
  for (let x = 0; x < state.length; x++) {
    if (!state[x]) {
      drawing = false;
      continue;
    }
    if (drawing) context.lineTo(x + 0.5, y(high[x]));
    else context.moveTo(x, y(high[x]));
    context.lineTo(x + 0.5, y(low[x]));
    drawing = true;
    if (!state[x + 1]) context.lineTo(x + 1, y(low[x]));
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.4;
  context.lineJoin = "round";
  context.stroke();
}

/** Hatched, and their states faded: frames whose masks are older than what was said last. Frames never tracked are just
 * empty. */
function drawStale(context, { stale, tracked }, { colours, foot, left, scale }) {
  context.strokeStyle = colours.stale;
  context.lineWidth = 1;
  for (const [first, last] of stale) {
    for (const [start, end] of tracked) {
      const [a, b] = [Math.max(first, start), Math.min(last, end)];
      if (a > b) continue;
      const [x, wide] = [left(a), Math.max(3, (b + 1 - a) * scale)];
      context.globalAlpha = FADED;
      fill(context, colours.card, x, foot + 1, wide, STRIP);
      context.globalAlpha = 1;
      context.save();
      context.beginPath();
      context.rect(x, 1, wide, foot + STRIP);
      context.clip();
      context.beginPath();
      const right = Math.min(x + wide, context.canvas.width);
      // From a fixed origin, so that neighbouring stretches join.
      for (let at = Math.max(Math.floor(x / HATCH) * HATCH, -HATCH) - LANE; at < right; at += HATCH) {
        context.moveTo(at, LANE);
        context.lineTo(at + LANE, 0);
      }
      context.stroke();
      context.restore();
    }
  }
}

function drawPrompt(context, x, kind, colours) {
  const y = MARK_TOP,
    r = MARK;
  context.beginPath();
  if (kind === "absent") {
    context.arc(x, y, r - 0.5, 0, 7);
    context.moveTo(x - 3, y - 3);
    context.lineTo(x + 3, y + 3);
  } else {
    for (const [dx, dy] of [
      [0, -r],
      [r, 0],
      [0, r],
      [-r, 0],
    ])
      context.lineTo(x + dx, y + dy);
    context.closePath();
  }
  context.fillStyle = kind === "absent" ? colours.card : colours.ink;
  context.strokeStyle = kind === "absent" ? colours.ink : colours.card;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}
