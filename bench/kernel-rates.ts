// The kernels of a family alone, without what stands around them: the least time of each in its op's benchmark, forward and
// gradient, what it does a second, and its share of what this machine reaches. Headers of kernels/*/cpu.cc give these figures.
import { families } from "../kernels/cases.generated.js";
import { profile, setThreads } from "../src/index.js";
import { itemBytes } from "../src/tensor/dtype.js";
import type { BenchType } from "./bench.js";
import { variantsOf } from "./kernel-suite.js";
import { bandwidthOf, flopsOf } from "./machine.js";

/** What a kernel does. */
export interface KernelRate {
  readonly op: string;
  readonly kernel: string;
  readonly dtype: BenchType;
  readonly threads: number;
  /** Of one call. */
  readonly microseconds: number;
  readonly flops: number;
  /** Bytes of all inputs and outputs, each once, a second. */
  readonly bandwidth: number;
  /** Time that arithmetic at the speed of a large matrix product, or memory at that of an addition of as many bytes, would take, by the kernel's. */
  readonly share: number;
}

const prefix = "rates/";
const repetitions = 15;

/** `rates/<family>` of every family. */
export const rateNames = (): string[] => Object.keys(families).map((family) => prefix + family);

/** Prints the rates of the families of the given names, with as many threads as asked for: each kernel where it comes first. */
export function printRates(names: readonly string[], threads: number): KernelRate[] {
  const found: KernelRate[] = [];
  for (const [family, cases] of Object.entries(families)) {
    if (!names.includes(prefix + family)) continue;
    const told = new Set<string>();
    for (const c of cases.filter(({ op }) => !op.endsWith("decomposed"))) {
      const { variants, close } = variantsOf(c);
      for (const dtype of ["f32", "f64"] as const) {
        // The gradient runs the kernels of the value too.
        const last = variants.filter((v) => v.dtype === dtype && v.threads === threads).at(-1);
        if (last === undefined) continue;
        const rates = ratesOf(c.op, last.body, dtype, threads).filter((r) => !told.has(keyOf(r)));
        rates.forEach((rate) => told.add(keyOf(rate)));
        found.push(...rates.map(printed));
      }
      close();
    }
  }
  return found;
}

const keyOf = ({ kernel, dtype }: KernelRate): string => `${kernel} ${dtype}`;

function printed(rate: KernelRate): KernelRate {
  const { op, kernel, dtype, microseconds, flops, bandwidth, share } = rate;
  const columns = [
    `${microseconds.toPrecision(3)} us`.padStart(11),
    `${(bandwidth / 1e9).toPrecision(3)} GB/s`.padStart(11),
    `${(flops / 1e9).toPrecision(3)} Gflop/s`.padStart(14),
    `${(100 * share).toFixed(0)} % of the bound`.padStart(20),
  ];
  console.log(`${op.padEnd(32)} ${kernel.padEnd(28)} ${dtype}${columns.join("")}`);
  return rate;
}

/** Rates of the kernels that tell their cost, the most expensive first. */
function ratesOf(op: string, body: () => void, dtype: BenchType, threads: number): KernelRate[] {
  setThreads(threads);
  const least = new Map<string, { microseconds: number; flop: number; bytes: number }>();
  for (let r = 0; r < repetitions; r++) {
    for (const [kernel, { calls, milliseconds, flop, elements }] of profile(body)) {
      const microseconds = (1e3 * milliseconds) / calls;
      if (flop + elements === 0 || microseconds >= (least.get(kernel)?.microseconds ?? Infinity)) continue;
      least.set(kernel, { microseconds, flop: flop / calls, bytes: (elements * itemBytes(dtype)) / calls });
    }
  }
  const flops = flopsOf(dtype, threads);
  return [...least].map(([kernel, { microseconds, flop, bytes }]) => {
    const seconds = microseconds / 1e6;
    const floor = Math.max(flop / flops, bytes / bandwidthOf(dtype, threads, bytes));
    return {
      op,
      kernel,
      dtype,
      threads,
      microseconds,
      flops: flop / seconds,
      bandwidth: bytes / seconds,
      share: floor / seconds,
    };
  });
}
