/** What the page found out about one operation on WebGPU. */
export interface OperationReport {
  readonly name: string;
  /** Highest derivative that was compared; -1: the operation exists in f64 alone, which WebGPU lacks. */
  readonly order: number;
  readonly samples: number;
  /** The largest difference from the float64 reference, in units of what is allowed. */
  readonly worst: number;
  readonly milliseconds: number;
  readonly error?: string;
}

/** What the page sends back. */
export interface PageReport {
  readonly adapter: string;
  readonly operations: readonly OperationReport[];
  /** Of the shipped bundle: the devices it finds, the losses of a small training and a neighbour search on WebGPU. */
  readonly bundle: {
    readonly devices: readonly string[];
    readonly losses: readonly number[];
    readonly neighbours: { readonly pairs: number; readonly same: boolean };
  };
  /** Rows of the table that stands in the page. */
  readonly rowsShown: number;
  readonly failure?: string;
}
