import { AtomgradError } from "../tensor/error.js";
import { crcOf } from "./crc.js";
import { inflate } from "./inflate.js";
import { memorySource } from "./read-file.js";
import type { ByteSource } from "./read-file.js";
import { readPart, sliceSource } from "./slice-source.js";

/** A file inside a zip archive. Its name is only a name: nothing is written, and no path is followed. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked, as the archive says. */
  readonly size: number;
  /** Whether the content lies in the archive packed: then opening it unpacks it into memory. */
  readonly isPacked: boolean;
  /** The unpacked content. */
  open(): ByteSource;
}

const maxEntries = 200_000;
/** A packed entry may be this large, or this many times larger than its packed form. */
const alwaysAllowedBytes = 1 << 26;
const maxRatio = 20;
const endMagic = 0x06054b50;
const none32 = 0xffffffff;

/** Whether a source begins like a zip archive. */
export function isZip(source: ByteSource): boolean {
  if (source.size < 22) return false;
  const start = readPart(source, 0, 4);
  return start[0] === 0x50 && start[1] === 0x4b && (start[2] === 3 || start[2] === 5);
}

/**
 * The entries of a zip archive, by name, from its central directory (zip64 too). Entries are stored or deflated.
 *
 * @throws AtomgradError FORMAT: damaged, encrypted, overlapping or doubled entries, or one that unpacks to far more than it takes
 */
export function readZip(source: ByteSource): Map<string, ZipEntry> {
  return new ZipReader(source).entries();
}

interface Located {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly crc: number;
  readonly header: number;
}

class ZipReader {
  constructor(private readonly source: ByteSource) {}

  entries(): Map<string, ZipEntry> {
    const { count, start, size } = this.directory();
    if (count > maxEntries) throw this.bad(`${count} entries are more than the ${maxEntries} that are read`);
    const located = this.located(readPart(this.source, start, size), count);
    this.checkOverlap(located, start);
    const found = new Map<string, ZipEntry>();
    for (const entry of located) {
      if (found.has(entry.name)) throw this.bad(`two entries named ${shown(entry.name)}`);
      const { name, size, method } = entry;
      found.set(name, { name, size, isPacked: method !== 0, open: () => this.open(entry) });
    }
    return found;
  }

  private bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.source.name}: a zip archive that cannot be read: ${what}`);
  }

  /** Where the central directory lies. */
  private directory(): { count: number; start: number; size: number } {
    const { source } = this;
    const tail = Math.min(source.size, 22 + 0xffff);
    const tailStart = source.size - tail;
    const bytes = readPart(source, tailStart, tail);
    const view = viewOf(bytes);
    let at = tail - 22;
    while (at >= 0 && view.getUint32(at, true) !== endMagic) at--;
    if (at < 0) throw this.bad("its directory is missing; the file was cut short");
    let count = view.getUint16(at + 10, true);
    let size = view.getUint32(at + 12, true);
    let start = view.getUint32(at + 16, true);
    if (count === 0xffff || size === none32 || start === none32) {
      const locator = tailStart + at - 20;
      const long = locator >= 0 ? this.longDirectory(locator) : null;
      if (long !== null) ({ count, size, start } = long);
    }
    if (start + size > tailStart + at)
      throw this.bad("its directory lies outside the file; it was cut short");
    return { count, start, size };
  }

  /** The zip64 form, for archives above 4 GB or 65,535 entries; PyTorch writes it always. */
  private longDirectory(locatorStart: number): { count: number; start: number; size: number } | null {
    const locator = viewOf(readPart(this.source, locatorStart, 20));
    if (locator.getUint32(0, true) !== 0x07064b50) return null;
    const record = viewOf(readPart(this.source, this.long(locator, 8), 56));
    if (record.getUint32(0, true) !== 0x06064b50) throw this.bad("its zip64 directory is damaged");
    return { count: this.long(record, 32), size: this.long(record, 40), start: this.long(record, 48) };
  }

  private long(view: DataView, at: number): number {
    const value = view.getBigUint64(at, true);
    if (value > BigInt(this.source.size)) throw this.bad("a size or position beyond the end of the file");
    return Number(value);
  }

  private located(bytes: Uint8Array, count: number): Located[] {
    const view = viewOf(bytes);
    const found: Located[] = [];
    let at = 0;
    for (let k = 0; k < count; k++) {
      if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50)
        throw this.bad("its directory is damaged");
      const nameLength = view.getUint16(at + 28, true);
      const extraLength = view.getUint16(at + 30, true);
      const end = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
      if (end > bytes.length) throw this.bad("its directory is damaged");
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
      if ((view.getUint16(at + 8, true) & 1) !== 0) throw this.bad(`entry ${shown(name)} is encrypted`);
      const sizes = this.sizes(view, at, at + 46 + nameLength, extraLength);
      const method = view.getUint16(at + 10, true);
      found.push({ name, method, crc: view.getUint32(at + 16, true), ...sizes });
      at = end;
    }
    return found;
  }

  private sizes(
    view: DataView,
    at: number,
    extra: number,
    extraLength: number,
  ): { size: number; packed: number; header: number } {
    const short = [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ];
    let field = extra;
    while (field + 4 <= extra + extraLength) {
      const length = view.getUint16(field + 2, true);
      if (view.getUint16(field, true) === 1) {
        let next = field + 4;
        for (let k = 0; k < 3; k++) {
          if (short[k] !== none32) continue;
          if (next + 8 > Math.min(field + 4 + length, view.byteLength))
            throw this.bad("its zip64 sizes are damaged");
          short[k] = Number(view.getBigUint64(next, true));
          next += 8;
        }
        break;
      }
      field += 4 + length;
    }
    return { size: short[0], packed: short[1], header: short[2] };
  }

  /** Entries that share bytes make bombs that unpack to far more than any single ratio shows. */
  private checkOverlap(entries: readonly Located[], directory: number): void {
    let reached = 0;
    for (const { name, packed, header } of [...entries].sort((a, b) => a.header - b.header)) {
      if (header < reached) throw this.bad(`entry ${shown(name)} overlaps another`);
      reached = header + 30 + packed;
      if (reached > directory) throw this.bad(`entry ${shown(name)} lies outside the file; it was cut short`);
    }
  }

  private open({ name, method, packed, size, crc, header }: Located): ByteSource {
    const { source } = this;
    const local = viewOf(readPart(source, header, 30));
    if (local.getUint32(0, true) !== 0x04034b50) throw this.bad(`entry ${shown(name)} has a damaged header`);
    const start = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    const label = `${source.name}: ${name}`;
    if (method === 0) {
      if (packed !== size) throw this.bad(`entry ${shown(name)} has two different sizes`);
      return sliceSource(source, start, size, label);
    }
    if (method !== 8)
      throw this.bad(`entry ${shown(name)} is packed by method ${method}; stored and deflated are read`);
    if (size > Math.max(alwaysAllowedBytes, maxRatio * packed)) {
      throw this.bad(`entry ${shown(name)} unpacks from ${packed} to ${size} bytes, which is refused`);
    }
    let bytes: Uint8Array;
    try {
      bytes = inflate("deflate", readPart(source, start, packed), size);
    } catch (error) {
      if (error instanceof AtomgradError) throw error;
      throw this.bad(`entry ${shown(name)} is damaged (${(error as Error).message})`);
    }
    if (bytes.length !== size || crc32(bytes) !== crc) throw this.bad(`entry ${shown(name)} is damaged`);
    return memorySource(bytes, label);
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The checksum of zip. */
const crc32 = crcOf(0xedb88320);
