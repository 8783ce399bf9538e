#include "isa.h"

namespace ag {

const char* isaName(int isa) {
#if defined(__aarch64__)
  static const char* const names[] = {"neon", "", ""};
#else
  static const char* const names[] = {"baseline", "avx2", "avx512"};
#endif
  return names[isa];
}

bool isaRuns(int isa) {
#if defined(__x86_64__)
  if (isa == kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == kAvx512)
    return isaRuns(kAvx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
  return isa == kBaseline;
}

int bestIsa() {
  for (int isa = kAvx512; isa > kBaseline; --isa)
    if (isaRuns(isa)) return isa;
  return kBaseline;
}

} // namespace ag
