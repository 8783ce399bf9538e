import type { Lines } from "../text/lines.js";
import type { WordSpans } from "../text/word-spans.js";
import { CifColumn, ElementColumn, NumberColumn, TextColumn } from "./cif-columns.js";
import { mostOperations } from "./cif-symmetry.js";
import { CifTokens, type CifToken } from "./cif-tokens.js";

/** A value that stands alone, and its tag as the file spells it. */
export interface CifValue extends CifToken {
  readonly tag: string;
}

/** One data block of a CIF: single items, and columns of loops, by their tags in lower case. */
export interface CifBlock {
  readonly name: string;
  readonly items: Map<string, CifValue>;
  readonly columns: Map<string, CifColumn>;
  /** Of the first site that is occupied partly. */
  partial: { readonly site: string; readonly occupancy: number } | null;
}

/** Tags of a block; the dictionaries of CIF define some thousand. */
const mostTags = 1 << 16;

/** Where a block lists its symmetry operations. */
export const operationTags: readonly string[] = [
  "_space_group_symop_operation_xyz",
  "_symmetry_equiv_pos_as_xyz",
  "_space_group_symop.operation_xyz",
];

/** The data blocks of a CIF (1.1), one after the other. Of loops only the columns that say where atoms are hold values. */
export function* cifBlocks(lines: Lines, spans?: WordSpans): Generator<CifBlock> {
  const tokens = new CifTokens(lines, spans);
  let block: CifBlock | null = null;
  for (let more = tokens.take(); more;) {
    const { mark, line } = tokens;
    if (mark?.startsWith("data_") === true) {
      if (block !== null) yield block;
      block = { name: tokens.word.slice(5), items: new Map(), columns: new Map(), partial: null };
      more = tokens.take();
    } else if (block === null)
      throw tokens.fail(line, `${quoted(tokens.word, 40)} stands before the first data_ block`);
    else if (mark === "loop_") more = readLoop(tokens, block);
    else if (mark?.[0] === "_") more = readItem(tokens, block);
    else if (mark !== null) more = tokens.take();
    else throw tokens.fail(line, `${quoted(tokens.word, 40)} stands where a tag is expected`);
    if (block.items.size + block.columns.size > mostTags)
      throw tokens.fail(line, `a block of more than ${mostTags} tags; split it`);
  }
  if (block !== null) yield block;
}

function quoted(word: string, most: number): string {
  return JSON.stringify(word.slice(0, most));
}

function readItem(tokens: CifTokens, { items }: CifBlock): boolean {
  const [{ word: tag, line }, key] = [tokens, tokens.mark!];
  if (!tokens.take() || tokens.mark !== null) throw tokens.fail(line, `${tag.slice(0, 60)} has no value`);
  const { word, decimal } = tokens;
  items.set(key, { tag, word, quoted: tokens.quoted, decimal });
  return tokens.take();
}

function readLoop(tokens: CifTokens, block: CifBlock): boolean {
  const { line } = tokens;
  const columns = new Map<string, CifColumn>();
  const order: CifColumn[] = [];
  let more = tokens.take();
  for (; more && tokens.mark?.[0] === "_"; more = tokens.take()) {
    if (order.length === mostTags) throw tokens.fail(line, `a loop of more than ${mostTags} tags; split it`);
    const column = columnOf(tokens.mark, tokens.word);
    order.push(column);
    columns.set(tokens.mark, column);
  }
  const occupancies = columns.get("_atom_site_occupancy") ?? null;
  let count = 0;
  let at = 0;
  for (; more && tokens.mark === null; more = tokens.take()) {
    if (order.length > 0) order[at].add(tokens);
    count++;
    if (++at < order.length) continue;
    at = 0;
    if (occupancies !== null && block.partial === null) notePartial(occupancies, columns, block);
  }
  if (order.length === 0 || count % order.length !== 0)
    throw tokens.fail(line, `a loop of ${order.length} tags holds ${count} values, no whole number of rows`);
  for (const [key, column] of columns) block.columns.set(key, column);
  return more;
}

/** Notes the site of a row that was just read where it is the first one occupied partly. */
function notePartial(occupancies: CifColumn, columns: ReadonlyMap<string, CifColumn>, block: CifBlock): void {
  if (!(occupancies instanceof NumberColumn)) return;
  const occupancy = occupancies.values.at(-1)!;
  if (!(Math.abs(occupancy - 1) >= 1e-6)) return;
  const label = columns.get("_atom_site_label");
  const site = label instanceof ElementColumn ? label.last.slice(0, 20) : String(occupancies.rows - 1);
  block.partial = { site, occupancy };
}

/** A column that keeps what is needed of the values below a tag. */
export function columnOf(key: string, tag: string): CifColumn {
  if (/^_atom_site_(?:fract_[xyz]|cartn_[xyz]|occupancy)$/.test(key)) return new NumberColumn(tag);
  if (/^_atom_site_(?:type_symbol|label)$/.test(key)) return new ElementColumn(tag);
  return operationTags.includes(key) ? new TextColumn(tag, mostOperations + 1) : new CifColumn(tag);
}
