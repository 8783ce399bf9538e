// Packs op(B)[K,N] into panels as wide as the register tile reads: panel after panel, in each k after k, zeros beyond N.
#pragma once
#include "gemm_tile.h"

namespace ag {
namespace AG_ISA {
namespace {

// One panel: columns [0, cols) of op(B), padded to `width` elements.
template <class T>
static void packPanel(const T* b, int64_t ldb, bool transposed, int64_t depth, int64_t cols, int64_t width, T* out) {
  for (int64_t k = 0; k < depth; ++k, out += width) {
    for (int64_t j = 0; j < cols; ++j) out[j] = transposed ? b[j * ldb + k] : b[k * ldb + j];
    for (int64_t j = cols; j < width; ++j) out[j] = T(0);
  }
}

}  // namespace
}  // namespace AG_ISA
}  // namespace ag
