// Bundled and run as a process of its own by mapped-npy.test.ts: touching memory that is gone would end the process.
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { readNpy } from "../../src/data/npy.js";

const path = isMainThread ? process.argv[2] : (workerData as string);

/** Sum of the array of the file, mapped and read. */
function sums(): number {
  let sum = 0;
  for (const mmapMode of ["c", undefined] as const) {
    const data = readNpy(path, { mmapMode }).data as Float64Array;
    for (let k = 0; k < data.length; k += 64) sum += data[k];
  }
  return sum;
}

/** Maps, reads and drops arrays of 8 MiB; gives the growth of the process's memory in MiB. */
async function growth(times: number): Promise<number> {
  const before = process.memoryUsage.rss();
  for (let k = 0; k < times; k++) {
    sums();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Math.round((process.memoryUsage.rss() - before) / 2 ** 20);
}

if (isMainThread) {
  const wanted = sums();
  const received: number[] = [];
  for (let k = 0; k < 12; k++) {
    const worker = new Worker(process.argv[1], { workerData: path });
    const [data] = (await once(worker, "message")) as [Float64Array];
    if (k % 2 === 0) await new Promise((resolve) => setTimeout(resolve, k));
    await worker.terminate();
    received.push(data.length, data[0], data[data.length - 1]);
  }
  process.stdout.write(JSON.stringify({ received, same: sums() === wanted, growth: await growth(200) }));
} else {
  parentPort!.postMessage(readNpy(path, { mmapMode: "c" }).data);
  for (;;) sums();
}
