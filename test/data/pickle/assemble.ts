import { joinBytes } from "../temporary-folder.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Pieces of hand-made pickles, so that tests need no Python for what Python would never write. */
export const op = {
  proto: Uint8Array.of(0x80, 4),
  stop: text("."),
  mark: text("("),
  tuple: text("t"),
  emptyTuple: text(")"),
  tuple1: Uint8Array.of(0x85),
  reduce: text("R"),
  newobj: Uint8Array.of(0x81),
  build: text("b"),
  emptyDict: text("}"),
  emptyList: text("]"),
  setItem: text("s"),
  append: text("a"),
  appends: text("e"),
  global: (module: string, name: string) => text(`c${module}\n${name}\n`),
  str: (value: string) => joinBytes([Uint8Array.of(0x8c, text(value).length), text(value)]),
  int: (value: number) => Uint8Array.of(0x4b, value),
  put: (key: number) => Uint8Array.of(0x71, key),
  get: (key: number) => Uint8Array.of(0x68, key),
  bytes: (value: Uint8Array) => joinBytes([Uint8Array.of(0x43, value.length), value]),
};

/** A pickle of these pieces. */
export function pickleOf(...pieces: Uint8Array[]): Uint8Array {
  return joinBytes([op.proto, ...pieces, op.stop]);
}
