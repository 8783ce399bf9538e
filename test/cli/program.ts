import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { bundle, root } from "./bundle.js";

/** How a command ended, and what it said. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands that the help lists. */
export function commandsOf(help: string): string[] {
  const [, rest] = help.split("Commands:\n");
  const [list] = rest.split("\n\n");
  return list.split("\n").flatMap((line) => /^ {2}([a-z][a-z-]*)/.exec(line)?.[1] ?? []);
}

/** The `atomgrad` command, or another program, made from the sources for the tests of the calling file. */
export class Program {
  readonly path: string;

  constructor(source = "src/cli/main.ts") {
    this.path = join(root, "build", `cli-test-${process.pid}-${basename(source, ".ts")}`, "atomgrad.mjs");
    beforeAll(() => bundle(source, this.path));
    afterAll(() => rmSync(dirname(this.path), { recursive: true, force: true }));
  }

  /** Runs the command to its end in a folder, with additions to the environment. */
  run(folder: string, args: readonly string[], environment: Record<string, string> = {}): Outcome {
    return spawnSync(process.execPath, [this.path, ...args], {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
      // SIGTERM would only ask a training to save and stop.
      killSignal: "SIGKILL",
      env: { ...process.env, ...environment },
    });
  }
}

/** The one message of a refused input: exit status 1, a few lines on stderr, no stack, nothing promised on stdout. */
export function expectRefusal(outcome: Outcome, ...says: (RegExp | string)[]): void {
  const { status, signal, stderr } = outcome;
  expect({ status, signal }, stderr).toEqual({ status: 1, signal: null });
  expect(stderr.length).toBeLessThanOrEqual(1500);
  expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(8);
  expect(stderr).not.toMatch(/unexpected error|^\s+at .*:\d+/m);
  for (const words of says) expect(stderr).toMatch(words);
}
