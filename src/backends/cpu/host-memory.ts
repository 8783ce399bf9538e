import { totalmem } from "node:os";
import { classBytes, sizeClass } from "../../tensor/pool.js";
import { type Addon, loadAddon } from "./addon.js";

/** Smaller arrays are copied or allocated as usual, so that buffers of tensors stay in their pool. */
const worthMoving = 4 * 2 ** 20;

const worthLeaving = 4096;

/**
 * Native memory comes back from arrays only between turns of the event loop: a loop without turns gets usual memory from here
 * on.
 */
const mostMoved = /*#__PURE__*/ Math.min(2 ** 31, totalmem() / 8);

/** Bytes of native memory that became arrays, until these are garbage. */
let moved = 0;
const dropped = /*#__PURE__*/ new FinalizationRegistry<number>((bytes) => (moved -= bytes));

/**
 * A slot's memory as an ArrayBuffer of its first bytes, without a copy; the slot is gone then. Undefined, and nothing done,
 * where it is small, where too much has been moved, or where the runtime allows no memory of others.
 */
export function moveOut(addon: Addon, slot: number, bytes: number): ArrayBuffer | undefined {
  if (bytes < worthMoving || moved > mostMoved) return undefined;
  const buffer = addon.detach(slot, bytes);
  if (buffer === undefined) return undefined;
  moved += bytes;
  dropped.register(buffer, bytes);
  return buffer;
}

let loaded: Addon | null | undefined;

/** The addon where it is built: reading files goes without. */
function addonIfBuilt(): Addon | null {
  if (loaded === undefined) {
    try {
      loaded = loadAddon();
    } catch {
      loaded = null;
    }
  }
  return loaded;
}

/**
 * Memory for an array that is about to be filled, content unspecified. A large one lies in huge pages, and in those an
 * earlier array gave back where there are some: the pages of a usual ArrayBuffer come one by one, each filled with zeros
 * first, which costs more than reading a file into it.
 */
export function unfilledBuffer(bytes: number): ArrayBuffer {
  if (bytes < worthMoving || moved > mostMoved) return usualBuffer(bytes);
  const addon = addonIfBuilt();
  // Of a size class, so that the memory fits the next array of about this size too.
  const slot = addon?.allocate(classBytes(sizeClass(bytes))) ?? -1;
  if (slot < 0) return usualBuffer(bytes);
  const buffer = moveOut(addon!, slot, bytes);
  if (buffer !== undefined) return buffer;
  addon!.release(slot);
  return usualBuffer(bytes);
}

/** Memory of the runtime, not filled with zeros where that takes longer than leaving it out. */
function usualBuffer(bytes: number): ArrayBuffer {
  if (bytes < worthLeaving) return new ArrayBuffer(bytes);
  const buffer = Buffer.allocUnsafeSlow(bytes).buffer;
  if (bytes >= worthMoving) addonIfBuilt()?.hugePages(buffer);
  return buffer;
}

/**
 * Part of an open file as memory that is read when it is touched; writing to it never reaches the file. The file must not
 * become shorter while the array lives. At least one byte. The number of the system's error where it refuses; undefined
 * where the runtime has no such memory.
 *
 * Errors: NATIVE when the addon cannot be loaded.
 */
export function mapFilePart(
  descriptor: number,
  offset: number,
  bytes: number,
): ArrayBuffer | number | undefined {
  return (addonIfBuilt() ?? loadAddon()).mapFile(descriptor, offset, bytes);
}
