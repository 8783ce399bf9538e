import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
// The addon is found from the repository's root, so the bundle has to lie below it; the thread's file lies beside it.
const folder = join(root, "build", `deep-pot-test-${process.pid}`);
const fixtures = join(root, "test/fixtures/deepmd/model-commands");

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: {
      program: join(import.meta.dirname, "deep-pot-program.ts"),
      "eval-worker": join(root, "src/models/deepmd/eval-worker.ts"),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run<T>(...args: string[]): T {
  const model = join(fixtures, "frozen1.dp");
  const [action, ...rest] = args;
  const result = spawnSync(
    process.execPath,
    [join(folder, "program.js"), action, model, join(fixtures, "data/plain"), ...rest],
    { encoding: "utf8", timeout: 100_000 },
  );
  expect({ signal: result.signal, status: result.status, errors: result.stderr }).toEqual({
    signal: null,
    status: 0,
    errors: "",
  });
  return JSON.parse(result.stdout) as T;
}

describe("eval off the calling thread", () => {
  it("gives the bits of evalSync, leaves the event loop free, and passes errors on", () => {
    const found = run<{ took: number; longest: number; same: boolean[]; error: string[] }>("free");
    expect(found.same).toEqual(new Array(7).fill(true));
    // Computed on this thread, the loop would stand still for all of it.
    expect(found.took).toBeGreaterThan(40);
    expect(found.longest).toBeLessThan(Math.max(30, found.took / 3));
    expect(found.error[0]).toBe("AtomgradError");
    expect(found.error[1]).toMatch(/frame 0: atom 0 has type 99/);
  });

  it("stops when told to, and serves several models", () => {
    const found = run<Record<string, number | string | boolean>>("aborted");
    expect(found).toMatchObject({ reason: "enough", early: "before", after: true });
    expect(found.waited).toBeLessThan(300);
    expect(found.next).toBeLessThan(2000);
    expect(found.difference).toBeLessThan(1e-3);
    expect(found.difference).toBeGreaterThan(0);
  });

  it("stands 20 evaluations at once from each of 4 workers, aborted at random, without leak or crash", () => {
    const { memory, answers, codes } = run<{
      memory: number[];
      answers: { done: number; same: boolean }[];
      codes: number[];
    }>("crowd", "24");
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(answers.length).toBe(96);
    expect(answers.every(({ same }) => same)).toBe(true);
    const done = answers.reduce((sum, answer) => sum + answer.done, 0);
    expect(done).toBeGreaterThan(96);
    expect(done).toBeLessThan(1920);
    // The heaps of nine threads have their size after some 16 rounds; what 640 evaluations leave behind would be gigabytes.
    expect(memory[23] - memory[15]).toBeLessThan(60);
  });
});
