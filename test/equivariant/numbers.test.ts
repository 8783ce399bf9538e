import { beforeAll, describe, expect, it } from "vitest";
import { sum } from "../../kernels/reduce/op.js";
import { slice } from "../../kernels/shape_ops/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { o3 } from "../../src/index.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectNear } from "./fixture.js";

// Sections 8.1 to 8.3 of spec equivariant: numbers of e3nn 0.6.0.
const angles = { alpha: 0.1, beta: 0.2, gamma: 0.3 };
const total = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

beforeAll(() => openCpu());

describe("8.1 Wigner 3j", () => {
  const at = (l: readonly [number, number, number], m: readonly number[]): number => {
    const [, d2, d3] = l.map((n) => 2 * n + 1);
    return o3.wigner3j(...l)[((m[0] + l[0]) * d2 + m[1] + l[1]) * d3 + m[2] + l[2]];
  };
  const r = Math.sqrt;
  const listed: [[number, number, number], number, number[][]][] = [
    [
      [1, 1, 0],
      1 / r(3),
      [
        [-1, -1, 0],
        [0, 0, 0],
        [1, 1, 0],
      ],
    ],
    [
      [1, 1, 1],
      1 / r(6),
      [
        [-1, 0, 1],
        [0, 1, -1],
        [1, -1, 0],
      ],
    ],
    [
      [1, 1, 1],
      -1 / r(6),
      [
        [-1, 1, 0],
        [0, -1, 1],
        [1, 0, -1],
      ],
    ],
    [
      [1, 1, 2],
      -1 / r(30),
      [
        [-1, -1, 0],
        [1, 1, 0],
      ],
    ],
    [[1, 1, 2], r(2 / 15), [[0, 0, 0]]],
    [[1, 1, 2], -1 / r(10), [[-1, -1, 2]]],
    [
      [1, 1, 2],
      1 / r(10),
      [
        [-1, 0, -1],
        [0, -1, -1],
        [-1, 1, -2],
        [1, -1, -2],
        [0, 1, 1],
        [1, 0, 1],
        [1, 1, 2],
      ],
    ],
    [
      [1, 2, 2],
      1 / r(10),
      [
        [-1, 0, 1],
        [1, -1, 0],
      ],
    ],
    [
      [1, 2, 2],
      -1 / r(10),
      [
        [-1, 1, 0],
        [1, 0, -1],
      ],
    ],
    [[1, 2, 2], r(2 / 15), [[0, 2, -2]]],
    [[1, 2, 2], -r(2 / 15), [[0, -2, 2]]],
    [
      [1, 2, 2],
      1 / r(30),
      [
        [-1, -1, -2],
        [-1, 1, 2],
        [0, 1, -1],
        [1, -2, 1],
        [1, -1, 2],
      ],
    ],
    [
      [1, 2, 2],
      -1 / r(30),
      [
        [-1, -2, -1],
        [-1, 2, 1],
        [0, -1, 1],
        [1, 1, -2],
        [1, 2, -1],
      ],
    ],
    [[2, 2, 2], r(2 / 35), [[0, 0, 0]]],
    [
      [2, 2, 2],
      -r(2 / 35),
      [
        [-2, -2, 0],
        [2, 2, 0],
        [0, 2, 2],
        [2, 0, 2],
        [0, -2, -2],
      ],
    ],
    [
      [2, 2, 2],
      r(1 / 70),
      [
        [-1, -1, 0],
        [1, 1, 0],
        [0, 1, 1],
        [-1, 0, -1],
      ],
    ],
    [
      [2, 2, 2],
      r(3 / 70),
      [
        [1, 1, 2],
        [1, 2, 1],
        [-2, -1, 1],
        [-1, 1, -2],
      ],
    ],
    [
      [2, 2, 2],
      -r(3 / 70),
      [
        [-1, -1, 2],
        [2, -1, -1],
      ],
    ],
  ];
  it.each(listed)("(%j) is %f at %j", (l, value, places) => {
    for (const m of places) expect(at(l, m)).toBeCloseTo(value, 14);
  });

  it("is sparse as counted", () => {
    const counts: Record<string, number> = {
      ...{
        "0,0,0": 1,
        "0,1,1": 3,
        "0,2,2": 5,
        "0,3,3": 7,
        "1,1,1": 6,
        "1,1,2": 11,
        "1,2,2": 16,
        "1,2,3": 21,
      },
      ...{
        "1,3,3": 26,
        "2,2,2": 25,
        "2,2,3": 28,
        "2,2,4": 37,
        "2,3,3": 41,
        "3,3,3": 42,
        "3,3,4": 67,
        "4,4,4": 97,
      },
    };
    for (const [l, count] of Object.entries(counts))
      expect(
        o3.wignerCoupling(...(l.split(",").map(Number) as [number, number, number])).value.length,
        l,
      ).toBe(count);
  });

  it.each([
    [2, 2, 2, 43.151405243558, 0.764026563082],
    [2, 3, 3, 31.806471388235, 0.52936862738],
    [3, 3, 4, 12.668545724968, 0.299135577241],
    [4, 4, 4, 34.684683818622, 0.254420319859],
  ])("(%i,%i,%i) has its checksums", (l1, l2, l3, weighted, all) => {
    const { i, j, k, value } = o3.wignerCoupling(l1, l2, l3);
    expect(value.reduce((s, x, n) => s + x * (i[n] + 1) * (j[n] + 2) * (k[n] + 3), 0)).toBeCloseTo(
      weighted,
      11,
    );
    expect(total(value)).toBeCloseTo(all, 11);
  });
});

