// npm run bench [-- NAME... --json FILE --reps N --list --keep]: rows whose name begins with NAME (default: all rows with peers).
// Names that begin with `kernels` choose from the kernel suite, every op alone, without peers; `rates/FAMILY` tells what the
// family's kernels do a second, and how far that is from their bound.
import { Command } from "commander";
import { writeFileSync } from "node:fs";
import { openCpu } from "../src/index.js";
import type { Bench } from "./bench.js";
import { printRates, rateNames } from "./kernel-rates.js";
import { kernelNames, type KernelTiming, timeKernels } from "./kernel-suite.js";
import { machine } from "./machine.js";
import { measure, type Result } from "./measure.js";
import { keepFigures, keptFigures } from "./reference-figures.js";
import { rows } from "./rows/index.js";

interface Flags {
  json?: string;
  reps: string;
  list?: boolean;
  keep?: boolean;
}

const program = new Command("bench")
  .description("Measures ours and the peers' programs in turn, in one run.")
  .argument("[NAME...]", "rows whose name begins so")
  .option("--json <FILE>", "write the results")
  .option("--reps <N>", "repetitions (medians are shown)", "9")
  .option("--list", "only print the names")
  .option("--keep", "keep the figures under bench/reference, for machines without the peers");
program.parse();
const flags = program.opts<Flags>();
const asked = (name: string): boolean => program.args.some((a) => name.startsWith(a));
const chosen = rows.filter((row) => program.args.length === 0 || asked(row.name));
const kernels = kernelNames().filter(asked);
const rated = rateNames().filter(asked);

if (chosen.length + kernels.length + rated.length === 0) {
  console.error(`bench: no row begins with ${program.args.join(", ")}; --list prints the names`);
  process.exit(1);
}
const reps = Number(flags.reps);
if (!Number.isInteger(reps) || reps < 1) {
  console.error(`bench: --reps is ${flags.reps}; give a whole number, at least 7 for figures to keep`);
  process.exit(1);
}
if (flags.list === true) {
  for (const row of chosen) console.log(`${row.name} ${row.dtype} ${row.threads}`);
  for (const name of program.args.length === 0 ? [...kernelNames(), ...rateNames()] : [...kernels, ...rated])
    console.log(name);
} else await runAll();

async function runAll(): Promise<void> {
  openCpu();
  const results = chosen.length > 0 ? await compareWithPeers(chosen) : [];
  const timings: KernelTiming[] = await timeKernels(kernels);
  const rates = printRates(rated, 2);
  if (flags.json === undefined) return;
  const suite = kernels.length + rated.length > 0 ? { kernels: timings, rates, machine: machine() } : {};
  writeFileSync(flags.json, `${JSON.stringify({ schema: 1, results, ...suite }, null, 2)}\n`);
}

async function compareWithPeers(benches: readonly Bench[]): Promise<Result[]> {
  const results: Result[] = [];
  console.log(
    "row".padEnd(44) + "threads  ours ms   peer ms  as shipped  ratio  of floor  peer".padStart(62),
  );
  for (const bench of benches) {
    const workload = await bench.open();
    if (typeof workload === "string") {
      console.error(`${bench.name}: left out (${workload})`);
      continue;
    }
    try {
      const { results: found, absent } = await measure(bench, workload, reps);
      absent.forEach((sentence) => console.error(sentence));
      found.forEach((r) => console.log(lineOf(r)));
      if (absent.length > 0) printKept(found[0]);
      if (flags.keep === true) keepFigures(found);
      // A row whose peer was asked for but is not here says nothing about the peer.
      results.push(...found.filter((r) => r.peer !== undefined || workload.peers.length === 0));
    } finally {
      workload.close?.();
    }
  }
  return results;
}

function lineOf(r: Result): string {
  return (
    `${r.name} ${r.dtype}`.padEnd(44) +
    String(r.threads).padStart(7) +
    number(r.ours_ms, 9) +
    number(r.peer_ms, 10) +
    number(r.peer_default_malloc_ms, 12) +
    (r.ratio === undefined ? "-" : `${r.ratio.toFixed(2)}x`).padStart(7) +
    `${((100 * r.floor_ms) / r.ours_ms).toFixed(0)} %`.padStart(10) +
    (r.peer === undefined ? "  none" : `  ${r.peer} ${r.peer_version}`)
  );
}

function number(x: number | undefined, width: number): string {
  return (x === undefined ? "-" : x.toPrecision(3)).padStart(width);
}

function printKept(row: Result): void {
  const kept = keptFigures(row);
  for (const r of kept?.results ?? [])
    console.log(`${lineOf(r)}  (kept figures of ${kept!.date}, ${r.machine.cpu}, not measured now)`);
}
