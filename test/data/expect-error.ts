import { expect } from "vitest";
import { AtomgradError } from "../../src/tensor/error.js";

/** The AtomgradError that `run` throws; any other outcome fails the test. */
export function errorOf(run: () => unknown): AtomgradError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(AtomgradError);
    const { message } = error as AtomgradError;
    expect(message.length).toBeLessThanOrEqual(1500);
    expect(message.split("\n").length).toBeLessThanOrEqual(8);
    return error as AtomgradError;
  }
  throw new Error("nothing was thrown");
}

/** Runs `run` and lets it succeed or throw an AtomgradError; any other error fails the test. */
export function expectOnlyAtomgradError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AtomgradError)) throw error;
  }
}
