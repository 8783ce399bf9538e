import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { Cell, type Pbc } from "../../src/geometry/cell.js";
import { neighborList, neighborListOfFrames } from "../../src/geometry/neighbor-list.js";
import { radiusGraph, radiusGraphAsync } from "../../src/geometry/radius-graph.js";
import { VerletList } from "../../src/geometry/verlet-list.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { errorOf } from "../data/expect-error.js";

openCpu();
setDefaultDevice("cpu");

const line = [0, 0, 0, 1, 0, 0, 2, 0, 0];
const cube = [4, 0, 0, 0, 4, 0, 0, 0, 4];

describe("options of neighbour searches are checked", () => {
  it("which neighbours are kept", () => {
    const keep = "farthest" as "nearest";
    const error = errorOf(() => neighborList(line, cube, true, 3, { maxNeighbors: 1, keep }));
    const message = 'neighborList: keep is "farthest"; choose one of nearest, nearestShells, first';
    expect(error).toMatchObject({ code: "VALUE", message });
  });

  it.each([
    ["two", [true, true], "true, true"],
    ["numbers", [1, 1, 1], "1, 1, 1"],
  ])("periodic directions: %s", (_what, pbc, shown) => {
    const error = errorOf(() => neighborList(line, cube, pbc as unknown as Pbc, 3));
    const message = `cell: pbc is [${shown}]; give true or false, once or for each of three directions`;
    expect(error.message).toContain(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "no directions",
      () => new Cell(cube, undefined as never),
      /^cell: pbc must be true or false.*got nothing$/,
    ],
    [
      "no cell",
      () => neighborList(line, undefined as never, true, 3),
      /^neighborList: cell must be 9 numbers.*got nothing$/,
    ],
    [
      "no positions",
      () => neighborList(undefined as never, cube, true, 3),
      /^neighborList: positions must be numbers \[N, 3\]/,
    ],
    [
      "no options",
      () => neighborList(line, cube, true, 3, null as never),
      /^neighborList: options must be an object/,
    ],
    [
      "half precision",
      () => neighborList(line, cube, true, 3, { dtype: "f16" as never }),
      /dtype is "f16", allowed/,
    ],
    [
      "a frame",
      () => neighborListOfFrames({ positions: line } as never, 3),
      /^neighborListOfFrames: frames must be a list/,
    ],
    [
      "nothing for a frame",
      () => neighborListOfFrames([null as never], 3),
      /^neighborList: frames\[0\] must be an object/,
    ],
    [
      "no skin",
      () => new VerletList(3, true, undefined as never),
      /^VerletList: options must be given, \{ skin \}/,
    ],
    [
      "no positions to follow",
      () => new VerletList(3, true, { skin: 1 }).update(undefined as never, cube),
      /^VerletList: positions must be numbers/,
    ],
  ])("what is missing: %s", (_what, call, message) => {
    expect(errorOf(call).message).toMatch(message);
  });

  it.each([-1, NaN, 1.5])("most neighbours of a graph: %s", async (maxNumNeighbors) => {
    const says = `radiusGraph: maxNumNeighbors is ${maxNumNeighbors}; give a whole number of at least 0`;
    expect(errorOf(() => radiusGraph(line, 1.5, { maxNumNeighbors })).message).toContain(says);
    await expect(radiusGraphAsync(line, 1.5, { maxNumNeighbors })).rejects.toThrow(says);
  });

  it("graphs of points", () => {
    const message = "radiusGraph: batch has 1 entries for 3 points; give one for each";
    expect(errorOf(() => radiusGraph(line, 1.5, { batch: [0] }))).toMatchObject({ code: "SHAPE", message });
  });
});
