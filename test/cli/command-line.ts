import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect } from "vitest";

const root = join(import.meta.dirname, "../..");
// The addon is found from the repository's root, so the bundle has to lie below it.
const folder = join(root, "build", `cli-test-${process.pid}`);

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bundles the command line for the tests of a file; call at the top of it. */
export function useCommandLine(): void {
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    await build({
      entryPoints: [join(root, "src/cli/main.ts")],
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      target: "node20",
      packages: "external",
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

/** Runs `atomgrad ARGS...`. */
export function atomgrad(args: readonly string[], options: { cwd?: string } = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "main.mjs"), ...args], {
    encoding: "utf8",
    timeout: 60_000,
    ...options,
  });
  return { status, stdout, stderr };
}

/** Runs a command that must succeed; what it printed. */
export function atomgradOk(args: readonly string[], options: { cwd?: string } = {}): string {
  const { status, stdout, stderr } = atomgrad(args, options);
  expect(status, stderr).toBe(0);
  return stdout;
}
