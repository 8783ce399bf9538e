import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { neighborList } from "../../src/geometry/neighbor-list.js";
import { setDefaultDevice } from "../../src/tensor/device.js";

interface Peer {
  readonly name: string;
  readonly positions: number[];
  readonly cell: number[];
  readonly pbc: [boolean, boolean, boolean];
  readonly rcut: number;
  /** i, j, Sx, Sy, Sz of every pair. */
  readonly pairs: number[];
  readonly distances: number[];
}

openCpu();
setDefaultDevice("cpu");

const file = new URL("../fixtures/geometry/neighbor-lists.json", import.meta.url);
const { structures } = JSON.parse(readFileSync(file, "utf8")) as { structures: Peer[] };

it.each(structures)("finds the pairs that ASE and vesin find: $name", (peer) => {
  const list = neighborList(peer.positions, peer.cell, peer.pbc, peer.rcut);
  const [source, target] = list.edgeIndex;
  const pairs = Array.from(source, (j, e) => [target[e], j, ...list.edgeShift.subarray(3 * e, 3 * e + 3)]);
  expect(pairs.flat()).toEqual(peer.pairs);
  expect(list.count).toBeGreaterThan(0);
  list.distance.forEach((d, e) => expect(Math.abs(d - peer.distances[e])).toBeLessThan(1e-12));
});
