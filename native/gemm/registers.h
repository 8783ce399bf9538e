// Loops over registers, and rows that are addressed with few of them.
#pragma once
#include "../simd.h"

namespace ag {
namespace AG_ISA {
namespace {

// Hides a value from the optimiser, which would otherwise keep every row's address in a register of its own and spill.
template <class X> AG_INLINE void keep(X& x) { asm volatile("" : "+r"(x)); }

// f(Index<0>), f(Index<1>), ...: loops over registers must be unrolled before the compiler decides what lives in one.
template <int I> struct Index {
  AG_ALWAYS constexpr operator int() const { return I; }
};
template <int N, class F> AG_INLINE void unroll(F&& f) {
  if constexpr (N > 0) {
    unroll<N - 1>(f);
    f(Index<N - 1>{});
  }
}

// The addresses of R <= 16 rows in few registers: two bases eight rows apart and odd multiples of the stride, which the
// instruction itself scales by 1, 2 or 4.
template <int R> struct Rows {
  const char* base[2];
  int64_t odd[4];

  AG_ALWAYS Rows(const void* first, int64_t stride) {
    base[0] = static_cast<const char*>(first);
    base[1] = base[0] + 8 * stride;
    unroll<4>([&](auto h) AG_ALWAYS { odd[h] = (2 * h + 1) * stride; });
  }
  template <class T, int I> AG_ALWAYS const T* at() const {
    constexpr int i = I % 8, twos = i % 4 == 0 ? 4 : i % 2 == 0 ? 2 : 1;
    const char* p = base[I / 8];
    if constexpr (i > 0) p += odd[i / twos / 2] * twos;
    return reinterpret_cast<const T*>(p);
  }
  AG_ALWAYS void advance(int64_t bytes) {
    unroll<(R > 8 ? 2 : 1)>([&](auto h) AG_ALWAYS {
      base[h] += bytes;
      keep(base[h]);
    });
    unroll<(R > 7 ? 4 : R / 2)>([&](auto h) AG_ALWAYS { keep(odd[h]); });
  }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
