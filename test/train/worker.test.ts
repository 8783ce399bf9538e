import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { bundle, root } from "../cli/bundle.js";
import { tinyInput } from "../cli/tiny-training.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const program = join(root, "build", `worker-training-${process.pid}`, "program.mjs");
afterAll(() => rmSync(dirname(program), { recursive: true, force: true }));

it("trainings in workers can be terminated in the middle of a step, 6 times, and the process goes on", async () => {
  await bundle("test/train/worker-program.ts", program);
  const input = join(folder, "input.json");
  const training = {
    training_data: { systems: [join(root, "examples/data/nbmotaw/train/n008")], batch_size: 4 },
    numb_steps: 1_000_000,
    disp_file: join(folder, "lcurve.out"),
    save_ckpt: join(folder, "model"),
    save_freq: 5,
  };
  const model = { type_map: ["Nb", "Mo", "Ta", "W"] };
  writeFileSync(
    input,
    JSON.stringify(
      tinyInput({ model, descriptor: { sel: 40, rcut: 4, neuron: [8, 16], attn: 16 }, training }),
    ),
  );
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [program, input, join(folder, "out.json"), "6"],
    { encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" },
  );
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  const steps = JSON.parse(stdout) as number[];
  expect(steps.length).toBe(6);
  for (const done of steps) expect(done).toBeGreaterThanOrEqual(3);
});
