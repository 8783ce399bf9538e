import { type Backend, type Kernel, word } from "../../tensor/backend.js";
import { addDevice, isOpen } from "../../tensor/device.js";
import { type DType, typeCode, type TypedArray } from "../../tensor/dtype.js";
import { AtomgradError } from "../../tensor/error.js";
import { Body, type Launch, often } from "./body.js";
import { Commands } from "./commands.js";
import { Description } from "./description.js";
import { acquireGpu, describeAdapter, type Gpu, usage } from "./gpu.js";
import { KeptParameters } from "./kept-parameters.js";
import { Pipelines } from "./pipelines.js";
import { Readback } from "./readback.js";

const index = 3;

/**
 * WebGPU: WGSL kernels in f32 on any GPU, in Node and in browsers. Launches are recorded and submitted together; only
 * reads wait. Bytes and booleans are kept one to a 32-bit word.
 */
class WebGpuBackend implements Backend {
  readonly device = "webgpu";
  readonly index = index;
  readonly dtypes: readonly DType[] = ["f32"];
  readonly words = new Int32Array(word.count);
  readonly reals = new Float64Array(word.maxReals);
  private readonly ints = this.words.subarray(word.ints);
  private readonly pipelines: Pipelines;
  private readonly bodies: Body[] = [];
  private readonly description = new Description();
  private readonly commands: Commands;
  private readonly kept: KeptParameters;
  private readonly readback: Readback;
  private readonly slots: (GPUBuffer | undefined)[] = [];
  /** The batch of commands that last used a slot. */
  private readonly lastUse: number[] = [];
  /** Stands in for absent inputs. */
  private readonly nothing: GPUBuffer;
  private lost: string | undefined;
  /** The first message of the GPU since the last read: commands fail after they were recorded. */
  private failure: string | undefined;

