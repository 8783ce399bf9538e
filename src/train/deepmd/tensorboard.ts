import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { maskedCrc32c } from "../../data/weights/crc32c.js";
import { AtomgradError } from "../../tensor/error.js";

/** A file of scalar curves that TensorBoard reads: TFRecords of `Event` messages (protocol buffers). */
export class TensorBoardFile {
  private readonly file: number;

  /** @param folder `tensorboard_log_dir`, made where missing. Errors: FILE. */
  constructor(folder: string) {
    const seconds = Math.floor(Date.now() / 1000);
    try {
      mkdirSync(folder, { recursive: true });
      this.file = openSync(join(folder, `events.out.tfevents.${seconds}.${process.pid}.atomgrad`), "wx");
    } catch (cause) {
      throw new AtomgradError(
        "FILE",
        `${basename(folder)}: no event file can be written there; change training.tensorboard_log_dir`,
        { cause },
      );
    }
    this.event(text(3, "brain.Event:2"));
  }

  /** Numbers of one step, by tag. */
  write(step: number, values: Readonly<Record<string, number>>): void {
    const summary = Object.entries(values).map(([tag, value]) => {
      const number = Buffer.alloc(5);
      number[0] = (2 << 3) | 5;
      number.writeFloatLE(value, 1);
      return message(1, Buffer.concat([text(1, tag), number]));
    });
    this.event(Buffer.concat([Buffer.from([2 << 3]), varint(step), message(5, Buffer.concat(summary))]));
  }

  close(): void {
    closeSync(this.file);
  }

  private event(body: Buffer): void {
    const time = Buffer.alloc(9);
    time[0] = (1 << 3) | 1;
    time.writeDoubleLE(Date.now() / 1000, 1);
    const data = Buffer.concat([time, body]);
    const head = Buffer.alloc(12);
    head.writeUInt32LE(data.length, 0);
    head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
    const tail = Buffer.alloc(4);
    tail.writeUInt32LE(maskedCrc32c(data), 0);
    writeSync(this.file, Buffer.concat([head, data, tail]));
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function message(field: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(body.length), body]);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value, "utf8"));
}
