import { describe, expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import type { OpCases } from "../../src/testing/cases.js";
import { Samples } from "../../src/testing/samples.js";
import { type FloatType, scaleOf } from "./derivatives.js";
import { derivatives, expectClose, expectSameBits, forward, poisoned } from "./matrix.js";
import { highestOrder, type Support, supportOf } from "./support.js";

export interface DeviceMatrixOptions {
  readonly device: DeviceName;
  readonly dtypes: readonly FloatType[];
  /** Why the device cannot be used here, if so. */
  readonly absent: string | undefined;
  /** How much more rounding than the CPU's tolerances the device's functions are allowed. */
  readonly slack: number;
  /** Families to run (default: all). */
  readonly families?: (name: string) => boolean;
  /** Families whose large samples are differentiated too (default: all). */
  readonly largeDerivatives?: (name: string) => boolean;
}

/** Why `open` fails, or undefined when the device is open now. */
export async function absence(open: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await open();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The op matrix on another device: every op of the cases against the float64 reference and the CPU's derivatives. */
export async function deviceMatrix(options: DeviceMatrixOptions): Promise<void> {
  const { device, dtypes, absent, families: wanted = () => true } = options;
  it.skipIf(absent !== undefined)(`runs on ${device}${absent === undefined ? "" : ` (${absent})`}`, () => {
    expect(absent).toBeUndefined();
  });
  if (absent !== undefined) return;
  for (const [family, cases] of Object.entries(families).filter(([name]) => wanted(name))) {
    const large = options.largeDerivatives?.(family) ?? true;
    for (const c of cases) {
      const types = dtypes.filter((dtype) => c.types?.includes(dtype) ?? true);
      const none = types.length === 0;
      if (none)
        it.skipIf(none)(`${family}/${c.op} on ${device} (exists for ${c.types?.join()} alone)`, () => {
          expect(types).not.toEqual([]);
        });
      for (const dtype of types) {
        const support = await supportOf(c, device, dtype);
        describe(`${family}/${c.op} ${dtype} on ${device}`, () => opRow(c, support, options, large));
      }
    }
  }
}

/** Inputs are of order one: where a decomposition cancels them, their rounding stays. */
function scaleFor(wanted: readonly ArrayLike<number>[]): number {
  return Math.max(0.1, scaleOf(wanted));
}

function opRow(
  c: OpCases,
  { device, dtype, order, reason, missing }: Support,
  options: DeviceMatrixOptions,
  large: boolean,
): void {
  const samples = c.samples(new Samples(1));
  const tolerance = options.slack * c.tolerance[dtype];

  it.skipIf(order < 0)(
    "agrees with the float64 reference, twice with the same bits, once poisoned",
    async () => {
      for (const sample of samples) {
        const wanted = await forward(c, sample, "reference", "f64");
        const found = await poisoned(device, () => forward(c, sample, device, dtype));
        found.forEach((x, k) =>
          expectClose(x, wanted[k], tolerance, scaleFor([wanted[k]]), `${c.op} ${dtype} output ${k}`),
        );
        const again = await forward(c, sample, device, dtype);
        again.forEach((x, k) => expectSameBits(x, found[k], `${c.op} ${dtype} output ${k}`));
      }
    },
  );

  if (highestOrder(c) > 0)
    it.skipIf(order < 1)(
      `has the CPU's derivatives up to order ${order}, with poisoned outputs`,
      async () => {
        for (const sample of samples) {
          if (sample.large === true && !large) continue;
          const wanted = await derivatives(c, sample, "cpu", "f64", order);
          const found = await poisoned(device, () => derivatives(c, sample, device, dtype, order));
          expect(found.length).toBe(wanted.length);
          found.forEach((x, k) =>
            expectClose(x, wanted[k], 50 * tolerance, scaleFor(wanted), `${c.op} derivative ${k}`),
          );
        }
      },
    );

  it.skipIf(missing)(missing ? `goes beyond order ${order} (${reason})` : "runs to its highest order", () => {
    expect(reason).toBeUndefined();
    expect(order).toBe(highestOrder(c));
  });
}
