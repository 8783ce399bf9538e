// Runs in a worker thread: holds models and evaluates frames, one job after the other.
import { parentPort } from "node:worker_threads";
import { getIsa, getThreads, openCpu, setIsa, setThreads } from "../../backends/cpu/cpu.js";
import { AtomgradError } from "../../tensor/error.js";
import { EnergyModel } from "./energy-model.js";
import type { EvalAnswer, EvalJob, EvalRequest } from "./eval-messages.js";
import { evaluateTask } from "./evaluate.js";
import { FrameList } from "./frames.js";

const models = new Map<number, EnergyModel>();

function run({ model, task, frames, stop, threads, isa }: EvalJob): Record<string, Float64Array> | undefined {
  if (Atomics.load(stop, 0) !== 0) return undefined;
  if (getThreads() !== threads) setThreads(threads);
  if (getIsa() !== isa) setIsa(isa);
  const { count, atoms, positions, cells, types, fparam, aparam, name } = frames;
  const list = new FrameList(count, atoms, positions, cells, types, fparam, aparam, name);
  return evaluateTask(models.get(model)!, list, task, () => Atomics.load(stop, 0) !== 0);
}

function answer(job: EvalJob): EvalAnswer {
  try {
    return { job: job.job, result: run(job) };
  } catch (error) {
    const code = error instanceof AtomgradError ? error.code : undefined;
    return { job: job.job, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}

parentPort?.on("message", (request: EvalRequest) => {
  openCpu();
  if (request.type === "model") {
    models.set(request.model, new EnergyModel(request.config, request.weights));
  } else if (request.type === "forget") {
    models.get(request.model)?.dispose();
    models.delete(request.model);
  } else {
    const reply = answer(request);
    const buffers = Object.values(reply.result ?? {}).map((array) => array.buffer as ArrayBuffer);
    parentPort!.postMessage(reply, buffers);
  }
});
