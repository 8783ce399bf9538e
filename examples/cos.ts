/*
 * A small ReLU network fitted to cos x on [0, 4] and [6, 8], and looked at where it never was.
 *
 *     npm run example:cos [-- PICTURE.svg]
 *
 * 1,800 steps of plain gradient descent: a step goes over all points in shuffled batches of 10; rate 0.01, times 0.8 every
 * 200 steps. Prints the mean loss since the last line every 200 steps and draws labels and network on [0, 8] as one SVG file
 * that needs nothing else.
 */
import assert from "node:assert";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { grad, Mlp, mseLoss, noGrad, openCpu, RandomStream, scope, Sgd, tensor } from "../src/index.js";

const width = 10;
const depth = 3;
const batchSize = 10;
const steps = 1800;

/** Hidden layers of `width` with ReLU between; one number in, one out. */
function network(random: RandomStream): Mlp {
  const widths = [1, ...new Array<number>(depth).fill(width), 1];
  const net = new Mlp(widths, { activation: "relu", random, dtype: "f64" });
  const hidden = net.layers.slice(0, -1);
  assert(hidden.length === depth, `${hidden.length} hidden layers, ${depth} were asked for`);
  assert(
    hidden.every((layer) => layer.outputs === width),
    `every hidden layer has ${width} neurons`,
  );
  return net;
}

const rate = (step: number): number => 0.01 * 0.8 ** Math.floor(step / 200);

/** The points of [0, 4] and [6, 8] in steps of 0.1. */
function knownPoints(): Float64Array {
  const all = Float64Array.from({ length: 81 }, (_, k) => k / 10);
  return all.filter((x) => x <= 4 || x >= 6);
}

export interface CosFit {
  /** Mean loss of every 200 steps. */
  readonly losses: readonly number[];
  /** Points of [0, 8] and what the network says there. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly known: Float64Array;
}

/** Fits and tells its progress line by line. */
export function fitCos(seed: number, print: (line: string) => void): CosFit {
  openCpu();
  const random = new RandomStream(seed, 0);
  const net = network(random);
  const parameters = net.parameters();
  const optimizer = new Sgd(parameters);
  const known = knownPoints();
  const losses: number[] = [];
  const update = (x: Float64Array, step: number): number =>
    scope(() => {
      const shape = [x.length, 1];
      const loss = mseLoss(net.call(tensor(x, shape)), tensor(x.map(Math.cos), shape));
      optimizer.step(grad(loss, [...parameters.values()]), rate(step));
      return loss.dataSync()[0];
    });
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    const order = random.permutation(known.length);
    for (let from = 0; from < known.length; from += batchSize) {
      const batch = order.subarray(from, from + batchSize);
      sum +=
        (batch.length / known.length) *
        update(
          Float64Array.from(batch, (k) => known[k]),
          step,
        );
    }
    if ((step + 1) % 200 > 0) continue;
    losses.push(sum / 200);
    print(
      `step ${String(step + 1).padStart(4)}: loss ${(sum / 200).toFixed(4)}, rate ${rate(step).toFixed(5)}`,
    );
    sum = 0;
  }
  const x = Float64Array.from({ length: 401 }, (_, k) => k / 50);
  const y = noGrad(() => scope(() => Float64Array.from(net.call(tensor(x, [x.length, 1])).dataSync())));
  optimizer.dispose();
  net.dispose();
  return { losses, x, y, known };
}

/** The picture: labels as points, the network as a line, the gap shaded. */
export function drawCos({ x, y, known }: CosFit): string {
  const [w, h, margin] = [760, 380, 40];
  const across = (value: number): number => margin + (value / 8) * (w - 2 * margin);
  const up = (value: number): number => h / 2 - (value / 1.5) * (h / 2 - margin);
  const at = (a: number, b: number): string => `${across(a).toFixed(1)},${up(b).toFixed(1)}`;
  const ticks = [0, 2, 4, 6, 8].map(
    (v) => `<text x="${across(v)}" y="${h - 12}" text-anchor="middle">${v}</text>`,
  );
  const levels = [-1, 0, 1].map(
    (v) =>
      `<line x1="${margin}" x2="${w - margin}" y1="${up(v)}" y2="${up(v)}" stroke="#ddd"/><text x="12" y="${up(v) + 5}">${v}</text>`,
  );
  const labels = Array.from(known).map(
    (v) => `<circle cx="${across(v).toFixed(1)}" cy="${up(Math.cos(v)).toFixed(1)}" r="2.5"/>`,
  );
  const line = Array.from(x, (v, k) => at(v, y[k])).join(" ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" font-family="sans-serif" font-size="14" role="img">`,
    "<title>cos x on [0, 4] and [6, 8], and a ReLU network fitted to it</title>",
    `<rect width="${w}" height="${h}" fill="#fff"/>`,
    `<rect x="${across(4)}" y="${margin}" width="${across(6) - across(4)}" height="${h - 2 * margin}" fill="#eee"/>`,
    `<text x="${across(5)}" y="${margin - 8}" text-anchor="middle">never seen</text>`,
    ...levels,
    ...ticks,
    `<g fill="#d55e00">${labels.join("")}</g>`,
    `<polyline fill="none" stroke="#0072b2" stroke-width="2" points="${line}"/>`,
    `<text x="${across(0.15)}" y="${up(-1.15)}" fill="#d55e00">labels: cos x</text>`,
    `<text x="${across(0.15)}" y="${up(-1.35)}" fill="#0072b2">network</text>`,
    "</svg>\n",
  ].join("\n");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [picture = "cos.svg"] = process.argv.slice(2);
  const fit = fitCos(1, console.log);
  writeFileSync(picture, drawCos(fit));
  console.log(`picture: ${picture}`);
}
