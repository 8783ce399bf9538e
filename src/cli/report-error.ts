import { AtomgradError } from "../tensor/error.js";

const mostLines = 8;
const mostCharacters = 1500;

/** Writes what went wrong to stderr, without a stack for mistakes of the user. Returns the exit status. */
export function reportError(error: unknown): number {
  const text = error instanceof AtomgradError ? error.message : unexpected(error);
  const lines = `atomgrad: ${text}`.split("\n").slice(0, mostLines).join("\n");
  process.stderr.write(`${lines.slice(0, mostCharacters)}\n`);
  return 1;
}

function unexpected(error: unknown): string {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `unexpected error, please report it: ${detail}`;
}
