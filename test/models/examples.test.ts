import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { drawCos, fitCos } from "../../examples/cos.js";
import { labelSystem } from "../../examples/frozen-model.js";
import { conserve } from "../../examples/water-nve.js";
import { readNpyFloat64 } from "../../src/data/npy.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const frozen = join(import.meta.dirname, "../../../shared/data/weights-deepmd/frozen-tf");

/** The largest difference, relative to the largest value. */
function difference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length);
  let [most, scale] = [0, 1];
  for (let k = 0; k < wanted.length; k++) {
    const error = Math.abs(found[k] - wanted[k]);
    most = error > most || Number.isNaN(error) ? error : most;
    scale = Math.max(scale, Math.abs(wanted[k]));
  }
  return most / scale;
}

describe("examples/frozen-model.ts", () => {
  it.skipIf(!existsSync(frozen)).each([
    ["water-se_e2_a", "w192", 1600],
    ["water-se_e2_a", "wopen", 1600],
    ["water-dpa1", "wtiny", 128],
  ])(
    "labels with DeePMD-kit's numbers: %s, %s (needs the shared frozen graphs)",
    async (model, system, width) => {
      const output = join(folder, model, system);
      const printed: string[] = [];
      const graph = join(frozen, "models", `${model}.pb`);
      const labelled = await labelSystem(graph, join(frozen, "systems", system), output, (line) =>
        printed.push(line),
      );
      const wanted = (name: string): Float64Array =>
        readNpyFloat64(join(frozen, "ref", model, system, `${name}.npy`)).data;
      for (const name of ["energy", "force", "virial"] as const) {
        const { data } = readNpyFloat64(join(output, "set.000", `${name}.npy`));
        expect(difference(data, wanted(name)), name).toBeLessThan(1e-10);
        expect(labelled.labels[name]?.data, name).toEqual(data);
      }
      const { shape, data } = readNpyFloat64(join(output, "descriptor.npy"));
      expect(shape).toEqual([1, labelled.atomCount, width]);
      if (system !== "w192")
        expect(difference(data, wanted("descriptor").subarray(0, data.length))).toBeLessThan(1e-10);
      expect(printed.at(-1)).toBe(`descriptor of the first frame: [1, ${labelled.atomCount}, ${width}]`);
    },
  );
});

describe("the water model of examples/data/water, which this package trained", () => {
  const water = join(import.meta.dirname, "../../examples/data/water");

  it("labels its frames in blocks of ten", async () => {
    const printed: string[] = [];
    const model = join(water, "model.safetensors");
    const labelled = await labelSystem(model, join(water, "frames"), join(folder, "water"), (line) =>
      printed.push(line),
    );
    expect(labelled.frameCount).toBe(20);
    expect(Object.keys(labelled.labels)).toEqual(["energy", "force", "virial"]);
    expect(printed.filter((line) => line.startsWith("frames ")).length).toBe(2);
    expect(printed.at(-1)).toBe("descriptor of the first frame: [1, 192, 1600]");
    // DFT puts this water at -155.95 to -155.97 eV an atom.
    for (const energy of labelled.labels.energy!.data) expect(energy / 192).toBeCloseTo(-155.96, 1);
  });

  it("conserves the energy: 0.1 ps in steps of 0.5 fs", async () => {
    const { drift, deviation, temperature } = await conserve(
      join(water, "model.safetensors"),
      join(water, "frames"),
      200,
      () => undefined,
    );
    expect(Math.abs(drift)).toBeLessThan(1e-3);
    expect(deviation).toBeLessThan(1e-4);
    expect(temperature).toBeGreaterThan(200);
    expect(temperature).toBeLessThan(450);
  });
});

describe("examples/cos.ts", () => {
  const lines: string[] = [];
  const fit = fitCos(1, (line) => lines.push(line));

  it("learns where it is taught: the loss falls below the tutorial's 0.0117", () => {
    expect(lines.length).toBe(9);
    expect(lines[8]).toMatch(/^step 1800: loss 0\.00\d\d, rate 0\.00168$/);
    expect(fit.losses[0]).toBeLessThan(0.5);
    expect(fit.losses[8]).toBeLessThan(0.0117);
    const known = [...fit.x].map((x, k) => ({ x, error: (fit.y[k] - Math.cos(x)) ** 2 }));
    const mean = (part: typeof known): number =>
      part.reduce((sum, { error }) => sum + error, 0) / part.length;
    expect(mean(known.filter(({ x }) => x <= 4 || x >= 6))).toBeLessThan(2 * fit.losses[8]);
    expect(mean(known.filter(({ x }) => x > 4 && x < 6))).toBeGreaterThan(fit.losses[8]);
  });

  it("draws a picture that needs nothing else", () => {
    const svg = drawCos(fit);
    expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(svg.match(/<circle /g)?.length).toBe(fit.known.length);
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/http|href|NaN|undefined/);
  });
});
