// Frames of atoms with their cells, as a thread of a GPU sees them (kernels/neighbours/op.ts says what stands where).
//
// Arithmetic on which a decision rests is rounded after every product and sum, as on the CPU: in which cell an atom
// lies must not depend on the kernel that asks, nor whether a pair at the cutoff is in on the device.
#pragma once
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

__device__ inline double product(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b); // never fused with a sum
#else
  return a * b;
#endif
}

// Component b of a row of three times a matrix of nine.
template <class M> __device__ double times(const double* row, const M* m, int b) {
  return product(row[0], static_cast<double>(m[b])) + product(row[1], static_cast<double>(m[3 + b])) +
         product(row[2], static_cast<double>(m[6 + b]));
}

struct Frame {
  const double* reals;
  const int32_t* ints;

  __device__ const double* cell() const { return reals; }
  __device__ const double* compact() const { return reals + 9; } // short vectors of the same lattice
  __device__ const double* inverse() const { return reals + 18; }
  __device__ double low(int a) const { return reals[27 + a]; } // fractions of the atoms
  __device__ double high(int a) const { return reals[30 + a]; }
  __device__ double reach(int a) const { return reals[33 + a]; } // the cutoff in units of the compact cell's heights
  __device__ double slack() const { return reals[36]; }
  __device__ const int32_t* basis() const { return ints; } // compact = basis . cell
  __device__ int cells(int a) const { return ints[9 + a]; }
  __device__ bool hasGrid() const { return ints[9] > 0; }
  __device__ bool wraps(int a) const { return ints[12] >> a & 1; }
  __device__ int32_t firstCell() const { return ints[13]; }

  // A fraction along axis a is (fraction - zero) * scale grid cells.
  __device__ double zero(int a) const { return wraps(a) ? 0 : low(a); }
  __device__ double scale(int a) const {
    const double width = wraps(a) ? 1 : high(a) - low(a);
    return width > 0 ? cells(a) / width : 0;
  }
};

struct Frames {
  const int32_t* ptr;
  const double* reals;
  const int32_t* ints;
  int F;

  __device__ Frame frame(int f) const { return {reals + int64_t{37} * f, ints + int64_t{17} * f}; }
  // The last frame whose first number (of `numbers`, `step` apart) is not above n.
  __device__ int last(const int32_t* numbers, int step, int64_t n) const {
    int f = 0, end = F;
    while (end - f > 1) {
      const int middle = (f + end) / 2;
      (numbers[int64_t{step} * middle] <= n ? f : end) = middle;
    }
    return f;
  }
  __device__ int ofAtom(int64_t i) const { return last(ptr, 1, i); }
  __device__ int ofCell(int64_t entry) const { return last(ints + 13, 17, entry); }
};

// An atom moved into the compact cell along periodic axes: position = at + offset . cell.
struct Placed {
  double at[3], fraction[3], offset[3];

  __device__ Placed(const double* position, const Frame& f) {
    double whole[3];
    for (int a = 0; a < 3; ++a) whole[a] = f.wraps(a) ? floor(times(position, f.inverse(), a)) : 0;
    for (int b = 0; b < 3; ++b) {
      at[b] = position[b] - times(whole, f.compact(), b);
      offset[b] = times(whole, f.basis(), b);
    }
    for (int a = 0; a < 3; ++a) fraction[a] = times(at, f.inverse(), a);
  }

  // The grid cell, numbered row by row.
  __device__ int32_t cell(const Frame& f) const {
    int32_t cell = 0;
    for (int a = 0; a < 3; ++a) {
      const int n = f.cells(a), k = static_cast<int>((fraction[a] - f.zero(a)) * f.scale(a));
      cell = cell * n + (k < 0 ? 0 : k >= n ? n - 1 : k);
    }
    return cell;
  }
};

} // namespace
} // namespace cuda
} // namespace ag
