// What happens to a matrix product on its way out: C = f(alpha S + bias) + residual (+ C), S being the raw sums.
#pragma once
#include "../vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

enum Activation : int32_t {
  kActNone,
  kActTanh,
  kActRelu,
  kActGelu,     // x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2
  kActSilu,     // x sigmoid(x)
  kActSoftplus, // log(1 + exp(x))
  kActSigmoid,
};

template <class T, Activation A> AG_INLINE V<T> activate(V<T> x) {
  if constexpr (A == kActTanh) return tanh(x);
  if constexpr (A == kActRelu) return x < T(0) ? V<T>{} : x; // a NaN stays
  if constexpr (A == kActGelu) {
    const V<T> h = x * T(0.5);
    return fma(h, tanh(T(0.79788456080286535588) * fma(T(0.044715) * x * x, x, x)), h);
  }
  if constexpr (A == kActSilu) return x * sigmoid(x);
  if constexpr (A == kActSoftplus) return max(V<T>{}, x) + log1p(exp(-abs(x)));
  if constexpr (A == kActSigmoid) return sigmoid(x);
  return x;
}

template <class T> struct Epilogue {
  T alpha;
  const T* bias; // [N] or nullptr
  Activation activation;
  const T* residual; // [M,N] with row stride residualStride, or nullptr
  int64_t residualStride;
  bool accumulate; // add the old C

  bool none() const { return alpha == T(1) && !bias && activation == kActNone && !residual && !accumulate; }
};

// Where raw sums lie: a tile's registers spilled to the stack, or the partial sums of a K-split product.
template <class T> struct Sums {
  const T* data;
  int64_t stride; // between rows
  int count;      // partial sums of one element, added in order
  int64_t apart;  // between two of them
};

template <class T> AG_INLINE V<T> sumParts(const T* data, const Sums<T>& s, Tail<T> t) {
  V<T> x = loadTail(data, t);
  for (int k = 1; k < s.count; ++k) x += loadTail(data + k * s.apart, t);
  return x;
}

template <class T, Activation A> static __attribute__((noinline)) void finishAs(const Epilogue<T>& e, const Sums<T>& s,
                                                                                int64_t rows, int64_t cols, int64_t row,
                                                                                int64_t col, T* c, int64_t ldc) {
  constexpr int L = kLanes<T>;
  const V<T> alpha = splat(e.alpha);
  const T* bias = e.bias ? e.bias + col : nullptr;
  for (int64_t i = 0; i < rows; ++i) {
    const T* residual = e.residual ? e.residual + (row + i) * e.residualStride + col : nullptr;
    const T* sums = s.data + i * s.stride;
    T* out = c + (row + i) * ldc + col;
    auto vector = [&](int64_t j, Tail<T> t) AG_ALWAYS {
      V<T> x = alpha * sumParts(sums + j, s, t);
      if (bias) x += loadTail(bias + j, t);
      x = activate<T, A>(x);
      if (residual) x += loadTail(residual + j, t);
      if (e.accumulate) x += loadTail(out + j, t);
      storeTail(out + j, x, t);
    };
    int64_t j = 0;
    for (; j + L <= cols; j += L) vector(j, tailOf<T>(L));
    if (j < cols) vector(j, tailOf<T>(static_cast<int>(cols - j)));
  }
}

// Finishes the block [rows, cols] of C that starts at (row, col).
template <class T> static void finish(const Epilogue<T>& e, const Sums<T>& s, int64_t rows, int64_t cols, int64_t row,
                                      int64_t col, T* c, int64_t ldc) {
  switch (e.activation) {
  case kActNone:
    return finishAs<T, kActNone>(e, s, rows, cols, row, col, c, ldc);
  case kActTanh:
    return finishAs<T, kActTanh>(e, s, rows, cols, row, col, c, ldc);
  case kActRelu:
    return finishAs<T, kActRelu>(e, s, rows, cols, row, col, c, ldc);
  case kActGelu:
    return finishAs<T, kActGelu>(e, s, rows, cols, row, col, c, ldc);
  case kActSilu:
    return finishAs<T, kActSilu>(e, s, rows, cols, row, col, c, ldc);
  case kActSoftplus:
    return finishAs<T, kActSoftplus>(e, s, rows, cols, row, col, c, ldc);
  case kActSigmoid:
    return finishAs<T, kActSigmoid>(e, s, rows, cols, row, col, c, ldc);
  }
}

// The same where the sums stand transposed, element (i, j) at data[j stride + i].
template <class T> static void finishTransposed(const Epilogue<T>& e, const Sums<T>& s, int64_t rows, int64_t cols,
                                                int64_t row, int64_t col, T* c, int64_t ldc) {
  constexpr int L = kLanes<T>, kCols = 16;
  alignas(64) T turned[L * kCols];
  for (int64_t i = 0; i < rows; i += L) {
    const int high = static_cast<int>(rows - i < L ? rows - i : L);
    const Tail<T> t = tailOf<T>(high);
    for (int64_t j = 0; j < cols; j += kCols) {
      const int64_t wide = cols - j < kCols ? cols - j : kCols;
      for (int64_t w = 0; w < wide; ++w) {
        const T* column = s.data + (j + w) * s.stride + i;
        alignas(64) T added[L];
        if (s.count > 1) {
          store(added, sumParts(column, s, t));
          column = added;
        }
        for (int l = 0; l < high; ++l) turned[l * kCols + w] = column[l];
      }
      finish<T>(e, {turned, kCols, 1, 0}, high, wide, row + i, col + j, c, ldc);
    }
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
