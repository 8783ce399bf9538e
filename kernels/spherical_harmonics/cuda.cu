// Real solid harmonics, the three faces of their derivative, and both for directions; formulas in cpu.cc.
//
// Layout: rows of S = (L+1)^2 numbers. Strategy: a thread per row computes the constants of the recurrence as it goes,
// so that nothing is read but the row; sums run in the order of degrees and orders. The gradient of a direction runs
// along the same recurrence, derived. Bound: memory, S + 3 numbers a row for values (2 S + 3 for the gradient from
// values, S + 6 from a direction). Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> __device__ T scaleOf(int l, int normalization) {
  if (normalization == 1) return 1 / sqrt(T(2 * l + 1));
  return normalization == 2 ? T(0.28209479177387814347) : T(1);
}

// The row Y of degrees up to L at v.
template <class T> __device__ void harmonicsAt(T* Y, const T* v, int L, int normalization) {
  const T x = v[0], y = v[1], z = v[2], square = x * x + y * y + z * z;
  T A = 1, B = 0, diagonal = 1;
  for (int m = 0; m <= L; ++m) {
    if (m > 0) {
      const T rise = z * A - x * B;
      B = z * B + x * A;
      A = rise;
      diagonal *= sqrt(T(2 * m + 1) / T(m == 1 ? 1 : 2 * m));
    }
    T before = 0, q = diagonal;
    for (int l = m; l <= L; ++l) {
      if (l > m) {
        const T rise = sqrt(T(4 * l * l - 1) / T(l * l - m * m));
        const T fall = l == m + 1 ? T(0) : sqrt(T((l - 1) * (l - 1) - m * m) / T(4 * (l - 1) * (l - 1) - 1));
        const T next = rise * (y * q - fall * square * before);
        before = q;
        q = next;
      }
      const T value = q * scaleOf<T>(l, normalization);
      Y[l * l + l + m] = value * A;
      if (m > 0) Y[l * l + l - m] = value * B;
    }
  }
}

template <class T> int sphericalHarmonics(const Call& c) {
  const int64_t S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T* vectors = in<T>(c, 0);
  T* to = out<T>(c, 1);
  return each(c, c.ints[0], [=] __device__(int64_t e) { harmonicsAt(to + S * e, vectors + 3 * e, L, normalization); });
}

// The numbers of the derivative of degree l, order m >= 0.
template <class T> struct Step {
  T polar, a, upper, b;
  __device__ Step(int l, int m, int normalization) {
    const T s = normalization == 1 ? T(1) : sqrt(T(2 * l + 1) / T(2 * l - 1)), root2 = T(1.41421356237309504880);
    a = l + m < 1 ? T(0) : T(0.5) * s * sqrt(T((l + m) * (l + m - 1)));
    b = l - m < 1 ? T(0) : T(0.5) * s * sqrt(T((l - m) * (l - m - 1)));
    polar = s * sqrt(T(l * l - m * m));
    upper = m == 1 ? root2 * a : a;
    if (m == 0) b *= root2;
  }
};

// A row's number of degree l, order m; 0 where there is none.
template <class T> __device__ T at(const T* row, int l, int m) { return m > l || m < -l ? T(0) : row[l * l + l + m]; }

// D_k y in the rows (l, m) and (l, -m), k = x, y, z.
template <class T> struct Change {
  T plus[3], minus[3];
  __device__ Change(const T* y, int l, int m, int normalization) {
    const Step<T> s(l, m, normalization);
    const int b = l - 1;
    if (m == 0) {
      plus[0] = -s.b * at(y, b, -1);
      plus[1] = s.polar * at(y, b, 0);
      plus[2] = -s.b * at(y, b, 1);
      minus[0] = minus[1] = minus[2] = 0;
      return;
    }
    const T across = m > 1 ? s.a * at(y, b, 1 - m) : T(0), lower = s.upper * at(y, b, m - 1);
    plus[0] = -across - s.b * at(y, b, -m - 1);
    plus[1] = s.polar * at(y, b, m);
    plus[2] = lower - s.b * at(y, b, m + 1);
    minus[0] = lower + s.b * at(y, b, m + 1);
    minus[1] = s.polar * at(y, b, -m);
    minus[2] = across - s.b * at(y, b, -m - 1);
  }
};

template <class T> int harmonicsGradient(const Call& c) {
  const int64_t S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T *gradients = in<T>(c, 0), *values = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0], [=] __device__(int64_t e) {
    T sum[3] = {0, 0, 0};
    for (int l = 1; l <= L; ++l) {
      const T* g = gradients + S * e + l * l + l;
      for (int m = 0; m <= l; ++m) {
        const Change<T> change(values + S * e, l, m, normalization);
        for (int k = 0; k < 3; ++k) sum[k] += g[m] * change.plus[k] + g[-m] * change.minus[k];
      }
    }
    for (int k = 0; k < 3; ++k) to[3 * e + k] = sum[k];
  });
}

// x / |x| into n; returns 1 / |x|. Both 0 at the zero vector (op.ts says what counts as one).
template <class T> __device__ T normalise(T* n, const T* x) {
  const T square = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
  const T inverse = square > (sizeof(T) == 8 ? T(1e-24) : T(1.1754944e-38)) ? 1 / sqrt(square) : T(0);
  for (int k = 0; k < 3; ++k) n[k] = x[k] * inverse;
  return inverse;
}

