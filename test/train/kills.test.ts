import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { killTraining } from "../campaign/kills.js";
import { Program } from "../cli/program.js";
import { putTinyTraining } from "../cli/tiny-training.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { bitsOf, curveRows } from "./checkpoint-bits.js";

const program = new Program();
const folder = temporaryFolder();
const changes = { training: { max_ckpt_keep: 2 } };
const filesOf = (name: string): string[] => readdirSync(join(folder, name)).sort();

describe("a training that is killed", () => {
  it("12 times at random moments loses nothing: restarts end in the bits of an undisturbed run", async () => {
    const counts = await killTraining({
      program: program.path,
      folder: join(folder, "random"),
      kills: 12,
      seed: 1,
    });
    expect(counts.kills).toBe(12);
    // How many there are beyond the two of the last life depends on how fast the machine is between the kills.
    expect(counts.steps).toBeGreaterThanOrEqual(2);
  });
});

describe("a training that is killed while it writes its third checkpoint", () => {
  beforeAll(() => {
    putTinyTraining(join(folder, "whole"), changes);
    expect(program.run(join(folder, "whole"), ["train", "input.json"]).status).toBe(0);
  });

  it.each([
    ["opened", [1, 2], true],
    ["half", [1, 2], true],
    ["written", [1, 2], true],
    ["synced", [1, 2], true],
    ["renamed", [1, 2, 3], false],
    ["removing", [1, 2, 3], false],
    ["removed", [2, 3], false],
  ])("(%s) keeps whole checkpoints and goes on from the newest", (moment, steps, leaves) => {
    putTinyTraining(join(folder, moment), changes);
    const hook = pathToFileURL(join(import.meta.dirname, "kill-in-save.mjs")).href;
    const killed = program.run(join(folder, moment), ["train", "input.json"], {
      NODE_OPTIONS: `--import=${hook}`,
      KILL_AT: moment,
    });
    expect(killed.signal, killed.stderr).toBe("SIGKILL");
    const names = filesOf(moment).filter((name) => name.includes("model-"));
    expect(names.filter((name) => name.endsWith(".tmp")).length).toBe(leaves ? 1 : 0);
    const whole = names.filter((name) => !name.endsWith(".tmp"));
    expect(whole).toEqual(steps.map((step) => `model-${step}.safetensors`));

    const restarted = program.run(join(folder, moment), ["train", "input.json", "--restart", whole.at(-1)!]);
    expect(restarted.status, restarted.stderr).toBe(0);
    expect(filesOf(moment)).toEqual(filesOf("whole"));
    for (const step of [4, 5]) {
      const bits = (name: string) => bitsOf(join(folder, name, `model-${step}.safetensors`));
      expect(bits(moment)).toEqual(bits("whole"));
    }
    expect(curveRows(join(folder, moment, "lcurve.out"))).toEqual(
      curveRows(join(folder, "whole", "lcurve.out")),
    );
  });
});