describe("8.2 rotations", () => {
  const R = [
    ...[0.921649085609, 0.019833838076, 0.387517202022],
    ...[0.058710801694, 0.980066577841, -0.189796060979],
    ...[-0.383557042381, 0.197676811654, 0.902113004769],
  ];
  it("R(0.1, 0.2, 0.3) and its D of degrees 1 and 2", () => {
    expectNear(o3.anglesToMatrix(angles), R, 1e-12);
    expectNear(o3.wignerD(1, angles), R, 1e-12);
    const D = o3.wignerD(2, angles);
    const top = [0.682796674082, 0.174581244436, 0.006790834062, 0.09449552822, 0.703089304906];
    const middle = [-0.019300378805, 0.099663059964, 0.940795745502, -0.322183578839, 0.028211285476];
    expectNear(D.slice(0, 5), top, 1e-12);
    expectNear(D.slice(10, 15), middle, 1e-12);
  });

  it.each([
    [2, 4.05762653251, 0.682796674082, 4.308029407749],
    [3, 4.515434396051, 0.351631652489, 5.103252944244],
    [4, 4.087443480551, -0.028052724284, 5.16829495506],
    [6, 1.067201373815, -0.6943816212, 3.227609493719],
  ])("D of degree %i: trace, first, sum", (l, trace, first, all) => {
    const D = o3.wignerD(l, angles);
    expectNear(
      [total(D.filter((_, k) => k % (2 * l + 2) === 0)), D[0], total(D)],
      [trace, first, all],
      1e-12,
    );
  });

  it("as quaternion, axis and angle, and with inversion", () => {
    const matrix = o3.anglesToMatrix(angles);
    const q = [0.975170327202, 0.099334665398, 0.197676811654, 0.009966711079];
    expectNear(o3.matrixToQuaternion(matrix), q, 1e-11);
    const { axis, angle } = o3.matrixToAxisAngle(matrix);
    expectNear([...axis, angle], [0.44855226979, 0.892622753573, 0.045005344903, 0.44661491898], 1e-11);
    const D = o3
      .dFromMatrix(
        "0o+1e+2o",
        tensor(
          matrix.map((x) => -x),
          [3, 3],
        ),
      )
      .dataSync();
    const diagonal = Array.from({ length: 9 }, (_, k) => D[10 * k]);
    const D2 = o3.wignerD(2, angles);
    expectNear(diagonal, [-1, R[0], R[4], R[8], ...[0, 6, 12, 18, 24].map((k) => -D2[k])], 1e-11);
  });

  it("is exact for directions next to the polar axis", () => {
    const { alpha, beta } = o3.xyzToAngles([3e-9, 1, 4e-9]);
    expectNear([alpha, beta], [Math.atan2(3, 4), 5e-9], 1e-14);
  });
});

