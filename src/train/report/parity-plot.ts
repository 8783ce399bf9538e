import type { Parity } from "./report-data.js";
import { type Axis, axes, figure, type Frame, linearAxis, px } from "./svg.js";

const width = 460;
const height = 430;
const frame: Frame = { left: 56, right: 412, top: 34, bottom: 390 };
const mostDots = 1500;
const cells = 89;
const shades = 5;

/** Prediction against label. Up to 1,500 pairs are dots; more are counted in small squares, darker for more. */
export function parityPlot({ label, predicted }: Parity, id: string, title: string, unit: string): string {
  let low = Infinity;
  let high = -Infinity;
  for (const values of [label, predicted])
    for (const v of values) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  if (low > high) [low, high] = [0, 1];
  const margin = (high - low || Math.abs(high) || 1) * 0.04;
  const x = linearAxis(low - margin, high + margin, frame.left, frame.right);
  const y = linearAxis(low - margin, high + margin, frame.bottom, frame.top);
  const diagonal = `<path class="diagonal" d="M${frame.left} ${frame.bottom}L${frame.right} ${frame.top}"/>`;
  const points = label.length <= mostDots ? dots(label, predicted, x, y) : squares(label, predicted, x, y);
  const description = `${title}: predicted against reference, ${label.length} values from ${low.toPrecision(3)} to ${high.toPrecision(3)} ${unit}`;
  const content = axes(x, y, frame, `reference, ${unit}`, `predicted, ${unit}`) + diagonal + points;
  return figure(id, width, height, description, content);
}

function dots(label: Float64Array, predicted: Float64Array, x: Axis, y: Axis): string {
  const path = Array.from(label, (v, k) => `M${px(x.at(v))} ${px(y.at(predicted[k]))}h0`).join("");
  return `<path class="dots" d="${path}"/>`;
}

function squares(label: Float64Array, predicted: Float64Array, x: Axis, y: Axis): string {
  const size = (frame.right - frame.left) / cells;
  const counts = new Map<number, number>();
  let most = 1;
  label.forEach((v, k) => {
    const column = Math.min(cells - 1, Math.floor((x.at(v) - frame.left) / size));
    const row = Math.min(cells - 1, Math.floor((y.at(predicted[k]) - frame.top) / size));
    const count = (counts.get(row * cells + column) ?? 0) + 1;
    counts.set(row * cells + column, count);
    most = Math.max(most, count);
  });
  const paths: string[] = Array.from({ length: shades }, () => "");
  const s = px(size);
  for (const [cell, count] of counts) {
    const shade = Math.min(shades - 1, Math.floor((shades * Math.log(count)) / Math.log(most + 1)));
    const left = px(frame.left + (cell % cells) * size);
    paths[shade] += `M${left} ${px(frame.top + Math.floor(cell / cells) * size)}h${s}v${s}h-${s}z`;
  }
  return paths
    .map((d, k) =>
      d === "" ? "" : `<path class="shade" opacity="${0.3 + (0.7 * k) / (shades - 1)}" d="${d}"/>`,
    )
    .join("");
}
