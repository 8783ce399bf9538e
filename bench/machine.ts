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

/** What this machine reaches at best, for the bounds rows are compared with. */
export interface Ceiling {
  /** Floating-point operations a second, of a large matrix product. */
  readonly flops: number;
  /** Bytes a second, of an addition of arrays larger than the caches. */
  readonly bandwidth: number;
}

const measured = new Map<string, Ceiling>();

/** Measured once a run for each number type and thread count. */
export function ceiling(dtype: BenchType, threads: number): Ceiling {
  const key = `${dtype} ${threads}`;
  let found = measured.get(key);
  if (found === undefined) measured.set(key, (found = measure(dtype, threads)));
  return found;
}

function measure(dtype: BenchType, threads: number): Ceiling {
  setThreads(threads);
  return scope(() => {
    const n = 960;
    const a = full([n, n], 0.5, { dtype });
    const long = full([dtype === "f32" ? 1 << 24 : 1 << 23], 1, { dtype });
    const seconds = (body: () => void): number => {
      let best = Infinity;
      for (let r = 0; r < 7; r++) {
        const start = performance.now();
        scope(() => void body());
        best = Math.min(best, (performance.now() - start) / 1e3);
      }
      return best;
    };
    const product = seconds(() => matmul(a, a));
    const sum = seconds(() => add(long, long));
    // One array read (twice the same one) and one written.
    return { flops: (2 * n ** 3) / product, bandwidth: 2 ** 27 / sum };
  });
}

const rates = new Map<string, number>();

/** Bytes a second of an addition that moves about so many bytes: what memory of that size gives, in the caches or not. */
export function bandwidthOf(dtype: BenchType, threads: number, bytes: number): number {
  const size = 2 ** Math.round(Math.log2(Math.max(bytes, 1 << 16)));
  const key = `${dtype} ${threads} ${size}`;
  let found = rates.get(key);
  if (found === undefined) rates.set(key, (found = measureBandwidth(dtype, threads, size)));
  return found;
}

function measureBandwidth(dtype: BenchType, threads: number, bytes: number): number {
  setThreads(threads);
  return scope(() => {
    const n = Math.floor(bytes / (3 * itemBytes(dtype)));
    const [a, b] = [full([n], 1, { dtype }), full([n], 2, { dtype })];
    let best = Infinity;
    for (let r = 0; r < 15; r++) {
      for (const kernel of profile(() => scope(() => void add(a, b))).values())
        best = Math.min(best, kernel.milliseconds / 1e3);
    }
    return (3 * n * itemBytes(dtype)) / best;
  });
}
