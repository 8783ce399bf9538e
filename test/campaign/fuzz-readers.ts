import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { AtomgradError } from "../../src/tensor/error.js";
import { readerSeeds, type ReaderSeed } from "./reader-seeds.js";

export interface ReaderCounts {
  readonly readers: number;
  readonly inputs: number;
  readonly read: number;
  readonly refused: number;
  /** Longest processor time of one input, ms. */
  readonly slowest_ms: number;
  /** Growth of the process's memory over all inputs, MiB. */
  readonly memory_mib: number;
}

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

const longestMs = 1000;
const mostMemory = 256 * 2 ** 20;

/**
 * Changes good files of every reader at random and reads them. Each is read to its end, or refused in one short
 * AtomgradError that names the file, within a second of processor time; the process stays within 256 MiB more than at its start.
 * Throws at the first thing that is not so, with the changes.
 *
 * @param runs inputs of each reader
 */
export async function fuzzReaders(seed: number, runs: number, folder: string): Promise<ReaderCounts> {
  const seeds = await readerSeeds(folder);
  const before = process.memoryUsage().rss;
  const total = { read: 0, refused: 0, slowest: 0 };
  for (const one of seeds) {
    const counts = await fuzzReader(one, seed, runs);
    total.read += counts.read;
    total.refused += counts.refused;
    total.slowest = Math.max(total.slowest, counts.slowest);
  }
  const grown = process.memoryUsage().rss - before;
  return {
    readers: seeds.length,
    inputs: seeds.length * runs,
    read: total.read,
    refused: total.refused,
    slowest_ms: Math.round(total.slowest),
    memory_mib: Math.round(grown / 2 ** 20),
  };
}

/** The same for one reader. */
export async function fuzzReader(
  one: ReaderSeed,
  seed: number,
  runs: number,
): Promise<{ read: number; refused: number; slowest: number }> {
  const counts = { read: 0, refused: 0, slowest: 0 };
  writeFileSync(one.file, one.good);
  if (!(one.read() > 0)) throw new Error(`${one.name}: the good file holds nothing`);
  const property = fc.asyncProperty(mutation, async (changes) => {
    writeFileSync(one.file, mutated(one.good, changes));
    await one.prepare?.();
    const start = process.cpuUsage();
    const memory = process.memoryUsage.rss();
    try {
      one.read();
      counts.read++;
    } catch (error) {
      const fault = faultOf(error);
      if (fault !== null) throw new Error(`${one.name}: ${fault}`, { cause: error });
      counts.refused++;
    }
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1e3;
    counts.slowest = Math.max(counts.slowest, took);
    if (took > longestMs) throw new Error(`${one.name}: took ${took.toFixed(0)} ms`);
    if (process.memoryUsage.rss() - memory > mostMemory) throw new Error(`${one.name}: took too much memory`);
  });
  try {
    await fc.assert(property, { seed, numRuns: runs });
  } finally {
    writeFileSync(one.file, one.good);
  }
  return counts;
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
