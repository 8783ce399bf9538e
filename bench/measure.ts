import { setTimeout } from "node:timers/promises";
import { setThreads } from "../src/index.js";
import type { Bench, PeerRequest, Workload } from "./bench.js";
import { bandwidthOf, flopsOf, type Machine, machine } from "./machine.js";
import { type PeerAnswer, PeerProcess } from "./peer-process.js";

/** One line of the results; a row of the table per peer. Times in milliseconds, medians. */
export interface Result {
  readonly name: string;
  readonly dtype: string;
  readonly threads: number;
  readonly reps: number;
  readonly ours_ms: number;
  readonly ours_min_ms: number;
  readonly ours_cpu_ms: number;
  readonly peer?: string;
  readonly peer_version?: string;
  readonly peer_ms?: number;
  readonly peer_cpu_ms?: number;
  readonly peer_default_malloc_ms?: number;
  readonly ratio?: number;
  readonly floor_ms: number;
  readonly floor: string;
  readonly work: Readonly<Record<string, number>>;
  readonly max_difference?: number;
  readonly machine: Machine;
}

interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
}

/**
 * Work is repeated within a sample until the sample is longer than the clock's and the scheduler's grain, and than what it takes to
 * fill the caches again after another program: a training goes on for hours.
 */
const sampleMs = 300;

/** OpenMP's threads spin for up to 200 ms after a loop and would take processor time from whoever comes next. */
const restMs = 250;

/**
 * Measures a prepared row: ours, each peer with its allocator told to keep memory, and each as shipped, in turn.
 *
 * @returns a result per peer (one without a peer where none is installed) and a sentence per peer left out
 */
export async function measure(
  bench: Bench,
  workload: Workload,
  reps: number,
): Promise<{ results: Result[]; absent: string[] }> {
  const limit = floorOf(bench, workload);
  setThreads(bench.threads);
  const absent: string[] = [];
  const rivals: { request: PeerRequest; tuned: PeerProcess; shipped: PeerProcess }[] = [];
  try {
    for (const request of workload.peers) {
      const pair = await startPair(request);
      if (typeof pair === "string") absent.push(`${bench.name}: ${request.peer} left out (${pair})`);
      else rivals.push({ request, ...pair });
    }
    const repeats = workload.once === true ? 1 : await calibrate(workload);
    const rounds = workload.once === true ? 1 : reps;
    for (const r of rivals)
      for (let k = 0; k < 4; k++)
        for (const p of [r.tuned, r.shipped]) await p.ask({ ...r.request.request, repeats });
    const ours: Sample[] = [];
    const theirs = rivals.map(() => ({ tuned: [] as PeerAnswer[], shipped: [] as PeerAnswer[] }));
    for (let k = 0; k < rounds; k++) {
      await setTimeout(0); // memory of dropped results comes back in turns of the event loop
      ours.push(await sample(workload, repeats));
      for (const [i, { request, tuned, shipped }] of rivals.entries()) {
        theirs[i].tuned.push(await tuned.ask({ ...request.request, repeats }));
        await setTimeout(restMs);
        theirs[i].shipped.push(await shipped.ask({ ...request.request, repeats }));
        await setTimeout(restMs);
      }
    }
    const own = ownResult(bench, workload, ours, limit);
    const results = rivals.map(({ request, tuned }, i) => {
      const { tuned: quick, shipped } = theirs[i];
      const peerMs = median(quick.map((s) => s.ms));
      return {
        ...own,
        peer: request.peer,
        peer_version: tuned.versions[request.peer] ?? "unknown",
        peer_ms: peerMs,
        peer_cpu_ms: median(quick.map((s) => s.cpuMs)),
        peer_default_malloc_ms: median(shipped.map((s) => s.ms)),
        ratio: peerMs / own.ours_ms,
        ...(workload.difference && { max_difference: workload.difference(quick[0]) }),
      };
    });
    return { results: results.length > 0 ? results : [own], absent };
  } finally {
    for (const r of rivals) for (const p of [r.tuned, r.shipped]) p.stop();
  }
}

async function startPair({
  program,
  args,
}: PeerRequest): Promise<{ tuned: PeerProcess; shipped: PeerProcess } | string> {
  const tuned = await PeerProcess.start(program, args, true);
  if (typeof tuned === "string") return tuned;
  const shipped = await PeerProcess.start(program, args, false);
  if (typeof shipped !== "string") return { tuned, shipped };
  tuned.stop();
  return shipped;
}

/**
 * How often the work is repeated within a sample. Counted anew after four samples, as many as the peers get to warm up: code
 * that is still interpreted would have the samples of quick work end too soon.
 */
async function calibrate(workload: Workload): Promise<number> {
  for (let k = 0; k < 2; k++) await sample(workload, 1);
  const first = await lengthen(workload, 1);
  for (let k = 0; k < 4; k++) await sample(workload, first);
  return lengthen(workload, first);
}

/** The number of repeats, at least as many as given, that fills a sample; of repeats timed one by one few will do. */
async function lengthen(workload: Workload, repeats: number): Promise<number> {
  const most = workload.settle === undefined ? 1 << 20 : 32;
  while (repeats < most) {
    const { ms } = await sample(workload, repeats);
    if (ms * repeats >= sampleMs) break;
    repeats = Math.min(most, Math.max(2 * repeats, Math.min(16 * repeats, Math.ceil(sampleMs / ms))));
  }
  return repeats;
}

/**
 * Repeats the work. Where the clock is stopped between repeats each is timed by itself and their median counts: a repeat in which
 * the system gave the core to another program says nothing about ours.
 */
async function sample({ run, settle }: Workload, repeats: number): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const alone: number[] = [];
  for (let k = 0; k < repeats; k++) {
    const begin = performance.now();
    const pending = run();
    if (pending instanceof Promise) await pending;
    if (settle === undefined) continue;
    alone.push(performance.now() - begin);
    await settle();
  }
  const ms = settle === undefined ? (performance.now() - start) / repeats : median(alone);
  const used = process.cpuUsage(cpu);
  return { ms, cpuMs: (used.user + used.system) / 1e3 / repeats };
}

/** What takes longest of what any program must do, and how long, ms. */
interface Floor {
  readonly ms: number;
  readonly text: string;
}

function floorOf({ dtype, threads }: Bench, { floor: { flop = 0, bytes = 0 } }: Workload): Floor {
  const flops = flopsOf(dtype, threads);
  const bandwidth = bandwidthOf(dtype, threads, bytes);
  const [compute, transfer] = [(flop / flops) * 1e3, (bytes / bandwidth) * 1e3];
  return compute >= transfer
    ? { ms: compute, text: `flop ${(flop / 1e9).toPrecision(3)} G at ${(flops / 1e9).toPrecision(3)} GF/s` }
    : {
        ms: transfer,
        text: `bytes ${(bytes / 1e6).toPrecision(3)} MB at ${(bandwidth / 1e9).toPrecision(3)} GB/s`,
      };
}

function ownResult(bench: Bench, workload: Workload, samples: Sample[], floor: Floor): Result {
  return {
    name: bench.name,
    dtype: bench.dtype,
    threads: bench.threads,
    reps: samples.length,
    ours_ms: median(samples.map((s) => s.ms)),
    ours_min_ms: Math.min(...samples.map((s) => s.ms)),
    ours_cpu_ms: median(samples.map((s) => s.cpuMs)),
    floor_ms: floor.ms,
    floor: floor.text,
    work: workload.work,
    machine: machine(),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
