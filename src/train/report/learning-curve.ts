import type { MetricsRow } from "../deepmd/metrics-file.js";
import { axes, figure, type Frame, linearAxis, logAxis, px } from "./svg.js";

interface Point {
  readonly step: number;
  readonly value: number;
}

const width = 460;
const height = 300;
const frame: Frame = { left: 56, right: 444, top: 34, bottom: 252 };
const mostRows = 400;

/**
 * Errors against steps, logarithmic. Batches differ in what they hold, so the training errors scatter: a thin line for
 * them, a thick one for their running root mean square.
 */
export function learningCurve(
  rows: readonly MetricsRow[],
  key: "rmse_e" | "rmse_f",
  id: string,
  title: string,
): string {
  const every = Math.ceil(rows.length / mostRows);
  const shown = rows.filter((_, k) => k % every === 0 || k === rows.length - 1);
  const points = (pick: (row: MetricsRow) => number | undefined): Point[] =>
    shown
      .map((row) => ({ step: row.step, value: pick(row) ?? NaN }))
      .filter(({ value }) => Number.isFinite(value) && value > 0);
  const training = points((row) => row.training[key]);
  const validation = points((row) => row.validation?.[key]);
  const smooth = runningRms(training);
  const smoothValidation = runningRms(validation);
  const x = linearAxis(0, shown.at(-1)?.step ?? 1, frame.left, frame.right);
  // Batches of perfect crystals have forces of nearly nothing; they must not stretch the axis.
  const all = [...smooth, ...smoothValidation].map(({ value }) => value);
  const y = logAxis(all, frame.bottom, frame.top);
  const line = (name: string, of: readonly Point[]): string =>
    of.length === 0
      ? ""
      : `<path class="line ${name}" d="M${of.map((p) => `${px(x.at(p.step))} ${px(clamp(y.at(p.value)))}`).join("L")}"/>`;
  const content = [
    axes(x, y, frame, "step", title),
    line("faint one", training),
    line("faint two", validation),
    line("one", smooth),
    line("two", smoothValidation),
  ];
  return figure(id, width, height, description(title, smooth, smoothValidation), content.join(""));
}

function clamp(y: number): number {
  return Math.min(frame.bottom, Math.max(frame.top, y));
}

function runningRms(points: readonly Point[]): Point[] {
  const reach = Math.max(2, Math.floor(points.length / 16));
  return points.map(({ step }, k) => {
    const near = points.slice(Math.max(0, k - reach), k + reach + 1);
    return { step, value: Math.sqrt(near.reduce((sum, p) => sum + p.value ** 2, 0) / near.length) };
  });
}

function description(title: string, training: readonly Point[], validation: readonly Point[]): string {
  const ends = (name: string, of: readonly Point[]): string =>
    of.length === 0
      ? ""
      : `; ${name} from ${of[0].value.toPrecision(3)} to ${of.at(-1)!.value.toPrecision(3)}`;
  return `Learning curve: ${title}${ends("training", training)}${ends("test frames", validation)}`;
}