  constructor(readonly gpu: Gpu) {
    const { device } = gpu;
    this.pipelines = new Pipelines(device);
    this.commands = new Commands(device);
    this.kept = new KeptParameters(device);
    this.readback = new Readback(device, this.commands);
    this.nothing = device.createBuffer({ label: "absent", size: 256, usage: usage.storage });
    void device.lost.then(({ reason, message }) => (this.lost = message || reason));
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault(); // it is thrown at the next read: no second message on the console
      this.failure ??= event.error.message;
    });
  }

  /** Errors: DTYPE for f64. */
  itemBytes(dtype: DType): number {
    if (dtype === "f64")
      throw new AtomgradError(
        "DTYPE",
        'webgpu computes in f32, found f64; pass { dtype: "f32" } or use the cpu device for f64',
      );
    return 4;
  }

  allocate(bytes: number): number {
    const { device } = this.gpu;
    const most = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    if (bytes > most)
      throw new AtomgradError(
        "DEVICE",
        `webgpu: a buffer of ${mebibytes(bytes)} MiB is more than this adapter binds (${mebibytes(most)} MiB); use a smaller batch`,
      );
    let slot = this.slots.indexOf(undefined);
    if (slot < 0) slot = this.slots.length;
    this.slots[slot] = device.createBuffer({
      size: bytes,
      usage: usage.storage | usage.copySource | usage.copyTarget,
    });
    this.lastUse[slot] = 0;
    return slot;
  }

  release(slot: number): void {
    if (this.lastUse[slot] === this.commands.current) this.commands.submit();
    this.pipelines.forget();
    for (const body of this.bodies) body.forget();
    this.slots[slot]!.destroy();
    this.slots[slot] = undefined;
  }

  write(slot: number, data: TypedArray, dtype: DType): void {
    const values = dtype === "u8" || dtype === "bool" ? Uint32Array.from(data) : data;
    if (values.length === 0) return;
    // Writes go straight to the queue: commands recorded before this one must be there already.
    if (this.lastUse[slot] === this.commands.current) this.commands.submit();
    this.gpu.device.queue.writeBuffer(this.slots[slot]!, 0, values);
  }

  readSync(): TypedArray {
    throw new AtomgradError(
      "ASYNC_DEVICE",
      "webgpu cannot wait for the GPU; use `await tensor.data()` or `await tensor.item()`",
    );
  }

  async read(slot: number, dtype: DType, size: number): Promise<TypedArray> {
    this.check();
    const bytes = size === 0 ? new ArrayBuffer(0) : await this.copyOut(slot, 4 * size);
    if (dtype === "f32") return new Float32Array(bytes);
    if (dtype === "i32") return new Int32Array(bytes);
    return Uint8Array.from(new Uint32Array(bytes));
  }

  poison(slot: number): void {
    this.write(slot, new Int32Array(this.slots[slot]!.size / 4).fill(-1), "i32");
  }

  launch(kernel: Kernel, type: number): void {
    if (this.lost !== undefined) this.check();
    const bodies = (kernel.cache[index] ??= []) as Body[];
    const body = (bodies[type] ??= this.build(kernel, type));
    const { words, description, commands } = this;
    words[word.status] = 0;
    description.take(kernel, body.bound, this);
    const launch = body.find(description) ?? this.meet(body);
    if (launch === undefined) return;
    this.use(body.bound.length);
    if (launch.place === "group") {
      commands.dispatch(launch.pipeline, launch.group, launch.workgroups);
      return;
    }
    commands.dispatchAt(launch.pipeline, launch.group, launch.workgroups, kernel, description, this.reals);
    if (++launch.uses === often)
      body.settle(launch, this.buffers(body), this.kept.add(kernel, description, this.reals));
  }

  supports(kernel: Kernel, dtype: DType): boolean {
    return (kernel.wgsl?.types ?? ["f32"]).includes(dtype as "f32") && kernel.wgsl !== undefined;
  }

  private build(kernel: Kernel, type: number): Body {
    const body = new Body(kernel, type === typeCode.i32 ? "i32" : "f32", this.pipelines);
    this.bodies.push(body);
    return body;
  }

  /** The launch in the command block for the first time; undefined where it has nothing to do. */
  private meet(body: Body): Launch | undefined {
    const workgroups = body.kernel.wgsl!.groups(this.ints);
    if (workgroups.includes(0)) return undefined;
    const { parameters } = this.commands;
    return body.add(this.description, workgroups, () => this.buffers(body), parameters);
  }

  /** Notes that the batch uses the first `count` slots of the description. */
  private use(count: number): void {
    const { lastUse, commands, description } = this;
    for (let k = 0; k < count; k++) {
      const slot = description.words[k];
      if (slot >= 0) lastUse[slot] = commands.current;
    }
  }

  /** The buffers of the described launch. */
  private buffers(body: Body): GPUBuffer[] {
    return body.bound.map((_, k) => {
      const slot = this.description.words[k];
      return slot < 0 ? this.nothing : this.slots[slot]!;
    });
  }

  private async copyOut(slot: number, bytes: number): Promise<ArrayBuffer> {
    try {
      const values = await this.readback.read(this.slots[slot]!, bytes);
      this.check();
      return values;
    } catch (error) {
      this.check();
      throw error instanceof AtomgradError
        ? error
        : new AtomgradError(
            "DEVICE",
            `webgpu: reading failed: ${error instanceof Error ? error.message : String(error)}`,
            {
              cause: error,
            },
          );
    }
  }

  /** Throws what the GPU reported since the last time. Errors: DEVICE. */
  private check(): void {
    if (this.lost !== undefined)
      throw new AtomgradError(
        "DEVICE",
        `webgpu: the GPU was lost (${this.lost}); its tensors are gone, start the program again`,
      );
    if (this.failure === undefined) return;
    const message = this.failure;
    this.failure = undefined;
    throw new AtomgradError("DEVICE", `webgpu: the GPU refused a command: ${message}`);
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

let opening: Promise<void> | undefined;
let backend: WebGpuBackend | undefined;

/**
 * Opens the device "webgpu": `navigator.gpu` in a browser, the `webgpu` package (Dawn) in Node. Later calls do nothing.
 * Errors: DEVICE when no GPU or software adapter is found, with what to install.
 *
 * In a Node worker, let the worker end by itself: Dawn aborts the process when `terminate()` cuts one of its calls.
 */
export function openWebGpu(): Promise<void> {
  if (isOpen("webgpu")) return Promise.resolve();
  opening ??= acquireGpu()
    .then((gpu) => {
      backend = new WebGpuBackend(gpu);
      addDevice(backend);
    })
    .finally(() => (opening = undefined));
  return opening;
}

/** The adapter in words. Errors: DEVICE when the device is not open. */
export function webGpuAdapter(): string {
  if (backend === undefined)
    throw new AtomgradError("DEVICE", "webgpu is not open; call `await openWebGpu()` first");
  return describeAdapter(backend.gpu);
}
