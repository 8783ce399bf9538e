import { batch } from "../../src/backends/webgpu/commands.js";
import type { Bench, Workload } from "../bench.js";
import { leastCalls, operations, type Recorder } from "./webgpu-recorders.js";

/** Dispatches recorded within the clock. */
const dispatches = 128;

/**
 * Dispatches recorded after the wait, before the clock runs. A software adapter computes on the host's cores and throws the
 * host's code out of their caches: the first dozens of dispatches then cost twice what those behind them do.
 */
const warmUp = 64;

/** What recording costs the calling thread while the GPU is idle. */
function recording(recorder: Recorder): Workload {
  return {
    run: () => recorder.record(dispatches),
    settle: async () => {
      await recorder.wait();
      recorder.record(warmUp);
    },
    work: { dispatches },
    floor: {},
    peers: [],
    close: () => recorder.close(),
  };
}

/** What it costs to hand over a full command buffer. A software adapter begins to compute meanwhile, on the same cores. */
function submission(recorder: Recorder): Workload {
  return {
    run: () => recorder.record(1),
    settle: async () => {
      await recorder.wait();
      recorder.record(batch - 1);
    },
    work: { dispatches: batch },
    floor: {},
    peers: [],
    close: () => recorder.close(),
  };
}

/** Without an adapter the row is left out, with what to install. */
function row(name: string, recorder: () => Promise<Recorder>, workload: (r: Recorder) => Workload): Bench {
  const open = (): Promise<Workload | string> =>
    recorder().then(workload, (error: unknown) => (error instanceof Error ? error.message : String(error)));
  return { name, dtype: "f32", threads: 1, open };
}

export const webGpuRows: readonly Bench[] = [
  row("webgpu/dispatch-chain", () => operations("chain"), recording),
  row("webgpu/dispatch-chain-raw", () => leastCalls("chain"), recording),
  row("webgpu/dispatch-layer", () => operations("layer"), recording),
  row("webgpu/dispatch-layer-raw", () => leastCalls("layer"), recording),
  row("webgpu/submit-layer", () => operations("layer"), submission),
  row("webgpu/submit-layer-raw", () => leastCalls("layer"), submission),
];
