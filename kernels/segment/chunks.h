// Long sums cut into chunks of kChunk terms, so that a few rows with many terms (tables of types) are shared by
// threads. Chunk c of row r holds the terms from ptr[r] + c kChunk on; its sum waits in the workspace for those of the
// same row, which are added in order. Of the chunks of long rows at most two begin among the terms [m kChunk,
// (m+1) kChunk): the first of a row and a later one of another. So slots 2m and 2m + 1 of the workspace are theirs, and
// the workspace grows with the terms, not with rows x chunks.
#pragma once
#include "../../native/host_device.h"

#include <cstdint>

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kChunk = 1024; // as in chunks.ts

HOST_DEVICE int64_t chunkSlots(int64_t terms) { return 2 * (terms / kChunk + 1); }
// The slot of chunk c of the row whose terms begin at `begin`.
HOST_DEVICE int64_t slotOf(int64_t begin, int64_t c) { return 2 * (begin / kChunk + c) + (c > 0 ? 1 : 0); }

// The chunk that a slot belongs to; first = last: none.
struct Chunk {
  int64_t first, last;
};
HOST_DEVICE Chunk chunkOf(int64_t slot, const int32_t* ptr, int64_t rows) {
  const int64_t window = slot / 2 * kChunk;
  const bool later = slot % 2 != 0;
  // The last row that begins before the window's end (a later chunk: before the window).
  const int64_t bound = later ? window : window + kChunk;
  int64_t low = 0, high = rows;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (ptr[middle] < bound) low = middle + 1;
    else high = middle;
  }
  const int64_t row = low - 1;
  if (row < 0) return {0, 0};
  const int64_t begin = ptr[row], end = ptr[row + 1];
  if (end - begin <= kChunk || (!later && begin < window)) return {0, 0};
  const int64_t first = later ? begin + (window - begin + kChunk - 1) / kChunk * kChunk : begin;
  if (first >= end) return {0, 0};
  return {first, first + kChunk < end ? first + kChunk : end};
}

} // namespace
} // namespace AG_ISA
} // namespace ag
