/** The ruler over the timeline: the frames' numbers, and where the clip stands. */

export const RULER = 22; // CSS pixels, high
const TICKS = 84; // CSS pixels between two numbers, at least
const HEAD = 6; // CSS pixels: half the width of the mark where the clip stands

/** 1, 2, 5, 10, 20 ... frames between two ticks. @param {number} least */
function tickStep(least) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map(by => by * ten).find(step => step >= least) ?? 1;
}

/**
 * @param {CanvasRenderingContext2D} context scaled so that a unit is a CSS pixel
 * @param {{width: number, from: number, to: number, frames: number, frame: number, colours: Record<string, string>}} what
 *   `from` up to `to`: the frames that are seen, as fractions too; `frame`: where the clip stands
 */
export function drawRuler(context, { width, from, to, frames, frame, colours }) {
  context.clearRect(0, 0, width, RULER);
  const scale = width / (to - from);
  const middle = frame => (frame + 0.5 - from) * scale;
  const step = tickStep(TICKS / scale);
  const small = [5, 2, 1].map(parts => step / parts).find(Number.isInteger);
  context.font = "10.5px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (let at = Math.max(0, Math.floor(from / small) * small); at <= to && at < frames; at += small) {
    drawTick(context, middle(at), at % step === 0 ? at.toLocaleString("en") : "", width, colours);
  }
  context.fillStyle = colours.ink;
  context.fillRect(middle(frame) - 0.75, 0, 1.5, RULER);
  context.beginPath();
  for (const [dx, y] of [
    [-HEAD, 0],
    [HEAD, 0],
    [0, HEAD + 2],
  ])
    context.lineTo(middle(frame) + dx, y);
  context.fill();
}

function drawTick(context, x, text, width, colours) {
  const high = text ? 8 : 4;
  context.fillStyle = colours.rule;
  context.fillRect(x - 0.5, RULER - high, 1, high);
  if (!text || x + context.measureText(text).width + 4 > width) return;
  context.fillStyle = colours.soft;
  context.fillText(text, x + 4, RULER / 2 - 1);
}
