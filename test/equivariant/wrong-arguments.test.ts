import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { AtomgradError, o3 } from "../../src/index.js";
import { argumentRows as rows, type Mistake, mistakes } from "./argument-table.js";

beforeAll(() => openCpu());

describe("a wrong argument is one sentence that names function and argument", () => {
  it("of every function and class of o3", () => {
    const tried = new Set(rows.map((row) => row.name.split(".")[0]));
    const functions = Object.entries(o3).filter(([, f]) => typeof f === "function");
    const untried = functions.map(([name]) => name).filter((name) => !tried.has(name));
    expect(untried).toEqual([]);
  });

  it.each(rows.map((row) => [`${row.name}(${row.good.map(([name]) => name).join(", ")})`, row] as const))(
    "%s",
    (_, row) => {
      const good = () => row.good.map(([, make]) => make());
      expect(() => row.call(...good())).not.toThrow();
      const bad: string[] = [];
      row.good.forEach(([name, , fine = []], k) => {
        for (const [mistake, make] of Object.entries(mistakes)) {
          const given = good();
          given[k] = make();
          const note = (what: string): void => void bad.push(`${name} = ${mistake}: ${what}`);
          try {
            row.call(...given);
            if (!fine.includes(mistake as Mistake)) note("taken");
          } catch (error) {
            const { message } = error as Error;
            if (!(error instanceof AtomgradError)) note(`raw ${String(error)}`);
            else if (
              !message.startsWith(row.name.split(".")[0]) ||
              (!message.includes(name) && !fine.includes(mistake as Mistake))
            )
              note(message);
          }
        }
      });
      expect(bad).toEqual([]);
    },
  );
});
