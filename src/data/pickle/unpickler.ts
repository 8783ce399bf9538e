import { AtomgradError } from "../../tensor/error.js";
import type { ByteSource } from "../read-file.js";
import { StridedArray } from "../strided-array.js";
import { Budget } from "./budget.js";
import { ByteReader } from "./byte-reader.js";
import { Constructors } from "./constructors.js";
import type { UnpickleMode } from "./constructors.js";
import type { PickleLimits } from "./limits.js";
import { opcodeNames, refusedOpcodes } from "./opcodes.js";
import { Scalars } from "./scalars.js";
import { PickleDict, PickleGlobal, PickleObject, PickleSet, PickleTuple } from "./values.js";
import type { PickleBytes, PickleValue } from "./values.js";

export interface UnpickleOptions {
  readonly limits: PickleLimits;
  readonly mode: UnpickleMode;
  /** What a persistent id stands for (torch.save); without it such ids are refused. */
  readonly persistent?: (id: PickleValue) => PickleValue;
  /** What the bytes given to torch.storage._load_from_bytes stand for; without it they are refused. */
  readonly loadStream?: (bytes: PickleBytes) => PickleValue;
}

/** Memory of what an opcode makes, in bytes, where it is more than a number: dicts and sets, lists, tuples, objects. */
const costs: ReadonlyMap<number, number> = new Map([
  ...[0x7d, 0x64, 0x8f, 0x91].map((code) => [code, 300] as const),
  ...[0x5d, 0x6c, 0x74, 0x85, 0x86, 0x87].map((code) => [code, 64] as const),
  ...[0x52, 0x81, 0x92].map((code) => [code, 500] as const),
  ...[0x63, 0x93, 0x94, 0x70, 0x71, 0x72].map((code) => [code, 72] as const),
  ...[0x42, 0x43, 0x8e, 0x96].map((code) => [code, 56] as const),
]);

/**
 * Reads one pickle, protocols 0 (as far as PyTorch and NumPy need it) to 5, from `reader`'s position. Nothing named in
 * the pickle is looked up or executed: names are tokens, and only the constructors of data are understood.
 *
 * @throws AtomgradError FORMAT: a damaged pickle, a limit exceeded, or a name or opcode that is not data
 */
export function unpickle(reader: ByteReader, options: UnpickleOptions): PickleValue {
  return new Unpickler(reader, options).load();
}

/** Reads the pickle that `source` holds. */
export function unpickleSource(source: ByteSource, options: UnpickleOptions): PickleValue {
  return unpickle(new ByteReader(source), options);
}

class Unpickler {
  private stack: PickleValue[] = [];
  private readonly marks: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();
  private held = 0;
  private readonly constructors: Constructors;
  private readonly budget: Budget;
  private readonly scalars: Scalars;

  constructor(
    private readonly reader: ByteReader,
    private readonly options: UnpickleOptions,
  ) {
    this.budget = new Budget(reader.source.name, options.limits.memoryBytes);
    this.scalars = new Scalars(reader, options.limits, this.budget);
    this.constructors = new Constructors(reader.source.name, options.mode, this.budget, options.loadStream);
  }

  load(): PickleValue {
    const { reader, options } = this;
    for (let count = 0; count < options.limits.opcodes; count++) {
      const opcode = reader.u8();
      if (opcode === 0x2e) return this.pop();
      this.budget.spend(costs.get(opcode) ?? 24);
      this.step(opcode);
      if (this.stack.length + this.held > options.limits.stack) throw this.bad("a stack that is too large");
    }
    throw this.bad(`more than ${options.limits.opcodes} opcodes`);
  }

  private bad(what: string): AtomgradError {
    const { name } = this.reader.source;
    return new AtomgradError("FORMAT", `${name}: a pickle with ${what} (byte ${this.reader.position})`);
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw this.bad("an opcode that finds its stack empty");
    return value;
  }

  private top(): PickleValue {
    if (this.stack.length === 0) throw this.bad("an opcode that finds its stack empty");
    return this.stack[this.stack.length - 1];
  }

  private mark(): void {
    if (this.marks.length >= this.options.limits.marks) throw this.bad("marks nested too deep");
    this.held += this.stack.length;
    this.marks.push(this.stack);
    this.stack = [];
  }

  /** The values since the last mark. */
  private popMark(): PickleValue[] {
    const below = this.marks.pop();
    if (below === undefined) throw this.bad("an opcode that finds no mark");
    const items = this.stack;
    this.stack = below;
    this.held -= below.length;
    return items;
  }

  private step(opcode: number): void {
    const { stack, reader } = this;
    switch (opcode) {
      case 0x80:
        if (reader.u8() > 5) throw this.bad("a protocol above 5");
        return;
      case 0x95:
        reader.u64();
        return;
      case 0x28:
        return this.mark();
      case 0x30:
        if (stack.length === 0) this.popMark();
        else stack.pop();
        return;
      case 0x31:
        this.popMark();
        return;
      case 0x32:
        stack.push(this.top());
        return;
      case 0x4e:
        stack.push(null);
        return;
      case 0x88:
      case 0x89:
        stack.push(opcode === 0x88);
        return;
      default:
        this.stepOther(opcode);
    }
  }

  private stepOther(opcode: number): void {
    const scalar = this.scalars.read(opcode);
    if (scalar !== undefined) return void this.stack.push(scalar);
    if (this.stepMemo(opcode) || this.stepCollection(opcode) || this.stepObject(opcode)) return;
    throw this.unknown(opcode);
  }

  private unknown(opcode: number): AtomgradError {
    const name = refusedOpcodes.get(opcode);
    if (name !== undefined)
      return this.bad(`the opcode ${name}, which is not needed for data and is refused`);
    return this.bad(`the unknown opcode 0x${opcode.toString(16)}; it is damaged or no pickle`);
  }

