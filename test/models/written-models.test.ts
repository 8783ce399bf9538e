import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { evalSystem, readSystemFor } from "../../src/models/deepmd/eval-system.js";
import { readModel } from "../../src/models/deepmd/model-file.js";
import { saveModel } from "../../src/models/deepmd/save-model.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const fixtures = resolve(import.meta.dirname, "../fixtures/deepmd");
const written = join(fixtures, "written");
const scratch = temporaryFolder();

interface Numbers {
  readonly energy: number[];
  readonly atomEnergy: number[][];
  readonly force?: number[][];
  readonly virial?: number[][];
}
const figures = JSON.parse(readFileSync(join(written, "figures.json"), "utf8")) as Record<
  string,
  Record<"numpy" | "pytorch", Numbers>
>;
const files = ["se_atten.dp", "strip.dp", "se_e2_a.dp", "parameters.dp", "parameters.yaml"];
/** How near they are; nets of float16 DeePMD-kit computes in float16, those of bfloat16 it is given as float32. */
const bounds: Record<string, number> = {
  ...Object.fromEntries(files.map((file) => [file, 1e-12])),
  "half.dp": 1e-2,
  "brain.dp": 5e-6,
};

/** The largest difference, relative to the largest value. */
function difference(found: ArrayLike<number>, wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  const scale = Math.max(1, ...wanted.map(Math.abs));
  return Math.max(...wanted.map((x, k) => Math.abs(x - found[k]))) / scale;
}

describe("models written here and opened by DeePMD-kit 3.2 (fixtures/deepmd/written)", () => {
  it.each(Object.entries(bounds))(
    "%s: both of its backends give these numbers to %d",
    async (file, bound) => {
      const pot = await DeepPot.load(join(written, file));
      const system = readSystemFor(pot, join(fixtures, "model-commands/data/plain"));
      const found = evalSystem(pot, system, { atomic: true });
      pot.dispose();
      for (const backend of ["numpy", "pytorch"] as const)
        for (const [name, wanted] of Object.entries(figures[file][backend]))
          expect(
            difference(found[name as keyof typeof found]!, (wanted as number[]).flat()),
            `${backend} ${name}`,
          ).toBeLessThan(bound);
    },
  );

  it.each([...files, "half.dp"])("%s is what is written today", async (file) => {
    const copy = join(scratch, file);
    await saveModel(copy, await readModel(join(written, file)));
    const [now, kept] = [copy, join(written, file)].map((path) => settingsText(readFileSync(path, "latin1")));
    expect(kept).toMatch(/env_protection"?: ?0\.0[,\n]/);
    expect(now).toBe(kept);
  });
});

/** All of a .yaml file; of a .dp file, whose HDF5 objects carry the time, the text inside it that says all but the arrays. */
function settingsText(content: string): string {
  return content.startsWith("\x89HDF") ? /\{"model":[ -~]*/.exec(content)![0] : content;
}
