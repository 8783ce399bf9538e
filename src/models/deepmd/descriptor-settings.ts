import type { SeAttenSettings } from "./se-atten/settings.js";
import type { SeE2ASettings } from "./se-e2-a/settings.js";

/** What the code of a descriptor needs to know, by kind. */
export type DescriptorSettings = SeAttenSettings | SeE2ASettings;

/** Slots per centre: of any type (se_atten), or the sum over types. */
export function slotsOf(settings: DescriptorSettings): number {
  return settings.kind === "se_atten" ? settings.sel : settings.sel.reduce((a, b) => a + b, 0);
}
