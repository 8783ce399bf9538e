import type { DeviceName } from "./backend.js";
import { defaultDevice, device as deviceByName, type DeviceContext } from "./device.js";
import { type DType, dtypeOf, hostArray, type TypedArray } from "./dtype.js";
import { AtomgradError } from "./error.js";
import { type Shape, showShape, sizeOf } from "./shape.js";
import { Storage } from "./storage.js";

/** What a tensor knows of the tape: the node that made it, counted. The autograd floor defines the rest. */
export interface TapeNode {
  retain(): this;
  release(): void;
}

interface Held {
  readonly storage: Storage;
  node: TapeNode | undefined;
}

/** Tensors made outside any scope are freed when the garbage collector finds them: the safety net, not the plan. */
const finaliser = new FinalizationRegistry<Held>((held) => {
  held.storage.device.tensors--;
  held.storage.release();
  held.node?.release();
});

const scopes: Tensor[][] = [];

/**
 * A contiguous row-major array on a device.
 *
 * Counting: a tensor starts with one count, held by the scope it was made in (or by its owner), and gets one for each tape
 * node that saved it. At zero its buffer and its hold on the tape are given back.
 */
export class Tensor implements Disposable {
  private made: TapeNode | undefined = undefined;
  private count = 1;
  private owned = true;
  /** What the finaliser gives back; exists only for tensors outside any scope. */
  private held: Held | undefined = undefined;

  /** Takes over the caller's count of `storage`. Most users call `tensor`, `zeros` or an op instead. */
  constructor(
    readonly storage: Storage,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly size: number,
  ) {
    storage.device.tensors++;
    if (scopes.length > 0) scopes[scopes.length - 1].push(this);
    else this.register();
  }

  /** An uninitialised tensor; ops fill it. `size` is the product of `shape`. */
  static empty(device: DeviceContext, dtype: DType, shape: Shape, size: number): Tensor {
    return new Tensor(Storage.take(device, size * device.backend.itemBytes(dtype)), dtype, shape, size);
  }

  /**
   * A host array as a tensor, without a copy: kernels read and write the array itself until the tensor is freed. Devices
   * without access to host memory get a copy.
   */
  static over(device: DeviceContext, data: TypedArray, shape: Shape): Tensor {
    const dtype = dtypeOf(data);
    const storage = Storage.over(device, data);
    if (storage !== undefined) return new Tensor(storage, dtype, shape, data.length);
    return tensor(data, shape, { dtype, device: device.name });
  }

  /** @internal */
  static openScope(): Tensor[] {
    const made: Tensor[] = [];
    scopes.push(made);
    return made;
  }

  /** @internal */
  static closeScope(): void {
    scopes.pop();
  }

