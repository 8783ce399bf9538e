import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { AtomgradError } from "../../src/tensor/error.js";
import type { ReaderSeed } from "./reader-seeds.js";

/** One change of a file: where (as a fraction of its length), what, and a number for what. */
interface Change {
  readonly at: number;
  readonly what: number;
  readonly value: number;
}

const change = fc.record<Change>({
  at: fc.nat(0xffffff).map((x) => x / 0x1000000),
  what: fc.nat(11),
  value: fc.nat(0xffff),
});
const mutation = fc.array(change, { minLength: 1, maxLength: 4 });

/** Words that text readers stumble over. */
const words = [
  "nan", "-1", "1e999", "99999999999", "4294967296", "0", "", "\n", "\r\n", "\t", '"', "'", "[", "{", "<", ";", "#", "_", "é", "\u0000",
  "T", "1.5.5", "data_", "loop_", "ITEM: ATOMS", "__proto__", "$$$$", "2147483648",
]; // prettier-ignore
const extremes = [
  0n,
  1n,
  0x7fffffffn,
  0xffffffffn,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
  0x100000000n,
  0x10000n,
];

/** The file after all changes. */
export function mutated(good: Uint8Array, changes: readonly Change[]): Uint8Array {
  let bytes = Uint8Array.from(good);
  for (const { at, what, value } of changes) {
    const where = Math.floor(at * bytes.length);
    if (what < 4) bytes[where] = value & 255;
    else if (what === 4) bytes[where] ^= 1 << (value % 8);
    else if (what === 5) bytes = bytes.slice(0, where);
    else if (what === 6) bytes = spliced(bytes, where, value % 40, new Uint8Array(0));
    else if (what === 7) bytes = spliced(bytes, where, 0, bytes.slice(where, where + (value % 200)));
    else if (what === 8) bytes.fill(value & 1 ? 0 : 255, where, where + (value % 64));
    else if (what === 9) putNumber(bytes, where, extremes[value % extremes.length], value & 256 ? 8 : 4);
    else bytes = spliced(bytes, where, value % 6, new TextEncoder().encode(words[value % words.length]));
  }
  return bytes;
}

function spliced(
  bytes: Uint8Array,
  at: number,
  removed: number,
  inserted: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const rest = bytes.subarray(Math.min(bytes.length, at + removed));
  const out = new Uint8Array(at + inserted.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(inserted, at);
  out.set(rest, at + inserted.length);
  return out;
}

function putNumber(bytes: Uint8Array, at: number, value: bigint, width: number): void {
  for (let k = 0; k < width && at + k < bytes.length; k++)
    bytes[at + k] = Number((value >> BigInt(8 * k)) & 255n);
}

/** Inputs between two turns of the event loop, as in any program that reads files; fewer on a busy machine. */
const inputsPerTurn = 64;
const longestTurnMs = 1000;
const longestMs = 1000;
const mib = 2 ** 20;
const mostMemory = 256 * mib;

/** What became of the inputs of a reader. */
export interface ReaderResult {
  readonly inputs: number;
  readonly read: number;
  readonly refused: number;
  /** Longest processor time of one input, ms. */
  readonly slowest_ms: number;
  /** Most memory the process held (resident set) after an input, MiB: with Node, the readers and the test itself in it. */
  readonly memory_mib: number;
  /** The same less what it held when it had read the good file, MiB. */
  readonly grown_mib: number;
}

/**
 * Changes the good file of a reader at random and reads it. Each input is read to its end, or refused in one short
 * AtomgradError that names the file, within a second of processor time and 256 MiB of memory.
 * Throws at the first one that is not so, with the changes.
 *
 * @param onInput called after each input
 */
export async function fuzzReader(
  one: ReaderSeed,
  seed: number,
  runs: number,
  onInput?: () => void,
): Promise<ReaderResult> {
  const counts = { read: 0, refused: 0 };
  let slowest = 0;
  writeFileSync(one.file, one.good);
  await one.prepare?.();
  if (!((await one.read()) > 0)) throw new Error(`${one.name}: the good file holds nothing`);
  const before = process.memoryUsage.rss();
  let most = before;
  let turned = performance.now();
  const property = fc.asyncProperty(mutation, async (changes) => {
    writeFileSync(one.file, mutated(one.good, changes));
    await one.prepare?.();
    const start = process.cpuUsage();
    const memory = process.memoryUsage.rss();
    try {
      await one.read();
      counts.read++;
    } catch (error) {
      const fault = faultOf(error);
      if (fault !== null) throw new Error(`${one.name}: ${fault}`, { cause: error });
      counts.refused++;
    }
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1e3;
    slowest = Math.max(slowest, took);
    if (took > longestMs) throw new Error(`${one.name}: took ${took.toFixed(0)} ms`);
    const held = process.memoryUsage.rss();
    most = Math.max(most, held);
    if (held - memory > mostMemory) throw new Error(`${one.name}: took too much memory`);
    onInput?.();
    if ((counts.read + counts.refused) % inputsPerTurn === 0 || performance.now() - turned > longestTurnMs) {
      await setImmediate();
      turned = performance.now();
    }
  });
  try {
    await fc.assert(property, { seed, numRuns: runs });
  } finally {
    writeFileSync(one.file, one.good);
  }
  const [memory_mib, grown_mib] = [most, most - before].map((bytes) => Math.round(bytes / mib));
  return { inputs: runs, ...counts, slowest_ms: Math.round(slowest), memory_mib, grown_mib };
}

/** What is wrong with a refusal, if anything. */
function faultOf(error: unknown): string | null {
  if (!(error instanceof AtomgradError))
    return `not an AtomgradError: ${error instanceof Error ? error.stack : String(error)}`;
  const { message } = error;
  if (message.length > 1500 || message.split("\n").length > 8)
    return `too long a message: ${message.slice(0, 300)}`;
  if (/undefined|\[object/.test(message)) return `a careless message: ${message}`;
  return null;
}
