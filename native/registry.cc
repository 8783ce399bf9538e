#include "registry.h"

#include "families.generated.h"
#include "isa.h"

#define AG_DECLARE(family) FamilyTable family_##family();
#define AG_COLLECT(family) tables.push_back(family_##family());
namespace ag {
namespace baseline {
AG_FAMILIES(AG_DECLARE)
}
#if defined(__x86_64__)
namespace avx2 {
AG_FAMILIES(AG_DECLARE)
}
namespace avx512 {
AG_FAMILIES(AG_DECLARE)
}
#endif

std::vector<FamilyTable> familiesOf(int isa) {
  std::vector<FamilyTable> tables;
#if defined(__x86_64__)
  if (isa == kAvx512) {
    using namespace avx512;
    AG_FAMILIES(AG_COLLECT)
    return tables;
  }
  if (isa == kAvx2) {
    using namespace avx2;
    AG_FAMILIES(AG_COLLECT)
    return tables;
  }
#endif
  using namespace baseline;
  AG_FAMILIES(AG_COLLECT)
  return tables;
}

} // namespace ag