  get device(): DeviceContext {
    return this.storage.device;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The tape node this tensor came from; undefined when nothing is recorded for it. */
  get node(): TapeNode | undefined {
    return this.made;
  }

  /** @internal Takes over the caller's count of `node`. */
  attach(node: TapeNode): this {
    this.made = node;
    if (this.held !== undefined) this.held.node = node;
    return this;
  }

  /** Whether operations on this tensor are recorded for `grad`. */
  get requiresGrad(): boolean {
    return this.made !== undefined;
  }

  get disposed(): boolean {
    return this.count === 0;
  }

  /** The values, on every device. */
  async data(): Promise<TypedArray> {
    this.assertAlive();
    return this.device.backend.read(this.storage.slot, this.dtype, this.size);
  }

  /** The values at once. Errors: ASYNC_DEVICE where the device cannot block (WebGPU). */
  dataSync(): TypedArray {
    this.assertAlive();
    return this.device.backend.readSync(this.storage.slot, this.dtype, this.size);
  }

  /**
   * The values at once, as the tensor's last act: it is freed, and the memory of large ones (4 MiB) becomes the array's instead of
   * being copied (such an array can be copied to another thread, not transferred). Errors: ASYNC_DEVICE where the device cannot
   * block (WebGPU).
   */
  moveSync(): TypedArray {
    this.assertAlive();
    const alone = this.count === 1 && this.made === undefined;
    const data = (alone ? this.storage.detach(this.dtype, this.size) : undefined) ?? this.dataSync();
    this.dispose();
    return data;
  }

  /** The value of a tensor with one element. */
  async item(): Promise<number> {
    this.assertScalar();
    return (await this.data())[0];
  }

  itemSync(): number {
    this.assertScalar();
    return this.dataSync()[0];
  }

  /** Overwrites the values in place. Not recorded; for parameters and inputs between steps. */
  assign(data: ArrayLike<number>): this {
    this.assertAlive();
    if (data.length !== this.size)
      throw new AtomgradError(
        "SHAPE",
        `assign: ${data.length} values for a tensor of shape ${showShape(this.shape)}`,
      );
    this.device.backend.write(this.storage.slot, toHost(data, this.dtype), this.dtype);
    return this;
  }

  /** Gives up the scope's or owner's count. Safe to call twice. */
  dispose(): void {
    if (!this.owned) return;
    this.owned = false;
    this.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal One more count (a tape node saved it). */
  retain(): this {
    this.count++;
    return this;
  }

  /** @internal */
  release(): void {
    if (--this.count > 0) return;
    if (this.held !== undefined) finaliser.unregister(this);
    this.device.tensors--;
    this.storage.release();
    this.made?.release();
  }

  /** @internal Hands the tensor to the enclosing scope, or to its owner where there is none. */
  adopt(): void {
    if (!this.owned) return;
    if (scopes.length > 0) scopes[scopes.length - 1].push(this);
    else this.register();
  }

  /** @internal Removes the tensor from the scope that would free it. */
  detachFromScope(): void {
    for (const made of scopes) {
      const k = made.lastIndexOf(this);
      if (k >= 0) made.splice(k, 1);
    }
    this.register();
  }

  assertAlive(): void {
    if (this.count <= 0)
      throw new AtomgradError(
        "DISPOSED",
        `this tensor of shape ${showShape(this.shape)} was freed; return it from its scope or keep() it`,
      );
  }

  toString(): string {
    return `Tensor ${this.dtype}${showShape(this.shape)} on ${this.device.name}`;
  }

  private register(): void {
    if (this.held !== undefined) return;
    this.held = { storage: this.storage, node: this.made };
    finaliser.register(this, this.held, this);
  }

  private assertScalar(): void {
    if (this.size !== 1)
      throw new AtomgradError(
        "SHAPE",
        `item(): the tensor has shape ${showShape(this.shape)}, not one element`,
      );
  }
}

/** Options of functions that make tensors. */
export interface TensorOptions {
  /** Default: the type of the typed array, f32 for number arrays. */
  dtype?: DType;
  /** Default: the default device. */
  device?: DeviceName;
}

/** A tensor from numbers; `shape` defaults to one dimension. Errors: SHAPE when the count does not fit. */
export function tensor(data: ArrayLike<number> | number, shape?: Shape, options: TensorOptions = {}): Tensor {
  const values = typeof data === "number" ? [data] : data;
  if (typeof values[0] === "object")
    throw new AtomgradError(
      "VALUE",
      "tensor: data is a list of lists; give the numbers in one list, row by row, and the shape: tensor([1, 2, 3, 4], [2, 2])",
    );
  const dims = shape ?? (typeof data === "number" ? [] : [values.length]);
  const size = sizeOf(dims);
  if (size !== values.length)
    throw new AtomgradError("SHAPE", `tensor: ${values.length} values do not fill shape ${showShape(dims)}`);
  const dtype = options.dtype ?? dtypeOf(values);
  const out = Tensor.empty(deviceOf(options), dtype, dims, size);
  out.device.backend.write(out.storage.slot, toHost(values, dtype), dtype);
  return out;
}

/** A tensor whose elements are all `value`. */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  const dtype = options.dtype ?? "f32";
  const size = sizeOf(shape);
  const out = Tensor.empty(deviceOf(options), dtype, shape, size);
  out.device.backend.write(out.storage.slot, hostArray(dtype, size).fill(value), dtype);
  return out;
}

export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 0, options);
}

export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 1, options);
}

function deviceOf(options: TensorOptions): DeviceContext {
  return options.device === undefined ? defaultDevice() : deviceByName(options.device);
}

function toHost(data: ArrayLike<number>, dtype: DType): TypedArray {
  const host = hostArray(dtype, 0);
  if (data.constructor === host.constructor) return data as TypedArray;
  const out = hostArray(dtype, data.length);
  if (dtype === "bool") for (let k = 0; k < data.length; k++) out[k] = Number(data[k] !== 0);
  else out.set(data);
  return out;
}
