import { expect } from "vitest";
import { type Outcome, Program } from "./program.js";

let program: Program;

/** Bundles the command line for the tests of a file; call at the top of it. */
export function useCommandLine(): void {
  program = new Program();
}

/** Runs `atomgrad ARGS...`. */
export function atomgrad(args: readonly string[], options: { cwd?: string } = {}): Outcome {
  return program.run(options.cwd ?? process.cwd(), args);
}

/** Runs a command that must succeed; what it printed. */
export function atomgradOk(args: readonly string[], options: { cwd?: string } = {}): string {
  const { status, stdout, stderr } = atomgrad(args, options);
  expect(status, stderr).toBe(0);
  return stdout;
}
