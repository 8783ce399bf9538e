import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wordsOf } from "../../src/data/text/numbers.js";
import { WordSpans } from "../../src/data/text/word-spans.js";

const spans = new WordSpans();

describe("words of a line", () => {
  it("are those between blanks, whatever the letters", () => {
    const line = fc.string({
      unit: fc.constantFrom("a", "1", ".", " ", "\t", "\r", "\u00a0", "é"),
      maxLength: 200,
    });
    fc.assert(
      fc.property(line, (text) => {
        const words = text.trim() === "" ? [] : text.trim().split(/\s+/);
        expect(wordsOf(text)).toEqual(words);
        expect(Array.from({ length: spans.find(text) }, (_, k) => spans.word(k))).toEqual(words);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it("are read as the numbers they are, to the last bit, or left to the general parser", () => {
    let quick = 0;
    const property = fc.property(fc.double({ noNaN: true }), fc.nat(20), fc.boolean(), (x, digits, fixed) => {
      const short = Number(x.toPrecision(1 + (digits % 15)));
      const word =
        fixed && Math.abs(x) < 1e21 ? x.toFixed(digits) : digits > 10 ? String(x) : short.toExponential();
      spans.find(`  ${word} `);
      const value = spans.decimal(0);
      if (Number.isNaN(value)) return;
      quick++;
      expect(value).toBe(Number(word));
    });
    fc.assert(property, { seed: 1, numRuns: 20_000 });
    expect(quick).toBeGreaterThan(1000);
    for (const word of [
      ".",
      "-",
      "+",
      "1.2.3",
      "1e",
      "1e+",
      "e5",
      ".e5",
      "1e5x",
      "1e00005",
      "1e23",
      "1e-23",
      "0x10",
      "1d3",
      "nan",
      "9007199254740993",
    ]) {
      spans.find(word);
      expect(spans.decimal(0)).toBeNaN();
    }
  });
});
