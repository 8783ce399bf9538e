import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
// The addon is found from the repository's root, so the bundle has to lie below it.
const folder = join(here, "..", "..", "build", `workers-test-${process.pid}`);
const program = join(folder, "workers-program.mjs");

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(here, "workers-program.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(action: string, argument = "", environment: NodeJS.ProcessEnv = {}): unknown {
  const result = spawnSync(process.execPath, [program, action, argument], {
    encoding: "utf8",
    timeout: 100_000,
    env: { ...process.env, ...environment },
  });
  expect({ signal: result.signal, status: result.status, errors: result.stderr }).toEqual({
    signal: null,
    status: 0,
    errors: "",
  });
  return JSON.parse(result.stdout);
}

describe("the team of threads", () => {
  it.each([
    ["3", 3],
    ["2,1", 2],
    ["", availableParallelism()],
    ["many", availableParallelism()],
    ["0", availableParallelism()],
  ])("has what OMP_NUM_THREADS=%s says, else one per core", (asked, wanted) => {
    expect(run("threads", "", { OMP_NUM_THREADS: asked })).toBe(wanted);
  });
});

describe("worker threads", () => {
  it("compute at the same time, each with its own team of threads, to the same bits", () => {
    const { found, wanted } = run("compute") as { found: number[][]; wanted: number[][] };
    expect(found).toEqual(wanted);
    expect(found[0][0]).not.toBe(found[1][0]);
  });

  it("can be terminated in the middle of a loop of ops, 20 times, and the process goes on", () => {
    expect(run("terminate", "20")).toEqual({ same: true });
  });
});
