import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { modulePath, packageRoot } from "../../backends/cpu/addon.js";
import { getIsa, getThreads } from "../../backends/cpu/cpu.js";
import { AtomgradError } from "../../tensor/error.js";
import type { EnergyModel } from "./energy-model.js";
import type { EvalAnswer, EvalRequest } from "./eval-messages.js";
import type { EvalTask } from "./evaluate.js";
import type { FrameList } from "./frames.js";

type Result = Record<string, Float64Array>;

interface Pending {
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  readonly finish: () => void;
}

/**
 * The thread that computes for all potentials of this thread: started by the first evaluation, ended when the last
 * potential is disposed of. It keeps the process alive only while somebody waits for a result.
 */
export class EvalThread {
  private static shared: EvalThread | undefined;
  private static lastModel = 0;
  private readonly worker = new Worker(workerFile());
  private readonly pending = new Map<number, Pending>();
  private readonly models = new Set<number>();
  private lastJob = 0;
  /** Whether the thread is gone; its models then have to be handed to another. */
  ended = false;

  private constructor() {
    this.worker.unref();
    this.worker.on("message", (answer: EvalAnswer) => this.settle(answer));
    this.worker.on("error", (error) => this.fail(error));
    this.worker.on("exit", () => this.fail(new Error("it ended")));
  }

  /** Hands a model to the thread; its number there. */
  static add(model: EnergyModel): { thread: EvalThread; model: number } {
    const thread = (EvalThread.shared ??= new EvalThread());
    const number = ++EvalThread.lastModel;
    thread.models.add(number);
    thread.post({ type: "model", model: number, config: model.config, weights: model.weights() });
    return { thread, model: number };
  }

  /** Takes a model back; jobs that wait for it are done first. */
  remove(model: number): void {
    if (!this.models.delete(model)) return;
    this.post({ type: "forget", model });
    this.endIfIdle();
  }

  /** Computes; an abort rejects at once with the signal's reason, and the thread stops after the block it is at. */
  run(
    model: number,
    task: EvalTask,
    frames: FrameList,
    name: string | undefined,
    signal?: AbortSignal,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const job = ++this.lastJob;
      const stop = new Int32Array(new SharedArrayBuffer(4));
      const abort = (): void => {
        Atomics.store(stop, 0, 1);
        reject(signal!.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.pending.set(job, { resolve, reject, finish: () => signal?.removeEventListener("abort", abort) });
      this.worker.ref();
      const { count, atoms, positions, cells, types, fparam, aparam } = frames;
      const data = { count, atoms, positions, cells, types, fparam, aparam, name };
      const arrays = [positions, cells, types, fparam, aparam].filter((x) => x !== undefined && x !== null);
      this.post(
        { type: "eval", job, model, task, frames: data, stop, threads: getThreads(), isa: getIsa() },
        arrays.map((array) => array.buffer as ArrayBuffer),
      );
    });
  }

  private post(request: EvalRequest, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(request, transfer);
  }

  private settle({ job, result, error }: EvalAnswer): void {
    const waiting = this.pending.get(job)!;
    this.pending.delete(job);
    waiting.finish();
    if (error?.code !== undefined) waiting.reject(new AtomgradError(error.code, error.message));
    else if (error !== undefined) waiting.reject(new Error(error.message));
    else if (result !== undefined) waiting.resolve(result);
    this.endIfIdle();
  }

  private endIfIdle(): void {
    if (this.pending.size > 0) return;
    this.worker.unref();
    if (this.models.size > 0) return;
    this.leave();
    void this.worker.terminate();
  }

  /** The thread is gone: everybody who waits is told. */
  private fail(cause: unknown): void {
    this.leave();
    for (const waiting of this.pending.values()) {
      waiting.finish();
      waiting.reject(new AtomgradError("DEVICE", "eval: the thread that computes has stopped", { cause }));
    }
    this.pending.clear();
  }

  private leave(): void {
    this.ended = true;
    if (EvalThread.shared === this) EvalThread.shared = undefined;
  }
}

/** Beside this file, or in the package (CommonJS and other bundles hold this file under another name). */
function workerFile(): string {
  const beside = join(dirname(modulePath(import.meta.url)), "eval-worker.js");
  return existsSync(beside)
    ? beside
    : join(packageRoot(), "dist", "src", "models", "deepmd", "eval-worker.js");
}
