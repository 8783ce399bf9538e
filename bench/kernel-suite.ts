// The kernel suite: every op on its benchmark inputs (`bench` of kernels/<family>/cases.ts; else its largest sample), forward
// alone and with the gradient of the sum of its output, through benny. It compares versions of a kernel; peers are in bench/rows.
import benny from "benny";
import { families } from "../kernels/cases.generated.js";
import { grad, keep, requireGrad, scope, setThreads, sum, tensor, type Tensor } from "../src/index.js";
import type { OpCases, Sample } from "../src/testing/cases.js";
import { Samples } from "../src/testing/samples.js";
import type { BenchType } from "./bench.js";

/** One line of the suite; times in microseconds. */
export interface KernelTiming {
  readonly name: string;
  readonly dtype: BenchType;
  readonly threads: number;
  readonly work: "forward" | "forward and gradient";
  readonly median_us: number;
  /** Relative margin of error, percent. */
  readonly margin: number;
  readonly samples: number;
}

const prefix = "kernels/";
const limits = { minTime: 0.05, maxTime: 0.25, delay: 0, minSamples: 7 };

/** `kernels/<family>/<op>` of every op. */
export function kernelNames(): string[] {
  return Object.entries(families).flatMap(([family, cases]) =>
    cases.map((c) => `${prefix}${family}/${c.op}`),
  );
}

/** Times the ops of the given names on the CPU, with one thread and two. */
export async function timeKernels(names: readonly string[]): Promise<KernelTiming[]> {
  const timings: KernelTiming[] = [];
  for (const [family, cases] of Object.entries(families))
    for (const c of cases)
      if (names.includes(`${prefix}${family}/${c.op}`))
        timings.push(...(await timeOp(`${prefix}${family}/${c.op}`, c)));
  return timings;
}

export type Variant = Pick<KernelTiming, "dtype" | "threads" | "work"> & { readonly body: () => void };

async function timeOp(name: string, c: OpCases): Promise<KernelTiming[]> {
  const { variants, close } = variantsOf(c);
  const cases = variants.map((v) => benny.add(labelOf(v), () => (setThreads(v.threads), v.body), limits));
  const { results } = await benny.suite(name, ...cases);
  close();
  return variants.map(({ dtype, threads, work }, k) => {
    const { details, margin, samples } = results[k];
    const timing = { name, dtype, threads, work, median_us: details.median * 1e6, margin, samples };
    const median = timing.median_us.toPrecision(4).padStart(10);
    console.log(`  ${labelOf(timing).padEnd(38)}${median} us  ±${margin} %`);
    return timing;
  });
}

/** An op on its benchmark inputs: both number types, one thread and two, forward alone and with the gradient. */
export function variantsOf(c: OpCases): { variants: Variant[]; close: () => void } {
  const sample = benchSample(c);
  const differentiable = c.differentiate.length > 0 && (c.order ?? 2) > 0;
  const inputs = (c.types ?? (["f32", "f64"] as const)).map((dtype) => ({
    dtype,
    of: inputsOf(sample, dtype),
  }));
  const variants = inputs.flatMap(({ dtype, of }) =>
    [1, 2].flatMap((threads): Variant[] => [
      { dtype, threads, work: "forward", body: () => forward(c, sample, of) },
      ...(differentiable
        ? [{ dtype, threads, work: "forward and gradient" as const, body: () => gradient(c, sample, of) }]
        : []),
    ]),
  );
  const close = (): void => inputs.forEach(({ of }) => Object.values(of).forEach((t) => t.dispose()));
  return { variants, close };
}

function labelOf({ dtype, threads, work }: Pick<KernelTiming, "dtype" | "threads" | "work">): string {
  return `${dtype}, ${threads === 1 ? "1 thread" : `${threads} threads`}, ${work}`;
}

function forward(c: OpCases, sample: Sample, inputs: Record<string, Tensor>): void {
  scope(() => void c.run(inputs, sample.attrs ?? {}));
}

function gradient(c: OpCases, sample: Sample, inputs: Record<string, Tensor>): void {
  scope(() => {
    const variables = { ...inputs };
    for (const key of c.differentiate) variables[key] = requireGrad(inputs[key]);
    const out = [c.run(variables, sample.attrs ?? {})].flat()[0];
    grad(
      sum(out),
      c.differentiate.map((key) => variables[key]),
      { allowUnused: true },
    );
  });
}

function benchSample(c: OpCases): Sample {
  const [first] = c.bench?.(new Samples(1)) ?? [];
  if (first !== undefined) return first;
  return c.samples(new Samples(1)).reduce((a, b) => (elements(b) > elements(a) ? b : a));
}

function elements(sample: Sample): number {
  return Object.values(sample.inputs).reduce((total, x) => total + x.data.length, 0);
}

function inputsOf(sample: Sample, dtype: BenchType): Record<string, Tensor> {
  const entries = Object.entries(sample.inputs).map(([key, x]) => {
    const type = x.data instanceof Int32Array ? "i32" : dtype;
    return [key, keep(tensor(x.data, x.shape, { dtype: type }))] as const;
  });
  return Object.fromEntries(entries);
}
