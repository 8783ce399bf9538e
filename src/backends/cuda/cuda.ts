import { type Backend, type Kernel, word } from "../../tensor/backend.js";
import { addDevice, isOpen } from "../../tensor/device.js";
import { type DType, hostArray, itemBytes, type TypedArray } from "../../tensor/dtype.js";
import { AtomgradError } from "../../tensor/error.js";
import { AddonKernels } from "../addon-kernels.js";
import { type CudaAddon, loadCudaAddon } from "./addon.js";

const index = 2;

/** One NVIDIA GPU: kernels go to one stream in order; only reads wait for them. */
class CudaBackend implements Backend {
  readonly device = "cuda";
  readonly index = index;
  readonly dtypes: readonly DType[] = ["f32", "f64"];
  readonly words: Int32Array;
  readonly reals: Float64Array;
  private readonly kernels: AddonKernels;
  private readonly run: () => void;

  constructor(readonly addon: CudaAddon) {
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
        `cuda: no memory for ${(bytes / 2 ** 20).toFixed(1)} MiB more (${this.addon.errorText(-slot)}); use a smaller batch, or free tensors with scope()`,
      );
    return slot;
  }

  release(slot: number): void {
    this.check(this.addon.release(slot));
  }

  write(slot: number, data: TypedArray): void {
    this.check(this.addon.copy(slot, data, true));
  }

  readSync(slot: number, dtype: DType, size: number): TypedArray {
    const out = hostArray(dtype, size);
    this.check(this.addon.copy(slot, out, false));
    return out;
  }

  read(slot: number, dtype: DType, size: number): Promise<TypedArray> {
    return Promise.resolve(this.readSync(slot, dtype, size));
  }

  poison(slot: number): void {
    this.check(this.addon.fill(slot, 0xff));
  }

  launch(kernel: Kernel, type: number): void {
    const id = (kernel.cache[index] ??= this.find(kernel)) as number;
    const { words } = this;
    words[word.kernel] = 3 * id + type;
    this.run();
    const status = words[word.status];
    if (status >= 0) return;
    words[word.status] = 0;
    this.check(-status);
  }

  supports(kernel: Kernel, dtype: DType): boolean {
    return this.kernels.supports(kernel, dtype);
  }

  private find(kernel: Kernel): number {
    const id = this.kernels.idOf(kernel);
    if (id === undefined)
      throw new AtomgradError(
        "DEVICE",
        `cuda: "${kernel.name}" has no CUDA kernel; run it on another device`,
      );
    return id;
  }

  /** Errors: DEVICE for any code but 0. Kernels that failed after they were enqueued are reported by a later call. */
  private check(code: number): void {
    if (code !== 0) throw new AtomgradError("DEVICE", `cuda: ${this.addon.errorText(code)} (error ${code})`);
  }
}

let backend: CudaBackend | undefined;

/**
 * Opens the device "cuda" on one GPU (once; later calls do nothing). Which GPUs are visible is the driver's matter
 * (CUDA_VISIBLE_DEVICES). Errors: DEVICE when the CUDA addon is not built, or no GPU with a driver is found.
 */
export function openCuda(ordinal = 0): void {
  if (!isOpen("cuda")) openCudaAddon(loadCudaAddon(), ordinal);
}

/** @internal Opens the device "cuda" on an addon: tests pass one that emulates a GPU. */
export function openCudaAddon(addon: CudaAddon, ordinal = 0): void {
  if (!addon.present())
    throw new AtomgradError(
      "DEVICE",
      "cuda: no NVIDIA GPU with a driver found on this machine; use the cpu device",
    );
  const code = addon.open(ordinal);
  if (code !== 0)
    throw new AtomgradError(
      "DEVICE",
      `cuda: GPU ${ordinal} does not open: ${addon.errorText(code)} (error ${code})`,
    );
  backend = new CudaBackend(addon);
  addDevice(backend);
}

/** The GPU's name. Errors: DEVICE when the device is not open. */
export function cudaDeviceName(): string {
  if (backend === undefined) throw new AtomgradError("DEVICE", "cuda is not open; call openCuda() first");
  return backend.addon.deviceName();
}
