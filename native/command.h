// The words of the command block that TypeScript and the addon share. Nothing is passed across Node-API on the hot
// path: TypeScript fills the block and calls run() without arguments (arguments of other kinds cost two to three times
// the call). src/backends/cpu/command.ts holds the same numbers.
#pragma once

namespace ag {

enum CommandWord {
  kKernel = 0,  // index into kernels(), times 3, plus the number type (0 f32, 1 f64, 2 i32)
  kStatus = 1,  // written by run(): what the kernel returned
  kWork = 2,    // slot of the scratch memory, -1 for none
  kBuffers = 3, // first of kMaxBuffers slots, -1 for an absent input
  kMaxBuffers = 24,
  kInts = kBuffers + kMaxBuffers,
  kMaxInts = 69,
  kCommandWords = kInts + kMaxInts,
  kMaxReals = 32,
};

} // namespace ag
