// Bundled and run as a process of its own by deep-pot.test.ts: what happens to its event loop, memory and threads is the test.
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";

interface Frames {
  coords: Float64Array;
  cells: Float64Array;
  types: Int32Array;
}

/** The frames of a system over and over. */
function framesOf(folder: string, count: number, typeMap: readonly string[]): Frames {
  const { positions, cells, types, frameCount, atomCount } = readDeepmdSystem(folder, { typeMap });
  const repeat = (data: Float64Array, width: number): Float64Array =>
    Float64Array.from({ length: count * width }, (_, k) => data[k % (frameCount * width)]);
  return { coords: repeat(positions, 3 * atomCount), cells: repeat(cells!, 9), types };
}

const same = (a: Float64Array | undefined, b: Float64Array | undefined): boolean =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((x, k) => Object.is(x, b[k]));

/** How long the event loop was held up at most, and what the evaluation gave, beside evalSync. */
async function free(model: string, folder: string): Promise<unknown> {
  const began = performance.now();
  const pot = await DeepPot.load(model);
  const load = performance.now() - began;
  const { coords, cells, types } = framesOf(folder, 400, pot.typeMap);
  await pot.eval(coords.subarray(0, 24), cells.subarray(0, 9), types);
  let [last, longest] = [performance.now(), 0];
  const clock = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 2);
  const started = performance.now();
  const promise = pot.eval(coords, cells, types, { atomic: true });
  const found = await promise;
  const took = performance.now() - started;
  clearInterval(clock);
  const wanted = pot.evalSync(coords, cells, types, { atomic: true });
  const names = ["energy", "force", "virial", "atomEnergy", "atomVirial"] as const;
  const rows = [
    same(await pot.evalDescriptor(coords, cells, types), pot.evalDescriptorSync(coords, cells, types)),
    same(
      await pot.evalFittingLastLayer(coords, cells, types),
      pot.evalFittingLastLayerSync(coords, cells, types),
    ),
  ];
  const bad = await pot
    .eval(
      coords.subarray(0, 24),
      cells.subarray(0, 9),
      types.map(() => 99),
    )
    .catch((error: Error) => error);
  pot.dispose();
  return {
    load,
    took,
    longest,
    same: [...names.map((name) => same(found[name], wanted[name])), ...rows],
    error: [(bad as Error).name, (bad as Error).message],
  };
}

async function aborted(model: string, folder: string): Promise<unknown> {
  const pot = await DeepPot.load(model);
  const { coords, cells, types } = framesOf(folder, 4000, pot.typeMap);
  const stop = new AbortController();
  const promise = pot.eval(coords, cells, types, { signal: stop.signal });
  let told = 0;
  setTimeout(() => {
    told = performance.now();
    stop.abort(new Error("enough"));
  }, 30);
  const reason = await promise.catch((error: Error) => error.message);
  const waited = performance.now() - told;
  // The thread must be free again soon: the next evaluation does not wait for the 4000 frames.
  const again = performance.now();
  await pot.eval(coords.subarray(0, 24), cells.subarray(0, 9), types);
  const next = performance.now() - again;
  const early = await pot
    .eval(coords, cells, types, { signal: AbortSignal.abort(new Error("before")) })
    .catch((e: Error) => e.message);
  const other = await DeepPot.load(model, { precision: "f32" });
  const [a, b] = await Promise.all(
    [pot, other].map((p) => p.eval(coords.subarray(0, 24), cells.subarray(0, 9), types)),
  );
  pot.dispose();
  const after = await other.eval(coords.subarray(0, 24), cells.subarray(0, 9), types);
  other.dispose();
  return {
    reason,
    waited,
    next,
    early,
    difference: Math.abs(a.energy[0] - b.energy[0]),
    after: after.energy[0] === b.energy[0],
  };
}

/** One round in a worker of the user: 20 evaluations at once, most of them aborted at random times. */
async function round(pot: DeepPot, frames: Frames, seed: number): Promise<number> {
  const { coords, cells, types } = frames;
  let state = seed;
  const random = (): number => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const results = Array.from({ length: 20 }, async () => {
    const stop = new AbortController();
    const frameCount = 1 + Math.floor(random() * 60);
    if (random() < 0.7) setTimeout(() => stop.abort(), random() * 60);
    try {
      const { energy } = await pot.eval(
        coords.subarray(0, frameCount * 24),
        cells.subarray(0, frameCount * 9),
        types,
        { signal: stop.signal },
      );
      return energy.length === frameCount && energy.every(Number.isFinite) ? 1 : NaN;
    } catch (error) {
      if ((error as Error).name !== "AbortError") throw error;
      return 0;
    }
  });
  return (await Promise.all(results)).reduce((a: number, b) => a + b, 0);
}

async function user(): Promise<void> {
  const { model, folder, seed } = workerData as { model: string; folder: string; seed: number };
  const pot = await DeepPot.load(model);
  const frames = framesOf(folder, 60, pot.typeMap);
  const wanted = pot.evalSync(frames.coords, frames.cells, frames.types);
  parentPort!.on("message", (message: number | "end") => {
    if (message === "end") {
      pot.dispose();
      parentPort!.close();
      return;
    }
    void round(pot, frames, seed + message)
      .then(async (done) => ({
        done,
        same: same((await pot.eval(frames.coords, frames.cells, frames.types)).force, wanted.force),
      }))
      .then((answer) => parentPort!.postMessage(answer));
  });
  parentPort!.postMessage("ready");
}

async function crowd(model: string, folder: string, rounds: number): Promise<unknown> {
  const workers = [1, 2, 3, 4].map(
    (seed) => new Worker(process.argv[1], { workerData: { model, folder, seed } }),
  );
  const next = async (worker: Worker): Promise<unknown> => {
    const [message] = (await once(worker, "message")) as unknown[]; // an "error" rejects
    return message;
  };
  await Promise.all(workers.map(next));
  const memory: number[] = [];
  const answers: { done: number; same: boolean }[] = [];
  for (let k = 0; k < rounds; k++) {
    const all = Promise.all(workers.map(next));
    for (const worker of workers) worker.postMessage(k * 100);
    answers.push(...((await all) as typeof answers));
    memory.push(process.memoryUsage().rss / 2 ** 20);
  }
  const ended = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
  for (const worker of workers) worker.postMessage("end");
  return { memory, answers, codes: await Promise.all(ended) };
}

if (isMainThread) {
  const [, , action, model, folder, rounds] = process.argv;
  const run = { free, aborted, crowd: () => crowd(model, folder, Number(rounds)) }[action]!;
  process.stdout.write(JSON.stringify(await run(model, folder)));
} else {
  await user();
}
