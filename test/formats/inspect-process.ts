// node inspect-process.mjs FILE...: inspects the files one after the other; says of each on a line what came of it, the
// processor time in seconds, and the most memory that the process has held so far, MiB.
import { existsSync, readFileSync } from "node:fs";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { AtomgradError } from "../../src/tensor/error.js";

export interface Inspected {
  /** Frames and atoms, or the message of the error. */
  readonly outcome: { readonly frames: number; readonly atoms: number } | string;
  readonly seconds: number;
  readonly mib: number;
}

/** Of this program alone: what `resourceUsage` says begins with what the parent held where it was forked. */
function mostMemory(): number {
  const status = "/proc/self/status";
  const peak = existsSync(status) ? /VmHWM:\s+(\d+)/.exec(readFileSync(status, "utf8"))?.[1] : undefined;
  return Number(peak ?? process.resourceUsage().maxRSS) / 1024;
}

for (const path of process.argv.slice(2)) {
  const start = process.cpuUsage();
  let outcome: Inspected["outcome"];
  try {
    const { frames, atoms } = (await inspectFile(path)) as StructureReport;
    outcome = { frames, atoms: atoms.total };
  } catch (error) {
    if (!(error instanceof AtomgradError)) throw error;
    outcome = error.message;
  }
  const { user, system } = process.cpuUsage(start);
  const said: Inspected = { outcome, seconds: (user + system) / 1e6, mib: mostMemory() };
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
