// Bundled and run as a process of its own by workers.test.ts: a crash of a worker's teardown would end the process.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { matmul } from "../../kernels/matmul/op.js";
import { add, tanh } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { getThreads, openCpu, setThreads } from "../../src/backends/cpu/cpu.js";
import { scope } from "../../src/tensor/scope.js";
import { tensor } from "../../src/tensor/tensor.js";

/** Gradient of a small network at values that depend on `seed`: enough work for several threads. */
function step(seed: number): number {
  return scope(() => {
    const values = Float64Array.from({ length: 2048 * 64 }, (_, k) => Math.sin(seed + k));
    const x = tensor(values, [2048, 64]);
    const w = requireGrad(tensor(values.subarray(0, 64 * 64), [64, 64]));
    const [g] = grad(sum(tanh(add(matmul(x, w), 0.5))), [w]);
    return sum(g).itemSync();
  });
}

function started(action: "compute" | "forever", seed: number): Worker {
  return new Worker(process.argv[1], { workerData: { action, seed } });
}

function next<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function compute(): Promise<void> {
  openCpu();
  const workers = [1, 2].map((seed) => started("compute", seed));
  const found = await Promise.all(workers.map((worker) => next<number[]>(worker)));
  await Promise.all(workers.map((worker) => worker.terminate()));
  process.stdout.write(
    JSON.stringify({ found, wanted: [1, 2].map((seed) => new Array<number>(20).fill(step(seed))) }),
  );
}

async function terminate(times: number): Promise<void> {
  openCpu();
  const before = step(3);
  for (let k = 0; k < times; k++) {
    const worker = started("forever", k);
    await next(worker);
    if (k % 2 === 0) await new Promise((resolve) => setTimeout(resolve, k % 5));
    await worker.terminate();
  }
  process.stdout.write(JSON.stringify({ same: step(3) === before }));
}

function threads(): void {
  openCpu();
  process.stdout.write(JSON.stringify(getThreads()));
}

if (isMainThread) {
  if (process.argv[2] === "threads") threads();
  else await (process.argv[2] === "compute" ? compute() : terminate(Number(process.argv[3])));
} else {
  const { action, seed } = workerData as { action: string; seed: number };
  openCpu();
  setThreads(2);
  if (action === "compute") parentPort!.postMessage(Array.from({ length: 20 }, () => step(seed)));
  else
    for (let k = 0; ; k++) {
      step(seed);
      if (k === 2) parentPort!.postMessage("running");
    }
}
