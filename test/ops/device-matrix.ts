import { describe, expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import type { OpCases } from "../../src/testing/cases.js";
import { Samples } from "../../src/testing/samples.js";
import { derivatives, expectClose, type FloatType, forward, poisoned, scaleOf } from "./matrix.js";
import { highestOrder, type Support, supportOf } from "./support.js";

export interface DeviceMatrixOptions {
  readonly device: DeviceName;
  readonly dtypes: readonly FloatType[];
  /** Why the device cannot be used here, if so. */
  readonly absent: string | undefined;
  /** How much more rounding than the CPU's tolerances the device's functions are allowed. */
  readonly slack: number;
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
export function deviceMatrix({ device, dtypes, absent, slack }: DeviceMatrixOptions): void {
  it.skipIf(absent !== undefined)(`runs on ${device}${absent === undefined ? "" : ` (${absent})`}`, () => {
    expect(absent).toBeUndefined();
  });
  if (absent !== undefined) return;
  const rows = Object.entries(families).flatMap(([family, cases]) =>
    cases.flatMap((c) =>
      dtypes.map((dtype) => [`${family}/${c.op} ${dtype}`, c, supportOf(c, device, dtype)] as const),
    ),
  );
  describe.each(rows)(`%s on ${device}`, (_name, c, support) => opRow(c, support, slack));
}

function opRow(c: OpCases, { device, dtype, order, reason, missing }: Support, slack: number): void {
  const samples = c.samples(new Samples(1));
  const tolerance = slack * c.tolerance[dtype];

  it.skipIf(order < 0)("agrees with the float64 reference, with poisoned outputs", async () => {
    for (const sample of samples) {
      const wanted = await forward(c, sample, "reference", "f64");
      const found = await poisoned(device, () => forward(c, sample, device, dtype));
      found.forEach((x, k) =>
        expectClose(x, wanted[k], tolerance, scaleOf([wanted[k]]), `${c.op} ${dtype} output ${k}`),
      );
    }
  });

  it.skipIf(order < 0)("gives the same bits again", async () => {
    for (const sample of samples)
      expect(await forward(c, sample, device, dtype)).toEqual(await forward(c, sample, device, dtype));
  });

  if (highestOrder(c) > 0)
    it.skipIf(order < 1)(
      `has the CPU's derivatives up to order ${order}, with poisoned outputs`,
      async () => {
        for (const sample of samples) {
          const wanted = await derivatives(c, sample, "cpu", "f64", order);
          const found = await poisoned(device, () => derivatives(c, sample, device, dtype, order));
          expect(found.length).toBe(wanted.length);
          const scale = Math.max(0.1, scaleOf(wanted));
          found.forEach((x, k) =>
            expectClose(x, wanted[k], 50 * tolerance, scale, `${c.op} derivative ${k}`),
          );
        }
      },
    );

  it.skipIf(missing)(missing ? `goes beyond order ${order} (${reason})` : "runs to its highest order", () => {
    expect(reason).toBeUndefined();
    expect(order).toBe(highestOrder(c));
  });
}
