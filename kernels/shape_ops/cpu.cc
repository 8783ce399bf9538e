// slice, pad, join, swap: the copies behind slicing, padding, concatenation and transposition. No arithmetic.
//
// Layout: the axis worked on stands between outer A and inner B (D for swap). Strategy: runs of contiguous numbers per
// row, rows shared by the team; swap with D = 1 goes through tiles of a register's width both ways, turned in
// registers. Bound: bytes read and written once. Measured, 4 M numbers, f32, two threads, beside an addition of as many
// bytes (53 GB/s): slice and pad 32, join 19 (rows of 20 and 40 numbers), swap of 2048 x 2048 6.6, whose rows lie 8 kB
// apart.
#include <cstring>
#include <type_traits>

#include "../../native/interleave.h"
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

// Rows of x, C apart, to columns of `to`, whose rows are B apart.
template <class T, class Bits> static void swapTile(T* to, int64_t B, const T* x, int64_t C, int rows, int columns) {
  if constexpr (sizeof(T) == sizeof(Bits)) {
    V<Bits> tile[kLanes<Bits>] = {};
    for (int b = 0; b < rows; ++b) tile[b] = loadPart(reinterpret_cast<const Bits*>(x + b * C), columns);
    transposeSquare<Bits>(tile);
    for (int i = 0; i < columns; ++i) storePart(reinterpret_cast<Bits*>(to + i * B), tile[i], rows);
  } else {
    for (int i = 0; i < columns; ++i)
      for (int b = 0; b < rows; ++b) to[i * B + b] = x[b * C + i];
  }
}

template <class T> static int swap(const Call& c) {
  const int64_t A = c.ints[0], B = c.ints[1], C = c.ints[2], D = c.ints[3];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  if (D != 1) {
    blocks(c, A * C, rowsPerBlock(B * D), runCost<T>(B * D), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        for (int64_t b = 0; b < B; ++b) copyRun(to + (k * B + b) * D, x + ((k / C * B + b) * C + k % C) * D, D);
    });
    return 0;
  }
  // Numbers of four and of eight bytes move as floats and doubles of the same bits.
  using Bits = typename std::conditional<sizeof(T) == 8, double, float>::type;
  constexpr int64_t kTile = sizeof(T) >= 4 ? kLanes<Bits> : 16;
  const int64_t tiles = (C + kTile - 1) / kTile;
  blocks(c, A * tiles, 1, runCost<T>(B * kTile), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t a = k / tiles, c0 = k % tiles * kTile, columns = C - c0 < kTile ? C - c0 : kTile;
      for (int64_t b0 = 0; b0 < B; b0 += kTile) {
        const int64_t rows = B - b0 < kTile ? B - b0 : kTile;
        swapTile<T, Bits>(to + (a * C + c0) * B + b0, B, x + (a * B + b0) * C + c0, C, static_cast<int>(rows),
                          static_cast<int>(columns));
      }
    }
  });
  return 0;
}

} // namespace

FAMILY(shape_ops, KERNEL_ANY(slice), KERNEL_ANY(pad), KERNEL_ANY(join), KERNEL_ANY(swap))

} // namespace AG_ISA
} // namespace ag
