import { join } from "node:path";
import { fuzzConfig } from "./fuzz-config.js";
import { fuzzReaders, type ReaderCounts } from "./fuzz-readers.js";
import type { FolderCounts } from "./fuzz-folders.js";
import { killTraining } from "./kills.js";
import { compareNeighbors } from "./neighbors.js";
import { inOwnProcess } from "./own-process.js";

export interface CampaignSettings {
  readonly seed: number;
  readonly runs: number;
  /** An empty folder to work in. */
  readonly folder: string;
  /** The `atomgrad` program. */
  readonly program: string;
  /** reader-process.ts as a program. */
  readonly readerProgram: string;
  /** The parts to run; all unless given. What the kept counts say of the others stays. */
  readonly only?: readonly string[];
  /** Counts of the result that is kept now; undefined without one. */
  readonly kept: () => unknown;
  /** Keeps counts of what is done so far. */
  readonly keep: (counts: object) => void;
  /** The commit that is tried, with `+` where files were changed since. */
  readonly commit: string;
  /** Takes lines that say how far it is. */
  readonly say: (line: string) => void;
}

export interface Campaign {
  readonly runs: number;
  /** Returns what was counted; throws at a failure (with `counts`, where some parts passed). */
  run(settings: CampaignSettings): Promise<object> | object;
}

/** Long searches for failures, by name; `runs` is how many unless asked otherwise. */
export const campaigns: Readonly<Record<string, Campaign>> = {
  kills: {
    runs: 60,
    run: ({ runs, ...settings }) => killTraining({ ...settings, kills: runs }),
  },
  "fuzz-config": { runs: 50_000, run: ({ seed, runs }) => fuzzConfig(seed, runs) },
  "fuzz-readers": {
    runs: 100_000,
    run: ({ kept, ...settings }) =>
      fuzzReaders({ ...settings, kept: () => (kept() as ReaderCounts | undefined)?.each ?? {} }),
  },
  "fuzz-folders": {
    runs: 5000,
    run: ({ readerProgram, seed, runs, folder }) =>
      inOwnProcess<FolderCounts>(readerProgram, "fuzz-folders", seed, runs, join(folder, "set")),
  },
  neighbors: { runs: 20_000, run: ({ seed, runs }) => compareNeighbors(seed, runs) },
};
