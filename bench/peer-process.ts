import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Answer of a peer to one request: milliseconds of one repetition, wall clock and all threads' processor time. */
export interface PeerAnswer extends Readonly<Record<string, unknown>> {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Lets glibc keep the memory it is given back; the Python libraries lose a third of their time otherwise. */
const tunedAllocator = {
  MALLOC_MMAP_THRESHOLD_: "4294967296",
  MALLOC_TRIM_THRESHOLD_: "17179869184",
  MALLOC_TOP_PAD_: "268435456",
};

/** The Python the peers are installed in. */
export const python = process.env.ATOMGRAD_PEER_PYTHON ?? "python3";

/** A program of bench/peers that measures on request; see bench/peers/lines.py for what is said. */
export class PeerProcess {
  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly lines: AsyncIterator<string>,
    readonly versions: Readonly<Record<string, string>>,
  ) {}

  /** Starts a peer. Returns a sentence when it is not installed or does not start. */
  static async start(
    program: string,
    args: readonly string[],
    tuned: boolean,
  ): Promise<PeerProcess | string> {
    // Compiled, this file lies in dist/bench.
    const script = fileURLToPath(new URL(`../../bench/peers/${program}`, import.meta.url));
    const env = { ...process.env, PYTHONWARNINGS: "ignore", ...(tuned ? tunedAllocator : {}) };
    const child = spawn(python, [script, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (text: Buffer) => (complaint = (complaint + text.toString()).slice(-2000)));
    const ended = once(child, "close").catch(() => undefined);
    child.on("error", (error) => (complaint = error.message));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) {
      await ended;
      return lastLine(complaint);
    }
    const { versions } = JSON.parse(first.value) as { versions: Record<string, string> };
    return new PeerProcess(child, lines, versions);
  }

  async ask(request: Readonly<Record<string, unknown>>): Promise<PeerAnswer> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.lines.next();
    if (line.done === true) throw new Error("the peer ended in the middle of a measurement");
    const answer = JSON.parse(line.value) as PeerAnswer & { error?: string };
    if (answer.error !== undefined) throw new Error(`the peer says: ${answer.error}`);
    return answer;
  }

  stop(): void {
    this.child.stdin.end(`${JSON.stringify({ quit: true })}\n`);
    this.child.kill();
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "it did not start";
}
