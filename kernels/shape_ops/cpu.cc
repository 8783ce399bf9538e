// slice, pad, join, swap: the copies behind slicing, padding, concatenation and transposition. No arithmetic.
//
// Layout: the axis worked on stands between outer A and inner B (D for swap). Strategy: runs of contiguous numbers per
// row, rows shared by the team; swap with D = 1 goes through 16 x 16 tiles so that neither side strides through memory
// alone. Bound: bytes read and written once.
#include <cstring>

#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

static int64_t rowsPerBlock(int64_t run) { return run > 4096 ? 1 : 4096 / (run + 1) + 1; }
template <class T> static double runCost(int64_t run) { return 5 + static_cast<double>(run) * sizeof(T) * 0.1; }
template <class T> static void copyRun(T* to, const T* from, int64_t n) {
  if (n > 0) std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
}

template <class T> static int slice(const Call& c) {
  const int64_t A = c.ints[0], S = c.ints[1], B = c.ints[2], R = c.ints[3], from = c.ints[4];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  blocks(c, A, rowsPerBlock(R * B), runCost<T>(R * B), [&](int64_t begin, int64_t end) {
    for (int64_t a = begin; a < end; ++a) copyRun(to + a * R * B, x + (a * S + from) * B, R * B);
  });
  return 0;
}

template <class T> static int pad(const Call& c) {
  const int64_t A = c.ints[0], R = c.ints[1], B = c.ints[2], S = c.ints[3], from = c.ints[4];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  blocks(c, A, rowsPerBlock(S * B), runCost<T>(S * B), [&](int64_t begin, int64_t end) {
    for (int64_t a = begin; a < end; ++a) {
      T* row = to + a * S * B;
      for (int64_t k = 0; k < from * B; ++k) row[k] = 0;
      copyRun(row + from * B, x + a * R * B, R * B);
      for (int64_t k = (from + R) * B; k < S * B; ++k) row[k] = 0;
    }
  });
  return 0;
}

template <class T> static int join(const Call& c) {
  const int64_t A = c.ints[0], R = c.ints[1], B = c.ints[2], Q = c.ints[3];
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 2);
  blocks(c, A, rowsPerBlock((R + Q) * B), runCost<T>((R + Q) * B), [&](int64_t begin, int64_t end) {
    for (int64_t a = begin; a < end; ++a) {
      copyRun(to + a * (R + Q) * B, x + a * R * B, R * B);
      copyRun(to + (a * (R + Q) + R) * B, y + a * Q * B, Q * B);
    }
  });
  return 0;
}

template <class T> static int swap(const Call& c) {
  const int64_t A = c.ints[0], B = c.ints[1], C = c.ints[2], D = c.ints[3];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  if (D > 1) {
    blocks(c, A * C, rowsPerBlock(B * D), runCost<T>(B * D), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        for (int64_t b = 0; b < B; ++b) copyRun(to + (k * B + b) * D, x + ((k / C * B + b) * C + k % C) * D, D);
    });
    return 0;
  }
  constexpr int64_t kTile = 16;
  const int64_t tiles = (C + kTile - 1) / kTile;
  blocks(c, A * tiles, 1, runCost<T>(B * kTile), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t a = k / tiles, c0 = k % tiles * kTile, c1 = c0 + kTile < C ? c0 + kTile : C;
      for (int64_t b0 = 0; b0 < B; b0 += kTile) {
        const int64_t b1 = b0 + kTile < B ? b0 + kTile : B;
        for (int64_t i = c0; i < c1; ++i)
          for (int64_t b = b0; b < b1; ++b) to[(a * C + i) * B + b] = x[(a * B + b) * C + i];
      }
    }
  });
  return 0;
}

} // namespace

FAMILY(shape_ops, KERNEL_ANY(slice), KERNEL_ANY(pad), KERNEL_ANY(join), KERNEL_ANY(swap))

} // namespace AG_ISA
} // namespace ag
