#include "../cuda_families.generated.h"
#include "runtime.h"

#define AG_DECLARE(family) FamilyTable family_##family();
#define AG_COLLECT(family) family_##family(),

namespace ag {
namespace cuda {

AG_CUDA_FAMILIES(AG_DECLARE)

std::vector<FamilyTable> families() { return {AG_CUDA_FAMILIES(AG_COLLECT)}; }

} // namespace cuda
} // namespace ag