describe("8.3 spherical harmonics", () => {
  const at = (l: number, normalization: "component" | "norm" | "integral", normalize = true): number[] =>
    Array.from(
      o3
        .sphericalHarmonics(l, tensor(Float64Array.of(1, 2, 3), [3]), { normalize, normalization })
        .dataSync(),
    );
  it.each([
    [1, [0.462910049886, 0.925820099773, 1.388730149659]],
    [2, [0.829925002759, 0.553283335172, -0.15971914125, 1.659850005517, 1.10656667034]],
    [
      3,
      [
        ...[1.038174418125, 1.173691194654, 0.18557687224, -1.111167799007],
        ...[0.556730616719, 1.564921592872, 0.718736135625],
      ],
    ],
    [
      4,
      [
        ...[1.086626898937, 1.664782705859, 0.718736135625, -0.338815463589, -1.017857142857],
        ...[-1.016446390768, 0.9583148475, 1.152541873287, 0.316932845523],
      ],
    ],
  ])("degree %i of (1, 2, 3)", (l, wanted) => expectNear(at(l, "component"), wanted, 1e-11));

  it.each([
    [5, 1.00260213688, 0.03165733073, -0.038073498869, 2.917883283696],
    [6, 0.826103433706, 1.053152094491, -0.310671376778, 2.660187005048],
    [7, 0.599659246754, 1.0913044806, -0.486368574729, 2.372191243651],
    [8, 0.361606213184, 0.110587905013, -0.567162126035, 1.330393100543],
    [9, 0.142140622492, -0.973712625965, -0.56649391542, -0.778615963357],
    [10, -0.038360310168, -1.150261016328, -0.504349056886, -3.459254435265],
    [11, -0.169270308622, -0.25448539112, -0.402984526223, -5.745978944046],
    [12, -0.248439827489, 0.878631125145, -0.283596862129, -6.970869866284],
  ])("degree %i: first, middle, last, sum", (l, ...wanted) => {
    const y = at(l, "component");
    expectNear([y[0], y[l], y[2 * l], total(y)], wanted, 1e-11);
  });

  it("in the other normalisations, and of vectors as they are", () => {
    expectNear(
      at(2, "integral"),
      [0.234117520841, 0.156078347227, -0.045055937893, 0.468235041682, 0.312156694455],
      1e-11,
    );
    expect(at(2, "norm")[2]).toBeCloseTo(-1 / 14, 14);
    expectNear(
      at(2, "component", false),
      [11.618950038622, 7.745966692415, -2.2360679775, 23.237900077245, 15.49193338483],
      1e-11,
    );
  });

  it("gradient and Hessian at (0.3, -0.5, 0.8)", () => {
    const x = requireGrad(tensor(Float64Array.of(0.3, -0.5, 0.8), [3]));
    const y = o3.sphericalHarmonics(2, x, { normalize: true, normalization: "component" });
    const rows = [
      [2.58091351684, 0.967842568815, -0.362940963306],
      [-1.613070948025, 0.580705541289, 0.967842568815],
      [-0.523860157161, -2.54945276485, -1.396960419096],
      [0.967842568815, 1.548548110104, 0.604901605509],
      [-1.850998912858, 1.108986276767, 1.387241015301],
    ];
    const gradients = rows.map((_, m) => grad(sum(slice(y, 0, m, m + 1)), [x], { createGraph: true })[0]);
    gradients.forEach((g, m) => expectNear(g.dataSync(), rows[m], 1e-11));
    const hessian = [0, 1, 2].map((k) =>
      Array.from(grad(sum(slice(gradients[2], 0, k, k + 1)), [x], { keepTape: true })[0].dataSync()),
    );
    const [xx, xy, xz, yy, yz, zz] = [
      -1.104739106938, 1.026338267091, 1.710563778485, -0.104059296525, 2.736902045576, 2.815302885423,
    ];
    expectNear(hessian.flat(), [xx, xy, xz, xy, yy, yz, xz, yz, zz], 1e-11);
  });
});
