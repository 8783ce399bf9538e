import type { ByteSource } from "../read-file.js";
import type { ArrayDType, ArrayStorage, StridedArray } from "../strided-array.js";

/** A Python float; whole numbers of Python are `number`, or `bigint` beyond 2^53. */
export class PickleFloat {
  constructor(readonly value: number) {}
}

/** A Python bytes or bytearray: where it lies in the file. */
export class PickleBytes {
  constructor(
    readonly source: ByteSource,
    readonly position: number,
    readonly length: number,
  ) {}

  read(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.length);
    this.source.read(bytes, this.position);
    return bytes;
  }
}

/** A Python tuple. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A Python set or frozenset. */
export class PickleSet {
  readonly items: PickleValue[] = [];
}

/** A Python dict (also OrderedDict, defaultdict, Haiku's FlatMapping). Tuples as keys are told apart by identity. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();

  get(key: string): PickleValue | undefined {
    return this.entries.get(key);
  }
}

/** The name of a class or function: an inert token, never looked up anywhere. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  /** "module.name", for messages and tables. */
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An object of a class: the name of the class, what it was made from, its state. Nothing of the class is executed. */
export class PickleObject {
  /** Attributes of the instance. */
  readonly state = new Map<string, PickleValue>();
  /** Items of the instance where its class is a kind of dict. */
  items: PickleDict | null = null;
  /** Items of the instance where its class is a kind of list. */
  list: PickleValue[] | null = null;

  constructor(
    readonly type: PickleGlobal,
    readonly args: readonly PickleValue[],
  ) {}
}

/** A NumPy scalar. */
export class PickleScalar {
  constructor(readonly array: StridedArray) {}
}

/** A NumPy array. It exists before its content is known, because other objects may refer to it. */
export class PickleNdArray {
  /** Null until built, and for arrays of text. */
  array: StridedArray | null = null;
}

/** A number type of NumPy. `dtype` is null for text. */
export class PickleDType {
  littleEndian = true;

  constructor(
    readonly dtype: ArrayDType | null,
    /** As NumPy spells it. */
    readonly text: string,
  ) {}
}

/** A storage of PyTorch; `dtype` is null where it holds bytes of any type. */
export class PickleStorage {
  constructor(
    readonly storage: ArrayStorage,
    readonly dtype: ArrayDType | null,
    /** First byte of this view of the storage. */
    readonly start = 0,
  ) {}
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleValue[]
  | PickleFloat
  | PickleBytes
  | PickleTuple
  | PickleSet
  | PickleDict
  | PickleGlobal
  | PickleObject
  | PickleScalar
  | PickleNdArray
  | PickleDType
  | PickleStorage
  | StridedArray;