  private stepMemo(opcode: number): boolean {
    const { reader, memo } = this;
    switch (opcodeNames.get(opcode)) {
      case "BINPUT":
        return this.remember(reader.u8());
      case "LONG_BINPUT":
        return this.remember(reader.u32());
      case "PUT":
        return this.remember(this.scalars.memoKey());
      case "MEMOIZE":
        return this.remember(memo.size);
      case "BINGET":
        return this.recall(reader.u8());
      case "LONG_BINGET":
        return this.recall(reader.u32());
      case "GET":
        return this.recall(this.scalars.memoKey());
      default:
        return false;
    }
  }

  private remember(key: number): true {
    this.memo.set(key, this.top());
    if (this.memo.size > this.options.limits.memo) throw this.bad("a memo that is too large");
    return true;
  }

  private recall(key: number): true {
    const value = this.memo.get(key);
    if (value === undefined) throw this.bad(`a memo without entry ${key}`);
    this.stack.push(value);
    return true;
  }

  private stepCollection(opcode: number): boolean {
    const { stack } = this;
    switch (opcodeNames.get(opcode)) {
      case "EMPTY_LIST":
        stack.push([]);
        return true;
      case "EMPTY_TUPLE":
        stack.push(new PickleTuple([]));
        return true;
      case "EMPTY_DICT":
        stack.push(new PickleDict());
        return true;
      case "EMPTY_SET":
        stack.push(new PickleSet());
        return true;
      case "TUPLE1":
      case "TUPLE2":
      case "TUPLE3":
        return this.shortTuple(opcode - 0x84);
      case "TUPLE":
        return this.push(new PickleTuple(this.popMark()));
      case "LIST":
        return this.push(this.popMark());
      case "DICT":
        return this.push(this.fillDict(new PickleDict(), this.popMark()));
      case "FROZENSET":
        return this.push(fillSet(new PickleSet(), this.popMark()));
      case "APPEND":
        return this.append([this.pop()]);
      case "APPENDS":
        return this.append(this.popMark());
      case "SETITEM":
        return this.setItems([this.pop(), this.pop()].reverse());
      case "SETITEMS":
        return this.setItems(this.popMark());
      case "ADDITEMS":
        return this.addItems(this.popMark());
      default:
        return false;
    }
  }

  /** Onto the stack as it is now: `popMark` has put another one in place. */
  private push(value: PickleValue): true {
    this.stack.push(value);
    return true;
  }

  private shortTuple(length: number): true {
    if (this.stack.length < length) throw this.bad("an opcode that finds its stack empty");
    return this.push(new PickleTuple(this.stack.splice(-length)));
  }

  private append(items: readonly PickleValue[]): true {
    const target = this.top();
    const list = target instanceof PickleObject ? (target.list ??= []) : target;
    if (!Array.isArray(list)) throw this.bad("items appended to something that is no list");
    for (const item of items) list.push(item);
    return true;
  }

  private setItems(items: readonly PickleValue[]): true {
    const target = this.top();
    const dict = target instanceof PickleObject ? (target.items ??= new PickleDict()) : target;
    if (!(dict instanceof PickleDict)) throw this.bad("items set on something that is no dict");
    this.fillDict(dict, items);
    return true;
  }

  private fillDict(dict: PickleDict, items: readonly PickleValue[]): PickleDict {
    if (items.length % 2 !== 0) throw this.bad("a dict key without a value");
    for (let k = 0; k < items.length; k += 2) {
      const key = items[k];
      if (
        Array.isArray(key) ||
        key instanceof PickleDict ||
        key instanceof PickleSet ||
        key instanceof StridedArray
      ) {
        throw this.bad("a dict key that cannot be one");
      }
      this.budget.spend(64);
      dict.entries.set(key, items[k + 1]);
    }
    return dict;
  }

  private addItems(items: readonly PickleValue[]): true {
    const set = this.top();
    if (!(set instanceof PickleSet)) throw this.bad("items added to something that is no set");
    fillSet(set, items);
    return true;
  }

  private stepObject(opcode: number): boolean {
    const { reader } = this;
    switch (opcodeNames.get(opcode)) {
      case "GLOBAL":
        return this.global(reader.line(1024), reader.line(1024));
      case "STACK_GLOBAL": {
        const name = this.pop();
        const module = this.pop();
        if (typeof name !== "string" || typeof module !== "string") throw this.bad("a name that is no text");
        return this.global(module, name);
      }
      case "REDUCE": {
        const args = this.pop();
        return this.push(this.constructors.call(this.pop(), args));
      }
      case "NEWOBJ": {
        const args = this.pop();
        return this.push(this.constructors.make(this.pop(), args));
      }
      case "NEWOBJ_EX": {
        const keywords = this.pop();
        const args = this.pop();
        if (!(keywords instanceof PickleDict) || keywords.entries.size > 0) {
          throw this.bad("an object made with keyword arguments, which is refused");
        }
        return this.push(this.constructors.make(this.pop(), args));
      }
      case "BUILD": {
        const state = this.pop();
        const object = this.pop();
        this.constructors.build(object, state);
        return this.push(object);
      }
      case "BINPERSID": {
        const id = this.pop();
        if (this.options.persistent === undefined) {
          throw this.bad("a reference to data outside of it; open the file it belongs to");
        }
        return this.push(this.options.persistent(id));
      }
      default:
        return false;
    }
  }

  private global(module: string, name: string): true {
    const token = new PickleGlobal(module, name);
    this.constructors.checkName(token);
    return this.push(token);
  }
}

function fillSet(set: PickleSet, items: readonly PickleValue[]): PickleSet {
  for (const item of items) set.items.push(item);
  return set;
}
