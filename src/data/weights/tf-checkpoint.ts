import { dirname, join } from "node:path";
import { AtomgradError } from "../../tensor/error.js";
import { openFile } from "../read-file.js";
import type { ByteSource, OpenFile } from "../read-file.js";
import { arrayItemBytes, StridedArray } from "../strided-array.js";
import { maskedCrc32c } from "./crc32c.js";
import { protoFields } from "./protobuf.js";
import { readSsTable } from "./sstable.js";
import { readShape } from "./tf-graph.js";
import { tfType } from "./tf-types.js";
import type { WeightTensor } from "./weights.js";

/** What the index says of one tensor (BundleEntryProto). */
interface Entry {
  dtype: number;
  shape: number[];
  shard: number;
  offset: number;
  size: number;
  crc: number | null;
  slices: number;
}

const maxShards = 100_000;

/**
 * The tensors of a TensorFlow checkpoint, opened through its index. The numbers stand in `NAME.data-SSSSS-of-NNNNN`
 * beside it, which are opened when numbers are asked for.
 *
 * @throws AtomgradError FORMAT
 */
export class TfCheckpoint {
  readonly tensors: readonly WeightTensor[];
  private readonly shards = new Map<number, OpenFile>();
  private shardCount = 1;

  constructor(
    private readonly path: string,
    private readonly index: ByteSource,
  ) {
    const found: WeightTensor[] = [];
    for (const [key, value] of readSsTable(index)) {
      if (key === "") this.readHeader(value);
      // Keys that begin with a zero byte are the parts of a partitioned variable, which its own entry announces.
      else if (!key.startsWith("\0")) found.push(this.tensor(decodeKey(key), value));
    }
    this.tensors = found;
  }

  close(): void {
    for (const file of this.shards.values()) file.close();
    this.shards.clear();
  }

  private bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.index.name}: ${what}`);
  }

  private readHeader(bytes: Uint8Array): void {
    for (const field of protoFields(bytes, this.index.name)) {
      if (field.number === 1) this.shardCount = Number(field.value);
      if (field.number === 2 && field.value !== 0n) {
        throw this.bad("written on a big-endian machine; save the checkpoint on a little-endian one");
      }
    }
    if (this.shardCount < 1 || this.shardCount > maxShards)
      throw this.bad(`${this.shardCount} data files cannot be`);
  }

  private tensor(name: string, bytes: Uint8Array): WeightTensor {
    const entry = this.entry(bytes);
    const type = tfType(entry.dtype);
    const label = JSON.stringify(name.slice(0, 120));
    if (type === undefined) throw this.bad(`${label} has the type ${entry.dtype}, which is not known`);
    const { shape } = entry;
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw this.bad(`${label} has an impossible shape`);
    if (type.dtype === null) return { name, shape, dtype: "string", array: null };
    const { dtype } = type;
    const needed = shape.reduce((product, size) => product * size, 1) * arrayItemBytes(dtype);
    if (entry.slices === 0 && needed !== entry.size) {
      throw this.bad(
        `${label} has ${entry.size} bytes, its shape [${shape.join(", ")}] of ${dtype} needs ${needed}`,
      );
    }
    const open = (): StridedArray => {
      if (entry.slices > 0)
        throw this.bad(`${label} is saved in ${entry.slices} parts; save it unpartitioned`);
      const source = this.shard(entry.shard);
      const storage = { source, position: entry.offset, byteLength: entry.size };
      const array = new StridedArray(dtype, shape, storage, undefined, 0, true, source.name);
      if (entry.offset + entry.size > source.size) {
        throw new AtomgradError("FORMAT", `${source.name}: ends before ${label}; it was cut short`);
      }
      if (entry.crc !== null && maskedCrc32c(array.bytes()) !== entry.crc) {
        throw new AtomgradError("FORMAT", `${source.name}: ${label} is damaged (its checksum differs)`);
      }
      return array;
    };
    return { name, shape, dtype, array: { bytes: () => open().bytes(), float64: () => open().float64() } };
  }

  private entry(bytes: Uint8Array): Entry {
    const found: Entry = { dtype: 0, shape: [], shard: 0, offset: 0, size: 0, crc: null, slices: 0 };
    for (const { number, value, bytes: content } of protoFields(bytes, this.index.name)) {
      if (number === 1) found.dtype = Number(value);
      else if (number === 2) found.shape = readShape(content, this.index.name);
      else if (number === 3) found.shard = Number(value);
      else if (number === 4) found.offset = Number(value);
      else if (number === 5) found.size = Number(value);
      else if (number === 6) found.crc = new DataView(content.buffer, content.byteOffset).getUint32(0, true);
      else if (number === 7) found.slices++;
    }
    return found;
  }

  private shard(number: number): OpenFile {
    const known = this.shards.get(number);
    if (known !== undefined) return known;
    if (number >= this.shardCount) throw this.bad(`data file ${number} of ${this.shardCount} is asked for`);
    const pad = (value: number): string => String(value).padStart(5, "0");
    const name = `${this.index.name.replace(/\.index$/, "")}.data-${pad(number)}-of-${pad(this.shardCount)}`;
    const file = openFile(join(dirname(this.path), name));
    this.shards.set(number, file);
    return file;
  }
}

function decodeKey(key: string): string {
  return new TextDecoder().decode(Uint8Array.from(key, (letter) => letter.charCodeAt(0)));
}
