import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ReaderResult } from "./fuzz-reader.js";
import { inOwnProcess } from "./own-process.js";
import { readerSeeds } from "./reader-seeds.js";

export interface FuzzReadersSettings {
  readonly seed: number;
  /** Inputs of each reader. */
  readonly runs: number;
  /** An empty folder to work in. */
  readonly folder: string;
  /** reader-process.ts as a program. */
  readonly readerProgram: string;
  /** Takes a line for each reader. */
  readonly say: (line: string) => void;
  /** The readers to try; all unless given. */
  readonly only?: readonly string[];
  /** Results of other readers, from earlier, that stay. */
  readonly earlier?: Readonly<Record<string, ReaderRow>>;
}

/** What became of the inputs of a reader, and how to repeat them. */
export interface ReaderRow extends ReaderResult {
  readonly seed: number;
  readonly seconds: number;
}

export interface ReaderCounts {
  readonly readers: number;
  readonly inputs: number;
  readonly read: number;
  readonly refused: number;
  /** Longest processor time of one input, ms. */
  readonly slowest_ms: number;
  /** Most memory that a process of one reader held, with Node and the test in it, MiB; and growth while it read. */
  readonly memory_mib: number;
  readonly grown_mib: number;
  readonly each: Readonly<Record<string, ReaderRow>>;
}

/**
 * Changes good files of every reader at random and reads them, each reader in a process of its own: what must hold is in
 * `fuzzReader`; a process that ends by itself or falls silent is a failure too. Throws at the end
 * with all that is not so; the error's `counts` are those of the readers that passed.
 */
export async function fuzzReaders(settings: FuzzReadersSettings): Promise<ReaderCounts> {
  const { seed, folder, only, say } = settings;
  const names = (await readerSeeds(join(folder, "names"))).map(({ name }) => name);
  const unknown = only?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`no reader ${unknown.join(", ")}; there are ${names.join(", ")}`);
  const each: Record<string, ReaderRow> = {};
  const failures: string[] = [];
  for (const name of names) {
    if (only !== undefined && !only.includes(name)) {
      const row = settings.earlier?.[name];
      if (row === undefined) say(`${name}: not tried, and no earlier result`);
      else each[name] = row;
      continue;
    }
    const started = performance.now();
    try {
      mkdirSync(join(folder, name));
      const { readerProgram, runs } = settings;
      const result = await inOwnProcess<ReaderResult>(readerProgram, name, seed, runs, join(folder, name));
      each[name] = { ...result, seed, seconds: Math.round((performance.now() - started) / 100) / 10 };
      say(`${name}: ${JSON.stringify(each[name])}`);
    } catch (error) {
      failures.push((error as Error).message);
      say(`${name}: FAILED: ${failures.at(-1)}`);
    }
  }
  const counts = summary(each);
  if (failures.length > 0) throw Object.assign(new Error(failures.join("\n")), { counts });
  return counts;
}

function summary(each: Readonly<Record<string, ReaderRow>>): ReaderCounts {
  const rows = Object.values(each);
  const sum = (key: "inputs" | "read" | "refused"): number =>
    rows.reduce((total, row) => total + row[key], 0);
  const most = (key: "slowest_ms" | "memory_mib" | "grown_mib"): number =>
    rows.reduce((top, row) => Math.max(top, row[key]), 0);
  return {
    readers: rows.length,
    inputs: sum("inputs"),
    read: sum("read"),
    refused: sum("refused"),
    slowest_ms: most("slowest_ms"),
    memory_mib: most("memory_mib"),
    grown_mib: most("grown_mib"),
    each,
  };
}
