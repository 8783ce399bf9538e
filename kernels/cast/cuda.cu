// out[n] = x[n] in another number type. Layout: flat arrays. Strategy: a thread per element. Bound: bytes read and
// written once. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

struct Bool {
  uint8_t byte;
};

template <class To> struct Convert {
  template <class From> static __device__ To from(From x) { return static_cast<To>(x); }
};
template <> struct Convert<Bool> {
  template <class From> static __device__ Bool from(From x) { return {x != From(0)}; }
};

template <class From, class To> int castTo(const Call& c) {
  const From* x = in<From>(c, 0);
  To* to = out<To>(c, 1);
  return each(c, c.ints[0], [=] __device__(int64_t n) { to[n] = Convert<To>::from(x[n]); });
}

} // namespace

// The types stand in the name, so the number type of the launch (f32 where no float takes part) does not matter.
#define CAST(name, From, To)                                                                                           \
  { "cast_" name, castTo<From, To>, castTo<From, To>, castTo<From, To> }
CUDA_FAMILY(cast, CAST("f32_f64", float, double), CAST("f64_f32", double, float), CAST("f32_i32", float, int32_t),
            CAST("f64_i32", double, int32_t), CAST("i32_f32", int32_t, float), CAST("i32_f64", int32_t, double),
            CAST("u8_f32", uint8_t, float), CAST("u8_f64", uint8_t, double), CAST("u8_i32", uint8_t, int32_t),
            CAST("bool_f32", uint8_t, float), CAST("bool_f64", uint8_t, double), CAST("bool_i32", uint8_t, int32_t),
            CAST("f32_bool", float, Bool), CAST("f64_bool", double, Bool), CAST("i32_bool", int32_t, Bool))

} // namespace cuda
} // namespace ag
