// Bundled and run as a process of its own by worker.test.ts: a crash of a worker's teardown would end the process.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { trainDeepmd } from "../../src/train/deepmd/run.js";

const [, program, input, output, count] = process.argv;

/** Starts trainings in workers and ends each at another moment of a step. */
async function terminateTrainings(): Promise<void> {
  const steps: number[] = [];
  for (let k = 0; k < Number(count); k++) {
    const worker = new Worker(program, { workerData: { input, output: `${output}-${k}` } });
    let done = 0;
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (step: number) => {
        done = step;
        if (step === 3) resolve();
      });
      worker.on("error", reject);
    });
    await new Promise((resolve) => setTimeout(resolve, (7 * k) % 11));
    await worker.terminate();
    steps.push(done);
  }
  process.stdout.write(JSON.stringify(steps));
}

if (isMainThread) await terminateTrainings();
else
  await trainDeepmd((workerData as { input: string }).input, {
    output: (workerData as { output: string }).output,
    skipNeighborStat: true,
    onStep: (done) => parentPort!.postMessage(done),
  });
