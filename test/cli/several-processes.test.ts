import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readModelSync } from "../../src/models/deepmd/model-file.js";
import { f8 } from "../data/deepmd-folder.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { bitsOf } from "../train/checkpoint-bits.js";
import { root } from "./bundle.js";
import { type Outcome, Program } from "./program.js";
import { putTinyTraining, type TinyChanges } from "./tiny-training.js";

const program = new Program();
const base = temporaryFolder();
const steps = 20;
const built = existsSync(join(root, "build/Release/atomgrad_mpi.node"));
const found = spawnSync("mpirun", ["--version"]).status === 0;

/** A training of the three frames of tiny water, in a folder of its own. */
function training(name: string, batch: number, files: TinyChanges["files"] = {}): string {
  const folder = join(base, name);
  const data = { training_data: { systems: ["water"], batch_size: batch } };
  putTinyTraining(folder, {
    files,
    training: { numb_steps: steps, save_freq: steps, ...data },
  });
  return folder;
}

/** Start weights and statistics for all: those of a fresh model depend on the batches that they are taken from. */
const start = join(base, "start", `model-${steps}.safetensors`);
beforeAll(() => void program.run(training("start", 1), ["train", "input.json"]));

function mpirun(folder: string, processes: number): Outcome {
  const args = [
    "-n",
    String(processes),
    "--oversubscribe",
    process.execPath,
    program.path,
    "train",
    "input.json",
    "--init-model",
    start,
  ];
  // Open MPI refuses to run as the superuser, as containers do, unless it is told twice.
  const allowed = {
    OMPI_ALLOW_RUN_AS_ROOT: "1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
    PRTE_MCA_rmaps_default_mapping_policy: ":oversubscribe",
  };
  return spawnSync("mpirun", args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, ...allowed },
  });
}

describe.skipIf(!built || !found)(
  "mpirun -n 3 atomgrad train (needs MPI: mpicxx when the addon is built, and mpirun)",
  () => {
    it("makes the updates of one process with three times the batch, and writes once", () => {
      const together = training("together", 1);
      const outcome = mpirun(together, 3);
      expect(outcome.status, outcome.stderr).toBe(0);
      expect(outcome.stdout.match(/finished after 20 steps/g)).toHaveLength(1);
      expect(readdirSync(together).sort()).toEqual([
        "input.json",
        "lcurve.out",
        `model-${steps}.safetensors`,
        "out.json",
        "water",
      ]);
      const single = training("single", 3);
      expect(program.run(single, ["train", "input.json", "--init-model", start]).status).toBe(0);
      const [a, b] = [together, single].map(
        (folder) => readModelSync(join(folder, `model-${steps}.safetensors`)).weights,
      );
      for (const [name, { data }] of b)
        for (const [k, value] of data.entries()) expect(a.get(name)!.data[k], name).toBeCloseTo(value, 9);
      const again = training("again", 1);
      expect(mpirun(again, 3).status).toBe(0);
      const last = `model-${steps}.safetensors`;
      expect(bitsOf(join(again, last))).toEqual(bitsOf(join(together, last)));
    });

    it("ends as a whole when one process cannot go on", () => {
      const energies = f8([3], [1e200, 1, 1]);
      const outcome = mpirun(training("broken", 1, { "set.000/energy.npy": energies }), 3);
      expect(outcome.status).not.toBe(0);
      expect(outcome.stderr).toMatch(/training stopped at step 1: the loss is Infinity/);
    });
  },
);

it.skipIf(built)("says that the addon is missing when several processes are started without it", () => {
  const outcome = program.run(training("missing", 1), ["train", "input.json"], { OMPI_COMM_WORLD_SIZE: "2" });
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toMatch(/MPI addon is not built/);
});
