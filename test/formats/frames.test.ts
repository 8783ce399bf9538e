import { describe, expect, it } from "vitest";
import { parseFrames, selectFrames, selectWanted } from "../../src/data/frames.js";

const items = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const take = (text: string): number[] => [...selectFrames(items, parseFrames(text), "file")];
/** The same of items that are not looked at unless they are wanted. */
const skip = (text: string): number[] => {
  const read = (wanted: (k: number) => boolean): (number | null)[] =>
    items.map((k) => (wanted(k) ? k : null));
  return [...selectWanted(read, parseFrames(text), "file")];
};

describe("--frames", () => {
  it.each([
    ["3", [3]],
    ["-1", [9]],
    ["-10", [0]],
    [":", items],
    ["2:5", [2, 3, 4]],
    ["::3", [0, 3, 6, 9]],
    ["-3:", [7, 8, 9]],
    [":-8", [0, 1]],
    ["8:100", [8, 9]],
    ["::-4", [9, 5, 1]],
    ["5:2:-1", [5, 4, 3]],
    ["-100:3:2", [0, 2]],
    ["100::-5", [9, 4]],
  ])("%s follows Python", (text, expected) => {
    expect(take(text)).toEqual(expected);
    expect(skip(text)).toEqual(expected);
  });

  it.each([
    ["10", /out of range; the file has 10 frames/],
    ["-11", /out of range/],
    ["5:5", /holds no frame/],
    ["20:", /holds no frame/],
    ["::0", /step of 0/],
    ["a:b", /not a frame number/],
    ["", /it is empty/],
    ["1:2:3:4", /not a frame number/],
  ])("%s is an error", (text, message) => {
    expect(() => take(text)).toThrow(message);
    expect(() => skip(text)).toThrow(message);
  });

  it("stops reading after the last frame it needs", () => {
    const endless = function* (): Generator<number> {
      for (let k = 0; ; k++) yield k;
    };
    expect([...selectFrames(endless(), parseFrames("2:9:3"), "file")]).toEqual([2, 5, 8]);
    expect([...selectFrames(endless(), parseFrames("4"), "file")]).toEqual([4]);
    expect([...selectWanted(endless, parseFrames("2:9:3"), "file")]).toEqual([2, 5, 8]);
    expect([...selectWanted(endless, parseFrames("4"), "file")]).toEqual([4]);
  });
});
