import { availableParallelism } from "node:os";
import { type Backend, type Kernel, word } from "../../tensor/backend.js";
import { addDevice, isOpen } from "../../tensor/device.js";
import { arrayOver, type DType, hostArray, itemBytes, type TypedArray } from "../../tensor/dtype.js";
import { AtomgradError } from "../../tensor/error.js";
import { AddonKernels } from "../addon-kernels.js";
import { type Addon, loadAddon } from "./addon.js";
import { moveOut, unfilledBuffer } from "./host-memory.js";

const index = 0;

/** The CPU: native kernels compiled for several instruction sets, on a team of threads. */
class CpuBackend implements Backend {
  readonly device = "cpu";
  readonly index = index;
  readonly dtypes: readonly DType[] = ["f32", "f64"];
  readonly words: Int32Array;
  readonly reals: Float64Array;
  private readonly kernels: AddonKernels;
  private readonly run: () => void;

  constructor(readonly addon: Addon) {
    this.words = addon.words;
    this.reals = addon.reals;
    this.run = addon.run;
    this.kernels = new AddonKernels(addon.kernels());
  }

  itemBytes(dtype: DType): number {
    return itemBytes(dtype);
  }

  allocate(bytes: number): number {
    const slot = this.addon.allocate(bytes);
    if (slot < 0)
      throw new AtomgradError(
        "DEVICE",
        `cpu: no memory for ${(bytes / 2 ** 20).toFixed(1)} MiB more; use a smaller batch, or free tensors with scope()`,
      );
    return slot;
  }

  release(slot: number): void {
    this.addon.release(slot);
  }

  write(slot: number, data: TypedArray): void {
    this.addon.copy(slot, data, true);
  }

  readSync(slot: number, dtype: DType, size: number): TypedArray {
    const out = hostArray(dtype, size);
    this.addon.copy(slot, out, false);
    return out;
  }

  read(slot: number, dtype: DType, size: number): Promise<TypedArray> {
    return Promise.resolve(this.readSync(slot, dtype, size));
  }

  detach(slot: number, dtype: DType, size: number): TypedArray | undefined {
    const buffer = moveOut(this.addon, slot, size * itemBytes(dtype));
    return buffer && arrayOver(dtype, buffer);
  }

  lend(data: TypedArray): number {
    return this.addon.lend(data);
  }

  unfilled(dtype: DType, size: number): TypedArray {
    return arrayOver(dtype, unfilledBuffer(size * itemBytes(dtype)));
  }

  poison(slot: number): void {
    this.addon.fill(slot, 0xff);
  }

  launch(kernel: Kernel, type: number): void {
    const id = (kernel.cache[index] ??= this.find(kernel)) as number;
    this.words[word.kernel] = 3 * id + type;
    this.run();
  }

  supports(kernel: Kernel, dtype: DType): boolean {
    return this.kernels.supports(kernel, dtype);
  }

  private find(kernel: Kernel): number {
    const id = this.kernels.idOf(kernel);
    if (id === undefined)
      throw new AtomgradError(
        "NATIVE",
        `cpu: the addon has no kernel "${kernel.name}"; run \`npm run build:native\``,
      );
    return id;
  }
}

let backend: CpuBackend | undefined;

/** What OMP_NUM_THREADS asks for, as users of other numerical programs expect; else one thread per core. */
function threadsAtStart(): number {
  const asked = /^\s*(\d+)/.exec(process.env.OMP_NUM_THREADS ?? "")?.[1];
  const count = Number(asked ?? 0);
  return count >= 1 && count <= 1024 ? count : availableParallelism();
}

/**
 * Opens the device "cpu" (once; later calls do nothing), with the threads of OMP_NUM_THREADS or one per core.
 *
 * Errors: NATIVE when the addon cannot be loaded.
 */
export function openCpu(): void {
  if (isOpen("cpu")) return;
  backend = new CpuBackend(loadAddon());
  addDevice(backend);
  setThreads(threadsAtStart());
}

/** Sets the number of threads kernels share their work with (results do not depend on it). Errors: VALUE. */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 1024)
    throw new AtomgradError("VALUE", `setThreads: ${count} is not a number of threads between 1 and 1024`);
  cpu().addon.threads(count);
}

export function getThreads(): number {
  return cpu().addon.threads();
}

/** The instruction set in use, e.g. "avx512". */
export function getIsa(): string {
  return cpu().addon.isa();
}

/** Instruction sets this machine can run. */
export function isas(): string[] {
  return cpu().addon.isas();
}

/** Chooses the instruction set: the same one gives the same bits on every machine. Errors: VALUE. */
export function setIsa(name: string): void {
  const allowed = cpu().addon.isas();
  if (!allowed.includes(name))
    throw new AtomgradError("VALUE", `setIsa: this machine has ${allowed.join(", ")}, not "${name}"`);
  cpu().addon.isa(name);
}

function cpu(): CpuBackend {
  openCpu();
  return backend!;
}
