import { type Backend, type Kernel, word } from "../../tensor/backend.js";

/** Position of the integer whose bits name absent inputs. */
const absentWord = 71;

/** Words of `struct Parameters`: 72 integers and 32 reals. */
const parameterWords = absentWord + 1 + word.maxReals;
export const parameterBytes = 4 * parameterWords;

/**
 * All that makes a launch of a kernel what it is, as whole numbers in a row: the slots of its bound buffers, the integers it
 * reads and the bits of its reals. What a launch before left behind in the command block is no part of it.
 */
export class Description {
  readonly words = new Int32Array(word.count + word.maxReals);
  /** Words in use. */
  length = 0;
  private readonly reals = new Float32Array(this.words.buffer);
  private slots = 0;
  private ints = 0;
  /** Bit k is set where input k is absent. */
  private absent = 0;

  /** Describes the launch in the command block of the backend. */
  take(kernel: Kernel, bound: readonly number[], { words: block, reals }: Backend): void {
    const { words } = this;
    const slots = bound.length;
    let absent = 0;
    for (let k = 0; k < slots; k++) {
      const slot = block[word.buffers + bound[k]];
      if (slot < 0) absent |= 1 << bound[k];
      words[k] = slot;
    }
    const ints = kernel.intCount?.(block[word.ints]) ?? kernel.intNames.length;
    for (let k = 0; k < ints; k++) words[slots + k] = block[word.ints + k];
    let length = slots + ints;
    if (kernel.numbers !== true)
      for (let k = 0; k < kernel.realNames.length; k++) this.reals[length++] = reals[k];
    else if (absent !== 0)
      for (let k = 0; k < kernel.inputs; k++) if ((absent >> k) & 1) this.reals[length++] = reals[k];
    this.length = length;
    this.slots = slots;
    this.ints = ints;
    this.absent = absent;
  }

  /** Writes the launch's `struct Parameters`; both arrays are views of one buffer. */
  parameters(kernel: Kernel, numbers: Float64Array, ints: Int32Array, reals: Float32Array, at: number): void {
    for (let k = 0; k < this.ints; k++) ints[at + k] = this.words[this.slots + k];
    ints[at + absentWord] = this.absent;
    const count = kernel.numbers === true ? kernel.inputs : kernel.realNames.length;
    for (let k = 0; k < count; k++) reals[at + absentWord + 1 + k] = numbers[k];
  }
}