template <class T> int unitHarmonics(const Call& c) {
  const int64_t S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T* vectors = in<T>(c, 0);
  T* to = out<T>(c, 1);
  return each(c, c.ints[0], [=] __device__(int64_t e) {
    T n[3];
    normalise(n, vectors + 3 * e);
    harmonicsAt(to + S * e, n, L, normalization);
  });
}

// What is left of h = g . grad Y at n when the length does not matter, (h - n (n . h)) / |x|. With Y_lm = q_lm A_m,
// where A + i B = (z + i x)^m, q depends on y and on the length, whose part is left out.
template <class T> int unitHarmonicsGradient(const Call& c) {
  const int64_t S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T *gradients = in<T>(c, 0), *vectors = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0], [=] __device__(int64_t e) {
    T n[3], h[3] = {0, 0, 0};
    const T inverse = normalise(n, vectors + 3 * e);
    const T* g = gradients + S * e;
    const T x = n[0], y = n[1], z = n[2], square = x * x + y * y + z * z;
    T A = 1, B = 0, diagonal = 1;
    for (int m = 0; m <= L; ++m) {
      const T lowA = m * A, lowB = m * B; // derivatives of A and B of this order, in z
      if (m > 0) {
        const T rise = z * A - x * B;
        B = z * B + x * A;
        A = rise;
        diagonal *= sqrt(T(2 * m + 1) / T(m == 1 ? 1 : 2 * m));
      }
      T before = 0, q = diagonal, slopeBefore = 0, slope = 0;
      for (int l = m; l <= L; ++l) {
        if (l > m) {
          const T rise = sqrt(T(4 * l * l - 1) / T(l * l - m * m));
          const T fall = l == m + 1 ? T(0) : sqrt(T((l - 1) * (l - 1) - m * m) / T(4 * (l - 1) * (l - 1) - 1));
          const T next = rise * (y * q - fall * square * before);
          const T slopeNext = rise * (q + y * slope - fall * square * slopeBefore);
          before = q, q = next;
          slopeBefore = slope, slope = slopeNext;
        }
        const T scale = scaleOf<T>(l, normalization);
        const T a = scale * g[l * l + l + m], b = m > 0 ? scale * g[l * l + l - m] : T(0);
        h[0] += q * (b * lowA - a * lowB);
        h[1] += slope * (a * A + b * B);
        h[2] += q * (a * lowA + b * lowB);
      }
    }
    const T radial = x * h[0] + y * h[1] + z * h[2];
    for (int k = 0; k < 3; ++k) to[3 * e + k] = (h[k] - n[k] * radial) * inverse;
  });
}

template <class T> int harmonicsPush(const Call& c) {
  const int64_t S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T *motions = in<T>(c, 0), *values = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0], [=] __device__(int64_t e) {
    const T* w = motions + 3 * e;
    to[S * e] = 0;
    for (int l = 1; l <= L; ++l) {
      T* row = to + S * e + l * l + l;
      for (int m = 0; m <= l; ++m) {
        const Change<T> d(values + S * e, l, m, normalization);
        row[-m] = w[0] * d.minus[0] + w[1] * d.minus[1] + w[2] * d.minus[2];
        row[m] = w[0] * d.plus[0] + w[1] * d.plus[1] + w[2] * d.plus[2];
      }
    }
  });
}

// Degree l takes from degree l + 1.
template <class T> int harmonicsPull(const Call& c) {
  const int64_t S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T *motions = in<T>(c, 0), *gradients = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0], [=] __device__(int64_t e) {
    const T *w = motions + 3 * e, *g = gradients + S * e;
    for (int l = 0; l <= L; ++l) {
      T* row = to + S * e + l * l + l;
      for (int m = 0; m <= l; ++m) {
        T plus = 0, minus = 0;
        if (l < L) {
          const int u = l + 1;
          const Step<T> above(u, m + 1, normalization);
          const T polar = w[1] * Step<T>(u, m, normalization).polar;
          plus = polar * at(g, u, m) + above.upper * (w[2] * at(g, u, m + 1) + w[0] * at(g, u, -m - 1));
          minus = polar * at(g, u, -m) + above.a * (w[2] * at(g, u, -m - 1) - w[0] * at(g, u, m + 1));
          if (m > 0) {
            const T b = Step<T>(u, m - 1, normalization).b;
            plus -= b * (w[2] * at(g, u, m - 1) - (m > 1 ? w[0] * at(g, u, 1 - m) : T(0)));
            minus -= b * (w[0] * at(g, u, m - 1) + (m > 1 ? w[2] * at(g, u, 1 - m) : T(0)));
          }
        }
        row[-m] = minus;
        row[m] = plus;
      }
    }
  });
}

} // namespace

CUDA_FAMILY(spherical_harmonics, CUDA_KERNEL(sphericalHarmonics), CUDA_KERNEL(harmonicsGradient),
            CUDA_KERNEL(harmonicsPush), CUDA_KERNEL(harmonicsPull), CUDA_KERNEL(unitHarmonics),
            CUDA_KERNEL(unitHarmonicsGradient))

} // namespace cuda
} // namespace ag
