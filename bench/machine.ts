import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { add, full, getIsa, matmul, profile, scope, setThreads } from "../src/index.js";
import { itemBytes } from "../src/tensor/dtype.js";
import type { BenchType } from "./bench.js";

/** What figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly isa: string;
  readonly node: string;
  /** Load average of the last minute when the row was measured. */
  readonly load1: number;
}

export function machine(): Machine {
  return {
    cpu: cpuModel(),
    cores: availableParallelism(),
    isa: getIsa(),
    node: process.version,
    load1: Number(loadavg()[0].toFixed(2)),
  };
}

/** The processor's name; virtual machines often hide it, then the family and model numbers say which it is. */
function cpuModel(): string {
  const named = cpus()[0]?.model ?? "unknown";
  if (named !== "unknown" && named.trim() !== "") return named;
  try {
    const info = readFileSync("/proc/cpuinfo", "utf8");
    const field = (name: string): string =>
      new RegExp(`^${name}\\s*: (.*)$`, "m").exec(info)?.[1] ?? "unknown";
    return `${field("vendor_id")} family ${field("cpu family")} model ${field("model")}`;
  } catch {
    return "unknown";
  }
}

const measured = new Map<string, number>();

/** A figure of this machine, measured once a run. */
function once(key: string, measure: () => number): number {
  let found = measured.get(key);
  if (found === undefined) measured.set(key, (found = measure()));
  return found;
}

const repetitions = 15;

/** Floating-point operations a second, of a large matrix product. */
export function flopsOf(dtype: BenchType, threads: number): number {
  return once(`${dtype} ${threads}`, () => {
    setThreads(threads);
    const n = 960;
    return scope(() => {
      const a = full([n, n], 0.5, { dtype });
      return (2 * n ** 3) / leastSeconds(() => matmul(a, a));
    });
  });
}

/** Bytes beyond which memory gives no less. */
const mostBytes = 2 ** 28;

/** Bytes a second of an addition that moves about so many bytes: what memory of that size gives, in the caches or not. */
export function bandwidthOf(dtype: BenchType, threads: number, bytes: number): number {
  const size = 2 ** Math.round(Math.log2(Math.min(mostBytes, Math.max(bytes, 2 ** 16))));
  return once(`${dtype} ${threads} ${size}`, () => {
    setThreads(threads);
    const n = Math.floor(size / (3 * itemBytes(dtype)));
    return scope(() => {
      const [a, b] = [full([n], 1, { dtype }), full([n], 2, { dtype })];
      return (3 * n * itemBytes(dtype)) / leastSeconds(() => add(a, b));
    });
  });
}

/** Of the one kernel that the body runs. */
function leastSeconds(body: () => unknown): number {
  let best = Infinity;
  for (let r = 0; r < repetitions; r++)
    for (const { milliseconds } of profile(() => scope(() => void body())).values())
      best = Math.min(best, milliseconds / 1e3);
  return best;
}
