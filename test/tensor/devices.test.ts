import { describe, expect, it } from "vitest";
import { devices, openDevice } from "../../src/devices.js";
import { defaultDevice, device, isOpen } from "../../src/tensor/device.js";
import { AtomgradError } from "../../src/tensor/error.js";

describe("devices", () => {
  it("lists what this machine has, the cpu and the reference always", async () => {
    const found = await devices();
    expect(found).toContain("cpu");
    expect(found).toContain("reference");
    for (const name of found) expect(isOpen(name)).toBe(true);
    expect(defaultDevice().name).toBe("cpu");
  });

  it("opens a device once", async () => {
    await openDevice("reference");
    const before = device("reference");
    await openDevice("reference");
    expect(device("reference")).toBe(before);
  });

  it("says which devices are known, and why one is missing", async () => {
    await expect(openDevice("gpu" as "cpu")).rejects.toThrow(
      /unknown device "gpu"; known: cpu, cuda, webgpu, reference/,
    );
    for (const name of ["cuda", "webgpu"] as const) {
      if (isOpen(name)) continue;
      const error: unknown = await openDevice(name).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(AtomgradError);
      expect((error as AtomgradError).code).toBe("DEVICE");
      expect((error as AtomgradError).message).toMatch(new RegExp(`^${name}: .*(build|install|found|use)`));
    }
  });
});
