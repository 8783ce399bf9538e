// The program of the test page: the quick part of the op matrix on WebGPU, and a training by the shipped bundle.
import { families } from "../../kernels/cases.generated.js";
import type * as browser from "../../src/browser.js";
import { openReference, openWebGpu, webGpuAdapter } from "../../src/browser.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { scopeAsync } from "../../src/tensor/scope.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import type { OpCases, Sample } from "../../src/testing/cases.js";
import { Samples } from "../../src/testing/samples.js";
import { derivativeTensors, type FloatType, inputsOf, scaleOf } from "../ops/derivatives.js";
import { highestOrder } from "../ops/support.js";
import type { OperationReport, PageReport } from "./report.js";

/** What the program uses of the page's document (Node's types have none). */
interface Cell {
  textContent: string;
}
interface Row {
  className: string;
  title: string;
  insertCell(): Cell;
}
interface TableBody {
  insertRow(): Row;
  readonly rows: { readonly length: number };
}
declare const document: {
  querySelector(selector: "tbody"): TableBody;
  querySelector(selector: "#adapter"): Cell;
};

type Bundle = typeof browser;

const samplesEach = 5;
/** How much more rounding than the CPU's WGSL's functions are allowed, as in test/ops/webgpu.test.ts. */
const slack = 8;

/** The value, then the derivatives up to the highest order. */
function everythingOf(c: OpCases, sample: Sample, device: DeviceName, dtype: FloatType): Tensor[][] {
  const value = [c.run(inputsOf(sample, device, dtype), sample.attrs ?? {})].flat();
  const order = highestOrder(c);
  return [value, order > 0 ? derivativeTensors(c, sample, device, dtype, order) : []];
}

function read(
  c: OpCases,
  sample: Sample,
  device: DeviceName,
  dtype: FloatType,
): Promise<ArrayLike<number>[][]> {
  return scopeAsync(() =>
    Promise.all(everythingOf(c, sample, device, dtype).map((part) => Promise.all(part.map((t) => t.data())))),
  );
}

/** The largest difference of results in units of what is allowed; NaN where one is. */
function distance(found: ArrayLike<number>[], wanted: ArrayLike<number>[], tolerance: number): number {
  if (found.length !== wanted.length) return NaN;
  const scale = Math.max(0.1, scaleOf(wanted)) * tolerance;
  let worst = 0;
  wanted.forEach((w, k) => {
    for (let e = 0; e < w.length; e++)
      if (found[k][e] !== w[e] && !(Math.abs(found[k][e] - w[e]) / scale <= worst))
        worst = Math.abs(found[k][e] - w[e]) / scale;
  });
  return worst;
}

async function check(name: string, c: OpCases): Promise<OperationReport> {
  const start = performance.now();
  const samples = c
    .samples(new Samples(1))
    .filter((s) => s.large !== true)
    .slice(0, samplesEach);
  const onHost = c.types !== undefined && !c.types.includes("f32");
  let worst = 0;
  try {
    for (const sample of samples) {
      const wanted = await read(c, sample, "reference", "f64");
      if (onHost) continue;
      const found = await read(c, sample, "webgpu", "f32");
      [1, 50].forEach((factor, part) => {
        const d = distance(found[part], wanted[part], factor * slack * c.tolerance.f32);
        if (!(d <= worst)) worst = d;
      });
    }
  } catch (error) {
    const reason = String(error);
    const inF64 = reason.includes("webgpu computes in f32");
    const shared = { name, order: -1, samples: samples.length, milliseconds: 0 };
    return inF64 ? { ...shared, worst: 0 } : { ...shared, worst: NaN, error: reason };
  }
  const order = onHost ? -1 : highestOrder(c);
  return { name, order, samples: samples.length, worst, milliseconds: performance.now() - start };
}

/** A line of the table in the page. */
function show(body: TableBody, r: OperationReport): void {
  const good = r.worst <= 1;
  const runs = r.order < 0 && good ? "in f64 alone" : String(r.order);
  const cells = [
    r.name,
    runs,
    r.samples,
    r.worst.toFixed(3),
    r.milliseconds.toFixed(0),
    good ? "ok" : "FAILED",
  ];
  const row = body.insertRow();
  row.className = good ? "good" : "bad";
  for (const text of cells) row.insertCell().textContent = String(text);
  if (r.error !== undefined) row.title = r.error;
}

/** Learns y = tanh(x w) with the shipped bundle; the losses. */
async function train(bundle: Bundle): Promise<number[]> {
  const { grad, matmul, mean, mul, sub, tanh, tensor, scopeAsync: inScope, requireGrad, Adam } = bundle;
  const wave = (n: number, step: number): number[] =>
    Array.from({ length: n }, (_, k) => Math.sin(step * k + 1));
  const x = tensor(Float32Array.from(wave(192, 0.7)), [64, 3]);
  const y = tanh(matmul(x, tensor(Float32Array.of(0.5, -1, 0.3), [3, 1])));
  const w = requireGrad(tensor(Float32Array.of(0, 0, 0), [3, 1]));
  const optimizer = new Adam(new Map([["w", w]]));
  const losses: number[] = [];
  for (let step = 0; step < 40; step++)
    losses.push(
      await inScope(async () => {
        const error = sub(tanh(matmul(x, w)), y);
        const loss = mean(mul(error, error));
        optimizer.step(grad(loss, [w]), 0.1);
        return loss.item();
      }),
    );
  return losses;
}

/** Neighbours in a skewed cell, searched by the shipped bundle on WebGPU and in TypeScript: how many, and whether the same. */
async function search(bundle: Bundle): Promise<{ pairs: number; same: boolean }> {
  const cell = [7, 0, 0, 2, 7, 0, 0, -1, 7];
  const positions = Float64Array.from({ length: 360 }, (_, k) => 9 * Math.sin(0.7 * k * k + 1));
  const wanted = bundle.neighborList(positions, cell, true, 3, { device: "reference" });
  const found = await bundle.neighborListAsync(positions, cell, true, 3, { device: "webgpu" });
  return { pairs: found.count, same: JSON.stringify(found) === JSON.stringify(wanted) };
}

async function run(): Promise<PageReport> {
  const body = document.querySelector("tbody");
  const operations: OperationReport[] = [];
  await openWebGpu();
  openReference();
  document.querySelector("#adapter").textContent = webGpuAdapter();
  for (const [family, cases] of Object.entries(families))
    for (const c of cases) {
      const report = await check(`${family}/${c.op}`, c);
      operations.push(report);
      show(body, report);
    }
  const address = "/atomgrad.mjs";
  const shipped = (await import(address)) as Bundle;
  const devices = await shipped.devices();
  const losses = await train(shipped);
  const neighbours = await search(shipped);
  const bundle = { devices, losses, neighbours };
  return { adapter: webGpuAdapter(), operations, bundle, rowsShown: body.rows.length };
}

const send = (report: object): Promise<unknown> =>
  fetch("/report", { method: "POST", body: JSON.stringify(report) });
void run().then(send, (error: Error) => send({ failure: `${error.message}\n${error.stack}` }));
