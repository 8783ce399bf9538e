import { type Backend, type Kernel, word } from "../tensor/backend.js";
import { defaultDevice } from "../tensor/device.js";

/** What the calls of one kernel cost. */
export interface KernelProfile {
  calls: number;
  /** Time in the backend: the kernel's own where it computes at once (cpu, reference), else that of enqueueing it. */
  milliseconds: number;
  flop: number;
  /** Elements of all inputs and outputs, each counted once a call. */
  elements: number;
}

/** Runs `body` and tells what each kernel of the default device cost in it, the most expensive first. Profiles do not nest. */
export function profile(body: () => unknown): Map<string, KernelProfile> {
  const { backend } = defaultDevice();
  const entries = new Map<string, KernelProfile>();
  const launch = backend.launch.bind(backend);
  // An own property hides the method while the body runs, so that launches cost nothing extra at other times.
  backend.launch = (kernel, type) => book(entries, backend, kernel, () => launch(kernel, type));
  try {
    body();
  } finally {
    Reflect.deleteProperty(backend, "launch");
  }
  return new Map([...entries].sort(([, a], [, b]) => b.milliseconds - a.milliseconds));
}

function book(
  entries: Map<string, KernelProfile>,
  backend: Backend,
  kernel: Kernel,
  launch: () => void,
): void {
  const entry = entries.get(kernel.name) ?? { calls: 0, milliseconds: 0, flop: 0, elements: 0 };
  entries.set(kernel.name, entry);
  const cost = kernel.cost?.(backend.words.subarray(word.ints));
  const start = performance.now();
  launch();
  entry.milliseconds += performance.now() - start;
  entry.calls++;
  entry.flop += cost?.flop ?? 0;
  entry.elements += cost?.elements ?? 0;
}
