/** What the calls of one op cost. */
export interface OpProfile {
  calls: number;
  /** Host and kernel time on backends that compute at once (cpu, reference); enqueueing alone on the others. */
  milliseconds: number;
  /** Floating-point operations, as far as the op states them. */
  flop: number;
  /** Bytes of all inputs and outputs, each counted once a call. */
  bytes: number;
}

let open: Map<string, OpProfile> | undefined;

/**
 * Runs `body` and tells what every op in it cost, gradients included, the most expensive first.
 *
 * Profiles do not nest: the innermost one gets the calls.
 */
export function profile(body: () => unknown): Map<string, OpProfile> {
  const outer = open;
  const mine = (open = new Map<string, OpProfile>());
  try {
    body();
  } finally {
    open = outer;
  }
  return new Map([...mine].sort(([, a], [, b]) => b.milliseconds - a.milliseconds));
}

export function isProfiling(): boolean {
  return open !== undefined;
}

/** Launches a kernel and books it under its name. */
export function launchProfiled(name: string, flop: number, bytes: number, launch: () => void): void {
  const start = performance.now();
  launch();
  const milliseconds = performance.now() - start;
  const entry = open?.get(name) ?? { calls: 0, milliseconds: 0, flop: 0, bytes: 0 };
  entry.calls++;
  entry.milliseconds += milliseconds;
  entry.flop += flop;
  entry.bytes += bytes;
  open?.set(name, entry);
}
