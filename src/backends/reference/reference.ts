import { type Backend, type Kernel, word } from "../../tensor/backend.js";
import { addDevice, isOpen } from "../../tensor/device.js";
import { type DType, hostArray, itemBytes, type TypedArray } from "../../tensor/dtype.js";

const floatTypes = ["f32", "f64", "i32", "u8"] as const;

/** The slow TypeScript path: every op runs its readable float64 loops. The specification all devices are tested to. */
class ReferenceBackend implements Backend {
  readonly device = "reference";
  readonly index = 1;
  readonly dtypes: readonly DType[] = ["f32", "f64"];
  readonly words = new Int32Array(word.count);
  readonly reals = new Float64Array(word.maxReals);
  private readonly slots: (Uint8Array<ArrayBuffer> | undefined)[] = [];

  itemBytes(dtype: DType): number {
    return itemBytes(dtype);
  }

  allocate(bytes: number): number {
    return this.place(new Uint8Array(bytes));
  }

  lend({ buffer, byteOffset, byteLength }: TypedArray): number {
    return this.place(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  }

  release(slot: number): void {
    this.slots[slot] = undefined;
  }

  write(slot: number, data: TypedArray, dtype: DType): void {
    this.view(slot, dtype, data.length).set(data);
  }

  readSync(slot: number, dtype: DType, size: number): TypedArray {
    return this.view(slot, dtype, size).slice();
  }

  read(slot: number, dtype: DType, size: number): Promise<TypedArray> {
    return Promise.resolve(this.readSync(slot, dtype, size));
  }

  poison(slot: number): void {
    this.slots[slot]!.fill(0xff);
  }

  launch(kernel: Kernel, type: number): void {
    const own = floatTypes[type];
    const buffers = kernel.types.map((dtype, k) => {
      const slot = this.words[word.buffers + k];
      return slot < 0 ? undefined : this.view(slot, dtype ?? own);
    });
    const words = this.words.subarray(word.ints);
    const ints = Object.fromEntries(kernel.intNames.map((name, k) => [name, words[k]]));
    const reals = Object.fromEntries(kernel.realNames.map((name, k) => [name, this.reals[k]]));
    const status = kernel.reference({ ints, reals, words, values: this.reals, buffers });
    this.words[word.status] = status ?? 0;
  }

  supports(): boolean {
    return true;
  }

  private place(memory: Uint8Array<ArrayBuffer>): number {
    let slot = this.slots.indexOf(undefined);
    if (slot < 0) slot = this.slots.length;
    this.slots[slot] = memory;
    return slot;
  }

  /** A slot as numbers of a type: its first `size` elements, or all that fit. */
  private view(slot: number, dtype: DType, size?: number): TypedArray {
    const { buffer, byteOffset, byteLength } = this.slots[slot]!;
    const View = hostArray(dtype, 0).constructor as new (
      b: ArrayBuffer,
      offset: number,
      length: number,
    ) => TypedArray;
    return new View(buffer, byteOffset, size ?? Math.floor(byteLength / itemBytes(dtype)));
  }
}

/** Opens the device "reference" (once). */
export function openReference(): void {
  if (!isOpen("reference")) addDevice(new ReferenceBackend());
}
