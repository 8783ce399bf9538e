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
  /** The readers to try, in this order; all unless given. */
  readonly only?: readonly string[];
  /** What the readers are read from: the commit, with `+` where files were changed since. */
  readonly commit: string;
  /** The rows that are kept as of now: those of other readers stay. */
  readonly kept: () => Readonly<Record<string, ReaderRow>>;
  /** Keeps all rows as soon as one is there: a run that is ended loses only the reader it was at. */
  readonly keep: (counts: ReaderCounts) => void;
}

/** What became of the inputs of a reader, and how to repeat them. */
export interface ReaderRow extends ReaderResult {
  readonly seed: number;
  readonly seconds: number;
  readonly commit: string;
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
  const { seed, runs, folder, readerProgram, commit, only, say } = settings;
  const names = (await readerSeeds(join(folder, "names"))).map(({ name }) => name);
  const unknown = only?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`no reader ${unknown.join(", ")}; there are ${names.join(", ")}`);
  const put = (name: string, row: ReaderRow | null): void => {
    const rows = { ...settings.kept(), [name]: row };
    settings.keep(summary(names.flatMap((known) => (rows[known] ? [[known, rows[known]]] : []))));
  };
  const failures: string[] = [];
  for (const name of only ?? names) {
    const started = performance.now();
    try {
      mkdirSync(join(folder, name));
      const result = await inOwnProcess<ReaderResult>(readerProgram, name, seed, runs, join(folder, name));
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      const row = { ...result, seed, seconds, commit };
      put(name, row);
      say(`${name}: ${JSON.stringify(row)}`);
    } catch (error) {
      put(name, null);
      failures.push((error as Error).message);
      say(`${name}: FAILED: ${failures.at(-1)}`);
    }
  }
  const kept = settings.kept();
  for (const name of names) if (kept[name] === undefined) say(`${name}: no result is kept`);
  const counts = summary(Object.entries(kept));
  if (failures.length > 0) throw Object.assign(new Error(failures.join("\n")), { counts });
  return counts;
}

function summary(entries: readonly (readonly [string, ReaderRow])[]): ReaderCounts {
  const rows = entries.map(([, row]) => row);
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
    each: Object.fromEntries(entries),
  };
}
