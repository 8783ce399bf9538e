import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { multiply, transposed } from "../../src/equivariant/matrix.js";
import { dFromMatrix } from "../../src/equivariant/representation.js";
import { o3 as rotation } from "../../src/index.js";
import { wigner3j, wignerCoupling, wignerD } from "../../src/equivariant/wigner.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectNear, fixture, flat } from "./fixture.js";

interface Core {
  wigner_3j: { l: [number, number, number]; indices: number[][]; values: number[] }[];
  rotations: {
    angles: number[][];
    matrix: number[][][];
    quaternion: number[][];
    D: Record<string, number[][][]>;
  };
  parity: { R: number[][]; D: number[][] };
}
const core = fixture<Core>("core.json");

beforeAll(() => openCpu());

describe("Wigner 3j", () => {
  it("is e3nn's, element by element", () => {
    for (const { l, indices, values } of core.wigner_3j) {
      const { i, j, k, value } = wignerCoupling(...l);
      expect(
        [i, j, k].map((x) => Array.from(x)),
        `(${l.join()}) places`,
      ).toEqual(indices);
      expectNear(value, values, 1e-13, `(${l.join()})`);
    }
  });

  it.each([
    [1, 1, 2, 70.906644325522, 1.897366596101],
    [2, 2, 4, 336.559103500203, 2.73252815546],
    [5, 4, 6, 10.17960563852, 0.045034227531],
    [6, 6, 6, 113.262568273639, 0.224835178896],
  ])("(%i,%i,%i) has the specification's checksums", (l1, l2, l3, weighted, total) => {
    const { i, j, k, value } = wignerCoupling(l1, l2, l3);
    expect(value.reduce((s, x, n) => s + x * (i[n] + 1) * (j[n] + 2) * (k[n] + 3), 0)).toBeCloseTo(
      weighted,
      10,
    );
    expect(value.reduce((s, x) => s + x, 0)).toBeCloseTo(total, 10);
    expect(value.reduce((s, x) => s + x * x, 0)).toBeCloseTo(1, 13);
  });

  it("refuses degrees that do not couple", () => {
    expect(() => wigner3j(1, 1, 3)).toThrow(/l3 must lie/);
    expect(() => wigner3j(30, 30, 3)).toThrow(/up to 24/);
  });
});

describe("rotations", () => {
  const { angles, matrix, quaternion, D } = core.rotations;
  const nth = (k: number): rotation.Angles => ({
    alpha: angles[0][k],
    beta: angles[1][k],
    gamma: angles[2][k],
  });

  it("turn angles into e3nn's matrices and back", () => {
    matrix.forEach((R, k) => {
      const found = rotation.anglesToMatrix(nth(k));
      expectNear(found, flat(R), 1e-15);
      const back = rotation.matrixToAngles(found);
      expectNear(rotation.anglesToMatrix(back), flat(R), 1e-14);
      expectNear(rotation.quaternionToMatrix(quaternion[k] as never), flat(R), 1e-14);
      expectNear(rotation.quaternionToMatrix(rotation.matrixToQuaternion(found)), flat(R), 1e-12);
      const { axis, angle } = rotation.matrixToAxisAngle(found);
      expectNear(rotation.axisAngleToMatrix(axis, angle), flat(R), 1e-12);
      const inverse = rotation.anglesToMatrix(rotation.inverseAngles(nth(k)));
      expectNear(inverse, transposed(found, 3), 1e-15);
    });
  });

  it("have e3nn's Wigner matrices", () => {
    for (const [l, wanted] of Object.entries(D))
      wanted.forEach((one, k) => expectNear(wignerD(Number(l), nth(k)), flat(one), 1e-12, `l ${l}`));
  });

  it("compose as their Wigner matrices do, which are orthogonal", () => {
    const random = new RandomStream(2);
    for (const l of [1, 2, 5, 11]) {
      const [a, b] = [rotation.randAngles(random), rotation.randAngles(random)];
      const ab = rotation.matrixToAngles(multiply(rotation.anglesToMatrix(a), rotation.anglesToMatrix(b), 3));
      const n = 2 * l + 1;
      expectNear(multiply(wignerD(l, a), wignerD(l, b), n), wignerD(l, ab), 1e-12);
      const gram = multiply(transposed(wignerD(l, a), n), wignerD(l, a), n);
      expectNear(
        gram,
        gram.map((_, k) => (k % (n + 1) === 0 ? 1 : 0)),
        1e-12,
      );
    }
  });

  it("act on an Irreps with parity as in e3nn", () => {
    const R = tensor(Float64Array.from(flat(core.parity.R)), [3, 3]);
    const found = dFromMatrix("2x0o+1e+2o+1x3o", R);
    expect(found.shape).toEqual([17, 17]);
    expectNear(found.dataSync(), flat(core.parity.D), 1e-12);
  });

  it("has the specification's angles of vectors", () => {
    const { alpha, beta } = rotation.xyzToAngles([1, 2, 3]);
    expectNear([alpha, beta], [0.321750554397, 1.006853685434], 1e-11);
    expectNear(rotation.anglesToXyz(0.3, 0.7), [0.190379344067, 0.764842187284, 0.615444663558], 1e-11);
    expect(rotation.xyzToAngles([0, 0, 0])).toEqual({ alpha: 0, beta: Math.PI / 2 });
  });
});
