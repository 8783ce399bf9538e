import { join, resolve } from "node:path";
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { memory } from "../../src/tensor/device.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import { tinyInput } from "../cli/tiny-training.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const alloys = resolve(import.meta.dirname, "../../examples/data/nbmotaw/train");
const steps = 2000;
const warmUp = 500;

/** What a step leaves behind. */
interface Sample {
  readonly tensors: number;
  readonly allocations: number;
  readonly bytes: number;
  readonly resident: number;
}

const least = (samples: readonly Sample[], of: (sample: Sample) => number): number =>
  samples.reduce((low, sample) => Math.min(low, of(sample)), Infinity);
const most = (samples: readonly Sample[], of: (sample: Sample) => number): number =>
  -least(samples, (sample) => -of(sample));

it(`${steps} training steps take no memory after the first ${warmUp}`, async () => {
  const path = join(folder, "input.json");
  const input = tinyInput({
    model: { type_map: ["Nb", "Mo", "Ta", "W"] },
    descriptor: { sel: 30, rcut: 3.5 },
    training: {
      training_data: { systems: [join(alloys, "n002"), join(alloys, "n008")], batch_size: 1 },
      numb_steps: steps,
      disp_file: join(folder, "lcurve.out"),
      disp_freq: 100,
      save_freq: 250,
      save_ckpt: join(folder, "model"),
    },
  });
  writeFileSync(path, JSON.stringify(input));
  const samples: Sample[] = [];
  await trainDeepmd(path, {
    output: join(folder, "out.json"),
    onStep: () => {
      const { tensors, allocations, bytes } = memory("cpu");
      samples.push({ tensors, allocations, bytes, resident: process.memoryUsage.rss() });
    },
  });
  expect(samples.length).toBe(steps);
  const early = samples.slice(warmUp, 2 * warmUp);
  const late = samples.slice(-warmUp);
  expect(new Set(samples.slice(1).map((sample) => sample.tensors)).size).toBe(1);
  const settled = samples.slice(warmUp);
  for (const of of [(s: Sample) => s.allocations, (s: Sample) => s.bytes])
    expect(most(settled, of) - least(settled, of)).toBe(0);
  // The collector of JavaScript moves the sum up and down; a leak of one small buffer a step would show in its lows.
  expect(least(late, (s) => s.resident) - least(early, (s) => s.resident)).toBeLessThan(10 * 2 ** 20);
});
