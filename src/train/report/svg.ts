/** Text safe inside HTML and SVG, attributes included. */
export function escapeText(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (c) => entities[c]);
}

/** Maps values to positions along an axis, with the values to mark on it. */
export interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly low: number;
  readonly high: number;
}

/** A linear axis from `low` to `high`, drawn from `start` to `end`. */
export function linearAxis(low: number, high: number, start: number, end: number): Axis {
  const width = high - low || 1;
  const raw = width / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999)!;
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * width; k++) ticks.push(k * step + 0);
  return { at: (v) => start + ((v - low) / width) * (end - start), ticks, low, high };
}

/** A logarithmic axis that covers the given positive values; marks 1, 2, 5 of each decade. */
export function logAxis(values: readonly number[], start: number, end: number): Axis {
  const positive = values.filter((v) => v > 0 && Number.isFinite(v));
  const low = positive.length === 0 ? 0.1 : positive.reduce((a, b) => Math.min(a, b)) / 1.15;
  const high = positive.length === 0 ? 1 : positive.reduce((a, b) => Math.max(a, b)) * 1.15;
  const span = Math.log(high / low);
  const marks = span > Math.log(100) ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let d = Math.floor(Math.log10(low)); d <= Math.ceil(Math.log10(high)); d++)
    for (const m of marks) ticks.push(Number(`${m}e${d}`));
  const at = (v: number): number => start + (Math.log(Math.max(v, low) / low) / span) * (end - start);
  return { at, ticks: ticks.filter((t) => t >= low && t <= high), low, high };
}

/** At most four significant digits, without needless zeros. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(1).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** A coordinate in the file: a tenth of a pixel is enough. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Where the plot lies inside its figure. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Grid lines, tick labels and axis titles. */
export function axes(x: Axis, y: Axis, frame: Frame, xTitle: string, yTitle: string): string {
  const { left, right, top, bottom } = frame;
  const parts: string[] = [];
  for (const t of y.ticks) {
    const v = px(y.at(t));
    parts.push(`<path class="grid" d="M${left} ${v}H${right}"/>`);
    parts.push(
      `<text class="tick" x="${left - 6}" y="${v}" dy=".32em" text-anchor="end">${shortNumber(t)}</text>`,
    );
  }
  for (const t of x.ticks)
    parts.push(
      `<text class="tick" x="${px(x.at(t))}" y="${bottom + 16}" text-anchor="middle">${shortNumber(t)}</text>`,
    );
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  parts.push(
    `<text class="name" x="${(left + right) / 2}" y="${bottom + 36}" text-anchor="middle">${escapeText(xTitle)}</text>`,
    `<text class="name" x="${left - 48}" y="${top - 12}">${escapeText(yTitle)}</text>`,
  );
  return parts.join("");
}

/** A figure with a text for those who do not see it. */
export function figure(
  id: string,
  width: number,
  height: number,
  description: string,
  content: string,
): string {
  return (
    `<svg id="${id}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(description)}">` +
    `<title>${escapeText(description)}</title>${content}</svg>`
  );
}
